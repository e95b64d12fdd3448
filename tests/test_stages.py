"""The stages' command lines: what they import, and how they end on bad input."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import DESCRIPTION, ROOT, modules_of
from thaw import keys
from thaw.keys import digest_of_file
from trained import with_numbers

SETTINGS = {
    "seed": 1,
    "network": {"hidden": [3]},
    "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.1},
    "variant": {"pretrained": False},
}


def stage(name, *arguments, before="", after=""):
    """Run a stage as its rule does, with code before and after in the same process."""
    if after:
        before += (
            "\nimport thaw.stages.command; thaw.stages.command.leave = lambda: None"
        )
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


PROBLEM = keys.recipe("make_problem", {"any": 1}, {})


def arguments_of(folder, settings=SETTINGS, problem="problem.npz", key=None):
    """Return the options of a training job of repeats 3 and 4 from source model 0."""
    recipe = keys.recipe("train", settings, {"problem": keys.key(PROBLEM)})
    return [
        *("--recipe", json.dumps(recipe), "--key", key or keys.key(recipe)),
        *("--tile", "models-00-00-repeats-03-04", "--problem", str(folder / problem)),
        *("--scores", str(folder / "s.csv"), "--history", str(folder / "h.npz")),
    ]


def train(folder, before="", after="", **changes):
    return stage("train", *arguments_of(folder, **changes), before=before, after=after)


@pytest.fixture
def folder(tmp_path, problem):
    from thaw.output.problems import save_problem

    save_problem(tmp_path / "problem.npz", problem, DESCRIPTION, PROBLEM, {})
    return tmp_path


def error_of(done):
    """Return the one line with which a stage ended."""
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    return line


def test_a_training_job_imports_torch_and_numpy_only(folder):
    done = train(folder, after="print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "torch" in modules
    assert "torch._dynamo" not in modules
    slow = {"pandas", "sklearn", "scipy", "matplotlib", "snakemake"}
    assert not modules & (slow | {"pydantic", "yaml"})


def test_a_training_job_leaves_without_taking_torch_apart(folder):
    before = (
        "import atexit; atexit.register(print, 'taken apart'); print('said', end='')"
    )
    done = train(folder, before=before)
    assert (done.returncode, done.stdout) == (0, "said")


def test_figures_import_neither_scipy_nor_torch():
    modules = set(modules_of("stages.make", "figures.boxplot", "figures.differences"))
    assert "matplotlib" in modules
    assert not {"scipy", "torch"} & modules


def test_the_log_says_what_was_drawn_anew_and_how_fast(folder):
    done = train(folder)
    assert "drawn anew: hidden-1, output" in done.stderr
    assert "2 of 2 repeats trained" in done.stderr
    rows = (folder / "s.csv").read_text().splitlines()
    assert [row.split(",")[:2] for row in rows[1:]] == [["0", "3"], ["0", "4"]]


def test_the_numbers_do_not_depend_on_the_threads(folder, monkeypatch):
    wide = SETTINGS | {"network": {"hidden": [300, 300]}}
    tables = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        done = train(folder, settings=wide)
        assert done.returncode == 0, done.stderr
        tables.append((folder / "s.csv").read_bytes())
    assert tables[0] == tables[1]


def test_a_missing_file_is_one_line(folder):
    done = train(folder, problem="nothing.npz")
    assert error_of(done).endswith("nothing.npz: No such file or directory")


def test_a_truncated_problem_is_one_line_with_the_remedy(folder):
    path = folder / "problem.npz"
    path.write_bytes(path.read_bytes()[:300])
    assert "delete it and run again" in error_of(train(folder))


def test_another_key_is_refused_and_nothing_written(folder):
    """As on a node with another config; or with code edited after the run began."""
    line = error_of(train(folder, key="0123456789ab"))
    assert "not what the run asked for (result 0123456789ab)" in line
    assert "Start the run again" in line
    assert [path.name for path in folder.iterdir()] == ["problem.npz"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("keys.version = {'torch': '9.9', 'numpy': '1'}.get", "torch is 9.9 here and"),
        (
            "old = keys._code; keys._code = lambda *told: ('edited', old(*told)[1])",
            "the code was edited since",
        ),
    ],
)
def test_other_libraries_and_edited_code_are_refused(folder, change, reason):
    done = train(folder, before=f"from thaw import keys; {change}")
    assert reason in error_of(done)
    assert [path.name for path in folder.iterdir()] == ["problem.npz"]


def test_a_write_that_the_machine_refuses_is_one_line_and_leaves_nothing(folder):
    """A limit on the size of files stands in for a full disk."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))"
    done = train(folder, before=limit)
    assert error_of(done) == f"error: {folder}/s.csv: File too large"
    assert [path.name for path in folder.iterdir()] == ["problem.npz"]


def test_networks_that_failed_are_said(folder):
    training = SETTINGS["training"] | {"learning_rate": 1e30}
    done = train(folder, settings=SETTINGS | {"training": training})
    assert done.returncode == 0
    assert "warning: 2 of 2 repeats failed (their loss is not finite" in done.stderr
    with (folder / "s.csv").open() as file:
        assert [row["failed"] for row in csv.DictReader(file)] == ["1", "1"]


