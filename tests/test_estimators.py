"""Reference estimators: their data, their results, and messages about them."""

import copy
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets, metrics
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from configs import MODULE, TRAINER, put, small_config
from conftest import DESCRIPTION, ROOT, new_project
from test_answer import LADDER, alone, said, scores
from thaw import keys
from thaw.config.resolve import resolve
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.findings.arms import Arm
from thaw.findings.metrics import METRICS
from thaw.findings.pairs import Pair
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import verdict
from thaw.learning.estimators import learned
from thaw.learning.rows import narrowed_rows
from thaw.learning.seeds import Whose
from thaw.output.problems import save_problem
from thaw.plan.plan import Plan
from thaw.tables.comparisons import comparisons
from thaw.tables.summary import Chosen, summary

FOREST = {
    "estimator": "sklearn.ensemble.RandomForestClassifier",
    "arguments": {"n_estimators": 5},
}


def whose(count, first=0):
    return Whose.repeats(1, [(0, number) for number in range(first, first + count)])


def fitted(kind, problem, repeats=2, size=None, **arguments):
    """Return the scores of an estimator's repeats, and their predictions."""
    repeats = whose(repeats) if isinstance(repeats, int) else repeats
    return learned(kind, arguments, problem, repeats, size, lambda count: None)


@pytest.fixture(scope="module")
def numbers():
    """A problem whose labels are numbers."""
    x, y = datasets.make_friedman1(90, n_features=5, random_state=0)
    x = x.astype(np.float32)
    rows = np.arange(51, 91)
    return Problem(x[:50], y[:50], x[50:], y[50:], rows, 0, "regression")


# The config.


@pytest.fixture
def config(folder):
    config = small_config()
    del config["studies"]["back"]
    config["variants"]["forest"] = copy.deepcopy(FOREST)
    config["studies"]["ahead"]["variants"].append("forest")
    return config


NO_NETWORK = "not allowed together with estimator, which is no network; remove it"
MISTAKES = [
    *(
        (f"variants/forest/{key}", value, f"forest.{key}: {NO_NETWORK}")
        for key, value in (
            *(("pretrained", False), ("freeze", 0), ("fresh", [1]), ("add", [3])),
            *(("training", {}), ("save", "weights"), ("inherit", "output")),
        )
    ),
    ("variants/fixed-0/arguments", {"a": 1}, "only allowed together with estimator"),
    ("variants/forest/arguments/n_jobs", -1, "n_jobs: several cores give other bytes"),
    ("variants/forest/arguments/random_state", 1, "Thaw sets it from each repeat's ow"),
    ("variants/forest/arguments", [3], "variants.forest.arguments: "),
    ("variants/forest/estimator", "Forest", "'Forest' is not a class with its packag"),
    ("variants/forest/estimator", "a b.C", "'a b.C' is not a class with its package"),
    ("variants/forest/estimator", "sklearn.", "'sklearn.' is not a class with its pa"),
    ("variants/forest/estimator", "nowhere.Forest", "nowhere is not an installed pack"),
    ("variants/forest/estimator", "sklearn.wood.Forest", "has no module sklearn.wood"),
    (
        "variants/forest/estimator",
        "sklearn.ensemble.RandomForrestClassifier",
        "sklearn.ensemble has no RandomForrestClassifier (did you mean 'RandomForestC",
    ),
    ("studies/ahead/baseline", "forest", "'forest' is an estimator, and transfer is"),
]


@pytest.mark.parametrize(("path", "value", "words"), MISTAKES)
def test_mistakes_are_one_line_each(config, path, value, words):
    put(config, path, value)
    with pytest.raises(ThawError) as caught:
        resolve(config)
    _, *lines = str(caught.value).splitlines()
    assert len(lines) == 1
    assert words in lines[0]


@pytest.mark.parametrize(
    "name",
    ["sklearn.dummy.DummyClassifier", "sklearn.svm.SVC", "sklearn.svm._classes.SVC"],
)
def test_classes_that_are_there_are_found(config, name):
    put(config, "variants/forest", {"estimator": name, "arguments": {"n_jobs": 1}})
    resolve(config)


