"""Trainers, commands that replace Thaw's learners, and the predictions they write."""

import csv
import json
import re
import shutil
import time
from contextlib import nullcontext

import numpy as np
import psutil
import pytest
from sklearn import metrics

from configs import TRAINER, put, recipes, small_config
from projects import ROOT, SMALL_CONFIG, JobError, new_project
from thaw import keys
from thaw.errors import ThawError
from thaw.external.trainers import read_predictions, save_models, unpack_models
from thaw.learning.trainer import rows_of, scored, seeds_of
from thaw.output.records import save_arrays
from thaw.output.tiles import Tile
from thaw.stages.check_trainer import few_rows
from trained import repeats, with_numbers

# Chances by the seed; the first class has a half for all rows of repeat 0-1, which
# therefore failed.
SCRIPT = """
import json, sys
import numpy as np
import beside
job = json.load(open(sys.argv[1]))
print(json.dumps(job), file=open("jobs.jsonl", "a"))
labels = np.load(job["problem"]["file"])["test_y"]
name = "repeat" if job["stage"] == "train" else "source_model"
predictions = []
for network in job["networks"]:
    chances = np.random.default_rng(network["seed"]).dirichlet([1, 1, 1], len(labels))
    if network[name] == "0-1":
        chances[:] = 0.5, 0.25, 0.25
    predictions.append(np.log(chances))
    if "save" in network:
        open(network["save"] + "/a.bin", "w").write(str(network["seed"]))
np.save(job["predictions"], predictions)
"""


def test_what_is_in_a_trainers_key(folder, monkeypatch):
    config = small_config(TRAINER)
    (folder / "helper.py").write_text("print()\n")
    put(config, "network/files", ["trainer.py", "helper.py"])
    before = recipes(config)
    recipe = before["fixed-1"].recipe
    assert {"numpy", "scikit-learn"} <= recipe["versions"].keys()
    assert recipe["settings"]["variant"] == {"freeze": 1, "fresh": ["output"]}
    (folder / "helper.py").rename(folder / "h.py")
    put(config, "network/files", ["trainer.py", "h.py"])
    assert recipes(config) == before
    every = [before]
    (folder / "h.py").write_text("print(1)\n")
    every.append(recipes(config))
    put(config, "network/trainer", "python -O trainer.py")
    every.append(recipes(config))
    monkeypatch.setattr(keys, "version", lambda package: "9.9")
    every.append(recipes(config))
    distinct = {result.key for results in every for result in results.values()}
    assert len(distinct) == sum(map(len, every))


RECIPE = {"stage": "make_problem"}
SCORES = "results/ahead/scores.csv"
NETWORK = {
    "trainer": "python trainer.py",
    "files": ["trainer.py"],
    "groups": ["stem", "body", "head"],
    "arguments": {"hidden": [4, 3], "a": 1, "b": 2},
}
STUDY = SMALL_CONFIG["studies"]["ahead"] | {
    "variants": ["standalone", "fixed-1"],
    "target_sizes": [10, 15],
    "source_models": 4,  # so that a job has networks from two of them
}
CONFIG = SMALL_CONFIG | {
    "network": NETWORK,
    "training": SMALL_CONFIG["training"] | {"arguments": {"b": 3}},
    "pretraining": {"learning_rate": 0.2},
    "studies": {"ahead": STUDY},
    "variants": {
        "standalone": {"pretrained": False},
        "fixed-1": {"freeze": 1, "fresh": ["output"]},
    },
    "repeats_per_job": 4,
}


@pytest.fixture
def project(store, tmp_path, monkeypatch):
    """A project whose trainer has run, and an empty folder for temporary files."""

    def write(folder):
        (folder / "beside.py").touch()
        (folder / "trainer.py").write_text(SCRIPT)

    project = store.copy(tmp_path / "project", CONFIG, SCORES, write=write)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    return project


def jobs_of(project):
    """Return the files of the jobs that a trainer got, in order."""
    return [json.loads(line) for line in (project.folder / "jobs.jsonl").open()]


def networks_of(jobs):
    """Return what each network got in jobs that train, without where it starts."""
    return {
        (job["variant"]["pretrained"], len(network["rows"]), network["repeat"]): (
            network | {"start": None}
        )
        for job in jobs
        if job["stage"] == "train"
        for network in job["networks"]
    }


