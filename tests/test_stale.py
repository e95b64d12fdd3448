"""Exactly the stale jobs: what a change of the config or the code reruns."""

import ast
import os
import shutil

import pytest

from conftest import ROOT, SMALL_CONFIG

PACKAGE = ROOT / "workflow" / "thaw"
STAGES = sorted(path.stem for path in (PACKAGE / "stages").glob("[!_]*.py"))
MODULES = sorted(
    str(path.relative_to(PACKAGE).with_suffix("")) for path in PACKAGE.rglob("*.py")
)


AFTER_SCORES = {"summarize", "compare", "plot_boxplot", "plot_differences"}
SEVERAL_SOURCE_MODELS = {"back"}


def train(study, variants, jobs):
    return {f"train {study} {variant} {job}" for variant in variants for job in jobs}


def downstream(*studies):
    """Return the jobs that depend on any training job of a study."""
    rules = {"gather", *AFTER_SCORES}
    rules |= {"learning_curves", "plot_learning_curves", "learning_speed"}
    return {f"{rule} {study}" for rule in rules for study in studies} | {
        f"{rule} {study}"
        for rule in ("plot_source_accuracy", "plot_source_spread")
        for study in studies
        if study in SEVERAL_SOURCE_MODELS
    }


def pretrain(study):
    return {f"pretrain {study}", f"plot_source_models {study}"}


AHEAD = ("standalone", "fixed-0", "fixed-1")
BACK = ("fixed-1", "fixed-2-added")
AHEAD_JOBS = ("00 00", "01 01")
EVERY_TRAIN = train("ahead", AHEAD, AHEAD_JOBS) | train("back", BACK, ["00 03"])
EVERY_PRETRAIN = pretrain("ahead") | pretrain("back")


def test_nothing_changed(finished):
    assert finished.stale() == set()


def test_a_touch_of_every_source_file(finished):
    for path in finished.folder.rglob("*"):
        if path.suffix in {".py", ".smk", ".yaml"} or path.name == "Snakefile":
            os.utime(path)
    assert finished.stale() == set()


def test_a_comment_and_reordered_keys(finished):
    def backwards(value):
        if isinstance(value, dict):
            return {key: backwards(value[key]) for key in reversed(value)}
        return value

    path = finished.folder / "config.yaml"
    finished.config = backwards(finished.config)
    path.write_text("# a comment\n" + path.read_text())
    assert list(finished.config) == list(reversed(SMALL_CONFIG))
    assert finished.stale() == set()


def test_one_variants_value(finished):
    finished.change("variants", "fixed-0", "freeze", to=2)
    changed = train("ahead", ["fixed-0"], AHEAD_JOBS)
    assert finished.stale() == changed | downstream("ahead")


def test_two_numbers_swapped(finished):
    finished.change("training", "epochs", to=8)
    finished.change("training", "batch_size", to=3)
    expected = EVERY_PRETRAIN | EVERY_TRAIN | downstream("ahead", "back")
    assert finished.stale() == expected


def test_a_studys_own_training(finished):
    finished.change("studies", "ahead", "training", to={"epochs": 4})
    expected = pretrain("ahead") | train("ahead", AHEAD, AHEAD_JOBS)
    assert finished.stale() == expected | downstream("ahead")


def test_the_margin(finished):
    finished.change("margin", to=0.5)
    rules = ("compare", "plot_differences")
    assert finished.stale() == {
        f"{r} {study}" for r in rules for study in ("ahead", "back")
    }


def test_the_baseline(finished):
    finished.change("studies", "back", "baseline", to="fixed-2-added")
    rules = ("compare", "plot_differences", "learning_speed", "plot_source_spread")
    assert finished.stale() == {f"{rule} back" for rule in rules}


def test_repeats_raised(finished):
    finished.change("studies", "ahead", "repeats", to=4)
    added = train("ahead", AHEAD, ("02 02", "03 03"))
    assert finished.stale() == added | downstream("ahead")


def test_repeats_lowered(finished):
    finished.change("studies", "ahead", "repeats", to=1)
    assert finished.stale() == downstream("ahead")


def test_source_models_raised(finished):
    finished.change("studies", "ahead", "source_models", to=2)
    changed = train("ahead", ["fixed-0", "fixed-1"], AHEAD_JOBS)
    figures = {"plot_source_accuracy ahead", "plot_source_spread ahead"}
    expected = pretrain("ahead") | changed | downstream("ahead") | figures
    assert finished.stale() == expected


def test_a_variant_removed(finished):
    finished.change("studies", "ahead", "variants", to=["standalone", "fixed-1"])
    assert finished.stale() == downstream("ahead")