def arms(config):
    """Return the recipes and keys of arms by name."""
    return {
        name: r for name, (r,) in Plan(resolve(config)).studies["ahead"].arms.items()
    }


def test_a_key_holds_the_estimator_alone(config, monkeypatch):
    before = arms(config)
    recipe = before["forest"].recipe
    assert recipe["settings"].keys() == {"seed", "estimator"}
    assert recipe["inputs"].keys() == {"problem"}
    assert recipe["versions"].keys() == {"numpy", "scipy", "sklearn"}
    other = copy.deepcopy(config)
    put(other, "training/epochs", 7)
    put(other, "network/hidden", [5])
    put(other, "studies/ahead/source_models", 2)
    after = arms(other)
    assert after["forest"] == before["forest"]
    assert after["fixed-0"].key != before["fixed-0"].key
    put(config, "variants/forest/arguments/n_estimators", 6)
    more = arms(config)
    put(config, "variants/forest/estimator", "sklearn.ensemble.ExtraTreesClassifier")
    another = arms(config)
    put(config, "studies/ahead/target_sizes", [10])
    smaller = {"forest": arms(config)["forest@10"]}
    monkeypatch.setattr(keys, "version", lambda package: "9.9")
    newer = {"forest": arms(config)["forest@10"]}
    every = [found["forest"].key for found in (before, more, another, smaller, newer)]
    assert len(set(every)) == len(every)


@pytest.mark.parametrize("network", [MODULE, TRAINER])
def test_networks_of_all_kinds_share_the_estimators_of_a_problem(config, network):
    theirs = small_config(network)
    theirs["variants"]["forest"] = copy.deepcopy(FOREST)
    theirs["studies"]["ahead"]["variants"].append("forest")
    assert arms(theirs)["forest"] == arms(config)["forest"]
    study = Plan(resolve(theirs)).studies["ahead"]
    if study.has_shares:
        told = study.check.recipe["settings"]["variants"]
        assert [name for name, _ in told] == ["standalone", "fixed-0", "fixed-1"]


def test_the_code_of_estimators_is_in_their_keys_only():
    found = keys.modules("train", ["thaw.learning.estimators"])
    assert "thaw.learning.rows" in found
    assert not found & {"thaw.learning.training", "thaw.learning.ensemble"}
    assert "thaw.learning.estimators" not in keys.modules("train")


@pytest.mark.parametrize("tile", ["models-00-00", "models-01-29-repeats-00-09"])
def test_jobs_ask_for_some_memory_and_time(config, tile):
    plan = Plan(resolve(config))
    key = arms(config)["forest"].key
    assert 600 < plan.megabytes(key, tile=tile) < 2000
    assert 10 <= plan.minutes(key, tile=tile) < 30
    assert plan.gpus(key) == 0
    assert plan.files_of(key, "network_files") == []


# Learning


class Spy(BaseEstimator):
    """Remembers what it is fitted with; says that each class is as likely."""

    seen: ClassVar = []

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, x, y):
        self.seen.append((x, y, self.random_state))
        self.count = len(np.unique(y))
        return self

    def predict_proba(self, x):
        return np.full((len(x), self.count), 1 / self.count)


def test_repeats_learn_from_the_rows_of_networks_with_seeds_of_their_own(problem):
    Spy.seen.clear()
    fitted(Spy, problem, 3, size=12)
    rows = narrowed_rows(problem, whose(3), 12)
    assert len(Spy.seen) == 3
    for (x, y, _), own in zip(Spy.seen, rows, strict=True):
        np.testing.assert_array_equal(x, problem.train_x[own])
        np.testing.assert_array_equal(y, problem.train_y[own])
    assert len({seed for *_, seed in Spy.seen}) == 3


