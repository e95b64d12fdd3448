"""Trainers: user-supplied commands that replace Thaw's learners."""

import contextlib
import functools
import json
import re
import shutil
import time
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml

from configs import TRAINER, put, recipes, small_config
from conftest import DESCRIPTION, ROOT, Project, new_project
from thaw import keys
from thaw.config.network import kind_of
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.external.trainer_scores import read_history, read_scores
from thaw.external.trainers import save_models, unpack_models
from thaw.learning.trainer import rows_of, seeds_of
from thaw.output.predictions import load_predictions
from thaw.output.problems import save_problem
from thaw.output.scores import load_scores
from thaw.output.tiles import Tile
from thaw.plan.plan import Plan
from thaw.stages import check_trainer, pretrain, train
from thaw.stages.check_trainer import few_rows
from thaw.stages.fit import fit
from trained import repeats

EXAMPLE = ROOT / "examples" / "trainer"


@pytest.fixture
def config(folder):
    """Return SMALL_CONFIG with a trainer instead of hidden layers."""
    return small_config(TRAINER)


def keys_of(config):
    return {found.key for found in recipes(config).values()}


def test_what_is_in_a_trainers_key(config, tmp_path, monkeypatch):
    put(config, "network/files", ["trainer.py", "helper.py"])
    before = recipes(config)
    recipe = before["fixed-1"].recipe
    # Not torch: a new version of it trains nothing again with another library.
    assert recipe["versions"].keys() == {"numpy", "scikit-learn"}
    assert recipe["settings"]["variant"] == {"freeze": 1, "fresh": ["output"]}
    (tmp_path / "helper.py").rename(tmp_path / "h.py")
    put(config, "network/files", ["trainer.py", "h.py"])
    assert recipes(config) == before
    (tmp_path / "h.py").write_text("print(1)\n")
    edited = keys_of(config)
    put(config, "network/trainer", "python -O trainer.py")
    other = keys_of(config)
    monkeypatch.setattr(keys, "version", lambda package: "9.9")
    everything = [{r.key for r in before.values()}, edited, other, keys_of(config)]
    assert len(set().union(*everything)) == sum(map(len, everything))


def test_instructions_count_only_in_trainers_keys(folder):
    assert "thaw.learning.trainer" not in keys.modules("train")
    found = keys.modules("train", kind_of(TRAINER).content()["computed_by"])
    assert "thaw.learning.trainer" in found
    assert not found & {"thaw.learning.training", "thaw.learning.ensemble"}


def test_arguments_are_changed_one_by_one(config):
    put(config, "training/arguments", {"width": 5})
    put(config, "variants/fixed-0/training", {"arguments": {"fast": False}})
    found = {name: r.recipe["settings"] for name, r in recipes(config).items()}
    told = {name: settings["training"]["arguments"] for name, settings in found.items()}
    assert told["fixed-0"] == {"width": 5, "fast": False}
    assert told["source models"] == told["fixed-1"] == {"width": 5}


LABELS = ["0-3", "0-4"]
KNOWN = ["test_accuracy", "test_loss", "train_accuracy", "train_loss"]
GOOD = "repeat,test_accuracy\n0-3,0.5\n0-4,1\n"
BAD_SCORES = [
    ("", "scores.csv is empty"),
    ("repeat\n0-3\n0-4\n", "scores.csv: the column test_accuracy is missing"),
    ("test_accuracy\n1\n1\n", "scores.csv: the column repeat is missing"),
    ("repeat,test_accuracy,loss\n", "unknown column 'loss'. Allowed: repeat"),
    ("repeat,repeat,test_accuracy\n", "the column repeat is there twice"),
    ("repeat,test_accuracy\n0-3,0.5\n", "no row of repeat 0-4; write one row for each"),
    (GOOD + "0-4,1\n", "line 4: repeat 0-4 is there twice"),
    (GOOD + "4,1\n", "line 4: repeat is '4'. Allowed: 0-3 to 0-4"),
    (GOOD.replace(",", ";"), "repeat is missing; its header, separated by commas, is"),
    (GOOD.replace("0.5", "50"), "line 2: test_accuracy is 50. Allowed: 0 to 1"),
    (GOOD.replace("0.5", "-1"), "line 2: test_accuracy is -1. Allowed: 0 to 1"),
    (GOOD.replace("0.5", ""), "line 2: test_accuracy is '', which is not a number"),
    (GOOD.replace("0.5", "1,2"), "line 2: 3 values instead of the header's 2"),
    ("repeat,test_accuracy,test_loss\n0-3,1,-1\n", "line 2: test_loss is -1. Allow"),
    ("repeat,test_accuracy,failed\n0-3,1,2\n", "line 2: failed is 2. Allowed: 0, 1"),
    ("repeat,test_accuracy,failed\n0-3,1,TRUE\n", "failed is 'TRUE'. Allowed: 0, 1"),
    (b"\xff", "is not a CSV file in UTF-8"),
    ('a"\n"', "is not a CSV file in UTF-8"),
]