def test_a_trainer_gets_its_instructions(project):
    first, trial, *learning = jobs_of(project)
    assert trial["networks"][0]["start"] == first["networks"][0]["save"]
    assert first["training"]["learning_rate"] == 0.2
    from_models = [j for j in learning if j.get("variant", {}).get("pretrained")]
    job = from_models[0]
    expected = {
        "stage": "train",
        "variant": {"pretrained": True, "freeze": ["stem"], "fresh": ["head"]},
        "training": {"batch_size": 8, "epochs": 3, "learning_rate": 0.1},
        "arguments": {"hidden": [4, 3], "a": 1, "b": 3},
        "groups": ["stem", "body", "head"],
    }
    assert trial["variant"] in (expected["variant"], {"pretrained": False})
    assert expected.items() <= job.items()
    assert (job["problem"]["classes"], job["problem"]["shape"]) == (3, [2])
    # So does docs/trainer.md show them.
    page = (ROOT / "docs" / "trainer.md").read_text()
    shown, model = map(json.loads, re.findall("```json\n(.*?)```", page, re.DOTALL))
    assert job.keys() == shown.keys()
    assert job["networks"][0].keys() == shown["networks"][0].keys()
    assert first["networks"][0].keys() == model.keys()
    networks = {
        (network["repeat"], str(len(network["rows"]))): network
        for job in from_models
        for network in job["networks"]
    }
    assert len(networks) == 4 * 2 * 2
    assert len({network["seed"] for network in networks.values()}) == 8
    for (repeat, _), network in networks.items():
        assert network["start"].endswith(f"/{network['source_model']}")
        assert repeat.startswith(f"{network['source_model']}-")
    # Scores follow from its predictions.
    y = np.load(job["problem"]["file"])["test_y"]
    with (project.folder / SCORES).open() as file:
        rows = [row for row in csv.DictReader(file) if row["variant"] == "fixed-1"]
    assert len(rows) == 16
    for row in rows:
        repeat = f"{row['source_model']}-{row['repeat']}"
        assert row["failed"] == str(int(repeat == "0-1"))
        if repeat != "0-1":
            seed = networks[repeat, row["target_size"]]["seed"]
            chances = np.random.default_rng(seed).dirichlet([1, 1, 1], len(y))
            scores = [float(row["test_accuracy"]), float(row["test_loss"])]
            expected = (chances.argmax(1) == y).mean(), metrics.log_loss(y, chances)
            assert scores == pytest.approx(expected, rel=1e-4)


def test_rows_and_seeds_are_those_of_the_repeat(project):
    """In any company and variant; smaller sizes are part of larger ones."""
    before = networks_of(jobs_of(project)[2:])
    assert len(before) == 2 * 2 * 8
    for (pretrained, size, repeat), network in before.items():
        assert network == before[not pretrained, size, repeat]
        assert network["rows"] == before[pretrained, 15, repeat]["rows"][:size]
    count = len(jobs_of(project))
    scores = project.results("ahead/scores.csv")
    project.change("repeats_per_job", to=2)
    (project.folder / "trainer.py").write_text(SCRIPT + "# edited\n")
    assert project.make(SCORES).count("train") == 16
    assert networks_of(jobs_of(project)[count + 2 :]) == before
    assert project.results("ahead/scores.csv") == scores
    seeds = seeds_of(repeats(range(1000)))
    assert len({*seeds}) == 1000
    assert all(0 <= seed < 2**31 for seed in seeds)


PATHS = "\nimport os\npath, save = job['predictions'], network.get('save')\n"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise SystemExit(3)", "ended with status 3"),
        ("os.remove(path)", "No such file or directory.*; write one array"),
        ("os.remove(save + '/a.bin')", "no file of its source model into "),
    ],
)
def test_a_trainer_that_fails_is_named_before_anything_learns(project, code, words):
    before, jobs = project.results(), len(jobs_of(project))
    (project.folder / "trainer.py").write_text(SCRIPT + PATHS + code)
    with pytest.raises(JobError, match=rf"studies\.ahead: .*{words}"):
        project.make(SCORES)
    assert len(jobs_of(project)) <= jobs + 2
    assert project.results() == before


def test_few_rows_are_whole_batches_of_all_classes(problem):
    rare = np.zeros(1000, int)
    rare[:2], rare[5:9] = 1, 2
    many = problem._replace(train_x=np.zeros((1000, 2)), train_y=rare)
    rows = few_rows(many, repeats([0]), 1000, 16)
    assert len({*rows}) == len(rows) == 7 * 16
    assert {*rare[rows]} == {0, 1, 2}
    with pytest.raises(ThawError, match="asks for 1001 train rows and the target prob"):
        few_rows(many, repeats([0]), 1001, 16)
    assert few_rows(many, repeats([0]), 50, 16) == rows_of(many, repeats([0]), 50)[0]


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("no-such-program x", "'no-such-program' cannot be run: No such file"),
        ("A=1 python trainer.py", "there is no shell"),
        ("python -c 'import os; os.kill(os.getpid(), 9)'", "killed, most likely"),
        ("python -c 0 $(touch pwned); touch pwned", "it wrote no file of its"),
    ],
)
def test_a_command_that_fails_is_named(project, command, words, tmp_path):
    project.change("network", "trainer", to=command)
    with pytest.raises(JobError) as caught:
        project.make(SCORES)
    message = str(caught.value).strip()
    assert f"studies.ahead: {command}: " in message
    assert words in message
    assert not (project.folder / "pwned").exists()
    # By hand it fails as well, because its instructions are still there.
    (file,) = (tmp_path / "tmp").rglob("job.json")
    assert message.endswith(f", in {project.folder}: {command} {file}")