@pytest.mark.parametrize("size", [None, 12])
def test_bytes_alone_equal_those_in_company(problem, size):
    (reached, together) = fitted(RandomForestClassifier, problem, 3, size)
    for number in range(3):
        (own, alone) = fitted(RandomForestClassifier, problem, whose(1, number), size)
        assert alone.tobytes() == together[number : number + 1].tobytes()
        for some, every in zip(own.history, reached.history, strict=True):
            assert some.tobytes() == every[number : number + 1].tobytes()
    assert len({one.tobytes() for one in together}) == 3


def test_scores_are_scikit_learns(problem, numbers):
    reached, said = fitted(RandomForestClassifier, problem, 1, n_estimators=5)
    model = RandomForestClassifier(5, random_state=seed_of_first())
    model.fit(problem.train_x, problem.train_y)
    p = model.predict_proba(problem.test_x)
    expected = metrics.log_loss(problem.test_y, p)
    np.testing.assert_allclose(reached.history.test_loss[0, 0], expected, rtol=1e-5)
    right = metrics.accuracy_score(problem.test_y, p.argmax(1))
    np.testing.assert_allclose(reached.history.test_score[0, 0], right, rtol=1e-6)
    np.testing.assert_allclose(np.exp(said.astype(float)).sum(2), 1, atol=1e-6)
    assert said.dtype == np.float32
    reached, said = fitted(LinearRegression, numbers, 1)
    expected = LinearRegression().fit(numbers.train_x, numbers.train_y)
    np.testing.assert_allclose(said[0], expected.predict(numbers.test_x), rtol=1e-4)
    error = abs(said[0] - numbers.test_y).mean()
    np.testing.assert_allclose(reached.history.test_score[0, 0], error, rtol=1e-6)
    error = abs(expected.predict(numbers.train_x) - numbers.train_y).mean()
    np.testing.assert_allclose(reached.history.train_score[0, 0], error, rtol=1e-4)


def seed_of_first():
    """Return the seed of the first repeat."""
    Spy.seen.clear()
    x = np.zeros((2, 1), np.float32)
    y = np.arange(2)
    fitted(Spy, Problem(x, y, x, y, np.arange(2), 2), 1)
    return Spy.seen[0][2]


def test_classes_that_a_repeat_lacks_stand_in_their_places(problem):
    labels = np.where(problem.train_y == 1, 2, problem.train_y)
    lacking = problem._replace(train_y=labels)
    for kind in (KNeighborsClassifier, LogisticRegression, GaussianNB):
        _, said = fitted(kind, lacking, 1)
        assert said.shape == (1, 40, 3)
        np.testing.assert_allclose(said[..., 1], np.log(np.finfo(float).eps), rtol=1e-6)
        assert {*said[0].argmax(1)} == {0, 2}
        right = kind().fit(problem.train_x, labels).predict_proba(problem.test_x)
        np.testing.assert_allclose(np.exp(said[0])[:, [0, 2]], right, atol=1e-5)


def test_rows_of_one_class_say_that_class(problem):
    one = problem._replace(train_y=np.full(50, 2))
    reached, said = fitted(LogisticRegression, one, 1)
    assert (said[0].argmax(1) == 2).all()
    assert not reached.final.failed.any()


def test_the_same_for_all_rows_is_a_result_and_not_a_number_failed(problem, numbers):
    reached, _ = fitted(DummyClassifier, problem, 2)
    assert not reached.final.failed.any()

    class Lost(LinearRegression):
        def predict(self, x):
            return np.where(x[:, 0] > 0.5, np.inf, 1.0)

    reached, said = fitted(Lost, numbers, 2)
    assert reached.final.failed.all()
    assert np.isnan(said).all()