def test_numbers_are_learned_by_the_same_job(tmp_path, problem):
    from thaw.output.problems import save_problem

    numbers, described = with_numbers(problem), DESCRIPTION._replace(classes=[])
    save_problem(tmp_path / "problem.npz", numbers, described, PROBLEM, {})
    done = train(tmp_path, settings=SETTINGS | {"target_size": 20})
    assert done.returncode == 0, done.stderr
    with (tmp_path / "s.csv").open() as file:
        for row in csv.DictReader(file):
            error = float(row["test_mean_absolute_error"])
            assert 0 < error <= float(row["test_root_mean_squared_error"])
            assert row["failed"] == "0"


def test_a_weight_of_no_class_is_one_line(folder):
    training = SETTINGS["training"] | {"class_weight": {"a": 2, "d": 2}}
    line = error_of(train(folder, settings=SETTINGS | {"training": training}))
    words = "training.class_weight: 'd' is not a class. Allowed: a, b, c"
    assert line == f"error: {words}"


def test_settings_that_are_missing_are_named(folder):
    line = error_of(train(folder, settings={"seed": 1, "network": {"hidden": [3]}}))
    assert line == "error: the recipe's settings lack training, variant"


@pytest.mark.parametrize("recipe", ["{", "[1]", "3"])
def test_a_recipe_that_is_no_json_object_is_refused(recipe):
    done = stage("make_problem", "--key", "0", "--recipe", recipe, "--output", "x")
    assert done.returncode == 2
    assert f"argument --recipe: invalid json_object value: '{recipe}'" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_job_ended_while_it_writes_leaves_nothing(folder, number):
    before = (
        "import os, numpy as np; saved = np.savez\n"
        f"np.savez = lambda *a, **k: (saved(*a, **k), os.kill(os.getpid(), {number:d}))"
    )
    assert "interrupted; nothing was written" in error_of(train(folder, before=before))
    assert {path.name for path in folder.iterdir()} == {"problem.npz", "s.csv"}


@pytest.mark.parametrize("moment", ["importing", "training"])
def test_an_interrupted_job_ends_without_a_traceback(folder, moment):
    training = SETTINGS["training"] | {"epochs": 10**6}
    arguments = arguments_of(folder, settings=SETTINGS | {"training": training})
    with subprocess.Popen(
        [sys.executable, "-m", "thaw.stages.train", *arguments],
        cwd=ROOT / "workflow",
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        if moment == "importing":
            maps = Path(f"/proc/{process.pid}/maps")
            while "libtorch" not in maps.read_text():
                time.sleep(0.01)
        else:
            assert "drawn anew" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode != 0
    expected = (
        "" if moment == "importing" else "error: interrupted; nothing was written\n"
    )
    assert said == expected
    assert [path.name for path in folder.iterdir()] == ["problem.npz"]


@pytest.mark.parametrize(
    "allocate", ["np.empty(10**10)", "t.torch.empty(10**10)"], ids=["numpy", "torch"]
)
def test_out_of_memory_says_what_helps(folder, allocate):
    """A limit on the address space stands in for a machine that has no more."""
    before = (
        "import numpy as np, resource, thaw.learning.training as t\n"
        "resource.setrlimit(resource.RLIMIT_AS, (2**35, 2**35))\n"
        f"t.learn = lambda *_: {allocate}"
    )
    assert "lower repeats_per_job" in error_of(train(folder, before=before))


def make_problem(folder, content):
    """Make a problem from a file whose content the run began with."""
    path = folder / "data.csv"
    told = {"format": ".csv", "content": digest_of_file(path)}
    path.write_text(content)
    settings = {"file": told, "label": "class", "train_size": 4}
    recipe = keys.recipe("make_problem", settings, {})
    return stage(
        "make_problem",
        *("--recipe", json.dumps(recipe), "--key", keys.key(recipe)),
        *("--files", path, "--output", folder / "p.npz"),
    )


DATA = "x,class\n" + "".join(f"{number},{number % 2}\n" for number in range(8))


def test_a_problem_is_made_from_the_requested_content(tmp_path):
    (tmp_path / "data.csv").write_text(DATA)
    done = make_problem(tmp_path, DATA)
    assert done.returncode == 0
    assert done.stderr == (
        "features: 1; train rows: 4 (2 0, 2 1); test rows: 4 (2 0, 2 1)\n"
    )
    assert (tmp_path / "p.npz").exists()


def test_a_file_that_changed_since_the_run_began_is_one_line(tmp_path):
    (tmp_path / "data.csv").write_text(DATA)
    line = error_of(make_problem(tmp_path, DATA + "8,0\n"))
    assert "data.csv was changed since the run began. Nothing was written" in line
    assert not (tmp_path / "p.npz").exists()


def test_a_recipe_without_data_is_one_line(tmp_path):
    recipe = keys.recipe("make_problem", {}, {})
    done = stage(
        "make_problem",
        *("--recipe", json.dumps(recipe), "--key", keys.key(recipe)),
        *("--output", tmp_path / "p.npz"),
    )
    assert "the recipe's settings lack a file, or what generates data" in error_of(done)
