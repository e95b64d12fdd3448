"""The checked config, and what the rules derive from it: paths, settings, code."""

import json
import os
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

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
sys.path.insert(0, str(PACKAGE.parent))

from thaw.config import check_duplicates, resolve
from thaw.errors import ThawError
from thaw.jobs import jobs

# Our own check instead of snakemake.utils.validate: it names every mistake with its
# place, its value and what is allowed.
try:
    for path in workflow.configfiles:
        check_duplicates(Path(path))
    schema = yaml.safe_load((BASE / "workflow/schemas/config.schema.yaml").read_text())
    CONFIG = resolve(config, schema, workflow.config_settings.config)
except ThawError as error:
    raise WorkflowError(str(error)) from None

STUDIES = CONFIG.studies


wildcard_constraints:
    problem="|".join(CONFIG.problems),
    study="|".join(STUDIES),
    variant="|".join(CONFIG.variants),
    first=r"\d\d+",
    last=r"\d\d+",


# The modules that each stage imports, itself first. They are inputs of its rule, so that
# editing one makes exactly these stages stale. A test holds the table against the real
# imports.
EVERY_STAGE = ["__init__", "stages/__init__", "command", "errors", "files"]
TRAINING = [
    "network",
    "problems",
    "progress",
    "scores",
    "seeds",
    "source_models",
    "training",
]
FIGURE = ["figures", "samples", "tables"]
TABLE = ["samples", "statistics", "tables"]
MODULES = {
    "make_problem": ["problems"],
    "pretrain": TRAINING,
    "train": [*TRAINING, "variants"],
    "gather": ["jobs", "scores"],
    "summarize": TABLE,
    "compare": TABLE,
    "learning_curves": ["histories", "jobs", "scores"],
    "learning_speed": ["histories", "jobs", "samples", "scores", "statistics"],
    "plot_problems": ["figures", "problems"],
    "plot_source_models": ["curves", "figures", "scores"],
    "plot_boxplot": FIGURE,
    "plot_differences": FIGURE,
    "plot_learning_curves": ["curves", *FIGURE],
    "plot_source_accuracy": FIGURE,
    "plot_source_spread": FIGURE,
}


def code(stage):
    """Return the files that a stage imports, relative to the working directory."""
    modules = [f"stages/{stage}", *EVERY_STAGE, *MODULES[stage]]
    return [os.path.relpath(PACKAGE / f"{module}.py") for module in modules]


def canonical(settings):
    """Return settings as one JSON text, the same for the same values.

    Snakemake compares a rule's params without their names and a dict's keys with their
    order; one text with sorted keys makes a job stale if and only if a value changed.
    """
    return json.dumps(settings, sort_keys=True)


def problem_settings(wildcards):
    return canonical(CONFIG.problems[wildcards.problem])


def learning(study):
    """Return what source models and repeats of a study have in common."""
    return {
        "seed": study.seed,
        "hidden": study.network["hidden"],
        "training": study.training,
    }


def pretrain_settings(wildcards):
    study = STUDIES[wildcards.study]
    return canonical(learning(study) | {"source_models": study.source_models})


def train_settings(wildcards):
    study = STUDIES[wildcards.study]
    variant = CONFIG.variants[wildcards.variant]
    return canonical(learning(study) | {"variant": variant})


def job_table(study):
    """Return which training jobs a study has; the source of truth for gathering."""
    return {
        "variants": study.variants,
        "repeats": study.repeats,
        "repeats_per_job": study.repeats_per_job,
    }


def gather_settings(wildcards):
    return canonical(job_table(STUDIES[wildcards.study]))


def source_settings(wildcards):
    """Return what figures of a study's source models say about them."""
    study = STUDIES[wildcards.study]
    return canonical({"source": study.source, "source_models": study.source_models})


def title(study):
    """Return what tables and figures of a study say about it."""
    return {
        "source": study.source,
        "target": study.target,
        "source_models": study.source_models,
        "variants": study.variants,
    }


def title_settings(wildcards):
    return canonical(title(STUDIES[wildcards.study]))


def comparison_settings(wildcards):
    """Return what is compared in a study."""
    study = STUDIES[wildcards.study]
    return canonical(
        {
            "variants": study.variants,
            "baseline": study.baseline,
            "pairs": study.pairs,
            "margin": study.margin,
        }
    )


def difference_settings(wildcards):
    """Return what the figure of a study's comparisons says about it."""
    study = STUDIES[wildcards.study]
    return canonical(
        {"source": study.source, "target": study.target, "margin": study.margin}
    )


def spread_settings(wildcards):
    """Return what the figure of the spread between source models shows."""
    study = STUDIES[wildcards.study]
    return canonical(title(study) | {"baseline": study.baseline})


def speed_settings(wildcards):
    """Return which histories measure a study's learning speed, and how."""
    study = STUDIES[wildcards.study]
    return canonical(
        job_table(study)
        | {
            "baseline": study.baseline,
            "source_models": study.source_models,
            "pretrained": pretrained(study),
        }
    )


def pretrained(study):
    """Return the variants of a study that start from source models."""
    return [name for name in study.variants if CONFIG.variants[name]["pretrained"]]


def problem_of(role):
    """Return an input function: the study's problem in that role, source or target."""

    def path(wildcards):
        return f"results/problems/{getattr(STUDIES[wildcards.study], role)}.npz"

    return path


def source_models_of(wildcards):
    """Return the source models that a variant starts from; none if it starts afresh."""
    if CONFIG.variants[wildcards.variant]["pretrained"]:
        return f"results/{wildcards.study}/source-models.safetensors"
    return []


def job_files(suffix):
    """Return an input function: one file of each of a study's training jobs."""

    def paths(wildcards):
        study = STUDIES[wildcards.study]
        return [
            f"results/{wildcards.study}/{variant}/{job.stem}{suffix}"
            for variant in study.variants
            for job in jobs(study.repeats, study.repeats_per_job)
        ]

    return paths


def figures_of(study):
    """Return the figures of a study; some need several source models to show anything."""
    names = ["boxplot", "learning-curves"]
    if len(STUDIES[study].variants) > 1:
        names.append("differences")
    if pretrained(STUDIES[study]):
        names.append("source-models")
        if min(STUDIES[study].source_models, STUDIES[study].repeats) > 1:
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