def test_what_draws_nothing_is_fitted_once_from_all_rows(problem):
    fits = []

    class Counted(GaussianNB):
        def fit(self, x, y):
            fits.append(len(x))
            return super().fit(x, y)

    _, said = fitted(Counted, problem, 4)
    assert fits == [50]
    assert len(said) == 4
    fitted(Counted, problem, 4, size=12)
    assert fits == [50, 12, 12, 12, 12]


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        (LinearSVC, {}, "it has no predict_proba, which scores of classes need"),
        (RandomForestClassifier, {"trees": 3}, "unexpected keyword argument 'trees'"),
        (RandomForestClassifier, {"n_estimators": 0}, "InvalidParameterError: The 'n_"),
        (SimpleNamespace, {}, "it has no get_params and is no estimator"),
    ],
)
def test_what_cannot_be_fitted_is_one_message(problem, kind, arguments, words):
    with pytest.raises(ThawError) as caught:
        fitted(kind, problem, **arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_classifier_does_not_take_numbers(numbers):
    whole = numbers._replace(train_y=numbers.train_y.round())
    with pytest.raises(ThawError, match="it is a classifier, and the target's labels"):
        fitted(GaussianNB, whole)


# A job.

MADE = keys.recipe("make_problem", {"any": 1}, {})


def job(folder, problem, estimator, *, after=""):
    """Run the job of repeats 3 and 4 from source model 0."""
    save_problem(folder / "problem.npz", problem, DESCRIPTION, MADE, {})
    own = {"computed_by": ["thaw.learning.estimators"], "libraries": ["sklearn"]}
    settings = {"seed": 1, "estimator": own | estimator}
    recipe = keys.recipe("train", settings, {"problem": keys.key(MADE)})
    code = (
        "import runpy, sys, thaw.stages.command as c; c.leave = lambda: None\n"
        "runpy.run_module('thaw.stages.train', run_name='__main__')\n" + after
    )
    options = [
        *("--recipe", json.dumps(recipe), "--key", keys.key(recipe)),
        *("--tile", "models-00-00-repeats-03-04"),
        *("--problem", folder / "problem.npz", "--scores", folder / "s.csv"),
        *("--history", folder / "h.npz", "--predictions", folder / "p.npz"),
    ]
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, options)],
        cwd=ROOT / "workflow",
        capture_output=True,
        text=True,
    )


def test_a_job_imports_no_torch(tmp_path, problem):
    told = {"class": FOREST["estimator"], "arguments": FOREST["arguments"]}
    done = job(tmp_path, problem, told, after="print(*sys.modules)")
    assert done.returncode == 0, done.stderr
    modules = set(done.stdout.split())
    assert "sklearn.ensemble" in modules
    assert not modules & {"torch", "safetensors", "pydantic", "matplotlib", "yaml"}
    assert not {m for m in modules if m.startswith("thaw.learning.train")} - {
        "thaw.learning.trainer"
    }
    table = pd.read_csv(tmp_path / "s.csv")
    assert table["repeat"].tolist() == [3, 4]
    assert table["learning_rate"].isna().all()
    _, said = fitted(RandomForestClassifier, problem, whose(2, 3), n_estimators=5)
    assert np.load(tmp_path / "p.npz")["log_probabilities"].tobytes() == said.tobytes()


def test_a_job_names_the_estimator_that_fails(tmp_path, problem):
    told = {"class": "sklearn.svm.SVC", "arguments": {"C": -1}}
    done = job(tmp_path, problem, told)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: variant's estimator sklearn.svm.SVC(C=-1): ")


# Statements


def known(value, models=0, each=60):
    """Return the sample of a value that is the same in all repeats."""
    return alone(value)._replace(values=np.full(60, value), is_known=True)


def test_what_is_known_stands_beside_each_unit_of_the_other_side():
    value, networks, transferred = known(0.75), alone(0.7), scores(0.8)
    assert (value.unit, value.units) == ("draw of rows", 1)
    for pair, units, one in (
        (Pair(value, networks), 60, 0.75 - networks.values),
        (Pair(transferred, value), 30, transferred.unit_means() - 0.75),
    ):
        assert pair.units == units
        assert pair.placements().reference is None
        found = typical_difference(pair, 0.05)
        np.testing.assert_allclose(found.value, np.median(one), atol=2e-3)
        assert 0 < found.low < found.value < found.high
        assert verdict(pair, found, 0.05, 0.01) == "typically better"
    # As many repeats as would be needed are not made of a single value.
    few = alone(0.7)._replace(values=np.full(3, 0.7), failed=np.zeros(3, bool))
    for pair in (Pair(known(0.75), few), Pair(few, known(0.75))):
        assert (pair.units, len(pair.variant.values)) == (3, 3)


