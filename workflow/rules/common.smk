"""The checked config, and what the rules derive from it: keys, inputs, settings."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

BASE = Path(workflow.basedir)
PACKAGE = BASE / "workflow" / "thaw"


def prepend(variable, folder):
    """Put a folder in front of an environment variable's list of folders."""
    folders = filter(None, [str(folder), os.environ.get(variable)])
    os.environ[variable] = os.pathsep.join(folders)


# Jobs call `python -m thaw…`: with the interpreter that runs Snakemake, also where its
# environment is not activated, and with the package beside this workflow, also where
# another copy is installed.
prepend("PATH", os.path.dirname(sys.executable))
prepend("PYTHONPATH", PACKAGE.parent)

from thaw.changes import report
from thaw.config import resolve
from thaw.errors import ThawError
from thaw.keys import canonical
from thaw.output.settings import settle
from thaw.plan import Plan

# Our own check instead of snakemake.utils.validate: it names every mistake with its
# place, its value and what is allowed.
try:
    PLAN = Plan(resolve(config, workflow.config_settings.config))
except ThawError as error:
    raise WorkflowError(str(error)) from None

STUDIES = PLAN.studies


wildcard_constraints:
    problem="|".join(PLAN.problems),
    study="|".join(STUDIES),
    variant="|".join({name for study in STUDIES.values() for name in study.variants}),
    key="[0-9a-f]+",
    first=r"\d\d+",
    last=r"\d\d+",


def recipe(wildcards):
    """Return the recipe of a keyed result, as one JSON text.

    It is empty for a key that this config does not ask for. So it is on a node whose
    code or libraries differ from those of the machine that asked; the stage says so.
    """
    return canonical(PLAN.recipes.get(wildcards.key, {}))


def settings(stage, *fields, reads=()):
    """Return the settings file of a stage that makes tables or figures of each study.

    The stage gets the settings of the study that `fields` name and reads what the
    stages `reads` make or, without any, what the study's jobs made.
    """
    PLAN.add_tables(stage, fields, reads)
    return f"results/{{study}}/settings/{stage}.json"


def key_of(stage):
    """Return a params function: the key of what a stage makes of a study."""
    return lambda wildcards: PLAN.tables[stage, wildcards.study].key


def settle_tables():
    """Bring the settings files of all tables and figures up to date.

    Where they cannot be written, one can still look at what there is.
    """
    for (stage, folder), result in PLAN.tables.items():
        outputs = [path.format(study=folder) for path in getattr(rules, stage).output]
        try:
            settle(
                Path(f"results/{folder}/settings/{stage}.json"),
                Path(f"results/{folder}/records/{stage}.json"),
                result.recipe,
                map(Path, outputs),
            )
        except OSError as error:
            logger.warning(f"{error.filename} cannot be written: {error.strerror}")
            return


def problem_files():
    """Return the files of all problems, by name."""
    return [
        f"results/problems/{name}-{result.key}.npz"
        for name, result in sorted(PLAN.problems.items())
    ]


def problem_of(wildcards):
    """Return the problem from which source models or repeats learn."""
    inputs = PLAN.recipes.get(wildcards.key, {}).get("inputs", {})
    if "problem" not in inputs:
        return []
    return unless_done(
        wildcards, [f"results/problems/{wildcards.problem}-{inputs['problem']}.npz"]
    )


def source_models_of(wildcards):
    """Return the files with the source models from which a job's repeats start."""
    inputs = PLAN.recipes.get(wildcards.key, {}).get("inputs", {})
    if "source_models" not in inputs:
        return []
    repeats = range(int(wildcards.first), int(wildcards.last) + 1)
    found = PLAN.owners[wildcards.key].pretraining_jobs_of(repeats)
    return unless_done(wildcards, files_of(found, ".safetensors"))


def unless_done(wildcards, paths):
    """Return what a job learns from; of a finished job, only those that exist.

    To make a missing one again, Snakemake would train all over from it.
    """
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        made = rules.train if "variant" in wildcards.keys() else rules.pretrain
        outputs = [str(path).format(**wildcards) for path in made.output]
        if all(map(os.path.exists, outputs)):
            return [path for path in paths if path not in missing]
    return paths


def files_of(jobs, suffix):
    """Return a file of each of these jobs."""
    return [f"results/{stem}{suffix}" for _, stem in jobs]


def job_files(suffix):
    """Return an input function: a file of each job of a study, of both kinds."""

    def paths(wildcards):
        study = STUDIES[wildcards.study]
        return files_of([*study.pretraining_jobs, *study.training_jobs], suffix)

    return paths


TABLES = [
    *("histories.npz", "scores.csv", "source-models.csv"),
    *("summary.csv", "summary.md", "comparisons.csv", "comparisons.md"),
    *("best-depths.csv", "learning-curves.csv", "learning-speed.csv"),
]


def tables_of(study):
    """Return the tables of a study."""
    return expand("results/{study}/{file}", study=study, file=TABLES)


def figures_of(study):
    """Return the figures of a study; some need several source models to show anything."""
    found = STUDIES[study]
    names = ["boxplot", "learning-curves"]
    if len(found.variants) > 1:
        names.append("differences")
    if found.pretrained:
        names.append("source-models")
        if min(found.settings.source_models, found.settings.repeats) > 1:
            names += ["source-accuracy", "source-spread"]
    return expand(
        "results/{study}/{name}.{suffix}",
        study=study,
        name=names,
        suffix=["svg", "png"],
    )


def require_free_name(study):
    """Raise an error if a study, which becomes a target, is named like another one."""
    if study in {known.name for known in workflow.rules}:
        raise WorkflowError(
            f"the config is wrong:\n  studies.{study}: {study!r} is the name of a target "
            "or stage; choose another name"
        )


# Options that print a graph, and should print nothing else.
GRAPHS = {"--dag", "--rulegraph", "--filegraph", "--d3dag"}


def show_changes(studies):
    """Say of each study what changed, and what must be trained."""
    for line in report(PLAN, studies, Path("results")):
        logger.info(line)


def studies_that_run(workflow):
    """Return the studies of which this run makes anything."""
    jobs = workflow.dag.needrun_jobs()
    return {job.wildcards.study for job in jobs if "study" in job.wildcards.keys()}


def show_results(workflow):
    """Print the table of each study that this run asked for, and where its figures are."""
    shown = {
        job.wildcards.study for job in workflow.dag.jobs if job.name == "summarize"
    }
    for study in filter(shown.__contains__, STUDIES):
        folder = Path("results") / study
        print()
        for table in ("summary.md", "comparisons.md"):
            print((folder / table).read_text(encoding="utf-8"))
        figures = ", ".join(Path(path).stem for path in figures_of(study)[::2])
        print(f"Figures in {folder}, as .svg and .png: {figures}")
