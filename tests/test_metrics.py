"""Metrics against scikit-learn's, the luck of test rows, and what a study measures."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics
from sklearn.base import BaseEstimator, ClassifierMixin

from projects import FOUR, SMALL_CONFIG, JobError
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.findings import scoring
from thaw.findings.measured import Metrics
from thaw.findings.metrics import METRICS
from thaw.findings.new_rows import RowsLuck, luck_of_rows
from thaw.findings.rows_luck import assign_units, by_unit
from thaw.findings.samples import Sample

CLASSES, NUMBERS = METRICS["classification"], METRICS["regression"]
EVERY = CLASSES | NUMBERS


def score(name, labels, predicted):
    return getattr(scoring, name)(labels, predicted)


def influence_of(name, labels, predicted):
    """The influence of rows that come one by one."""
    units = assign_units(EVERY[name], labels, np.arange(len(labels)))
    return by_unit(EVERY[name], labels, predicted, units)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(2, keepdims=True))


def classified(seed, rows=90, odds=(0.5, 0.5), skill=1.5):
    """Labels with at least two rows of each class, and log-probabilities."""
    rng, classes = np.random.default_rng(seed), len(odds)
    labels = rng.choice(classes, size=rows, p=odds)
    labels[: 2 * classes] = np.repeat(np.arange(classes), 2)
    logits = rng.normal(size=(4, rows, classes)) + skill * np.eye(classes)[labels]
    return labels, log_softmax(logits)


def data_for(name, seed, rows=90, ties=False):
    """Labels and predictions, of the task and classes that a metric takes."""
    odds = (0.6, 0.4) if EVERY[name].two_classes else (0.5, 0.3, 0.2)
    labels, predicted = classified(seed, rows, odds)
    if name in NUMBERS:
        rng = np.random.default_rng(seed)
        labels = rng.normal(3, 2, rows)
        predicted = labels + rng.normal(size=(4, rows))
    # With ties, twelve rows come again and again.
    return labels, predicted[:, np.arange(rows) % 12] if ties else predicted


class Oracle(ClassifierMixin, BaseEstimator):
    """Predicts its argument, numbers or log-probabilities, whatever the features."""

    def __init__(self, predicted):
        self.predicted = predicted
        self.classes_ = np.arange(predicted.shape[-1])

    def predict(self, _):
        is_number = self.predicted.ndim == 1
        return self.predicted if is_number else self.predicted.argmax(1)

    def predict_proba(self, _):
        return np.exp(self.predicted)


def scorer(name):
    """scikit-learn's scorer, and the sign that turns its value into ours."""
    if name in sklearn_metrics.get_scorer_names():
        return sklearn_metrics.get_scorer(name), 1
    return sklearn_metrics.get_scorer(f"neg_{name}"), -1


def scikit_learns(name, labels, predicted):
    """Return scikit-learn's value of each network."""
    function, sign = scorer(name)
    return [sign * function(Oracle(network), labels, labels) for network in predicted]


@pytest.mark.filterwarnings("ignore:.*ill-defined")
@pytest.mark.parametrize("name", EVERY)
def test_metrics_are_scikit_learns(name):
    data = [data_for(name, seed, ties=seed > 1) for seed in range(4)]
    if name in CLASSES:
        for odds in ((0.5, 0.5), (0.95, 0.05), (0.05, 0.95)):
            data += [classified(1, odds=odds, skill=skill) for skill in (1.5, -1.5)]
        # Networks that predict one class, or the same for all rows.
        labels, predicted = classified(0)
        for chances in ([0.99, 0.01], [0.3, 0.7], [0.5, 0.5]):
            data.append((labels, np.broadcast_to(np.log(chances), predicted.shape)))
            data.append((labels, log_softmax(predicted + 2 * np.log(chances))))
    for labels, predicted in data:
        values = score(name, labels, predicted)
        assert values.dtype == np.float64 and values.shape == predicted.shape[:1]
        expected = scikit_learns(name, labels, predicted)
        np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", EVERY)