@pytest.mark.parametrize(("text", "words"), BAD_SCORES)
def test_bad_scores_are_named(text, words, tmp_path):
    path = tmp_path / "scores.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ThawError) as caught:
        read_scores(path, "repeat", LABELS, KNOWN)
    assert words in str(caught.value)


def test_scores_may_stand_in_any_order(tmp_path):
    """With blanks after commas, and an empty last line."""
    path = tmp_path / "scores.csv"
    path.write_text(
        "test_loss, repeat, failed, test_accuracy\ninf,0-4,0.0,1\r\n2,0-3,1, 0.5\n\n"
    )
    scores, failed = read_scores(path, "repeat", LABELS, KNOWN)
    found = {name: values.tolist() for name, values in scores.items()}
    assert found == {"test_loss": [2, np.inf], "test_accuracy": [0.5, 1]}
    assert failed.tolist() == [True, False]


HISTORY = "repeat,epoch,train_accuracy,train_loss,test_accuracy,test_loss\n" + "".join(
    f"{label},{epoch},0.5,1,0.5,1\n" for epoch in range(3) for label in LABELS
)
BAD_HISTORIES = [
    (HISTORY.replace(",test_loss", ""), "history.csv: the column test_loss is missing"),
    (HISTORY.replace("epoch", "step"), "history.csv: the column epoch is missing"),
    (HISTORY.replace("0-4,2,", "0-4,3,"), "line 7: epoch is '3'. Allowed: 0 to 2"),
    (HISTORY.replace("0-4,2,", f"0-4,{'9' * 5000},"), "line 7: epoch is '9"),
    (HISTORY.replace("0-4,2,", "0-4,1.0,"), "line 7: epoch is '1.0'. Allowed: 0 to 2"),
    (HISTORY.replace("0-4,2,", "0-4,1,"), "line 7: epoch 1 of repeat 0-4 is there twi"),
    (HISTORY.replace("0-4,2,", "5,2,"), "line 7: repeat is '5'. Allowed: 0-3 to 0-4"),
    (
        HISTORY.replace("0-4,2,0.5,1,0.5,1\n", ""),
        "no row of epoch 2 of repeat 0-4; wri",
    ),
    (HISTORY.replace("0-4,2,0.5", "0-4,2,5"), "line 7: train_accuracy is 5. Allowed"),
]


