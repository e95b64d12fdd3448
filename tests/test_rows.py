"""The rows a network learns from: its split, its size, and what fills missing ones."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from projects import SMALL_CONFIG
from small_tables import ADDRESSES, SEED, fit, pool_of_table
from thaw.errors import ThawError
from thaw.learning import estimators
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.history import joined_columns
from thaw.learning.learner import stacked, take
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import held_out, rows_in_order, stratified_order
from thaw.learning.seeds import TRAIN_ROWS, Whose
from thaw.learning.settings import Training
from thaw.learning.splits import split
from trained import assert_scores_follow, bits, draw, parts, repeats, same
from trained import fit as fit_repeats

LABELS = np.random.default_rng(0).permutation([0] * 60 + [1] * 25 + [2] * 11 + [4] * 4)
RATES = [0.0001, 0.3, 0.02]
PLAIN = Training(3, 8, 0.05)
TUNED = Training(6, 8, RATES, validation_size=0.2, keep="best")
SMALL = FullyConnected(2, [5], 3)
EACH, ONE, FILL = {"shuffle": "each"}, {"shuffle": 1}, {"missing": {"fill": "median"}}
NUMBERS = EACH | {"numbers": True}


def module():
    layers = nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)
    return ModuleNetwork(lambda: nn.Sequential(*copy.deepcopy(layers)))


def by_hand(problem, address, size=None, share=None):
    """Return a problem of the rows of one repeat, validation rows last, and medians."""
    alone = split(problem, SEED, address[0])
    size = size or alone.train_size
    validation = held_out(size, share)
    if size < alone.train_size or share:
        repeat = Whose.repeats(SEED, [address])
        [order] = rows_in_order(alone, repeat, size, validation)
        x, y = alone.train_x[order], alone.train_y[order]
        alone = alone._replace(train_x=x, train_y=y)
    learned = alone.train_x[: (~validation).sum()]
    medians = np.ma.median(np.ma.masked_invalid(learned), axis=0).filled(0)
    train_x, test_x = (
        np.where(np.isnan(x), medians, x).astype(np.float32)
        for x in (alone.train_x, alone.test_x)
    )
    return alone._replace(train_x=train_x, test_x=test_x, fills=False), medians


LEARNERS = [(PLAIN, 1, None), (PLAIN, 21, None), (TUNED, 20, None), (TUNED, None, None)]
LEARNERS += [(PLAIN, None, None), (PLAIN, 21, module())]


@pytest.mark.parametrize(("training", "size", "network"), LEARNERS)
@pytest.mark.parametrize("how", [ONE | FILL, EACH, EACH | FILL, NUMBERS])
def test_a_network_learns_what_it_would_alone_from_its_rows(
    tmp_path, how, training, size, network
):
    if network:
        how, network.at_once = {**how, "numbers": False}, lambda rows: 1
    problem = pool_of_table(tmp_path, scale="standard", **how)
    addresses = ADDRESSES[:3] if network else ADDRESSES
    options = {"freeze": 1, "network": network}
    parts = fit(
        problem, addresses, training, size, at_once=not network and 6, **options
    )
    state = stacked([part.state for part in parts])
    outputs = np.concatenate([part.predictions for part in parts])
    history = joined_columns([part.reached.history for part in parts])
    for place, address in enumerate(addresses):
        kept = take(state, [place])
        alone, medians = by_hand(problem, address, size, training.validation_size)
        if problem.fills:
            medians = medians.astype(np.float32)
            assert np.array_equal(kept.pop("feature.median")[0], medians)
        if training is PLAIN:
            (part,) = fit(alone, [address], training, **options)
        else:
            alone = split(problem, SEED, address[0])
            (part,) = fit(alone, [address], training, size, **options)
            part.state.pop("feature.median", None)
        assert same(part.state, kept) == {*kept}
        assert bits(part.reached.history) == bits(history, [place])
        assert part.predictions.tobytes() == outputs[[place]].tobytes()


@pytest.mark.parametrize("how", [EACH, ONE | FILL])
def test_estimators_get_the_same_rows(tmp_path, how):
    problem, fits = pool_of_table(tmp_path, **how), []
    addresses = sorted(ADDRESSES)

    class Nearest(KNeighborsClassifier):
        def fit(self, x, y):
            fits.append(x)
            return super().fit(x, y)

    for size in (None, 21):
        fits.clear()
        whose = Whose.repeats(SEED, addresses)
        _, outputs = estimators.learned(Nearest, {}, problem, whose, size, print)
        if not size:
            # Repeats with the same rows share one estimator.
            splits = {model for model, _ in addresses}
            assert len(fits) == (len(splits) if how is EACH else 1)
        for output, address in zip(outputs, addresses, strict=True):
            alone, _ = by_hand(problem, address, size)
            nearest = KNeighborsClassifier().fit(alone.train_x, alone.train_y)
            assert output.argmax(1).tolist() == nearest.predict(alone.test_x).tolist()
            assert any(np.array_equal(x, alone.train_x) for x in fits)


def test_every_prefix_has_each_class_by_its_share_to_within_a_row():
    for seed in range(20):
        order = stratified_order(LABELS, np.random.default_rng(seed))
        assert sorted(order) == list(range(100))
        for name in np.unique(LABELS):
            counts = np.cumsum(LABELS[order] == name)
            fair = np.arange(1, 101) * (name == LABELS).mean()
            assert np.abs(counts - fair).max() <= 1


def rows_of(problem, numbers, size, share=None):
    """Return the features of the train rows of these repeats."""
    whose, validation = repeats(numbers), held_out(size, share)
    return problem.train_x[rows_in_order(problem, whose, size, validation)]


def test_repeats_have_different_rows_that_are_nested(problem):
    few, more = (rows_of(problem, range(5), size) for size in (10, 25))
    np.testing.assert_array_equal(few, more[:, :10])
    assert len(np.unique(few, axis=0)) == 5
    # Repeat 3 has the same rows whatever the other repeats are.
    np.testing.assert_array_equal(rows_of(problem, [3], 10)[0], few[3])
    with pytest.raises(ThawError, match=r"asks for 51 train rows .* has 50"):
        rows_of(problem, [0], 51)
    # The baseline that no network beats is that of all train rows.
    narrow, whole = (fit_repeats(problem, PLAIN, [0], size=n) for n in (9, None))
    assert narrow.reached.constant == whole.reached.constant


def test_every_fifth_row_is_held_out_and_stands_last(problem):
    assert held_out(12, 0.2).nonzero()[0].tolist() == [4, 9]
    assert held_out(5, 0.2).nonzero()[0].tolist() == [4]
    for share in (0.1, 0.2, 0.25, 0.3, 0.5):
        large = held_out(1000, share)
        assert large.sum() == round(1000 * share)
        assert (held_out(77, share) == large[:77]).all()
    assert not held_out(9, None).any()
    with pytest.raises(ThawError, match="no row to validate on"):
        held_out(4, 0.2)
    few = rows_of(problem, [3, 4], 10, 0.2)
    for x, stream in zip(few, repeats([3, 4]).generators(TRAIN_ROWS), strict=True):
        order = stratified_order(problem.train_y, stream)[:10]
        assert (x == problem.train_x[[*np.delete(order, [4, 9]), *order[[4, 9]]]]).all()


def test_no_network_learns_from_its_validation_rows(problem):
    """Other features of those rows change the choice, but no history."""
    training = TUNED._replace(learning_rate=0.1)
    spoilt = problem.train_x.copy()
    for row in rows_of(problem, [0], 50, 0.2)[0, -10:]:
        spoilt[(spoilt == row).all(1)] = -row
    history, other = (
        fit_repeats(problem._replace(train_x=x), training, [0], SMALL).reached.history
        for x in (problem.train_x, spoilt)
    )
    assert np.array_equal(history.train_loss, other.train_loss)
    assert np.array_equal(history.test_loss, other.test_loss)


@pytest.mark.parametrize("more", [{"momentum": 0.9}, {"optimizer": "adamw"}])
def test_the_rate_and_the_epoch_are_those_of_the_least_validation_loss(problem, more):
    """As each rate's history shows whose test rows are the validation rows."""
    training = TUNED._replace(weight_decay=0.01, **more)
    best = fit_repeats(problem, training, range(5), SMALL)
    final, validation = best.reached.final, held_out(50, 0.2)
    assert len({*final.epoch}) > 1
    for number in range(5):
        [order] = rows_in_order(problem, repeats([number]), 50, validation)
        x, y = problem.train_x[order[-10:]], problem.train_y[order[-10:]]
        losses = []
        for rate in RATES:
            alone = training._replace(learning_rate=rate, keep="last")
            tested = problem._replace(test_x=x, test_y=y)
            part = fit_repeats(tested, alone, [number], SMALL)
            losses.append(part.reached.history.test_loss[0])
        place, epoch = np.unravel_index(np.argmin(losses), np.shape(losses))
        assert final.learning_rate[number] == RATES[place]
        assert final.epoch[number] == epoch
        assert final.validation_loss[number] == pytest.approx(np.min(losses), abs=1e-6)
        # Its weights are those of that epoch.
        alone = alone._replace(learning_rate=RATES[place], epochs=int(epoch))
        state = fit_repeats(problem, alone, [number], SMALL).state
        for name, values in take(best.state, [number]).items():
            torch.testing.assert_close(values, state[name], rtol=1e-4, atol=1e-5)