def test_directions_and_bounds_are_scikit_learns(name):
    """By the values of a perfect network, and of one that is always wrong."""
    metric = EVERY[name]
    function, sign = scorer(name)
    assert metric.lower_is_better == (sign == -1 or function._sign == -1)
    labels = np.arange(40) % 2
    best = np.where(np.eye(2)[labels] == 1, -1e-13, -30.0)[None]
    worst = best[:, :, ::-1]
    if name in NUMBERS:
        best, worst = labels[None], labels[None] + 1e6
    assert scikit_learns(name, labels, best) == pytest.approx([metric.best], abs=1e-9)
    worst = scikit_learns(name, labels, worst)[0]
    if name == "average_precision":
        # Found last, and all together, positives have the precision of their share.
        worst -= 0.5
    if metric.has_bounds:
        assert worst == pytest.approx(metric.worst, abs=1e-9)
    else:
        assert metric.worst == math.copysign(math.inf, worst) and abs(worst) > 20
    # The mean of values by row, for those that are one.
    assert metric.per_row == (name in scoring.PER_ROW)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [n for n in CLASSES if not CLASSES[n].per_row])
def test_without_rows_of_a_class_there_is_no_value(name):
    labels, predicted = data_for(name, 0)
    for absent in np.unique(labels):
        for rows in (labels != absent, labels == absent):
            for function in (score, influence_of):
                values = function(name, labels[rows], predicted[:, rows])
                assert np.isnan(values.reshape(4, -1)).any(1).all()
    # With one row there is a value, but its luck is unknown.
    rows = (labels != 0) | (np.arange(len(labels)) == np.flatnonzero(labels == 0)[0])
    assert np.isfinite(score(name, labels[rows], predicted[:, rows])).all()
    assert math.isnan(rows_error(influence_of(name, labels[rows], predicted[:, rows])))


def test_a_rare_class_decides_on_metrics_that_are_no_means_over_rows():
    decisive = {
        metric.name: metric.decisive_rows(300, 3)
        for by_name in METRICS.values()
        for metric in by_name.values()
    }
    expected = {"accuracy": 300, "brier_score": 300, "recall": 3, "log_loss": 0}
    assert decisive.items() >= {**expected, "f1": 3, "mean_absolute_error": 0}.items()
    # So networks that agree on three rows are not said to be equivalent.
    alike = Sample(np.ones(9), by_rows=np.ones((9, 40)), decisive=3)
    luck = luck_of_rows((alike, np.full(9, 1 / 9)), (alike, np.full(9, 1 / 9)))
    assert luck == RowsLuck(1 / 3, 3)


def test_units_of_scores():
    assert [CLASSES[name].unit(0.7) for name in ("accuracy", "log_loss")] == [1, 0.7]
    assert [NUMBERS["mean_squared_error"].unit(c) for c in (0.0, math.nan)] == [1, 1]
    # Labels that are mostly 0.
    assert NUMBERS["median_absolute_error"].unit(0.0, [1e-9, 3e-9, 2e-9]) == 2e-9
    # The variance of equal labels is rounded to 2e-34, not to 0.
    assert np.isnan(score("r2", np.full(3, 0.1), np.zeros((2, 3)))).all()


@pytest.mark.parametrize("name", EVERY)
def test_bytes_do_not_depend_on_company(name):
    labels, predicted = data_for(name, 1, rows=211, ties=True)
    for function in (score, influence_of):
        whole = function(name, labels, predicted)
        for cut in ([1], [2, 3]):
            parts = np.split(predicted, cut)
            joined = np.concatenate([function(name, labels, part) for part in parts])
            assert joined.tobytes() == whole.tobytes()
        turned = function(name, labels, np.asfortranarray(predicted))
        assert turned.tobytes() == whole.tobytes()


def rows_error(influences):
    """The standard error of two networks' difference, from units of rows in both."""
    difference = influences[0] - influences[1]
    return difference.std(ddof=1) / math.sqrt(len(difference))


@pytest.mark.parametrize("name", ["accuracy", "f1_macro", "roc_auc_ovr", "r2"])
def test_rows_of_a_group_are_drawn_together(name):
    """Rows that stand there three times tell no more than once."""
    labels, predicted = data_for(name, 0, rows=39)
    once = influence_of(name, labels, predicted)
    thrice = np.repeat(labels, 3), np.repeat(predicted, 3, axis=1)
    units = assign_units(EVERY[name], thrice[0], np.repeat(np.arange(39), 3))
    grouped = by_unit(EVERY[name], *thrice, units)
    assert grouped.mean(1) == pytest.approx(once.mean(1), abs=0.01)
    assert rows_error(grouped) == pytest.approx(rows_error(once), rel=0.05)
    assert rows_error(influence_of(name, *thrice)) < 0.8 * rows_error(once)


