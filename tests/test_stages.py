"""The stages' command lines: what they import, and how they end on bad input."""

import json
import subprocess
import sys

import pytest

from conftest import ROOT

SETTINGS = json.dumps(
    {
        "seed": 1,
        "hidden": [3],
        "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.1},
        "variant": {"pretrained": False, "freeze": 0, "fresh": [], "add": []},
    }
)


def stage(name, *arguments, before="", after=""):
    """Run a stage as its rule does, with code before and after in the same process."""
    if after:
        before += "\nimport thaw.command; thaw.command.leave = lambda: None"
    code = (
        f"import runpy, sys; {before}\n"
        f"sys.argv = ['{name}', *sys.argv[1:]]\n"
        f"runpy.run_module('thaw.stages.{name}', run_name='__main__')\n{after}"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=ROOT / "workflow",
        capture_output=True,
        text=True,
    )


def train(folder, *arguments, settings=SETTINGS, problem="problem.npz", **options):
    return stage(
        "train",
        *("--settings", settings, "--study", "s", "--variant", "v"),
        *("--first", 3, "--last", 4, "--problem", folder / problem),
        *("--scores", folder / "s.csv", "--history", folder / "h.npz", *arguments),
        **options,
    )


@pytest.fixture
def folder(tmp_path, problem):
    from thaw.problems import save_problem

    save_problem(tmp_path / "problem.npz", problem)
    return tmp_path


def test_a_training_job_imports_torch_and_numpy_only(folder):
    done = train(folder, after="print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "torch" in modules
    assert "torch._dynamo" not in modules
    slow = {"pandas", "sklearn", "scipy", "matplotlib", "snakemake", "statsmodels"}
    assert not modules & (slow | {"jsonschema", "yaml"})


def test_a_training_job_leaves_without_taking_torch_apart(folder):
    before = (
        "import atexit; atexit.register(print, 'taken apart'); print('said', end='')"
    )
    done = train(folder, before=before)
    assert (done.returncode, done.stdout) == (0, "said")


def test_a_figure_does_not_import_scipy():
    code = "import sys, thaw.stages.plot_boxplot; sys.exit('scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "workflow")
    assert done.returncode == 0


def test_the_log_says_what_was_drawn_afresh_and_how_fast(folder):
    done = train(folder)
    assert "drawn afresh: hidden layer 1, output" in done.stderr
    assert "2 of 2 repeats trained" in done.stderr
    rows = (folder / "s.csv").read_text().splitlines()
    assert [row.split(",")[:4] for row in rows[1:]] == [
        ["s", "v", "", "3"],
        ["s", "v", "", "4"],
    ]


@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_numbers_do_not_depend_on_the_threads(folder, threads, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    wide = json.dumps(json.loads(SETTINGS) | {"hidden": [300, 300]})
    train(folder, settings=wide)
    first = (folder / "s.csv").read_bytes()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    train(folder, settings=wide)
    assert (folder / "s.csv").read_bytes() == first


def test_a_missing_file_is_one_line(folder):
    done = train(folder, problem="nothing.npz")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("No such file or directory")
    assert "Traceback" not in done.stderr


def test_a_truncated_problem_is_one_line_with_the_remedy(folder):
    path = folder / "problem.npz"
    path.write_bytes(path.read_bytes()[:300])
    done = train(folder)
    assert done.returncode == 1
    assert "delete it and run again" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_write_that_the_machine_refuses_is_one_line_and_leaves_nothing(folder):
    """A limit on the size of files stands in for a full disk."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    done = train(folder, before=limit)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"error: {folder}/h.npz: File too large"
    assert [path.name for path in folder.iterdir()] == ["problem.npz"]


def test_a_loss_that_diverges_is_said(folder):
    settings = json.loads(SETTINGS)
    settings["training"]["learning_rate"] = 1e30
    done = train(folder, settings=json.dumps(settings))
    assert done.returncode == 0
    assert "the loss of repeats 3, 4 is not finite" in done.stderr