def test_a_variant_added(finished):
    finished.change("studies", "ahead", "variants", to=[*AHEAD, "fixed-2-added"])
    added = train("ahead", ["fixed-2-added"], AHEAD_JOBS)
    assert finished.stale() == added | downstream("ahead")


def test_a_study_added(finished):
    finished.change("studies", "again", to=SMALL_CONFIG["studies"]["ahead"])
    added = pretrain("again") | train("again", AHEAD, AHEAD_JOBS)
    assert finished.stale() == added | downstream("again")


def test_a_study_removed(finished):
    config = finished.config
    del config["studies"]["back"]
    finished.config = config
    assert finished.stale() == set()


def test_a_problems_parameter(finished):
    finished.change("problems", "two", "make_blobs", "random_state", to=7)
    expected = {"make_problem two", "plot_problems"} | pretrain("back") | EVERY_TRAIN
    assert finished.stale() == expected | downstream("ahead", "back")


def test_jobs_size_is_only_of_its_study(finished):
    finished.change("studies", "back", "repeats_per_job", to=3)
    resized = train("back", BACK, ("00 02", "03 03"))
    assert finished.stale() == resized | downstream("back")


def test_a_figure_deleted(finished):
    (finished.folder / "results/ahead/boxplot.svg").unlink()
    assert finished.stale() == {"plot_boxplot ahead"}


def test_a_table_deleted(finished):
    (finished.folder / "results/ahead/scores.csv").unlink()
    expected = {f"{rule} ahead" for rule in {"gather", *AFTER_SCORES}}
    assert finished.stale() == expected


def test_a_jobs_scores_and_the_gathered_ones_deleted(finished):
    (finished.folder / "results/ahead/fixed-1/repeats-01-01.csv").unlink()
    (finished.folder / "results/ahead/scores.csv").unlink()
    rerun = train("ahead", ["fixed-1"], ["01 01"])
    assert finished.stale() == rerun | downstream("ahead")


def test_a_studys_folder_deleted(finished):
    shutil.rmtree(finished.folder / "results/ahead")
    expected = pretrain("ahead") | train("ahead", AHEAD, AHEAD_JOBS)
    assert finished.stale() == expected | downstream("ahead")


def imports(module):
    """Yield the package's modules that a module imports, anywhere in its text."""
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "thaw":
            names = [f"thaw.{name.name}" for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "thaw":
                yield name.removeprefix("thaw").removeprefix(".").replace(".", "/")


def closure(module, found=frozenset()):
    found = found | {module}
    for imported in imports(module):
        if imported not in found:
            found = closure(imported, found)
    return found


# Which stages read what a stage makes.
CONSUMERS = {
    "make_problem": ("plot_problems", "pretrain", "train"),
    "pretrain": ("plot_source_models", "plot_source_accuracy", "train"),
    "train": ("gather", "learning_curves", "learning_speed"),
    "gather": (
        *("summarize", "compare"),
        *("plot_boxplot", "plot_source_accuracy", "plot_source_spread"),
    ),
    "compare": ("plot_differences",),
    "learning_curves": ("plot_learning_curves",),
}

# Every stage is run from its package, so both __init__ are read.
CLOSURES = {
    stage: closure(f"stages/{stage}") | {"__init__", "stages/__init__"}
    for stage in STAGES
}


def test_the_declared_code_is_what_each_stage_imports(finished):
    declared = {stage: set() for stage in STAGES}
    for job, block in finished.planned("--forceall").items():
        inputs = block.split("input: ")[1].split("\n")[0].split(", ")
        declared[job.split()[0]] |= {
            path.removeprefix("workflow/thaw/").removesuffix(".py")
            for path in inputs
            if path.endswith(".py")
        }
    assert declared == CLOSURES


def with_consumers(stages):
    """Return the stages and all that depend on what they make."""
    found = set(stages)
    for stage in stages:
        found |= with_consumers(CONSUMERS.get(stage, ()))
    return found


@pytest.mark.parametrize("module", MODULES)
def test_an_edited_module_reruns_the_stages_that_import_it(finished, module):
    path = finished.folder / "workflow" / "thaw" / f"{module}.py"
    path.write_text(path.read_text() + "\n# edited\n")
    stale = {job.split()[0] for job in finished.stale()}
    importing = {stage for stage in STAGES if module in CLOSURES[stage]}
    assert stale == with_consumers(importing)


def test_an_edited_plot_reruns_the_plot(finished):
    path = finished.folder / "workflow/thaw/stages/plot_boxplot.py"
    path.write_text(path.read_text() + "\n# edited\n")
    assert finished.stale() == {"plot_boxplot ahead", "plot_boxplot back"}
