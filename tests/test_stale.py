"""Exactly the stale jobs: what a change of the config, a result or the code reruns.

Each change is tried without Snakemake's records, which decide nothing.
"""

import os
import shutil

import pytest
import yaml

from configs import put
from projects import FOUR, SMALL_CONFIG


def tables(*studies):
    """Return the jobs that depend on any training job of these studies."""
    stages = {f"{stage}_{study}" for stage in FOUR for study in studies}
    return stages | {"answers", "report"}


def drawn(*studies):
    """Return the jobs that depend on how tables are made from gathered results."""
    return tables(*studies) - {f"gather_{study}" for study in studies}


def train(target, variants, tiles):
    """Return the training jobs of some tiles: "00-00 01-01", models then repeats."""
    names = ["models-{}-repeats-{}".format(*tile.split()) for tile in tiles]
    return {
        f"train {target} {variant} {name}" for variant in variants for name in names
    }


AHEAD = ("standalone", "fixed-0", "fixed-1")
BACK = ("fixed-1", "fixed-2-added")
AHEAD_TILES = ("00-00 00-00", "00-00 01-01")
TRAIN_AHEAD = train("two", AHEAD, AHEAD_TILES)
TRAIN_FIXED_0 = train("two", ["fixed-0"], AHEAD_TILES)
TRAIN_BACK = train("one", BACK, ["00-00 00-01", "01-01 00-01"])
PRETRAIN_AHEAD = {"pretrain one models-00-00"}
PRETRAIN_BACK = {"pretrain two models-00-00", "pretrain two models-01-01"}
EVERYTHING_LEARNED = PRETRAIN_AHEAD | PRETRAIN_BACK | TRAIN_AHEAD | TRAIN_BACK
OVERLAPS = {"check_overlap one", "check_overlap two"}
PROBLEM_TWO = {"make_problem two", "problems_figure"}
BOTH = tables("ahead", "back")
BOTH_DRAWN = drawn("ahead", "back")
EVERYTHING = PROBLEM_TWO | {"make_problem one"} | OVERLAPS | EVERYTHING_LEARNED | BOTH
FIGURES_AHEAD = {"figures_ahead", "page_ahead", "report"}
FIGURES = FIGURES_AHEAD | {"figures_back", "page_back"}

# Changes of the config, as YAML with the path of a value, and of results.
CASES = {
    "margin: 0.5": BOTH_DRAWN,
    "title: Another": {"answers", "report"},
    "variants/fixed-0/freeze: 2": TRAIN_FIXED_0 | tables("ahead"),
    "variants/fixed-0/training: {epochs: 2}": TRAIN_FIXED_0 | tables("ahead"),
    "pretraining: {epochs: 2}": (
        EVERYTHING_LEARNED - train("two", ["standalone"], AHEAD_TILES) | BOTH
    ),
    # Two numbers swapped.
    "training: {epochs: 8, batch_size: 3, learning_rate: 0.1}": (
        EVERYTHING_LEARNED | BOTH
    ),
    "studies/ahead/training: {epochs: 4}": (
        PRETRAIN_AHEAD | TRAIN_AHEAD | tables("ahead")
    ),
    "studies/ahead/target_sizes: [8, all]": (
        train("two", [f"{name}@8" for name in AHEAD], AHEAD_TILES) | tables("ahead")
    ),
    "studies/ahead/metric: balanced_accuracy": tables("ahead"),
    "studies/back/baseline: fixed-2-added": drawn("back"),
    "studies/ahead/variants: [standalone, fixed-1]": tables("ahead"),
    "studies/ahead/variants: [standalone, fixed-0, fixed-2-added]": (
        train("two", ["fixed-2-added"], AHEAD_TILES) | tables("ahead")
    ),
    "studies/back: LOST": {"answers", "report"},
    "studies/again: {source: one, target: two, repeats: 2, "
    "variants: [standalone, fixed-0, fixed-1]}": tables("again"),
    "problems/two/make_blobs/random_state: 7": (
        PROBLEM_TWO | OVERLAPS | PRETRAIN_BACK | TRAIN_AHEAD | TRAIN_BACK | BOTH
    ),
    "problems/two/overlap: error": {"check_overlap two"} | drawn("ahead"),
    "edit ahead/boxplot.svg": FIGURES_AHEAD,
    "edit ahead/records/figures.json": FIGURES_AHEAD,
    "edit ahead/answer.md": drawn("ahead"),
    "edit ahead/scores.csv": tables("ahead"),
    "delete ahead/boxplot.svg": FIGURES_AHEAD,
    "delete ahead/page.html": {"page_ahead"},
    "delete ahead/records/tables.json": drawn("ahead"),
    "delete ahead": tables("ahead"),
    "delete repeats/two/fixed-1-*/*-repeats-01-01.csv ahead/scores.csv": (
        train("two", ["fixed-1"], ["00-00 01-01"]) | tables("ahead")
    ),
}

# Edited files of the package, with a time that is older than all results. This process
# has read them already, so a dry run takes a process of its own.
CODE_CASES = {
    "learning/fully_connected.py": EVERYTHING,
    "figures/boxplot.py": FIGURES | {"problems_figure"},
}
SLOW_CODE_CASES = {
    "data/make.py": EVERYTHING,
    "page/template.html": {"page_ahead", "page_back", "report"},
    "tables/summary.py": BOTH | {"problems_figure"},
}


