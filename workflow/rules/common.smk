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
    CONFIG = resolve(config, schema)
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
FIGURE = ["figures", "statistics", "tables"]
MODULES = {
    "make_problem": ["problems"],
    "pretrain": TRAINING,
    "train": [*TRAINING, "variants"],
    "gather": ["jobs", "scores"],
    "summarize": ["statistics", "tables"],
    "learning_curves": ["jobs", "scores"],
    "plot_problems": ["figures", "problems"],
    "plot_source_models": ["curves", "figures", "scores"],
    "plot_boxplot": ["figures", "statistics", "tables"],
    "plot_learning_curves": ["curves", "figures", "statistics", "tables"],
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


def gather_settings(wildcards):
    """Return which training jobs a study has; the source of truth for gathering."""
    study = STUDIES[wildcards.study]
    return canonical(
        {
            "variants": study.variants,
            "repeats": study.repeats,
            "repeats_per_job": study.repeats_per_job,
        }
    )


def source_settings(wildcards):
    """Return what figures of a study's source models say about them."""
    study = STUDIES[wildcards.study]
    return canonical({"source": study.source, "source_models": study.source_models})


def title_settings(wildcards):
    """Return what tables and figures of a study say about it."""
    study = STUDIES[wildcards.study]
    return canonical(
        {
            "source": study.source,
            "target": study.target,
            "source_models": study.source_models,
            "variants": study.variants,
        }
    )


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
        print((folder / "summary.md").read_text(encoding="utf-8"))
        figures = sorted(path.stem for path in folder.glob("*.svg"))
        print(
            f"Figures, as .svg and .png: {', '.join(f'{folder}/{f}' for f in figures)}"
        )