def test_no_block_has_all_rows_of_a_class():
    """In 20 draws of two rows of each of 30 classes, chance alone would give one."""
    for seed in range(20):
        labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(30), 2))
        predicted = np.full((1, 60, 30), -math.log(30))
        assert np.isfinite(influence_of("balanced_accuracy", labels, predicted)).all()


# 400 draws give the standard deviation to 4 %, and 30 estimates their mean to 1 to 7 %,
# the most where positives are few. Blocks stratified by label fall below 0.83.
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("rows", [60, 500])
@pytest.mark.parametrize(
    ("name", "base"),
    [
        *[("roc_auc", 0), ("roc_auc", -2), ("average_precision", 0), ("f1", 0)],
        *[("r2", 0), ("log_loss", 0), ("mean_absolute_error", 0)],
    ],
)
def test_rows_errors_hold_for_rows_drawn_anew(name, base, rows):
    """Of a good and of a bad network; `base` is the log-odds of rows like any other."""
    rng, differences, errors = np.random.default_rng(0), [], []
    for number in range(400):
        signal, noise = rng.normal(size=(2, rows))
        predicted = base + 2.5 * np.stack([signal + 0.3 * noise, 0.8 * signal - noise])
        labels = base + 2.5 * signal + rng.logistic(size=rows)
        if name in CLASSES:
            labels = (labels > 0).astype(np.int64)
            predicted = -np.logaddexp(0, np.stack([predicted, -predicted], axis=2))
        differences.append(np.subtract(*score(name, labels, predicted)))
        if number < 30:
            errors.append(rows_error(influence_of(name, labels, predicted)))
    # Where a class has too few rows, its luck is not known.
    assert 0.83 < np.nanmean(errors) / np.nanstd(differences) < 1.2


# The metrics of a study

RNG = np.random.default_rng(3)
ROWS, NETWORKS = 40, 7
LABELS = (np.arange(ROWS) % 4 == 0).astype(np.int64)
PLACES = np.arange(ROWS)
X = np.zeros((ROWS, 1), np.float32)
PAIR = Problem(X, LABELS, X, LABELS, PLACES + 1, 2)
FAILED = np.arange(NETWORKS) == 2


def log_probabilities(classes=2):
    return log_softmax(RNG.normal(size=(NETWORKS, ROWS, classes))).astype(np.float32)


def metrics_of(*names, positive=None, problem=PAIR):
    named = [{"task": problem.task, "name": name} for name in names]
    return Metrics(named, {}, positive, problem, ["no", "yes"])


def test_the_positive_class_is_the_rarer_one_unless_named():
    predicted = log_probabilities()
    for positive, number in ((None, 1), ("no", 0), ("yes", 1)):
        metrics = metrics_of("average_precision", positive=positive)
        assert metrics.positive == ["no", "yes"][number]
        scores = metrics.scores(metrics.metrics[0], predicted, PLACES)
        ranks = np.diff(predicted.astype(float))[:, :, 0] * (2 * number - 1)
        function = sklearn_metrics.average_precision_score
        expected = [function(number == LABELS, network) for network in ranks]
        assert scores == pytest.approx(expected)


def test_jobs_add_up_and_networks_that_failed_have_no_score():
    predicted = log_probabilities()
    metrics = metrics_of("accuracy", "roc_auc", "f1")
    whole = metrics.of_networks(predicted, PLACES + 1, FAILED)
    # All networks of one of the jobs failed.
    parts = [
        metrics.of_networks(predicted[part], PLACES + 1, FAILED[part])
        for part in np.split(np.arange(NETWORKS), [1, 2, 3])
    ]
    # Histories hold the accuracy already.
    rows = {f"rows/{name}" for name in ("accuracy", "roc_auc", "f1")}
    assert whole.keys() == {"metrics/roc_auc", "metrics/f1", *rows}
    for name, values in whole.items():
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_array_equal(values, joined)
        unknown = np.isnan(values).reshape(NETWORKS, -1)
        assert (unknown == FAILED[:, None]).all()
    sound = predicted[~FAILED].astype(float)
    expected = {"accuracy": sound.argmax(2) == LABELS}
    expected["roc_auc"] = influence_of("roc_auc", LABELS, sound)
    for name, values in expected.items():
        units = whole[f"rows/{name}"][~FAILED]
        np.testing.assert_allclose(units, values, rtol=1e-6)
    constants = [metrics.of_constant[f"constant/metrics/{n}"] for n in expected]
    assert constants == [0.75, 0.5]
    assert metrics.of_constant["constant/rows/accuracy"].mean() == 0.75