@pytest.mark.parametrize(("text", "words"), BAD_HISTORIES)
def test_bad_histories_are_named(text, words, tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(text)
    with pytest.raises(ThawError) as caught:
        read_history(path, "repeat", LABELS, KNOWN, 2)
    assert words in str(caught.value)


def test_only_a_trainer_that_says_so_has_histories(config):
    def study():
        return Plan(resolve(config)).studies["ahead"]

    plain, without = study(), keys_of(config)
    put(config, "network/histories", False)
    assert keys_of(config) == without
    put(config, "network/histories", True)
    assert not keys_of(config) & without
    assert study().has_histories and not plain.has_histories


RECIPE = {"stage": "make_problem"}
FIRST = "models-00-00-repeats-00-00"
SCRIPT = """
import json, sys
import beside
job = json.load(open(sys.argv[1]))
json.dump(job, open("told.json", "w"))
name = "repeat" if job["stage"] == "train" else "source_model"
with open(job["scores"], "w") as file:
    print(name + ",test_accuracy,test_loss", file=file)
    for network in job["networks"]:
        loss = "nan" if network[name] in ("0-1", 1) else 1
        print(network[name], network["seed"] / 2**32, loss, sep=",", file=file)
        if "save" in network:
            open(network["save"] + "/a.bin", "w").write(str(network["seed"]))
"""


@pytest.fixture
def job(problem, tmp_path, monkeypatch):
    """Return a function that runs a stage with a trainer and changed instructions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    # As in a job of the workflow, where scripts import the modules beside them.
    monkeypatch.setenv("PYTHONSAFEPATH", "1")
    (tmp_path / "beside.py").touch()
    (tmp_path / "trainer.py").write_text(SCRIPT)
    save_problem(Path("problem.npz"), problem, DESCRIPTION, RECIPE, {})

    def run(
        stage,
        tile,
        command="python trainer.py",
        variant=None,
        size=None,
        time_limit=0,
        **more,
    ):
        network = {"trainer": command, "groups": ["stem", "body", "head"]} | more
        network["files"] = ["trainer.py"]
        settings = {
            "seed": 1,
            "network": kind_of(network | {"arguments": {"a": 1, "b": 2}}).content(),
            "training": {"epochs": 2, "learning_rate": 0.1, "arguments": {"b": 3}},
        }
        settings["training"]["batch_size"] = 16
        inputs = {"problem": keys.key(RECIPE)}
        if stage == "train":
            settings |= {"variant": variant or {}}
            if settings["variant"].get("pretrained", True):
                inputs["source_models"] = models_key
        if size:
            settings["target_size"] = size
        recipe = keys.recipe(stage, settings, inputs)
        args = Namespace(
            recipe=recipe,
            tile=Tile.named(tile),
            problem=Path("problem.npz"),
            trainer=[Path("trainer.py")],
            source_models=[Path("models.safetensors")],
            weights=Path("models.safetensors"),
            time_limit=time_limit,
            scores=Path(f"{stage}.csv"),
            history=Path(f"{stage}.history.npz"),
            predictions=Path(f"{stage}.predictions.npz"),
        )
        if stage == "train":
            train.main(args)
        else:
            fit(args, pretrain.start)
        told = json.loads(Path("told.json").read_text())
        return told, args, keys.key(recipe)

    _, _, models_key = run("pretrain", "models-00-01")
    return run


def test_a_trainer_gets_its_instructions(job, problem, tmp_path):
    tile, variant = Tile(range(2), range(1, 3)), {"freeze": 1, "fresh": ["output"]}
    told, args, key = job("train", tile.name, variant=variant)
    assert told["stage"] == "train"
    expected = {"pretrained": True, "freeze": ["stem"], "fresh": ["head"]}
    assert told["variant"] == expected
    assert told["training"] == {"batch_size": 16, "epochs": 2, "learning_rate": 0.1}
    assert told["arguments"] == {"a": 1, "b": 3}
    file = str(tmp_path / "problem.npz")
    assert told["problem"] == {
        **{"file": file, "task": "classification", "classes": 3},
        "shape": [2],
    }
    first, second, third, fourth = told["networks"]
    labels = [(n["repeat"], n["source_model"]) for n in told["networks"]]
    assert labels == [("0-1", 0), ("0-2", 0), ("1-1", 1), ("1-2", 1)]
    assert first["start"] == second["start"] != third["start"] == fourth["start"]
    assert first["rows"] == list(range(len(problem.train_y)))
    assert len({n["seed"] for n in told["networks"]}) == 4
    assert not [*(tmp_path / "tmp").iterdir()]

    found = load_scores(args.scores, args.history, tile, key).reached
    # A network whose loss is not a number failed, and missing scores are unknown.
    assert found.final.failed.tolist() == [True, False, False, False]
    assert np.isnan(found.history.train_loss).all()
    assert found.history.test_score[2] == np.float32(third["seed"] / 2**32)


def test_what_a_trainer_predicts_is_kept_and_completes_its_scores(
    job, problem, tmp_path
):
    """The second network predicts the same for all rows, so it failed."""
    (tmp_path / "trainer.py").write_text(
        "import json, sys\n"
        "import numpy as np\n"
        "job = json.load(open(sys.argv[1]))\n"
        "json.dump(job, open('told.json', 'w'))\n"
        "data = np.load(job['problem']['file'])\n"
        "chances = np.full((2, len(data['test_y']), 3), 0.25)\n"
        "chances[0, range(len(data['test_y'])), data['test_y']] = 0.5\n"
        "chances[1, :, 0] = 0.5\n"
        "np.save(job['predictions'], np.log(chances))\n"
        "first = (data['test_y'] == 0).mean()\n"
        "text = f'repeat,test_accuracy\\n0-0,1\\n0-1,{first}\\n'\n"
        "open(job['scores'], 'w').write(text)\n"
    )
    tile = "models-00-00-repeats-00-01"
    _, args, key = job("train", tile, variant={"pretrained": False})
    found = load_predictions(args.predictions, args.tile, key, problem.task)
    assert found.rows.tolist() == problem.test_rows.tolist()
    predicted = found.said.argmax(2)
    assert predicted.tolist() == [problem.test_y.tolist(), [0] * len(problem.test_y)]
    reached = load_scores(args.scores, args.history, Tile.named(tile), key).reached
    assert reached.final.failed.tolist() == [False, True]
    assert reached.history.test_score[0, 0] == 1
    assert reached.history.test_loss[0, 0] == pytest.approx(np.log(2))


WITH_HISTORY = """
import json, sys
job = json.load(open(sys.argv[1]))
json.dump(job, open("told.json", "w"))
name = "repeat" if job["stage"] == "train" else "source_model"
scores, history = open(job["scores"], "w"), open(job["history"], "w")
print(name + ",test_accuracy", file=scores)
print(name + ",epoch,train_accuracy,train_loss,test_accuracy,test_loss", file=history)
for network in job["networks"]:
    print(network[name], 0.5, sep=",", file=scores)
    for epoch in (2, 0, 1):
        row = 0.1, "inf" if epoch == 1 else 3 - epoch, 0.499 if epoch else LAST, 1
        print(network[name], epoch, *row, sep=",", file=history)
"""


def test_a_history_ends_in_the_scores(job, tmp_path):
    """What the scores leave out, its last epoch says; so many steps are an epoch's."""
    (tmp_path / "trainer.py").write_text(WITH_HISTORY.replace("LAST", "0.2"))
    tile, standalone = "models-00-00-repeats-00-01", {"pretrained": False}
    run = functools.partial(job, "train", tile, variant=standalone, histories=True)
    _, args, key = run(size=20)
    reached = load_scores(args.scores, args.history, args.tile, key).reached
    assert reached.steps.tolist() == [0, 2, 4]
    assert reached.final.epoch.tolist() == [2, 2]
    assert not reached.final.failed.any()
    assert reached.history.test_score.tolist() == [pytest.approx([0.2, 0.499, 0.5])] * 2
    assert reached.history.train_loss.tolist() == [[3, np.inf, 1]] * 2
    script = WITH_HISTORY.replace("if epoch else LAST", "if epoch < 2 else 0.6")
    (tmp_path / "trainer.py").write_text(script)
    with pytest.raises(
        ThawError, match=r"networks\[0\]: its test_accuracy is 0\.5, an"
    ):
        run(size=20)


def test_rows_and_seeds_are_those_of_the_repeat(job):
    """In any company and variant; smaller sizes are part of larger ones."""
    standalone = {"pretrained": False}
    one, four = "models-01-01-repeats-00-00", "models-00-01-repeats-00-01"
    several = job("train", four, size=20)[0]["networks"]
    alone = job("train", one, variant=standalone, size=20)[0]["networks"][0]
    assert alone == {k: v for k, v in several[2].items() if k != "start"}
    assert alone["source_model"] == 1
    larger = job("train", one, variant=standalone, size=30)[0]["networks"][0]
    assert larger["rows"][:20] == alone["rows"]


def like(told):
    """Return the form of a trainer's instructions: keys, and the types of values."""
    if isinstance(told, dict):
        return {key: like(value) for key, value in told.items()}
    if isinstance(told, list):
        return [like(value) for value in told[:1]]
    return type(told)


def test_the_page_shows_a_trainers_instructions(job, tmp_path):
    page = (ROOT / "docs" / "trainer.md").read_text()
    shown, pretrained = map(
        json.loads, re.findall("```json\n(.*?)```", page, re.DOTALL)
    )
    # The parts from the config, as in the page's config.
    own = ("arguments", "training")
    script = WITH_HISTORY.replace("LAST", "0.5")
    (tmp_path / "trainer.py").write_text(script)
    told = job("train", FIRST, variant={"freeze": 1}, size=5, histories=True)[0]
    assert told["networks"][0]["rows"] != shown["networks"][0]["rows"]
    assert {k: like(v) for k, v in shown.items() if k not in own} == {
        **{k: like(v) for k, v in told.items() if k not in own},
        "variant": {"pretrained": bool, "freeze": [str], "fresh": []},
    }
    assert shown.keys() == told.keys()
    (tmp_path / "trainer.py").write_text(SCRIPT)
    assert like(pretrained) == like(job("pretrain", "models-00-00")[0]["networks"][0])


def test_the_pages_config_is_the_examples():
    page = (ROOT / "docs" / "trainer.md").read_text()
    (shown,) = re.findall("```yaml\n(.*?)```", page, re.DOTALL)
    config = yaml.safe_load((EXAMPLE / "config.yaml").read_text())
    assert yaml.safe_load(shown).items() <= config.items()


LOSS, ROC = {"log_loss": "loss"}, {"roc_auc": None}
TRIALS = [
    (SCRIPT, {"accuracy": "score"} | LOSS, None),
    (SCRIPT.replace("test_loss", "train_loss"), {"accuracy": "score"}, None),
    (
        SCRIPT.replace("test_loss", "train_loss"),
        LOSS,
        "log_loss needs predictions or t",
    ),
    # The network failed, so nothing is known.
    (SCRIPT.replace('("0-1"', '("0-0"'), LOSS, None),
    (SCRIPT, ROC, "metric: roc_auc needs predictions, which the trainer did not write"),
    (SCRIPT + "raise SystemExit(3)", LOSS, "python trainer.py: it ended with status 3"),
    (SCRIPT.replace("save", "no"), LOSS, "it wrote no file for source model 0; write"),
]


@pytest.mark.parametrize(("script", "metrics", "words"), TRIALS)
def test_a_trainer_is_tried_before_anything_learns(
    job, problem, tmp_path, script, metrics, words
):
    script = script.replace('"told.json"', 'job["stage"] + ".json"')
    (tmp_path / "trainer.py").write_text(script)
    network = {"trainer": "python trainer.py", "groups": ["stem", "head"]}
    network["files"] = ["trainer.py"]
    training = {"epochs": 1, "batch_size": 16, "learning_rate": 0.1}
    settings = {
        **{"study": "mine", "seed": 1, "metrics": metrics, "variant": {"freeze": 1}},
        **{"network": kind_of(network).content(), "target_size": 20},
        **{"training": training, "pretraining": training | {"learning_rate": 0.2}},
    }
    key = keys.key(RECIPE)
    args = Namespace(
        recipe=keys.recipe("check_trainer", settings, {"problem": key, "source": key}),
        trainer=[Path("trainer.py")],
        source=Path("problem.npz"),
        target=Path("problem.npz"),
        time_limit=60,
        output=Path("check.json"),
    )
    if words:
        with pytest.raises(ThawError, match=r"studies\.mine: ") as caught:
            check_trainer.main(args)
        assert words in str(caught.value)
        assert not args.output.exists()
        return
    check_trainer.main(args)
    assert args.output.exists()
    assert not [*(tmp_path / "tmp").iterdir()]
    first, second = (
        json.loads(Path(f"{stage}.json").read_text()) for stage in ("pretrain", "train")
    )
    assert first["training"]["learning_rate"] == 0.2
    assert second["variant"]["freeze"] == ["stem"]
    # The rows and seed of the first repeat.
    (tmp_path / "trainer.py").write_text(SCRIPT)
    expected = job("train", FIRST, size=20)[0]["networks"][0]
    (model,), (repeat,) = first["networks"], second["networks"]
    assert repeat == expected | {"start": model["save"]}
    assert len(model["rows"]) == min(112, len(problem.train_y))


def test_few_rows_are_whole_batches_of_all_classes(problem):
    rare = np.zeros(1000, int)
    rare[:2], rare[5:9] = 1, 2
    many = problem._replace(train_x=np.zeros((1000, 2)), train_y=rare)
    whose = repeats(range(1))
    found = few_rows(many, whose, 1000, 16)
    assert len({*found}) == len(found) == 7 * 16
    assert {*rare[found]} == {0, 1, 2}
    assert len(few_rows(many, whose, 1000, 300)) == 300
    with pytest.raises(ThawError, match="asks for 1001 train rows and the target prob"):
        few_rows(many, whose, 1001, 16)
    # Fewer are those of the repeat.
    assert few_rows(many, whose, 50, 16) == rows_of(many, whose, 50)[0]
    numbers = many._replace(task="regression", classes=0, train_y=np.arange(1000.0))
    assert len(few_rows(numbers, whose, 1000, 16)) == 7 * 16


FAILURES = [
    ("python -c 'raise SystemExit(3)'", "it ended with status 3; see its output above"),
    ("no-such-program x", "'no-such-program' cannot be run: No such file"),
    ("./trainer.py", "'./trainer.py' cannot be run: Permission denied"),
    ("A=1 python trainer.py", "there is no shell: name a program and its argument"),
    ("python -c 'import os; os.kill(os.getpid(), 9)'", "killed, most likely becau"),
    ("python -c 'import os; os.kill(os.getpid(), 15)'", "it was ended by SIGTERM"),
    ("python -c 0 $(touch x.y); touch x.y", "scores.csv is missing; write to the pa"),
]


@pytest.mark.parametrize(("command", "words"), FAILURES)
def test_a_command_that_fails_is_named(job, command, words, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.*")}
    with pytest.raises(ThawError) as caught:
        job("train", FIRST, command)
    assert str(caught.value).startswith(f"{command}: ")
    assert words in str(caught.value)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.*")}
    # By hand it fails as well, because its instructions are still there.
    (told,) = (tmp_path / "tmp").glob("*/job.json")
    assert str(caught.value).endswith(f", in {Path.cwd()}: {command} {told}")


def test_a_job_that_is_ended_takes_its_trainer_with_it(job, tmp_path):
    (tmp_path / "trainer.py").write_text(
        "import os, signal, time\n"
        "open('pid', 'w').write(str(os.getpid()))\n"
        "os.kill(os.getppid(), signal.SIGTERM)\n"
        "time.sleep(60)\n"
    )
    with pytest.raises(KeyboardInterrupt):
        job("train", FIRST)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int((tmp_path / "pid").read_text())).wait(timeout=20)
    assert not [*(tmp_path / "tmp").iterdir()]


# Whatever Python runs it need have no packages.
HANGS = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
script = "trap '' TERM; sleep 300 & echo $$ $! >children; wait; sleep 300"
subprocess.Popen(["sh", "-c", script])
while not (os.path.exists("children") and open("children").read().endswith("\\n")):
    time.sleep(0.05)
open("pids", "w").write(f"{os.getpid()} {open('children').read()}")
"""


def runs(pid):
    """Whether a process runs; a dead one may wait for its parent for ever."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("ends", [False, True])
def test_nothing_that_a_trainer_started_survives(job, tmp_path, monkeypatch, ends):
    """After a time limit, and after its own end; signals that end politely or not."""
    monkeypatch.setattr("thaw.external.trainers.SECONDS_TO_END", 0.2)
    script = HANGS + (SCRIPT if ends else "time.sleep(300)\n")
    (tmp_path / "trainer.py").write_text(script)
    run = functools.partial(job, "train", "models-00-00-repeats-00-01")
    if ends:
        run(time_limit=60)
    else:
        words = (
            r"ended after 10 s, network\.time_limit for each of the networks \(2\); r"
        )
        with pytest.raises(ThawError, match=words):
            run(time_limit=5)
    pids = [*map(int, (tmp_path / "pids").read_text().split())]
    assert len(pids) == 3
    latest = time.monotonic() + 20
    while any(map(runs, pids)):
        assert time.monotonic() < latest, pids
        time.sleep(0.1)


def test_a_time_limit_changes_no_key(config):
    before = keys_of(config)
    description = Plan(resolve(config)).studies["ahead"].description
    put(config, "network/time_limit", 60)
    plan = Plan(resolve(config))
    assert keys_of(config) == before
    assert plan.studies["ahead"].description == description
    assert [*map(plan.time_limit, sorted(before))] == [60] * len(before)


def test_a_file_that_was_edited_meanwhile_is_named(job, monkeypatch):
    monkeypatch.setattr("thaw.external.trainers.digest_of_file", lambda path: "other")
    with pytest.raises(ThawError, match=r"trainer\.py was changed since the run began"):
        job("train", FIRST)


def test_a_source_model_without_a_file_is_named(job, tmp_path):
    (tmp_path / "trainer.py").write_text(SCRIPT.replace("/a.bin", "/../a.bin"))
    with pytest.raises(ThawError, match="no file for source model 0; write into "):
        job("pretrain", "models-00-01")


SPOILED = """
import os
os.path.lexists(path) and os.remove(path)
{}
"""


@pytest.mark.parametrize("what", ["scores", "history", "predictions", "save"])
@pytest.mark.parametrize(
    "does", ["os.mkfifo(path)", "os.symlink('told.json', path)", "os.mkdir(path)"]
)
def test_only_regular_files_are_read(job, tmp_path, what, does):
    """Reading a pipe would never end."""
    spoil, where = f"path = job[{what!r}]", "train"
    script = WITH_HISTORY.replace("LAST", "0.5")
    if what == "save":
        script, spoil, where = SCRIPT, "path = network['save'] + '/b'", "pretrain"
        does = does.replace("os.mkdir(path)", "os.symlink('/', path)")
    (tmp_path / "trainer.py").write_text(script + spoil + SPOILED.format(does))
    tile = FIRST if where == "train" else "models-00-00"
    with pytest.raises(ThawError, match="is a link, a folder, a pipe or a device; wri"):
        job(where, tile, histories=what != "save")


def test_a_folder_of_a_source_model_must_not_lead_elsewhere(job, tmp_path):
    moves = "import os\nos.rename(network['save'], 'moved')\n"
    moves += "os.symlink(os.path.abspath('moved'), network['save'])\n"
    (tmp_path / "trainer.py").write_text(SCRIPT + moves)
    with pytest.raises(ThawError, match="0 is a link, a folder, a pipe or a device; w"):
        job("pretrain", "models-00-00")


def test_source_models_come_back_as_they_were(tmp_path):
    for number in (3, 4):
        folder = tmp_path / str(number)
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "weights").write_bytes(bytes([number]) * 5)
        (folder / "empty").touch()
    path, key = tmp_path / "models.safetensors", keys.key(RECIPE)
    save_models(path, tmp_path, Tile(range(3, 5)), RECIPE, {})
    found, _ = unpack_models([path], key, [4], tmp_path / "into")
    assert {*found} == {4}
    assert {p.relative_to(found[4]).as_posix() for p in found[4].rglob("*")} == {
        *("deep", "deep/weights", "empty")
    }
    assert (found[4] / "deep" / "weights").read_bytes() == bytes([4]) * 5
    with pytest.raises(ThawError, match="some are missing"):
        unpack_models([path], key, [5], tmp_path / "others")
    path.write_bytes(path.read_bytes().replace(bytes([3]) * 5, bytes([5]) * 5))
    with pytest.raises(ThawError, match="its weights were changed; delete"):
        unpack_models([path], key, [4], tmp_path / "others")


