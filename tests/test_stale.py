"""Exactly the stale jobs: the jobs that a change of the config or the code reruns.

Each change is tried without Snakemake's records, which decide nothing.
"""

import ast
import os
import shutil

import pytest

from conftest import FOUR, ROOT, SMALL_CONFIG, modules_of
from thaw import keys

STAGES = sorted({*keys.COMPUTING_STAGES, "check_network", "check_overlap", "gather"})


OF_ALL = {"answers", "report"}
FIGURES_AHEAD = {"figures_ahead", "page_ahead", "report"}


def tables(*studies):
    """Return the jobs that depend on any training job of these studies."""
    return {f"{stage}_{study}" for stage in FOUR for study in studies} | OF_ALL


def drawn(*studies):
    """Return the jobs that depend on how tables are made from gathered results."""
    return tables(*studies) - {f"gather_{study}" for study in studies}


def train(target, variants, jobs):
    return {f"train {target} {variant} {job}" for variant in variants for job in jobs}


AHEAD = ("standalone", "fixed-0", "fixed-1")
BACK = ("fixed-1", "fixed-2-added")
AHEAD_JOBS = ("models-00-00-repeats-00-00", "models-00-00-repeats-01-01")
BACK_JOBS = ("models-00-00-repeats-00-01", "models-01-01-repeats-00-01")
TRAIN_AHEAD = train("two", AHEAD, AHEAD_JOBS)
TRAIN_BACK = train("one", BACK, BACK_JOBS)
PRETRAIN_AHEAD = {"pretrain one models-00-00"}
PRETRAIN_BACK = {"pretrain two models-00-00", "pretrain two models-01-01"}
OVERLAPS = {"check_overlap one", "check_overlap two"}
EVERYTHING_LEARNED = TRAIN_AHEAD | TRAIN_BACK | PRETRAIN_AHEAD | PRETRAIN_BACK


def change(*path, to):
    return lambda project: project.change(*path, to=to)


def delete(*paths):
    def remove(project):
        for path in paths:
            for found in (project.folder / "results").glob(path):
                shutil.rmtree(found) if found.is_dir() else found.unlink()

    return remove


def edit_result(path):
    """Append a blank to a result, whose time says that it was always so."""

    def append(project):
        file = project.folder / "results" / path
        times = file.stat()
        file.write_bytes(file.read_bytes() + b"!")
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))

    return append


def edit(module, text):
    """Append to a file of the package, with a time that is older than all results."""

    def append(project):
        name = module if "." in module else f"{module}.py"
        path = project.folder / "workflow" / "thaw" / name
        path.write_text(path.read_text() + text)
        os.utime(path, (1e9, 1e9))

    return append


def edit_interface(project):
    package = project.folder / "workflow" / "thaw"
    for path in (
        package / "__init__.py",
        *package.glob("api/*"),
        *package.glob("cli/*"),
    ):
        if path.suffix == ".py":
            edit(str(path.relative_to(package)), "\nEDITED = 1\n")(project)


def touch_all(project):
    for path in project.folder.rglob("*"):
        if path.suffix in {".py", ".smk", ".yaml"} or path.name == "Snakefile":
            os.utime(path)


def reorder(project):
    def backwards(value):
        if isinstance(value, dict):
            return {key: backwards(value[key]) for key in reversed(value)}
        return value

    path = project.folder / "config.yaml"
    project.config = backwards(project.config)
    path.write_text("# a comment\n" + path.read_text())
    assert list(project.config) == list(reversed(SMALL_CONFIG))


def swap(project):
    project.change("training", "epochs", to=8)
    project.change("training", "batch_size", to=3)


def remove_study(project):
    config = project.config
    del config["studies"]["back"]
    project.config = config