def test_the_constant_of_numbers_is_that_of_the_train_rows():
    train, test = RNG.exponential(300, (2, ROWS))
    numbers = {"train_y": train, "test_y": test, "classes": 0, "task": "regression"}
    metrics = metrics_of("mean_absolute_error", "r2", problem=PAIR._replace(**numbers))
    r2 = sklearn_metrics.r2_score(test, np.full(ROWS, train.mean()))
    expected = [np.abs(test - np.median(train)).mean(), r2]
    names = ("mean_absolute_error", "r2")
    values = [metrics.of_constant[f"constant/metrics/{name}"] for name in names]
    assert values == pytest.approx(expected)


def test_a_users_function_gets_labels_and_what_one_network_predicts():
    def enrichment(labels, predicted):
        np.testing.assert_array_equal(labels, LABELS)
        np.testing.assert_allclose(predicted.sum(1), 1, rtol=1e-6)
        labels[:] = 0  # it may change what it gets
        return predicted[:, 1].max()

    named = {"task": "classification", "name": "enrichment", "greater_is_better": True}
    predicted, functions = log_probabilities(), {"enrichment": enrichment}
    metrics = Metrics([named], functions, None, PAIR, ["no", "yes"])
    (metric,) = metrics.metrics
    expected = np.exp(predicted[:, :, 1]).max(1)
    scores = metrics.scores(metric, predicted, PLACES)
    np.testing.assert_allclose(scores, expected, rtol=1e-6)
    functions["enrichment"] = lambda *_: [1, 2]
    with pytest.raises(ThawError, match=r"enrichment returned .*, not one number"):
        metrics.scores(metric, predicted, PLACES)


METRICS_PY = """
def enrichment(labels, predicted):
    return predicted[labels == 1, 1].mean()
"""


def test_another_metric_trains_nothing_and_users_functions_are_part_of_keys(
    finished, monkeypatch
):
    path = finished.folder / "metrics.py"
    path.write_text(METRICS_PY)
    function = {"function": "metrics.py:enrichment", "greater_is_better": True}
    finished.change("studies", "ahead", "metric", to=["f1_macro", function])
    jobs = [f"{stage}_ahead" for stage in FOUR]
    assert sorted(finished.make("ahead")) == sorted(jobs)
    folder = finished.folder / "results" / "ahead"
    header = (folder / "scores.csv").read_text().splitlines()[0]
    assert header.endswith(",test_f1_macro,test_enrichment")
    # A comment in the function's file is nothing, another function is.
    path.write_text(f"# the mean\n{METRICS_PY}")
    assert finished.stale("ahead") - {"ahead"} == set()
    path.write_text(METRICS_PY.replace("predicted[", "nothing["))
    assert finished.stale("ahead") - {"ahead"} == {*jobs}
    with pytest.raises(JobError, match=r"metrics.py, line 3, in enrichment: NameError"):
        finished.make("ahead")


def test_classes_unfit_for_a_metric_are_reported_before_training(fresh):
    """Where only the data show how many there are."""
    rows = "\n".join(f"{n},{n % 5},{'abc'[n % 3]}" for n in range(60))
    (fresh.folder / "table.csv").write_text(f"x,y,kind\n{rows}\n")
    file = {"file": "table.csv", "label": "kind", "train_size": 0.5, "shuffle": 1}
    study = {"source": "file", "target": "file", "metric": "roc_auc"}
    studies = {"ahead": SMALL_CONFIG["studies"]["ahead"] | study}
    fresh.config = SMALL_CONFIG | {"problems": {"file": file}, "studies": studies}
    message = r"studies\.ahead\.metric: roc_auc takes two classes, and the target"
    with pytest.raises(JobError, match=message):
        fresh.make("ahead")
    assert not [*fresh.folder.glob("results/source-models/*")]