def test_the_difference_of_two_known_values_is_known():
    pair = Pair(known(0.75), known(0.7))
    found = typical_difference(pair, 0.05)
    np.testing.assert_allclose(found, 0.05)
    assert verdict(pair, found, 0.05, 0.01) == "typically better"
    assert verdict(pair, found, 0.05, 0.06) == "equivalent within ±0.06"


def test_tables_count_known_values_once():
    samples = {"standalone": alone(0.7), "ridge": known(0.75), "lasso": known(0.75)}
    asked = [("ridge", "standalone"), ("standalone", "lasso"), ("ridge", "lasso")]
    found = comparisons({"all": samples}, asked, "standalone", 0.01)
    assert found["units"].tolist() == [1, 60, 1]
    assert found["reference_units"].tolist() == [60, 1, 1]
    assert found["unit"].tolist() == ["draw of rows", "repeat", "draw of rows"]
    assert (found["matched_by"] == "").all()
    up, down, same = found.to_dict("records")
    np.testing.assert_allclose(up["mean"], 0.75 - samples["standalone"].values.mean())
    assert up["mean_low"] > 0 > down["mean_high"]
    assert (same["mean_low"], same["mean_high"]) == (0, 0)
    chosen = Chosen(np.nan, 0, np.nan)
    arm = Arm("ridge", "all")
    table = summary(
        {arm: samples["ridge"]}, METRICS["classification"]["accuracy"], {arm: chosen}
    )
    assert table["mean_low"].isna().all()
    assert table["note"][0].startswith("the same in all repeats")


def ahead(ridge, *, fixed=(0.75, 0.8), variants=None, **changed):
    samples = {
        "standalone": alone(0.7),
        "fixed-0": scores(fixed[0], seed=1),
        "fixed-1": scores(fixed[1], seed=2),
        "ridge": ridge,
    }
    described = {"pretrained": False, "estimator": "sklearn.linear_model.Ridge"}
    told = [{"task": "classification", "name": "accuracy"}]
    return said(samples, LADDER | {"ridge": described}, metric=told, **changed)


@pytest.mark.parametrize(
    ("ridge", "words"),
    [
        (
            known(0.9),
            "Use ridge, no network is needed. It is better than standalone and all "
            "other networks: it typically gains 0.20",
        ),
        (
            known(0.795),
            "Use transfer and freeze 1 layer (fixed-1). It typically gains 0.102 "
            "(0.097 to 0.108) on standalone. A network may not be needed: ridge, which "
            "gains 0.09",
        ),
        (known(0.77), "Use transfer"),
        (known(0.6), "Use transfer"),
    ],
)
def test_the_answer_begins_with_an_estimator_that_wins(ridge, words):
    assert ahead(ridge).startswith(words)


def test_an_estimator_that_gains_more_without_being_surely_better():
    """Its interval overlaps with theirs; a pair with each of them decides."""
    ridge = alone(0.845, spread=0.05)
    fixed = scores(0.8, seed=2, spread=0.05)
    found = {
        "standalone": alone(0.7),
        "fixed-0": scores(0.75, seed=1),
        "fixed-1": fixed,
        "ridge": ridge,
    }
    described = {"pretrained": False, "estimator": "sklearn.linear_model.Ridge"}
    told = [{"task": "classification", "name": "accuracy"}]
    variants = LADDER | {"ridge": described}
    words = said(found, variants, metric=told)
    assert words.startswith("Use transfer")
    assert "A network may not be needed: ridge, which gains 0.1" in words
    assert (
        "on standalone, typically gains more than fixed-1, the best of the networks, "
        "but their intervals overlap." in words
    )
    pairs = [("ridge", "fixed-0"), ("ridge", "fixed-1")]
    words = said(found, variants, pairs=pairs, metric=told)
    assert words.startswith("Use ridge, no network is needed. It is better than")