CASES = {
    "nothing": (lambda project: None, set()),
    "a touch of every source file": (touch_all, set()),
    # The report has the config's order of studies.
    "a comment and reordered keys": (reorder, {"report"}),
    "one variant's value": (
        change("variants", "fixed-0", "freeze", to=2),
        train("two", ["fixed-0"], AHEAD_JOBS) | tables("ahead"),
    ),
    "a default spelt out": (change("variants", "fixed-0", "add", to=[]), set()),
    "a variant's own training": (
        change("variants", "fixed-0", "training", to={"epochs": 2}),
        train("two", ["fixed-0"], AHEAD_JOBS) | tables("ahead"),
    ),
    "pretraining": (
        change("pretraining", to={"epochs": 2}),
        PRETRAIN_AHEAD
        | PRETRAIN_BACK
        | train("two", ["fixed-0", "fixed-1"], AHEAD_JOBS)
        | TRAIN_BACK
        | tables("ahead", "back"),
    ),
    "defaults of training spelt out": (
        change("studies", "ahead", "training", to={"optimizer": "sgd", "momentum": 0}),
        set(),
    ),
    "target sizes": (
        change("studies", "ahead", "target_sizes", to=[8, "all"]),
        train("two", [f"{name}@8" for name in AHEAD], AHEAD_JOBS) | tables("ahead"),
    ),
    "two numbers swapped": (swap, EVERYTHING_LEARNED | tables("ahead", "back")),
    "a study's own training": (
        change("studies", "ahead", "training", to={"epochs": 4}),
        TRAIN_AHEAD | PRETRAIN_AHEAD | tables("ahead"),
    ),
    "the metric": (
        change("studies", "ahead", "metric", to="balanced_accuracy"),
        tables("ahead"),
    ),
    "the margin": (change("margin", to=0.5), drawn("ahead", "back")),
    "the baseline": (
        change("studies", "back", "baseline", to="fixed-2-added"),
        drawn("back"),
    ),
    "a variant removed": (
        change("studies", "ahead", "variants", to=["standalone", "fixed-1"]),
        tables("ahead"),
    ),
    "a variant added": (
        change("studies", "ahead", "variants", to=[*AHEAD, "fixed-2-added"]),
        train("two", ["fixed-2-added"], AHEAD_JOBS) | tables("ahead"),
    ),
    "a study that shares all it trains": (
        change("studies", "again", to=SMALL_CONFIG["studies"]["ahead"]),
        tables("again"),
    ),
    "a study removed": (remove_study, OF_ALL),
    "a problem's parameter": (
        change("problems", "two", "make_blobs", "random_state", to=7),
        {"make_problem two", "problems_figure"}
        | OVERLAPS
        | PRETRAIN_BACK
        | TRAIN_AHEAD
        | TRAIN_BACK
        | tables("ahead", "back"),
    ),
    "test rows among train rows refused": (
        change("problems", "two", "overlap", to="error"),
        {"check_overlap two"} | drawn("ahead"),
    ),
    "how jobs are cut": (
        change("studies", "back", "repeats_per_job", to=3),
        set(),
    ),
    "a figure deleted": (delete("ahead/boxplot.svg"), FIGURES_AHEAD),
    "a figure edited": (edit_result("ahead/boxplot.svg"), FIGURES_AHEAD),
    "an answer edited": (edit_result("ahead/answer.md"), drawn("ahead")),
    "gathered scores edited": (edit_result("ahead/scores.csv"), tables("ahead")),
    "a record deleted": (delete("ahead/records/tables.json"), drawn("ahead")),
    "a record that is none": (
        edit_result("ahead/records/figures.json"),
        FIGURES_AHEAD,
    ),
    "a table deleted": (delete("ahead/scores.csv"), tables("ahead")),
    "a job's scores deleted": (
        delete("repeats/two/fixed-1-*/*-repeats-01-01.csv"),
        set(),
    ),
    "a job's scores and the gathered ones deleted": (
        delete("repeats/two/fixed-1-*/*-repeats-01-01.csv", "ahead/scores.csv"),
        train("two", ["fixed-1"], AHEAD_JOBS[1:]) | tables("ahead"),
    ),
    "what jobs learned from deleted": (
        delete("problems/*.npz", "overlaps/*", "source-models/*/*.safetensors"),
        set(),
    ),
    "what jobs learned from deleted, with more to learn": (
        lambda project: (
            delete("problems/*.npz", "source-models/one-*/*.safetensors")(project),
            project.change("studies", "ahead", "repeats", to=3),
        ),
        train("two", AHEAD, ["models-00-00-repeats-02-02"])
        | PRETRAIN_AHEAD
        | {"make_problem one", "make_problem two", "problems_figure"}
        | tables("ahead")
        # They read the rows of problems that are made again.
        | OVERLAPS
        | tables("back"),
    ),
    "a study's folder deleted": (delete("ahead"), tables("ahead")),
    "a comment in the training code": (
        edit("learning/ensemble", "\n# a comment\n"),
        set(),
    ),
    "the training code": (
        edit("learning/ensemble", "\nEDITED = 1\n"),
        EVERYTHING_LEARNED | tables("ahead", "back"),
    ),
    "the variants' code": (
        edit("learning/variants", "\nEDITED = 1\n"),
        TRAIN_AHEAD | TRAIN_BACK | tables("ahead", "back"),
    ),
    "code that only shows progress": (edit("progress", "\nEDITED = 1\n"), set()),
    "code of the command and of notebooks": (edit_interface, set()),
    "a figure's code": (
        edit("figures/boxplot", "\nEDITED = 1\n"),
        FIGURES_AHEAD | {"figures_back", "page_back", "problems_figure"},
    ),
    "a page's code": (
        edit("page/template.html", "<!-- more -->"),
        {"page_ahead", "page_back", "report"},
    ),
    "a page deleted": (delete("ahead/page.html"), {"page_ahead"}),
    "the report's title": (change("title", to="Another"), {"report"}),
    "a table's code": (
        edit("tables/summary", "\nEDITED = 1\n"),
        drawn("ahead", "back"),
    ),
    "code that looks for test rows among train rows": (
        edit("stages/check_overlap", "\nEDITED = 1\n"),
        OVERLAPS | drawn("ahead", "back"),
    ),
    "code that writes every file": (
        edit("output/files", "\nEDITED = 1\n"),
        OVERLAPS | tables("ahead", "back") | {"problems_figure"},
    ),
}


