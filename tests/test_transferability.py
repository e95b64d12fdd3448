"""Scores without training: LogME and a linear probe, and what they would choose."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import optimize, stats
from sklearn.linear_model import RidgeCV
from torch import nn

from configs import plan_of
from projects import SMALL_CONFIG
from samples import ladder, nested, question
from test_networks import InOrder, Odd, of_images
from thaw.findings.logme import logme, probe, scores
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import take
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import narrowed_rows
from thaw.learning.seeds import Whose
from thaw.output.problems import load_described
from thaw.output.records import load_check
from thaw.output.tiles import Tile
from thaw.output.weights import load_networks
from thaw.stages.transferability import learned_by
from thaw.tables.transferability import choices, judged
from trained import draw, with_numbers


def data(rows, width, noise=1.0, classes=0):
    """Return features and labels that follow from them."""
    rng = np.random.default_rng([rows, width])
    features = rng.normal(size=(rows, width)) + 0.5
    labels = features @ rng.normal(size=width) + noise * rng.normal(size=rows)
    if classes:
        return features, np.argsort(np.argsort(labels)) * classes // rows
    return features, (labels - labels.mean()) / labels.std()


def evidence(features, labels):
    """Return the log-evidence by row, maximised numerically over alpha and beta."""

    def negative(logs):
        alpha, beta = np.exp(logs)
        covariance = np.eye(len(labels)) / beta + features @ features.T / alpha
        return -stats.multivariate_normal(cov=covariance).logpdf(labels)

    starts, search = ((0, 0), (3, 0), (-3, 2)), {"method": "Nelder-Mead", "tol": 1e-9}
    least = min(optimize.minimize(negative, start, **search).fun for start in starts)
    return -least / len(labels)


def test_logme_is_the_largest_evidence():
    """With more features than rows, too; of classes the mean of each."""
    for shape in ((30, 3, 1.0), (12, 20, 1.0), (30, 2, 30.0)):
        features, labels = data(*shape)
        expected = evidence(features, labels)
        assert logme(features, labels, False) == pytest.approx(expected, abs=1e-5)
    features, labels = data(30, 4, classes=3)
    each = [evidence(features, (labels == c).astype(float)) for c in range(3)]
    assert logme(features, labels, True) == pytest.approx(np.mean(each), abs=1e-5)


def test_a_probe_predicts_rows_that_it_has_not_seen():
    features, labels = data(25, 3)
    predicted, scaled = np.empty(25), features - features.mean(0)
    scaled /= np.sqrt((scaled**2).mean())
    for fold in range(5):
        held = np.arange(25) // 5 == fold
        model = RidgeCV(10.0 ** np.arange(-2, 5)).fit(scaled[~held], labels[~held])
        predicted[held] = model.predict(scaled[held])
    errors = ((labels - predicted) ** 2).sum() / ((labels - labels.mean()) ** 2).sum()
    assert probe(features, labels, False) == pytest.approx(1 - errors)
    features, labels = data(60, 2, noise=0.1, classes=2)
    assert probe(features, labels, True) > 0.9
    # Rows that are all alike tell nothing, so each gets its fold's commonest class.
    assert probe(np.ones((60, 2)), labels, True) < 0.6


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("has_classes", [False, True])
def test_odd_rows_give_a_number_and_failed_models_none(has_classes):
    for what in ("wide", "constant", "zero", "huge", "rare", "exact", "few"):
        rows, width = {"wide": (6, 40), "few": (3, 2)}.get(what, (20, 4))
        features, labels = data(rows, width, classes=2 * has_classes)
        if what == "rare":
            labels = (np.arange(rows) == rows - 1).astype(labels.dtype)
        changes = {"constant": 3, "exact": labels}
        features[:, 0] = changes.get(what, features[:, 0])
        features *= {"zero": 0, "huge": 1e15}.get(what, 1)
        values = scores(labels, features.astype(np.float32), has_classes)
        assert np.isfinite([values["logme"], values["linear_probe"]]).all(), what
    for x, y in ((features * np.nan, labels), (features, labels * 0)):
        assert np.isnan([*scores(y, x, has_classes).values()]).all()


@pytest.mark.parametrize("validation", [None, 0.2])
@pytest.mark.parametrize(("model", "size"), [(0, None), (0, 20), (2, 20)])
def test_scores_look_at_the_rows_that_training_uses(problem, model, size, validation):
    """Of them the missing numbers are filled by medians, and labels are scaled."""
    x = np.where(np.arange(100).reshape(50, 2) % 6 == 1, np.nan, problem.train_x)
    gaps = problem._replace(train_x=x.astype(np.float32), fills=True)
    for given in (problem, with_numbers(problem), gaps):
        (rows,) = narrowed_rows(given, Whose.repeats(1, [(model, 0)]), size or 50)
        rows = rows[np.arange(len(rows)) % 5 < 4] if validation else rows
        x, labels = given.train_x[rows], given.train_y[rows]
        x = np.where(np.isnan(x), np.nanmedian(x, axis=0), x)
        if given.task == "regression":
            labels = (labels - labels.mean()) / labels.std()
        scored = learned_by(given, 1, model, size, validation)
        np.testing.assert_allclose(scored[0], x, rtol=1e-6)
        np.testing.assert_allclose(scored[1], labels, rtol=1e-4, atol=1e-6)


@torch.no_grad()
def test_what_networks_pass_on_to_their_output(images):
    """As they are outside training; a network that failed spoils no other."""
    x = images.train_x[:30]
    layers = nn.Linear(16, 5), nn.Tanh(), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)
    for network, plain, shape in (
        (FullyConnected(16, [5, 4], 3, "tanh"), nn.Sequential(*layers), (16,)),
        (of_images(InOrder), InOrder(), (1, 4, 4)),
    ):
        failed, state = draw(network, [0]), draw(network, [1])
        next(iter(failed.values())).fill_(torch.nan)
        assert network.see(failed, x).passed_on.isnan().all()
        names = zip(plain.state_dict(), state.values(), strict=True)
        plain.load_state_dict({name: values[0] for name, values in names})
        heard, output = [], [*plain.children()][-1]
        output.register_forward_pre_hook(lambda _, args, to=heard: to.extend(args))
        outputs = plain.eval()(torch.from_numpy(x).reshape(-1, *shape))
        seen = network.see(state, x)
        torch.testing.assert_close(seen.passed_on, heard[0])
        torch.testing.assert_close(seen.outputs, outputs)
    # Its output also sees what an earlier part passes on.
    network = ModuleNetwork(lambda: Odd("used again"))
    seen = network.see(draw(network, [0]), x[:, :2])
    assert (seen.passed_on, seen.outputs.shape) == (None, (30, 3))


def ranking(**changes):
    study = {"sources": ["one", "two"], "target": "two", "source_models": 3}
    study |= {"target_sizes": [10, "all"], "repeats": 2, "repeats_per_job": 4}
    study |= {"variants": ["standalone", "fixed-0", "fixed-1"]}
    return SMALL_CONFIG | {"studies": {"which": study | changes}}


TABLE = "results/which/transferability.csv"


def test_source_models_are_scored_and_a_table_says_what_scores_would_choose(
    store, tmp_path, monkeypatch
):
    """By the rows of a model's first repeat; costs allow for all possible choices."""
    project = store.copy(tmp_path / "project", ranking(), TABLE)
    results = project.folder / "results"
    study = plan_of(ranking()).studies["which-one"]
    problem, *_ = load_described(results / study.target.path, study.target.key)
    file = results / study.transferability.path
    rows = pd.DataFrame(load_check(file, study.transferability.key))
    values = rows.set_index(["score", "source_model", "target_size"])["value"]
    assert len(values["logme"]) == len(values["linear_probe"]) == 3 * 2
    for path in study.model_files:
        state, record = load_networks(results / path)
        for place, number in enumerate(Tile.named(record["tile"]).models):
            x, labels = learned_by(problem, 1, number, 10, None)
            seen = FullyConnected(2, [4, 3], 3).see(take(state, [place]), x)
            expected = logme(seen.passed_on.numpy().astype(float), labels, True)
            assert values["logme", number, 10] == pytest.approx(expected)

    table = pd.read_csv(project.folder / TABLE)
    chosen = table[table["score"].isin(["logme", "linear_probe"])]
    assert chosen["target_size"].tolist() == ["10", "10", "all", "all"]
    assert (chosen["cost"].eq(0) == chosen["chosen"].eq(chosen["best"])).all()
    best = pd.read_csv((project.folder / TABLE).with_name("best-sources.csv"))
    variants = best.astype(str).set_index(["target_size", "source"])["variant"]
    for row in table.astype(str).itertuples():
        assert row.variant == variants[row.target_size, row.chosen]

    (project.folder / TABLE).unlink()
    alpha, counts = "thaw.tables.transferability.alpha_of_each", []
    monkeypatch.setattr(alpha, lambda count, whole: counts.append(count) or whole)
    project.make(TABLE)
    # Any of all scores at all sizes, and another source with two depths.
    assert {*counts} == {2 * len(table)}