def test_a_network_that_only_gets_worse_is_kept_as_it_started(problem):
    harmful = Training(3, 8, [30.0, 60.0], validation_size=0.2, keep="best")
    start = draw(SMALL, [0])
    at_rates = take(start, [0, 0])
    part = fit_repeats(problem, harmful, [0], SMALL, start=lambda whose: at_rates)
    assert part.reached.final.epoch == 0
    assert same(part.state, start) == {*start}
    # Of equal epochs and rates, the first are kept.
    still = harmful._replace(learning_rate=[1e-30, 1e-31])
    final = fit_repeats(problem, still, [0], SMALL).reached.final
    assert (final.epoch, final.learning_rate) == (0, 1e-30)
    # A start that gives all rows the same outputs would count as failed.
    start |= {name: start[name] * 0 for name in ("output.weight", "output.bias")}
    harmful = harmful._replace(learning_rate=10.0)
    part = fit_repeats(problem, harmful, [0], SMALL, start=lambda whose: start)
    assert part.reached.final.epoch > 0 and not part.reached.final.failed
    # One that diverges in each epoch is failed, and its rate not chosen.
    final = fit_repeats(problem, harmful._replace(learning_rate=1e30), [0], SMALL)
    assert final.reached.final.failed and np.isinf(final.reached.final.validation_loss)
    part = fit_repeats(problem, harmful._replace(learning_rate=[1e30, 1e-30]), [0])
    assert part.reached.final.learning_rate == 1e-30 and not part.reached.final.failed
    wild = TUNED._replace(learning_rate=[1e30, 0.1], keep="last")
    final = fit_repeats(problem, wild, range(5), SMALL).reached.final
    assert (final.learning_rate == 0.1).all() and (final.epoch == 6).all()