def change(project, case):
    """Set values of the config by their paths, or edit or delete results."""
    action, *patterns = case.split()
    if action in ("edit", "delete"):
        results = project.folder / "results"
        for path in [path for pattern in patterns for path in results.glob(pattern)]:
            if action == "edit":
                # The time of the file says nothing of it.
                append(path, "!", path.stat().st_mtime_ns)
            elif path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    else:
        config = project.config
        for path, value in yaml.safe_load(case).items():
            put(config, path, value)
        project.config = config


def append(path, text, time=10**18):
    path.write_bytes(path.read_bytes() + text.encode())
    os.utime(path, ns=(time, time))


def edit_code(project, file):
    text = "<!-- more -->" if file.endswith(".html") else "\nEDITED = 1\n"
    append(project.folder / "workflow/thaw" / file, text)


@pytest.mark.parametrize("case", CASES)
def test_exactly_the_stale_jobs_rerun(finished, case):
    shutil.rmtree(finished.folder / ".snakemake")
    change(finished, case)
    assert finished.stale() == CASES[case]


@pytest.mark.parametrize(
    "file",
    [*CODE_CASES, *(pytest.param(c, marks=pytest.mark.slow) for c in SLOW_CODE_CASES)],
)
def test_exactly_the_jobs_of_edited_code_rerun(finished, file):
    shutil.rmtree(finished.folder / ".snakemake")
    edit_code(finished, file)
    assert {*finished.reasons()} == (CODE_CASES | SLOW_CODE_CASES)[file]


def test_more_to_learn_makes_again_what_jobs_learn_from(finished):
    """And with it the checks, which read the rows of problems."""
    change(finished, "delete problems/*.npz source-models/one-*/*.safetensors")
    change(finished, "studies/ahead/repeats: 3")
    learned = PRETRAIN_AHEAD | train("two", AHEAD, ["00-00 02-02"])
    problems = PROBLEM_TWO | {"make_problem one"} | OVERLAPS
    assert finished.stale() == problems | learned | BOTH


def test_a_repeat_that_is_forced_waits_for_its_source_model(finished):
    """Snakemake has removed its files by then, so it must not fail."""
    change(finished, "delete source-models/*/*.safetensors")
    jobs = finished.reasons("-R", "train")
    assert {*jobs} >= PRETRAIN_AHEAD | PRETRAIN_BACK
    for job in TRAIN_AHEAD | TRAIN_BACK:
        waits = "results/source-models/" in jobs[job]
        assert waits == ("standalone" not in job), job


def test_what_made_problems_show_to_be_wrong_is_refused_before_any_job(finished):
    """A job would fail when Snakemake has removed its files."""
    change(finished, "studies/ahead/metric: f1")
    with pytest.raises(SystemExit, match=r"studies\.ahead\.metric: f1 takes two cla"):
        finished.stale()


def test_what_has_no_meaning_reruns_nothing(finished):
    """All such changes at once: the jobs that reran would show the one to blame."""
    change(finished, "variants/fixed-0/add: []")
    change(finished, "studies/ahead/training: {optimizer: sgd, momentum: 0}")
    change(finished, "studies/back/repeats_per_job: 3")
    finished.change("training", to=dict(reversed(SMALL_CONFIG["training"].items())))
    change(finished, "delete repeats/two/fixed-1-*/*-repeats-01-01.csv")
    change(finished, "delete problems/*.npz overlaps/* source-models/*/*.safet*")
    for path in finished.folder.rglob("*.smk"):
        path.touch()
    path = finished.folder / "workflow/thaw/learning/fully_connected.py"
    path.write_text(path.read_text().replace('"""', '"""Also: ', 1) + "\n# a comment\n")
    for file in ("progress.py", "__init__.py", "api/results.py", "cli/main.py"):
        edit_code(finished, file)
    assert not finished.reasons()


# Ahead, a job trains one repeat; back, four, source models first, but of source model
# 0 alone. From a finished study to so many source models × repeats of each: the tiles
# of source models and of repeats that are trained.
GROWN = {
    ("ahead", 2, 3): (
        ["01-01"],
        ["00-00 02-02", "01-01 00-00", "01-01 01-01", "01-01 02-02"],
    ),
    ("back", 1, 5): ([], ["00-00 00-03", "00-00 04-04"]),
    ("back", 3, 4): (["01-02"], ["00-00 00-03", "01-02 00-01", "01-02 02-03"]),
    ("back", 6, 2): (["01-04", "05-05"], ["01-04 00-00", "01-04 01-01", "05-05 00-01"]),
}


@pytest.mark.parametrize("size", GROWN, ids=str)
def test_what_grows_trains_what_is_new_and_the_tiles_that_its_end_cut(finished, size):
    study, models, repeats = size
    change(finished, f"studies/{study}/source_models: {models}")
    change(finished, f"studies/{study}/repeats: {repeats}")
    source, target, variants = {
        "ahead": ("one", "two", AHEAD),
        "back": ("two", "one", BACK),
    }[study]
    tiles_of_models, tiles = GROWN[size]
    pretrained = {f"pretrain {source} models-{numbers}" for numbers in tiles_of_models}
    expected = pretrained | train(target, variants, tiles) | tables(study)
    assert finished.stale() == expected


def test_stale_tables_are_forced_while_the_dag_is_built(finished):
    """No public interface of Snakemake: CI runs this with the oldest version, too."""
    finished.change("margin", to=0.5)
    jobs = finished.reasons("results/ahead/boxplot.svg")
    assert {*jobs} == {"tables_ahead", "figures_ahead"}
    assert "Forced execution" in jobs["tables_ahead"]