def test_only_what_decides_them_is_in_the_key():
    """Other sizes and models do; what becomes of the networks does not."""

    def scored(**changes):
        return plan_of(ranking(**changes)).studies["which-one"].transferability

    assert scored(margin=0.2, repeats=5) == scored()
    best = {"validation_size": 0.2, "keep": "best"}
    changes = {}, {"source_models": 4}, {"target_sizes": [10]}, {"training": best}
    assert len({scored(**change).key for change in changes}) == 4


LEVELS = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}


def samples():
    """Return a sample of 20 models for each source, with scores around its level."""
    rng, pairs = np.random.default_rng(0), np.indices((20, 2)).reshape(2, -1).T
    drawn = {s: level + rng.normal(0, 0.01, (20, 2)) for s, level in LEVELS.items()}
    return {s: nested(values)._replace(addresses=pairs) for s, values in drawn.items()}


def test_the_cost_of_a_choice_is_what_is_lost_against_the_best():
    values = {source: np.full(20, level) for source, level in LEVELS.items()}
    values["a"][:19] = np.nan  # failed source models are left out
    assert judged(values, samples(), "a", 0.05) == ("a", (0, 0, 0))
    values = {source: -level for source, level in values.items()}
    chosen, cost = judged(values, samples(), "a", 0.05)
    assert chosen == "d"
    assert cost.low < 0.3 < cost.high
    assert cost.value == pytest.approx(0.3, abs=0.01)
    assert cost.high - cost.low < 0.05
    less = {s: v._replace(lower_is_better=True) for s, v in samples().items()}
    chosen, cost = judged(values | {"a": np.ones(20)}, less, "d", 0.05)
    assert (chosen, cost.value) == ("a", pytest.approx(0.3, abs=0.01))


def test_sizes_and_scores_that_choose_alike_are_named_together():
    rows = [(10, "a", "a", 0), (20, "a", "a", 0), (90, "b", "a", 0.3)]
    columns = ["target_size", "chosen", "best", "cost"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.assign(cost_low=table["cost"], cost_high=table["cost"])
    names = "logme", "linear_probe"
    both = pd.concat([table.assign(score=name) for name in names])
    study = question(dict.fromkeys((10, 20, 90), ladder(0.7, 0.8, 0.8)))
    first, last = choices(both, study)
    words = "without training, LogME and a linear probe would have chosen"
    assert first == f"With 10 to 20 rows, {words} a, the best source there."
    costs = "0.300 (0.300 to 0.300) against a"
    assert last == f"With 90 rows, {words} b, which costs {costs}."
