"""A study's metrics, computed from predictions as jobs are gathered."""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from conftest import FOUR, SMALL_CONFIG
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.findings.measured import Measured, Metrics
from thaw.findings.metrics import check_classes
from thaw.findings.rows_luck import influence

RNG = np.random.default_rng(3)
ROWS, NETWORKS = 40, 7
LABELS = (np.arange(ROWS) % 4 == 0).astype(np.int64)
EVERY_ROW, PLACES = np.arange(1, ROWS + 1), np.arange(ROWS)
X = np.zeros((ROWS, 1), np.float32)
PAIR = Problem(X, LABELS, X, LABELS, np.arange(1, ROWS + 1), 2)
NUMBERS = PAIR._replace(
    train_y=RNG.normal(300, 20, ROWS),
    test_y=RNG.normal(300, 20, ROWS),
    classes=0,
    task="regression",
)
FAILED = np.arange(NETWORKS) == 2


def told(*names, task="classification"):
    return [{"task": task, "name": name} for name in names]


def said_of_classes():
    logits = RNG.normal(size=(NETWORKS, ROWS, 2))
    logits -= np.log(np.exp(logits).sum(2, keepdims=True))
    return logits.astype(np.float32)


def metrics_of(names, positive=None, problem=PAIR, functions=None, **more):
    functions = functions or {}
    classes = ["no", "yes"] if problem.classes else []
    return Metrics(told(*names, **more), functions, positive, problem, classes)


@pytest.mark.parametrize(("positive", "number"), [(None, 1), ("no", 0), ("yes", 1)])
def test_the_positive_class_is_the_rarer_one_unless_named(positive, number):
    said = said_of_classes()
    found = metrics_of(["roc_auc", "average_precision"], positive)
    assert found.positive == ["no", "yes"][number]
    for metric, theirs in zip(
        found.metrics,
        (sklearn_metrics.roc_auc_score, sklearn_metrics.average_precision_score),
        strict=True,
    ):
        scores = found.scores(metric, said, PLACES)
        for ours, own in zip(scores, said.astype(float), strict=True):
            ranks = own[:, number] - own[:, 1 - number]
            assert ours == pytest.approx(theirs(number == LABELS, ranks))


def test_jobs_add_up_and_networks_that_failed_have_no_score():
    said = said_of_classes()
    found = metrics_of(["accuracy", "roc_auc", "f1"])
    whole, parts = Measured(found), Measured(found)
    whole.add(said, EVERY_ROW, FAILED, "classification")
    for places in np.split(np.arange(NETWORKS), [1, 3]):
        parts.add(said[places], EVERY_ROW, FAILED[places], "classification")
    for name in ("roc_auc", "f1"):
        one, several = (
            np.concatenate(m.networks[f"metrics/{name}"]) for m in (whole, parts)
        )
        np.testing.assert_array_equal(one, several)
        assert np.isnan(one).tolist() == FAILED.tolist()
    # Histories hold the accuracy already.
    rows = {f"rows/{name}" for name in ("accuracy", "roc_auc", "f1")}
    assert whole.networks.keys() == {"metrics/roc_auc", "metrics/f1", *rows}
    predicted = (one.of_rows["predicted"] for one in (whole, parts))
    np.testing.assert_array_equal(*predicted)
    sound = said[~FAILED].astype(float)
    each = np.arange(ROWS)
    expected = {
        "accuracy": sound.argmax(2) == LABELS,
        "roc_auc": influence(found.metrics[1], LABELS, sound, each),
    }
    for name, values in expected.items():
        (units,) = whole.networks[f"rows/{name}"]
        np.testing.assert_allclose(units[~FAILED], values, rtol=1e-6)
        assert np.isnan(units[FAILED]).all()
        joined = np.concatenate(parts.networks[f"rows/{name}"])
        np.testing.assert_array_equal(units, joined)
    constants = found.of_constant
    assert constants["constant/metrics/accuracy"] == 0.75
    assert constants["constant/metrics/roc_auc"] == 0.5
    assert constants["constant/rows/accuracy"].mean() == 0.75


def test_a_job_whose_networks_all_failed_has_no_score():
    said = said_of_classes()
    measured = Measured(metrics_of(["accuracy", "roc_auc"]))
    measured.add(said, EVERY_ROW, np.ones(NETWORKS, bool), "classification")
    measured.add(said, EVERY_ROW, FAILED, "classification")
    units = np.concatenate(measured.networks["rows/accuracy"])
    assert units.shape == (2 * NETWORKS, ROWS)
    assert np.isnan(units[:NETWORKS]).all()


def test_numbers_have_their_own_metrics_and_constants():
    said = NUMBERS.test_y + RNG.normal(0, 5, (NETWORKS, ROWS))
    names = ["mean_absolute_error", "r2", "root_mean_squared_error"]
    found = metrics_of(names, problem=NUMBERS, task="regression")
    theirs = {
        "mean_absolute_error": (sklearn_metrics.mean_absolute_error, np.median),
        "r2": (sklearn_metrics.r2_score, np.mean),
        "root_mean_squared_error": (
            sklearn_metrics.root_mean_squared_error,
            np.mean,
        ),
    }
    for metric in found.metrics:
        function, statistic = theirs[metric.name]
        expected = [function(NUMBERS.test_y, own) for own in said]
        np.testing.assert_allclose(found.scores(metric, said, PLACES), expected)
        constant = np.full(ROWS, statistic(NUMBERS.train_y))
        expected = function(NUMBERS.test_y, constant)
        name = f"constant/metrics/{metric.name}"
        assert found.of_constant[name] == pytest.approx(expected)