@pytest.mark.parametrize("name", ["4/../../a", "../a", "/a", "4"])
def test_no_source_model_leaves_its_folder(name, tmp_path, monkeypatch):
    """Anyone who can change a result can also write a matching checksum."""
    from safetensors.numpy import save

    from thaw.output.records import digest_of_arrays, record

    entries = {name: np.zeros(1, np.uint8)}
    text = json.dumps(record(RECIPE, {}, digest_of_arrays(entries)))
    path = tmp_path / "models.safetensors"
    path.write_bytes(save(entries, {"record": text}))
    with pytest.raises(ThawError, match="is not the source models it should be"):
        unpack_models([path], keys.key(RECIPE), [4], tmp_path / "into" / "deep")
    assert not [*tmp_path.rglob("a")]


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    """The example, smaller, beside a study of Thaw's own networks; all has run."""
    project = new_project(tmp_path_factory.mktemp("trainer") / "project")
    shutil.copy(EXAMPLE / "trainer.py", project.folder)
    config = yaml.safe_load((EXAMPLE / "config.yaml").read_text())
    config["training"]["epochs"] = 2
    config["problems"]["clean"]["train_size"] = 60
    config["problems"]["noisy"]["train_size"] = 60
    small = {"source_models": 2, "repeats": 2, "target_sizes": [20]}
    config["studies"]["to-noisy"] |= small | {"variants": ["standalone", "fixed-1"]}
    config["variants"] = {"standalone": {"pretrained": False}, "fixed-1": {"freeze": 1}}
    config["studies"]["ours"] = config["studies"]["to-noisy"] | {
        "network": {"hidden": [4, 4]}
    }
    project.config = config | {"repeats_per_job": 3}
    project.snakemake("--cores", "1", "to-noisy", "results/ours/scores.csv")
    return project


