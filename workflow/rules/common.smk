"""The plan that follows from the config, and the functions that rules read it by."""

from functools import partial

from snakemake.utils import update_config

from thaw.config.files import with_numbers
from thaw.config.resolve import resolve
from thaw.keys import canonical
from thaw.output.records import is_made
from thaw.plan.plan import Plan

# Not snakemake.utils.validate: this names every mistake with its place, its value and
# what is allowed.
try:
    # As a module it takes no key from the command line, which is the outer workflow's.
    is_main = workflow.modifier.is_main_snakefile()
    commanded = workflow.config_settings.config if is_main else {}
    update_config(config, with_numbers(commanded))
    PLAN = Plan(resolve(config))
except ThawError as error:
    sys.exit(format_error(error))

STUDIES = PLAN.studies

# All arms, and those whose trained weights are kept.
ARMS = {arm for study in STUDIES.values() for arm in study.arms}
SAVED = {arm for study in STUDIES.values() for arm in study.saved}


def any_of(names):
    """Return a regular expression that matches these names, or nothing."""
    return "|".join(names) or "(?!)"


wildcard_constraints:
    problem=any_of(PLAN.problems.shown),
    study=any_of(STUDIES),
    arm=any_of(ARMS),
    key="[0-9a-f]+",
    tile=r"models-\d\d+-\d\d+(-repeats-\d\d+-\d\d+)?",


# No module from the working folder counts. A killed job cannot report that itself, so its
# log does.
JOB = r"""
    PYTHONSAFEPATH=1 python -m thaw.stages {params.job:q} 2>{log:q} || {{
        status=$?
        [ $status -ne 137 ] || echo "error: killed, most likely because memory ran out; lower repeats_per_job, or run fewer jobs at once (--cores)" >>{log:q}
        exit $status
    }}
"""


def below_results(paths):
    """Return paths below `results/` as paths from the working directory."""
    return [f"results/{path}" for path in paths]


def plain_files(*stages, folders=()):
    """Return the plainly named files of some stages, or in some folders."""
    return [
        path
        for stage in PLAN.stages.values()
        if stage.name in stages or stage.folder in folders
        for path in below_results(stage.files)
    ]


def saved_weights(studies):
    """Return the files with the weights of repeats that studies keep."""
    jobs = [job for study in studies for job in STUDIES[study].jobs if job.tile.repeats]
    return below_results(path for job in jobs for path in job.weights)


# The inputs that lie where the config says, whatever a module's prefix.
USER_FILES = {"files", "joined", "network", "trainer", "weights"}


def inputs(wildcards):
    """Return the files from which a job makes the result of a key, by name.

    Their times do not count, because the key covers their content; they count where
    another rule makes a file, whose content no key covers. No job reads what was
    `checked`, which only has to have passed. Where all inputs have keys, a training job
    that is finished needs only those that exist: otherwise Snakemake would make a missing
    one again, and train everything from it.
    """
    files, planned = PLAN.inputs(**wildcards), PLAN.results.get(wildcards.key)
    is_ruled = planned is not None and planned.is_ruled
    is_training = {"problem", "tile"} <= {*wildcards.keys()} and not is_ruled
    may_lack_inputs = is_training and is_finished(**wildcards)
    for name, paths in files.items():
        if name in USER_FILES:
            paths = local(paths)
        else:
            paths = below_results(paths)
            if may_lack_inputs:
                paths = [path for path in paths if os.path.exists(locate(path))]
        files[name] = paths if is_ruled and name != "checked" else ancient(paths)
    return files


def is_finished(**wildcards):
    """Whether all files of a training job exist, and the run does not force it."""
    training = rules.pretrain
    if "arm" in wildcards:
        training = rules.train_and_save if wildcards["arm"] in SAVED else rules.train
    files, dag = [path.format(**wildcards) for path in training.output], workflow.dag
    is_forced = training.rule in dag.forcerules or dag.forcefiles.intersection(files)
    return not is_forced and all(map(os.path.exists, files))


def locate(path):
    """Return the place of a path that begins with `results/`, also in a module."""
    return Path(rules.make_problem.output[0]).parents[2] / path


def keyed_job(wildcards, input, output):
    """Return the job that makes the result of a key, as one JSON text.

    The recipe is empty for a key unknown to this config, as on a node whose code or
    libraries differ from those of the machine that planned the job; any stage reports
    that.
    """
    key, planned = wildcards.key, PLAN.results.get(wildcards.key)
    recipe = planned.recipe if planned else {}
    job = dict(stage=recipe.get("stage", "train"), key=key, recipe=recipe)
    job |= dict(inputs=by_name(input), outputs=by_name(output))
    # Requirements of studies change no number of a problem, so no key has them.
    job |= dict(tile=wildcards.get("tile"), more=dict(studies=PLAN.requirements(key)))
    return canonical(job)


def plain_job(stage):
    """Return a param: the job that makes plainly named files, as one JSON text.

    It finds its inputs below `results`: of a large study, their names are too long for a
    command.
    """

    def text(wildcards, input, output):
        inputs = dict(functions=[*input.functions], results=[str(locate("results"))])
        job = dict(stage=stage.name, key=stage.key, recipe=stage.recipe)
        job |= dict(inputs=inputs, outputs=by_name(output))
        return canonical(job | dict(more=dict(job_size=stage.job_size)))

    return text


def by_name(files):
    """Return the files of a job as lists of paths, by their names in its rule."""
    return {
        name: [paths] if isinstance(paths, str) else [*paths]
        for name, paths in files.items()
    }


def lift_default_limit():
    """Lift the limit of 100 jobs a second, unless the command line gives another.

    Where there is a limit, each round of Snakemake's scheduler starts a timer that starts
    a round, so that rounds a second grow with the jobs that are done. Beside 320 jobs,
    the rounds took 200 CPU seconds. Set while the DAG is built, because a module has no
    `onstart`.
    """
    settings = workflow.scheduling_settings
    limit = settings and settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        settings.max_jobs_per_timespan = None


def force_if_stale(stage):
    """Return an input function that forces a job unless its record says it is done.

    It returns no file. The record beside plainly named files says whether they are up to
    date, where times do not show it: a copy changes these, and a config that is another
    changes none. Forcing jobs while the DAG is built is no public interface of
    Snakemake; tests try it with the oldest and the newest version.
    """

    def no_files(wildcards):
        lift_default_limit()
        record, *files = map(locate, below_results([stage.record, *stage.files]))
        if workflow.is_main_process and not is_made(record, stage.key):
            if any(path.exists() for path in (record, *files)):
                workflow.dag.forcefiles.add(str(record))
        return []

    return no_files


# The files that `snakemake --report` shows.
REPORTED = {"report.html", "page.html", "boxplot.svg", "summary.csv"}


def mark_reported(stage):
    """Return a stage's files, with those that `snakemake --report` shows marked."""
    category = "All studies" if stage.folder == "." else stage.folder
    mark = partial(report, category=category)
    paths = below_results(stage.files)
    return [mark(path) if Path(path).name in REPORTED else path for path in paths]


def memory(wildcards, input, attempt):
    """Return the MB that a job may take: Python with its libraries, and its data.

    Jobs of the shipped studies take 190 to 330 MB, and for each MB of tables 2 to 5, of
    weights 6. On a node Snakemake takes 155 MB more, and a trainer 230. Snakemake's
    `input.size_mb` takes ten times as long, and fails where an input is still to be made.
    """
    size = sum(os.path.getsize(path) for path in input if os.path.exists(path))
    programs = 750 if input.get("trainer") else 500
    return attempt * (programs + int(5 * size / 1e6))