def test_a_users_function_gets_labels_and_what_one_network_predicts():
    seen = []

    def enrichment(labels, predicted):
        seen.append((labels.copy(), predicted.copy()))
        labels[:] = 0  # it may change what it gets
        return predicted[:, 1].max()

    own = [{"task": "classification", "name": "enrichment", "greater_is_better": True}]
    functions = {"enrichment": enrichment}
    found = Metrics(own, functions, None, PAIR, ["no", "yes"])
    said = said_of_classes()
    (metric,) = found.metrics
    scores = found.scores(metric, said, PLACES)
    np.testing.assert_allclose(scores, np.exp(said[:, :, 1]).max(1), rtol=1e-6)
    for labels, predicted in seen:
        assert labels.tolist() == LABELS.tolist()
        np.testing.assert_allclose(predicted.sum(1), 1, rtol=1e-6)
    assert "constant/rows/enrichment" not in found.of_constant
    wrong = Metrics(own, {"enrichment": lambda *_: [1, 2]}, None, PAIR, ["no", "yes"])
    with pytest.raises(ThawError, match=r"enrichment returned .*, not one number"):
        wrong.scores(metric, said, PLACES)


def test_classes_that_do_not_fit_are_named():
    three = PAIR._replace(classes=3)
    with pytest.raises(ThawError, match="roc_auc takes two classes, and the target"):
        Metrics(told("roc_auc"), {}, None, three, ["a", "b", "c"])
    with pytest.raises(ThawError, match=r"positive: 'maybe' is not a class .* no, yes"):
        metrics_of(["roc_auc"], "maybe")
    asked = {"two_classes": [], "positive": None, "weights": {"here": ["a", "c"]}}
    with pytest.raises(ThawError, match=r"here: 'c' is not a class\. Allowed: a, b"):
        check_classes(asked, ["a", "b"])


METRICS_PY = """
def enrichment(labels, predicted):
    return predicted[labels == 1, 1].mean()
"""


def test_another_metric_trains_nothing_and_users_functions_are_part_of_keys(fresh):
    config = SMALL_CONFIG | {"studies": {"ahead": SMALL_CONFIG["studies"]["ahead"]}}
    fresh.config = config
    fresh.snakemake("--cores", "2", "ahead")
    own = {"function": "metrics.py:enrichment", "greater_is_better": True}
    metrics_py = fresh.folder / "metrics.py"
    metrics_py.write_text(METRICS_PY)
    fresh.change("studies", "ahead", "metric", to=["f1_macro", own])
    made = {f"{stage}_ahead" for stage in FOUR}
    assert fresh.stale("ahead") - {"ahead"} == made
    fresh.snakemake("--cores", "2", "ahead")
    folder = fresh.folder / "results" / "ahead"
    header = (folder / "scores.csv").read_text().splitlines()[0]
    assert header.endswith(",test_f1_macro,test_enrichment")
    assert "test enrichment" in (folder / "metrics.md").read_text()
    # A comment in the function's file is nothing, another function is.
    metrics_py.write_text(f"# the mean\n{METRICS_PY}")
    assert fresh.stale("ahead") - {"ahead"} == set()
    metrics_py.write_text(METRICS_PY.replace("mean", "max"))
    assert fresh.stale("ahead") - {"ahead"} == made
    metrics_py.write_text(METRICS_PY.replace("predicted[", "nothing["))
    done = fresh.snakemake("--cores", "1", "ahead", check=False)
    assert done.returncode
    log = (fresh.folder / "logs" / "ahead" / "gather.log").read_text()
    assert "error: metrics.py, line 3, in enrichment: NameError: name 'nothing'" in log


def test_classes_unfit_for_a_metric_are_reported_before_training(fresh):
    """Where only the data show how many there are."""
    rows = "\n".join(f"{n},{n % 5},{'abc'[n % 3]}" for n in range(60))
    (fresh.folder / "own.csv").write_text(f"x,y,kind\n{rows}\n")
    problem = {"file": "own.csv", "label": "kind", "train_size": 0.5, "shuffle": 1}
    config = SMALL_CONFIG | {
        "problems": {"own": problem},
        "studies": {
            "ahead": SMALL_CONFIG["studies"]["ahead"]
            | {"source": "own", "target": "own", "metric": "average_precision"}
        },
    }
    fresh.config = config
    done = fresh.snakemake("--cores", "1", "ahead", check=False)
    assert done.returncode
    text = done.stdout + done.stderr
    logs = "".join(p.read_text() for p in fresh.folder.glob("logs/problems/*.log"))
    assert "studies.ahead.metric: average_precision takes two classes" in logs + text
    assert not [*fresh.folder.glob("results/source-models/*")]