def test_the_example_ends_in_tables_and_figures(example):
    folder = example.folder / "results" / "to-noisy"
    rows = (folder / "scores.csv").read_text().splitlines()
    assert len(rows) == 1 + 2 * 4
    assert (folder / "answer.md").read_text().startswith("# to-noisy: clean → noisy")
    assert (folder / "source-accuracy.png").exists()
    curves = pd.read_csv(folder / "learning-curves.csv")
    assert [*curves["epoch"].unique()] == [0, 1, 2]
    # Twenty rows in batches of ten.
    assert [*curves["step"].unique()] == [0, 2, 4]
    assert curves["mean"].notna().all()
    assert (folder / "gains-by-epoch.png").exists()
    assert (folder / "source-models.png").exists()
    assert not example.stale("to-noisy", "results/ours/scores.csv")


def test_the_same_scores_however_repeats_share_jobs(example, tmp_path):
    names = ("to-noisy/scores.csv", "to-noisy/source-models.csv")
    before = example.results("to-noisy/*s.csv")
    # Without results: Snakemake makes none anew of those that are there.
    ignored = shutil.ignore_patterns("results", ".snakemake")
    shutil.copytree(example.folder, tmp_path / "apart", ignore=ignored)
    apart = Project(tmp_path / "apart")
    apart.change("repeats_per_job", to=1)
    apart.snakemake("--cores", "1", "results/to-noisy/scores.csv")
    assert len(apart.results("repeats/*/*/*.csv")) == 2 * 4
    after = apart.results("to-noisy/*s.csv")
    assert [after[name] for name in names] == [before[name] for name in names]