# Ahead, a job trains one repeat; back, four, source models first, but of source model
# 0 alone. From a finished study to so many source models × repeats of each: the tiles
# of source models and of repeats that are trained.
GROWN = {
    ("ahead", 1, 1): ([], []),
    ("ahead", 1, 4): ([], ["00-00 02-02", "00-00 03-03"]),
    ("ahead", 2, 2): (["01-01"], ["01-01 00-00", "01-01 01-01"]),
    ("ahead", 3, 1): (["01-01", "02-02"], ["01-01 00-00", "02-02 00-00"]),
    ("ahead", 2, 3): (
        ["01-01"],
        ["00-00 02-02", "01-01 00-00", "01-01 01-01", "01-01 02-02"],
    ),
    ("back", 1, 2): ([], []),
    ("back", 1, 5): ([], ["00-00 00-03", "00-00 04-04"]),
    ("back", 2, 1): ([], ["00-00 00-00", "01-01 00-00"]),
    ("back", 2, 4): ([], ["00-00 00-03", "01-01 00-03"]),
    ("back", 3, 2): (["01-02"], ["01-02 00-01"]),
    ("back", 3, 4): (["01-02"], ["00-00 00-03", "01-02 00-01", "01-02 02-03"]),
    ("back", 5, 2): (["01-04"], ["01-04 00-00", "01-04 01-01"]),
    ("back", 6, 2): (["01-04", "05-05"], ["01-04 00-00", "01-04 01-01", "05-05 00-01"]),
    ("back", 9, 1): (
        ["01-04", "05-08"],
        ["00-00 00-00", "01-04 00-00", "05-08 00-00"],
    ),
}


@pytest.mark.parametrize("grown", GROWN, ids=str)
def test_what_grows_trains_what_is_new_and_the_tiles_that_its_end_cut(finished, grown):
    study, models, repeats = grown
    finished.change("studies", study, "source_models", to=models)
    finished.change("studies", study, "repeats", to=repeats)
    source, target, variants = {
        "ahead": ("one", "two", AHEAD),
        "back": ("two", "one", BACK),
    }[study]
    models, repeats = GROWN[grown]
    assert finished.stale() == tables(study) | {
        f"pretrain {source} models-{numbers}" for numbers in models
    } | train(
        target,
        variants,
        ["models-{}-repeats-{}".format(*numbers.split()) for numbers in repeats],
    )


STALE = [case for case in CASES if CASES[case][1]]


def is_of_code(case):
    """Whether a change is one of code, which this process has already read."""
    return "code" in case


@pytest.mark.parametrize("case", STALE)
def test_exactly_the_stale_jobs_rerun(finished, case):
    make_change, expected = CASES[case]
    shutil.rmtree(finished.folder / ".snakemake")
    make_change(finished)
    look = finished.planned if is_of_code(case) else finished.stale
    assert {*look()} == expected


def test_what_has_no_meaning_reruns_nothing(finished):
    """All such changes at once: the jobs that reran would show the one to blame."""
    shutil.rmtree(finished.folder / ".snakemake")
    for make_change, expected in CASES.values():
        if not expected:
            make_change(finished)
    assert not finished.planned()