# Whatever Python runs it need have no packages.
CHILD = """
import os, signal, subprocess, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
script = "trap '' TERM; sleep 100; touch survived"
child = subprocess.Popen(["sh", "-c", script])
open("pids", "w").write(f"{os.getpid()} {child.pid}")
"""


def runs(pid):
    """Return whether a process runs; a dead one may wait for its parent for ever."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("ends", [False, True])
def test_nothing_that_a_trainer_started_survives(project, tmp_path, ends):
    """After its own end or its job's; signals that end politely are ignored."""
    is_ended = "os.kill(os.getppid(), signal.SIGTERM)\ntime.sleep(300)\n"
    script = CHILD + (SCRIPT if ends else is_ended)
    (project.folder / "trainer.py").write_text(script)
    with nullcontext() if ends else pytest.raises(JobError, match="interrupted"):
        project.make("results/ahead/source-models.csv" if ends else SCORES)
    assert not [*(tmp_path / "tmp").iterdir()]
    pids = [int(pid) for pid in (project.folder / "pids").read_text().split()]
    while any(map(runs, pids)):
        time.sleep(0.1)
    assert not (project.folder / "survived").exists()


def test_a_file_that_was_edited_meanwhile_is_named(project, monkeypatch):
    (project.folder / "trainer.py").write_text(SCRIPT + "# edited\n")
    monkeypatch.setattr("thaw.external.trainers.digest_of_file", lambda path: "other")
    with pytest.raises(JobError, match=r"trainer\.py was changed since the run began"):
        project.make(SCORES)


def test_source_models_come_back_as_they_were(tmp_path):
    for number in (3, 4):
        folder = tmp_path / str(number) / "deep"
        folder.mkdir(parents=True)
        (folder / "weights").write_bytes(bytes([number]) * 5)
        (folder / "empty").touch()
    path, key = tmp_path / "models-03-04.safetensors", keys.key(RECIPE)
    save_models(path, tmp_path, Tile(range(3, 5)), RECIPE, {})
    assert {*unpack_models(path, key, [4], tmp_path / "into")} == {path.name}
    assert [folder.name for folder in (tmp_path / "into").iterdir()] == ["4"]
    files = {p.name: p.read_bytes() for p in (tmp_path / "into/4").rglob("deep/*")}
    assert files == {"weights": bytes([4]) * 5, "empty": b""}
    with pytest.raises(ThawError, match="holds the source models 3, 4, not 5"):
        unpack_models(path, key, [5], tmp_path / "missing")
    path.write_bytes(path.read_bytes().replace(bytes([3]) * 5, bytes([5]) * 5))
    with pytest.raises(ThawError, match="3/deep/weights was changed; delete"):
        unpack_models(path, key, [4], tmp_path / "changed")
    # Anyone who can change a result can also write a matching checksum.
    (tmp_path / "into" / "deep" / "4").mkdir(parents=True)
    for name in ("4/../../a", "/a", "4"):
        save_arrays(path, {name: np.zeros(1, np.uint8)}, RECIPE, {}, Tile(range(3, 5)))
        with pytest.raises(ThawError, match="is not the result it should be"):
            unpack_models(path, key, [4], tmp_path / "into" / "deep")
        assert not [*tmp_path.rglob("a")]


@pytest.fixture
def predicted(problem):
    """Two problems, of classes and of numbers, and what three networks predict."""
    rng = np.random.default_rng(0)
    logits, numbers = rng.normal(size=(3, 40, 3)), with_numbers(problem)
    logits[:, range(40), problem.test_y] += 2
    logs = logits - np.log(np.exp(logits).sum(2, keepdims=True))
    return (problem, logs), (numbers, numbers.test_y + 9 * rng.normal(size=(3, 40)))