@pytest.mark.parametrize(("at_once", "keep"), [(1, "best"), (2, "last"), (4, "best")])
def test_candidates_need_not_all_learn_at_once(problem, at_once, keep):
    training, network = TUNED._replace(keep=keep), FullyConnected(2, [5], 3)
    expected = fit_repeats(problem, training, range(5), network, size=10).reached
    network.at_once = lambda rows: at_once
    reports = []
    options = {"size": 10, "report": lambda epoch, last: reports.append((epoch, last))}
    trained = parts(problem, training, range(5), network, **options)
    last = 6 * -(-3 // at_once)
    assert reports == len(trained) * [(epoch, last) for epoch in range(1, last + 1)]
    rates = [part.reached.final.learning_rate for part in trained]
    assert np.concatenate(rates).tolist() == expected.final.learning_rate.tolist()
    for part in trained:
        assert_scores_follow(problem, part)


def test_chosen_rates_and_epochs_are_in_the_scores_and_the_summary(store):
    chosen = {"learning_rate": [0.02, 0.2], "validation_size": 0.2, "keep": "best"}
    config = SMALL_CONFIG | {
        "training": SMALL_CONFIG["training"] | chosen,
        "studies": {"ahead": SMALL_CONFIG["studies"]["ahead"]},
    }
    project = store.finished(config, "results/ahead/summary.md")
    scores = pd.read_csv(project.folder / "results/ahead/scores.csv")
    assert {*scores["learning_rate"]} <= {0.02, 0.2}
    assert {*scores["epoch"]} <= {0, 1, 2, 3}
    summary = pd.read_csv(project.folder / "results/ahead/summary.csv")
    medians = scores.groupby("variant")["learning_rate"].median()
    assert summary.set_index("variant")["learning_rate"].to_dict() == medians.to_dict()
