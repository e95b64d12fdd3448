"""The plan that follows from the config, and the functions that rules read it by."""

from thaw.config.files import with_values_read
from thaw.config.resolve import resolve
from thaw.keys import canonical
from thaw.output.paths import problem_file
from thaw.output.records import is_made
from thaw.plan.plan import Plan

# Our own check instead of snakemake.utils.validate: it names every mistake with its
# place, its value and the allowed ones.
try:
    commanded = workflow.config_settings.config
    config.update(with_values_read(config, commanded))
    PLAN = Plan(resolve(config, commanded))
except ThawError as error:
    sys.exit(told(error))

STUDIES = PLAN.studies

# All arms, and those whose trained weights are kept.
ARMS = {arm for study in STUDIES.values() for arm in study.arms}
SAVED = {arm for study in STUDIES.values() for arm in study.saved}


def either(names):
    """Return a regular expression that matches these names, or nothing."""
    return "|".join(names) or "(?!)"


def checked_by(stage):
    """Return a regular expression that matches the studies that a stage checks."""
    names = [name for name, study in STUDIES.items() if study.kind.checked_by == stage]
    return either(names)


wildcard_constraints:
    problem=either(PLAN.problems.shown),
    study=either(STUDIES),
    arm=either(ARMS),
    key="[0-9a-f]+",
    tile=r"models-\d\d+-\d\d+(-repeats-\d\d+-\d\d+)?",


def kept(path):
    """Return the path of predictions, if the config keeps them."""
    return [path] if PLAN.predictions else []


# A killed job cannot report that itself, so its log does.
KILLED = (
    "error: killed, most likely because memory ran out; lower repeats_per_job, or run "
    "fewer jobs at once (--cores)"
)


def results(paths):
    """Return paths below `results/` as paths from the working directory."""
    return [f"results/{path}" for path in paths]


def for_report(made):
    """Return files with plain names, those for people marked for Snakemake's report."""
    caption, found = "../report/shown.rst", []
    for path in made.files:
        category, labels = made.shown.get(path, (None, None))
        name = f"results/{path}"
        marked = report(name, caption, category, labels=labels) if category else name
        found.append(marked)
    return found


def about(made):
    """Return the caption of files with plain names in Snakemake's report."""
    if made.folder in STUDIES:
        asked = STUDIES[made.folder]
        problems = f"{asked.settings.source} → {asked.settings.target}"
        return f"{made.folder}: {problems}, {asked.size}."
    if studies := PLAN.rankings.get(made.folder):
        target = STUDIES[studies[0]].settings.target
        return f"{made.folder}: {len(studies)} sources → {target}."
    return f"Question: {PLAN.words['question']}"


def in_results(path):
    """Return the place of a path that begins with `results/`, also in a module."""
    return Path(rules.make_problem.output[0]).parents[2] / path


def recipe(wildcards):
    """Return the recipe of a keyed result, as one JSON text.

    It is empty for a key unknown to this config, as on a node whose code or libraries
    differ from those of the machine that planned the job; the stage reports that.
    """
    return canonical(PLAN.recipes.get(wildcards.key, {}))


def recipe_of(made):
    """Return a function, as a param, that returns the recipe of plainly named files.

    In a plain text Snakemake would look for wildcards.
    """
    text = canonical(made.recipe)
    return lambda wildcards: text


def unless_made(made):
    """Return an input function that forces a job unless its record says it is done.

    It returns no file. Records alone say whether plainly named files are up to date;
    neither times, which a copy changes, nor Snakemake's own records do. Forcing jobs
    while the DAG is built is no public interface of Snakemake; tests try it with the
    oldest and the newest version.
    """

    def forced(wildcards):
        record, *files = map(in_results, results([made.record, *made.files]))
        if workflow.is_main_process and not is_made(record, made.key):
            if any(path.exists() for path in (record, *files)):
                workflow.dag.forcefiles.add(str(record))
        return []

    return forced


def made_from(need):
    """Return an input function for the files, or problems, that a problem is made from.

    Their times do not count, because the key covers their content; except that of files
    that another rule makes.
    """

    def paths(wildcards):
        needs = PLAN.problems.needs.get(wildcards.key)
        if not needs:
            return []
        # The user's files lie where the config says, whatever a module's prefix.
        files = need in ("files", "joined")
        found = (local if files else results)(getattr(needs, need))
        return found if needs.ruled else ancient(found)

    return paths


def problem_of(wildcards):
    """Return the problem from which source models or repeats learn."""
    key = PLAN.inputs(wildcards.key).get("problem")
    paths = [problem_file(wildcards.problem, key)] if key else []
    return tracked(key, unless_done(wildcards, paths))


def compared(role):
    """Return an input function for the target, or the source, if a check reads it."""

    def problem(wildcards):
        key = PLAN.inputs(wildcards.key).get(role)
        return tracked(key, results_of(f"{role}_file")(wildcards)) if key else []

    return problem


def tracked(key, found):
    """Return a problem's file, if any, as an input, whose time counts only if needed.

    A key covers the content, except that of files that another rule makes.
    """
    ruled = bool(found) and PLAN.problems.needs[key].ruled
    return found if ruled else ancient(found)


def supplied(name):
    """Return an input function for the user-supplied files of a keyed result.

    Wrap it in `ancient()`: keys cover the content, so times do not count.
    """
    return lambda wildcards: local(PLAN.files_of(wildcards.key, name))


def results_of(name):
    """Return an input function for results of the study that needs a key."""
    return lambda wildcards: results(PLAN.files_of(wildcards.key, name))


def targets_of(wildcards):
    """Return the targets of source models, which are checked before anything learns."""
    return unless_done(wildcards, PLAN.checked_targets(wildcards.key))


def check_of(wildcards):
    """Return the checks that must pass before a variant learns, if any."""
    return unless_done(wildcards, sorted(PLAN.checks.get(wildcards.key, ())))


def source_models_of(wildcards):
    """Return the files with the source models from which a job's repeats start."""
    return unless_done(wildcards, PLAN.source_model_files(**wildcards))


def unless_done(wildcards, paths):
    """Return the inputs of a training job; of a finished one, only those that exist.

    Otherwise Snakemake would make a missing one again, and train everything from it.
    """
    found = results(paths)
    made = rules.pretrain
    if "arm" in wildcards.keys():
        made = rules.train_and_save if wildcards.arm in SAVED else rules.train
    if all(os.path.exists(str(path).format(**wildcards)) for path in made.output):
        return [path for path in found if os.path.exists(in_results(path))]
    return found


def memory(wildcards, attempt):
    """Return the MB that a job may take; more if it is tried again."""
    return attempt * PLAN.megabytes(**wildcards)


def gpus(wildcards):
    """Return how many GPUs a job needs for its learner."""
    return PLAN.gpus(wildcards.key)


def time_limit(wildcards):
    """Return the seconds that a trainer may take for a network; 0 if it may for ever.

    A resource, because a job is none the staler for another limit, as for a param.
    """
    return PLAN.time_limit(wildcards.key)


def minutes(wildcards, attempt):
    """Return the minutes that a job may take; more if it is tried again."""
    return attempt * PLAN.minutes(**wildcards)
