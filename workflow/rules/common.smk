"""The plan that follows from the config, and how rules ask it for what they need."""

from thaw import resources
from thaw.config import resolve
from thaw.keys import canonical
from thaw.plan import Plan
from thaw.problems import path_of

# Our own check instead of snakemake.utils.validate: it names every mistake with its
# place, its value and what is allowed.
try:
    PLAN = Plan(resolve(config, workflow.config_settings.config))
except ThawError as error:
    raise WorkflowError(str(error)) from None

STUDIES = PLAN.studies


wildcard_constraints:
    problem="|".join(PLAN.problems.shown),
    study="|".join(STUDIES),
    arm="|".join({name for study in STUDIES.values() for name in study.arms}),
    key="[0-9a-f]+",
    map="|".join(PLAN.maps),
    first=r"\d\d+",
    last=r"\d\d+",


def recipe(wildcards):
    """Return the recipe of a keyed result, as one JSON text.

    It is empty for a key that this config does not ask for. So it is on a node whose
    code or libraries differ from those of the machine that asked; the stage says so.
    """
    return canonical(PLAN.recipes.get(wildcards.key, {}))


def settings(stage, *fields, reads=("gather",)):
    """Return the settings file of a stage that makes tables or figures of each study.

    The stage gets the settings of the study that `fields` name and reads what the
    stages `reads` make or, where there are none, what the study's jobs made.
    """
    PLAN.add_tables(stage, fields, reads)
    return f"results/{{study}}/settings/{stage}.json"


def key_of(stage):
    """Return a params function: the key of what a stage makes of a study."""
    return lambda wildcards: PLAN.tables[stage, wildcards.study].key


def problem_files():
    """Return the files of all problems."""
    return [f"results/{path}" for path in sorted(PLAN.problems.paths)]


def shown_problem_files():
    """Return the files of the problems that are drawn, one for each name."""
    return [
        f"results/{path_of(name, result.key)}"
        for name, result in sorted(PLAN.problems.shown.items())
    ]


def made_from(need):
    """Return an input function: files, or problems, from which a problem is made.

    A key tells their content, so that their times say nothing; but not the content of
    what another rule makes.
    """

    def paths(wildcards):
        needs = PLAN.problems.needs.get(wildcards.key)
        found = getattr(needs, need, None) or []
        if isinstance(found, str):
            found = [f"results/{found}"]
        else:
            # People's files lie where the config says, whatever a module's prefix.
            found = [local(path) for path in found]
        return found if needs and needs.ruled else list(map(ancient, found))

    return paths


def problem_of(wildcards):
    """Return the problem from which source models or repeats learn."""
    key = PLAN.inputs(wildcards.key).get("problem")
    paths = [f"results/{path_of(wildcards.problem, key)}"] if key else []
    found = unless_done(wildcards, paths)
    ruled = bool(found) and PLAN.problems.needs[key].ruled
    return found if ruled else list(map(ancient, found))


def targets_of(wildcards):
    """Return the targets of source models: they are checked before anything learns."""
    paths = {
        f"results/{path_of(study.settings.target, study.target.key)}"
        for study in STUDIES.values()
        if study.source_models and study.source_models.key == wildcards.key
    }
    return unless_done(wildcards, sorted(paths))


def source_models_of(wildcards):
    """Return the files with the source models from which a job's repeats start."""
    if "source_models" not in PLAN.inputs(wildcards.key):
        return []
    repeats = range(int(wildcards.first), int(wildcards.last) + 1)
    found = PLAN.owners[wildcards.key].pretraining_jobs_of(repeats)
    return unless_done(wildcards, files_of(found, ".safetensors"))


def unless_done(wildcards, paths):
    """Return what a job learns from; of a finished job, only those that exist.

    To make a missing one again, Snakemake would train all over from it.
    """
    made = rules.train if "arm" in wildcards.keys() else rules.pretrain
    if all(os.path.exists(str(path).format(**wildcards)) for path in made.output):
        return [path for path in paths if os.path.exists(in_results(path))]
    return paths


def in_results(path):
    """Return where a path that begins with `results/` lies, as a module too."""
    results = Path(rules.make_problem.output[0]).parents[1]
    return results.parent / path


def files_of(jobs, suffix):
    """Return a file of each of these jobs."""
    return [f"results/{stem}{suffix}" for _, stem in jobs]


def job_files(suffix):
    """Return an input function: a file of each job of a study, of both kinds."""

    def paths(wildcards):
        study = STUDIES[wildcards.study]
        return files_of([*study.pretraining_jobs, *study.training_jobs], suffix)

    return paths


# What the log of a job says that was killed, for it can say nothing itself.
KILLED = (
    "error: killed, as a rule by the system for want of memory; fewer networks in a job "
    "take less (repeats_per_job in the config), and so do fewer jobs at once (--cores)"
)


def memory(wildcards, attempt):
    """Return the MB that a job which trains may take; more when it is tried again."""
    return attempt * resources.megabytes(PLAN.size_of(**wildcards))


def memory_to_read(wildcards, attempt):
    """Return the MB that making a problem may take; more when it is tried again."""
    extent = PLAN.problems.extents.get(wildcards.key)
    if extent is None:
        return resources.BASE_MEGABYTES
    return attempt * resources.megabytes_to_read(extent.rows, extent.features)


def minutes(wildcards, attempt):
    """Return the minutes that a job which trains may take; more on another attempt."""
    return attempt * resources.minutes(PLAN.size_of(**wildcards))


TABLES = [
    *("histories.npz", "scores.csv", "source-models.csv"),
    *("summary.csv", "summary.md", "comparisons.csv", "comparisons.md"),
    *("best-depths.csv", "learning-curves.csv", "learning-speed.csv", "answer.md"),
]


def tables_of(study):
    """Return the tables of a study."""
    return expand("results/{study}/{file}", study=study, file=TABLES)


def shared_figures():
    """Return the figures of more than one study."""
    names = ["problems/problems", *(f"maps/{name}/freeze-map" for name in PLAN.maps)]
    return expand("results/{name}.{suffix}", name=names, suffix=["svg", "png"])


def of_mapped(file):
    """Return an input function: a file of each study of a map."""
    return lambda wildcards: expand(
        "results/{study}/{file}", study=PLAN.maps[wildcards.map], file=file
    )


def figures_of(study):
    """Return the figures of a study; some need more than one of something."""
    found = STUDIES[study]
    names = ["boxplot", "learning-curves"]
    if len(found.settings.variants) > 1:
        names.append("differences")
    if found.pretrained:
        names.append("source-models")
        if min(found.settings.source_models, found.settings.repeats) > 1:
            names += ["source-accuracy", "source-spread"]
    if len(found.settings.target_sizes) > 1 and len(found.settings.variants) > 1:
        names.append("target-sizes")
        if found.mapped:
            names.append("freeze-map")
    return expand(
        "results/{study}/{name}.{suffix}",
        study=study,
        name=names,
        suffix=["svg", "png"],
    )