def test_an_estimator_at_some_sizes_is_named_with_them():
    def at(ridge):
        return {
            "standalone": alone(0.7),
            "fixed-0": scores(0.75, seed=1),
            "fixed-1": scores(0.8, seed=2),
            "ridge": ridge,
        }

    described = {"pretrained": False, "estimator": "sklearn.linear_model.Ridge"}
    found = {20: at(alone(0.6)), 100: at(alone(0.9)), "all": at(known(0.9))}
    told = [{"task": "classification", "name": "accuracy"}]
    words = said(found, LADDER | {"ridge": described}, metric=told)
    assert words.startswith("With 20 rows: use transfer and freeze 1 layer")
    assert "With 100 rows to all: use ridge, no network is needed. It is bet" in words
    assert "other networks: it typically gains 0.20" in words


# A whole study of each task.


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = {
        "seed": 1,
        "network": {"hidden": [4]},
        "training": {"epochs": 2, "batch_size": 8, "learning_rate": 0.1},
        "problems": {
            "classes": {
                "make_circles": {"n_samples": 60, "random_state": 1},
                "train_size": 30,
            },
            "numbers": {
                "task": "regression",
                "make_friedman1": {"n_samples": 60, "random_state": 1},
                "train_size": 30,
            },
        },
        "variants": {
            "standalone": {"pretrained": False},
            "fixed-0": {},
            "forest": FOREST,
            "bayes": {"estimator": "sklearn.naive_bayes.GaussianNB"},
            "linear": {"estimator": "sklearn.linear_model.LinearRegression"},
        },
        "studies": {
            "of-classes": {
                "source": "classes",
                "target": "classes",
                "variants": ["standalone", "fixed-0", "forest", "bayes"],
                "pairs": [["bayes", "fixed-0"]],
                "repeats": 4,
                "metric": ["accuracy", "log_loss"],
            },
            "of-numbers": {
                "source": "numbers",
                "target": "numbers",
                "variants": ["standalone", "linear"],
                "margin": 0.1,
                "repeats": 8,
                "target_sizes": [20, "all"],
            },
        },
    }
    project = new_project(tmp_path_factory.mktemp("estimators") / "project", config)
    project.snakemake("--cores", "2", "of-classes", "results/of-numbers/answer.md")
    return project


def test_studies_of_both_tasks_run(run):
    folder = run.folder / "results" / "of-classes"
    table = pd.read_csv(folder / "comparisons.csv").set_index("variant")
    pairs = table.loc["bayes"].set_index("reference")
    assert pairs["units"].tolist() == [1, 1]
    assert pairs["reference_units"].to_dict() == {"standalone": 4, "fixed-0": 4}
    assert table.loc["forest", "units"] == 4
    curves = pd.read_csv(folder / "learning-curves.csv")
    assert set(curves["variant"]) == {"standalone", "fixed-0"}
    by_epoch = pd.read_csv(folder / "gains-by-epoch.csv")
    assert set(by_epoch["variant"]) == {"fixed-0"}
    assert (folder / "gains-by-epoch.svg").exists()
    folder = run.folder / "results" / "of-numbers"
    table = pd.read_csv(folder / "comparisons.csv").set_index("target_size")
    assert table["units"].to_dict() == {"20": 8, "all": 1}
    words = " ".join((folder / "answer.md").read_text().split())
    assert "use linear, no network is needed. It is better than standalone:" in words


def test_nothing_is_stale_after_a_run_or_a_change_of_training(run):
    targets = "of-classes", "results/of-numbers/answer.md"
    assert run.stale(*targets) == set()
    config = copy.deepcopy(run.config)
    run.change("training", "epochs", to=3)
    jobs = run.stale(*targets)
    run.config = config
    assert "train classes standalone models-00-00-repeats-00-03" in jobs
    assert not [job for job in jobs if "forest" in job or "linear" in job]