@pytest.mark.parametrize("case", ["nothing", "how jobs are cut", "target sizes"])
def test_snakemakes_records_and_dry_runs_decide_nothing(finished, case):
    make_change, expected = CASES[case]
    make_change(finished)
    before = finished.results("**/*.*")
    assert finished.stale() == expected
    assert finished.stale() == expected
    assert finished.results("**/*.*") == before


def test_another_version_of_a_library_reruns_what_computes_with_it(
    finished, monkeypatch
):
    """A stand-in for another scikit-learn: only problems are made with it."""
    fake = finished.folder / "fake" / "scikit_learn-0.1.dist-info"
    fake.mkdir(parents=True)
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 0.1\n")
    monkeypatch.setenv("PYTHONPATH", str(fake.parent))
    planned = {*finished.planned()}
    assert {"make_problem one", "make_problem two"} < planned
    assert planned >= EVERYTHING_LEARNED


def test_what_was_trained_once_is_never_trained_again(finished):
    """Epochs 3, then 2, then 3 again; and results in another folder."""
    finished.change("training", "epochs", to=2)
    finished.snakemake("--cores", "2", "results/ahead/scores.csv")
    finished.change("training", "epochs", to=3)
    moved = finished.folder.with_name("moved")
    finished.folder.rename(moved)
    finished.folder = moved
    shutil.rmtree(moved / ".snakemake")
    assert not [job for job in finished.stale() if "train" in job]


def test_a_copy_put_back_is_up_to_date(finished):
    """Snakemake's own records say that inputs of the same content never changed."""
    old = finished.folder.with_name("old")
    shutil.copytree(finished.folder / "results", old)
    finished.change("margin", to=0.5)
    finished.snakemake("tables", "--cores", "2")
    shutil.rmtree(finished.folder / "results")
    shutil.copytree(old, finished.folder / "results")
    assert finished.stale() == drawn("ahead", "back")


def test_the_floor_of_snakemake_can_be_forced_while_its_dag_is_built(finished):
    """With the installed version; CI runs this with the oldest one, too."""
    finished.change("margin", to=0.5)
    forced = finished.planned("results/ahead/boxplot.svg")
    assert {*forced} == {"tables_ahead", "figures_ahead"}
    assert "Forced execution" in forced["tables_ahead"]


@pytest.mark.parametrize("stage", [*STAGES, "tables", "figures", "page"])
def test_the_computed_imports_are_those_that_python_makes(stage):
    package = ROOT / "workflow/thaw" / stage
    if package.is_dir():
        names = [f"{stage}.{path.stem}" for path in package.glob("[!_]*.py")]
        loaded = modules_of("stages.make", *names)
    else:
        # Only jobs that train networks import the code that does.
        lazy = ["stages.networks", "learning.variants"]
        loaded = modules_of(f"stages.{stage}", *(lazy if stage == "train" else []))
    ours = {name for name in loaded if name.startswith("thaw.")}
    assert keys.modules(stage) == ours
    libraries = set().union(*(keys.source(name).libraries for name in ours))
    # Only a config with such a file imports the code that reads its size.
    assert libraries - {"pyarrow"} <= set(loaded)
    assert keys.recipe(stage, {}, {})["versions"].keys() <= libraries


def test_a_package_that_is_deleted_meanwhile_holds_up_no_job(tmp_path, monkeypatch):
    """An orphan in a folder that is gone looked for it without end."""
    monkeypatch.setattr(keys, "PACKAGE", tmp_path)
    (tmp_path / "one.py").write_text("import thaw.two\n")
    source = keys.source.__wrapped__
    assert source("thaw.one").modules == frozenset()
    with pytest.raises(FileNotFoundError):
        source("thaw")


def test_docstrings_comments_and_formatting_have_no_meaning():
    def digest(text):
        return keys.digest(" ".join(keys._meaning(ast.parse(text))))

    plain = digest("def f(x):\n    return x + 1\n")
    assert (
        digest('"""A module."""\ndef f( x ):\n  "Doc."\n  return (x+1) # c\n') == plain
    )
    assert digest("def f(x):\n    return x + 2\n") != plain
    assert digest("def f(x):\n    'not a docstring' + x\n    return x + 1\n") != plain
    assert digest("x = 1\n'text'\n") == digest("x = 1\n'text'  # said\n")