def read_back(folder, values, problem):
    np.save(folder / "predictions.npy", values)
    return read_predictions(folder / "predictions.npy", 3, problem)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_predictions_are_read(tmp_path, predicted, kind):
    (problem, logs), (numbers, guesses) = predicted
    logs[1, 7, 2] = guesses[1, 7] = np.nan
    read = read_back(tmp_path, logs.astype(kind), problem)
    assert read.dtype == np.float32
    np.testing.assert_allclose(read[[0, 2]], logs[[0, 2]], rtol=2e-3)
    # Rounding of the trainer's does not stay.
    np.testing.assert_allclose(np.exp(read[0].astype(float)).sum(1), 1, atol=1e-6)
    assert np.isnan(read[1]).all()
    read = read_back(tmp_path, guesses.astype(kind), numbers)
    assert read.dtype == np.float64
    assert (read[[0, 2]] == guesses.astype(kind)[[0, 2]]).all()
    assert np.isnan(read[1]).all()


BAD = [
    (lambda logs: logs.swapaxes(1, 2), "shape is [3, 3, 40], not [3, 40, 3]"),
    (
        lambda logs: logs + 0.002,
        "(from 0) is infinite, or its probabilities do not sum",
    ),
    (lambda logs: np.where(np.arange(3) == 2, -np.inf, logs), "networks[0], test row"),
    (lambda logs: logs.astype(object), "it is not an array of numbers"),
]
BAD_NUMBERS = [
    (lambda guesses: guesses[:2], "shape is [2, 40], not [3, 40]"),
    (lambda guesses: guesses + np.inf, "test row 0 (from 0) is infinite; write one"),
]


@pytest.mark.parametrize(("change", "words"), BAD + BAD_NUMBERS)
def test_bad_predictions_are_named(tmp_path, predicted, change, words):
    data, right = predicted[(change, words) in BAD_NUMBERS]
    with pytest.raises(ThawError) as caught:
        read_back(tmp_path, change(right), data)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_array_are_named(tmp_path, problem):
    path = tmp_path / "predictions.npz"
    np.savez(path, np.zeros(3))
    for content in (path.read_bytes(), b"", b"PK\x03\x04", b"0.1,0.2\n"):
        path.write_bytes(content)
        words = r"predictions\.npz: \w.*; write one array"
        with pytest.raises(ThawError, match=words):
            read_predictions(path, 3, problem)


def test_scores_follow_from_predictions(predicted):
    (problem, logs), (numbers, guesses) = predicted
    logs[1] = np.nan  # a network that failed
    accuracies = (logs.argmax(2) == problem.test_y).mean(1)[[0, 2]]
    losses = [metrics.log_loss(problem.test_y, np.exp(logs[n])) for n in (0, 2)]
    errors = abs(guesses - numbers.test_y).mean(1)
    roots = [metrics.root_mean_squared_error(numbers.test_y, row) for row in guesses]
    for data, predictions, known, expected in (
        (problem, logs, [0, 2], (accuracies, losses)),
        (numbers, guesses, [0, 1, 2], (errors, roots)),
    ):
        outcome = scored(predictions, data, 0.1)
        for column, values in zip(outcome.history[2:], expected, strict=True):
            np.testing.assert_allclose(column[known, 0], values, rtol=1e-6)
            assert np.isnan(np.delete(column, known)).all()
        assert outcome.final.failed.sum() == 3 - len(known)


@pytest.mark.parametrize(("times", "plus"), [(1, 0), (1e-9, 0), (1e-2, -1e8)])
def test_networks_fail_that_predict_the_same_of_all_rows(predicted, times, plus):
    """In any unit, and however far from 0 the labels are."""
    (problem, logs), (numbers, guesses) = predicted
    numbers = numbers._replace(train_y=numbers.train_y * times + plus)
    guesses[0] = 400 + 1e-9 * guesses[0]
    logs[0] = logs[0, 0] + 1e-9 * logs[0]
    guesses[1, 3] = logs[1, 3, 1] = np.nan
    for data, predictions in ((numbers, guesses * times + plus), (problem, logs)):
        failed = scored(predictions, data, 0.1).final.failed
        assert failed.tolist() == [True, True, False]


@pytest.mark.slow
def test_the_example_ends_in_an_answer_and_its_page_has_no_learning_curves(tmp_path):
    project = new_project(tmp_path / "project", CONFIG)
    shutil.copy(ROOT / "examples" / "trainer" / "trainer.py", project.folder)
    project.make("results/ahead/answer.md", "results/ahead/page.html")
    answer = project.folder / "results/ahead/answer.md"
    assert answer.read_text().startswith("# ahead: one → two")
    page = (project.folder / "results/ahead/page.html").read_text()
    assert "Boxplot" in page and "Learning curves" not in page