def test_an_edited_trainer_retrains_what_it_trains(example):
    script = example.folder / "trainer.py"
    before = script.read_text()
    script.write_text(before + "# edited\n")
    try:
        stale = example.stale("results/to-noisy/scores.csv", "results/ours/scores.csv")
        said = example.snakemake("-n", "to-noisy").stdout
    finally:
        script.write_text(before)
    assert "to-noisy: network.files.trainer.py has other content; " in said
    assert "; 8 repeats and 2 source models to train" in said
    assert stale == {
        "check_trainer to-noisy",
        *(f"pretrain clean models-{n}-{n}" for n in ("00", "01")),
        *(
            f"train noisy {variant}@20 models-{n}-{n}-repeats-00-01"
            for variant in ("standalone", "fixed-1")
            for n in ("00", "01")
        ),
        "gather_to-noisy",
    }


def test_a_metric_that_the_trainer_does_not_write_is_named_before_training(example):
    trainer = example.folder / "trainer.py"
    writes = 'np.save(job["predictions"], predictions)\n'
    assert writes in trainer.read_text()
    trainer.write_text(trainer.read_text().replace(writes, ""))
    example.change("studies", "to-noisy", "metric", to="roc_auc_ovr")
    before = example.results("[rs]*/**/*.csv")
    done = example.snakemake("--cores", "1", "to-noisy", check=False)
    assert done.returncode
    assert (
        "studies.to-noisy: metric: roc_auc_ovr needs predictions, which the trainer "
        "did not write; let it write them (docs/trainer.md), or choose" in done.stderr
    )
    assert example.results("[rs]*/**/*.csv") == before


def test_every_library_takes_a_trainers_seed():
    found = seeds_of(repeats(range(1000)))
    assert len({*found}) == 1000
    assert all(0 <= seed < 2**31 for seed in found)
