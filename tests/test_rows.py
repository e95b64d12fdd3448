"""A repeat's own rows: target sizes, and choices made on validation rows."""

import copy
import csv

import numpy as np
import pytest
import torch

from conftest import SMALL_CONFIG, new_project
from thaw.errors import ThawError
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import take
from thaw.learning.rows import chosen, held_out, rows_in_order, stratified_order
from thaw.learning.seeds import TRAIN_ROWS
from thaw.learning.settings import Training
from trained import (
    assert_alone_equals_in_company,
    assert_scores_follow,
    bits,
    draw,
    fit,
    parts,
    repeats,
    same,
)

LABELS = np.random.default_rng(0).permutation([0] * 60 + [1] * 25 + [2] * 11 + [4] * 4)
RATES = [0.0001, 0.3, 0.02]
TUNED = Training(6, 8, RATES, validation_size=0.2, keep="best")
SMALL = FullyConnected(2, [5], 3)


def own_rows(problem, numbers, size, share=None):
    """Return the problem with the train rows of these repeats."""
    rows = rows_in_order(problem, repeats(numbers), size, held_out(size, share))
    return problem._replace(
        train_x=chosen(problem.train_x, rows, of_one=2),
        train_y=chosen(problem.train_y, rows, of_one=1),
    )


@pytest.mark.parametrize("seed", range(20))
def test_every_prefix_has_each_class_by_its_share_to_within_a_row(seed):
    order = stratified_order(LABELS, np.random.default_rng(seed))
    assert sorted(order) == list(range(100))
    for name in np.unique(LABELS):
        counts = np.cumsum(LABELS[order] == name)
        fair = np.arange(1, 101) * (name == LABELS).mean()
        assert np.abs(counts - fair).max() <= 1


def test_repeats_have_rows_of_their_own_that_are_nested(problem):
    few = own_rows(problem, range(5), 10)
    more = own_rows(problem, range(5), 25)
    assert few.train_x.shape == (5, 10, 2)
    np.testing.assert_array_equal(few.train_x, more.train_x[:, :10])
    np.testing.assert_array_equal(few.train_y, more.train_y[:, :10])
    assert len(np.unique(few.train_x, axis=0)) == 5
    # Repeat 3 has the same rows whatever the other repeats are.
    np.testing.assert_array_equal(own_rows(problem, [3], 10).train_x[0], few[0][3])


def test_more_rows_than_there_are_is_an_error(problem):
    with pytest.raises(ThawError, match=r"asks for 51 train rows .* has 50"):
        own_rows(problem, [0], 51)


@pytest.mark.parametrize("size", [1, 7, 8, 9, 20])
@pytest.mark.parametrize("freeze", [0, 1])
def test_a_repeat_learns_what_it_would_alone_from_a_problem_of_its_rows(
    problem, size, freeze
):
    training = Training(4, 8, 0.05)
    together = fit(problem, training, range(4, 10), freeze=freeze, size=size)
    for place, repeat in enumerate(range(4, 10)):
        own = own_rows(problem, [repeat], size)
        own = own._replace(train_x=own.train_x[0], train_y=own.train_y[0])
        alone = fit(own, training, [repeat], freeze=freeze)
        assert same(alone.state, take(together.state, [place])) == {*alone.state}
        assert bits(alone.reached.history) == bits(together.reached.history, [place])
    # The baseline that no network beats is that of all train rows.
    assert together.reached.constant == fit(problem, training, [0]).reached.constant


def test_every_fifth_row_is_held_out_and_sizes_are_nested():
    assert held_out(12, 0.2).nonzero()[0].tolist() == [4, 9]
    assert held_out(5, 0.2).nonzero()[0].tolist() == [4]
    for share in (0.1, 0.2, 0.25, 0.3, 0.5):
        large = held_out(1000, share)
        assert large.sum() == round(1000 * share)
        assert (held_out(77, share) == large[:77]).all()
    assert not held_out(9, None).any()
    for size, share in ((4, 0.2), (1, 0.5)):
        with pytest.raises(ThawError, match="no row to validate on"):
            held_out(size, share)


def test_what_is_held_out_stands_last(problem):
    found = own_rows(problem, [3, 4], 10, 0.2)
    streams = repeats([3, 4]).generators(TRAIN_ROWS)
    for place, stream in enumerate(streams):
        order = stratified_order(problem.train_y, stream)[:10]
        expected = [*np.delete(order, [4, 9]), *order[[4, 9]]]
        assert (found.train_x[place] == problem.train_x[expected]).all()


def test_no_network_learns_from_its_validation_rows(problem):
    """Other features of those rows change the choice, but no history."""
    one = Training(6, 8, 0.1, validation_size=0.2, keep="best")
    spoilt = problem.train_x.copy()
    for row in own_rows(problem, [0], 50, 0.2).train_x[0, -10:]:
        spoilt[(spoilt == row).all(1)] = -row
    found, other = (
        fit(one_problem, one, [0], SMALL).reached.history
        for one_problem in (problem, problem._replace(train_x=spoilt))
    )
    assert np.array_equal(found.train_loss, other.train_loss)
    assert np.array_equal(found.test_loss, other.test_loss)


def test_the_rate_and_the_epoch_are_those_of_the_least_validation_loss(problem):
    found = fit(problem, TUNED, range(5), SMALL).reached.final
    assert set(found.learning_rate) <= {*RATES}
    assert len({*found.epoch}) > 1
    own = own_rows(problem, range(5), 50, 0.2)
    x, y = torch.from_numpy(own.train_x[:, -10:]), torch.from_numpy(own.train_y)
    losses = {}
    for rate in RATES:
        for epochs in range(1, 7):
            shorter = Training(epochs, 8, rate, validation_size=0.2, keep="last")
            state = fit(problem, shorter, range(5), SMALL).state
            signal = x
            for layer in ("hidden-1", "output"):
                signal = signal.relu() if layer == "output" else signal
                signal = signal @ state[f"{layer}.weight"].mT
                signal = signal + state[f"{layer}.bias"][:, None]
            losses[rate, epochs] = torch.nn.functional.cross_entropy(
                signal.mT, y[:, -10:], reduction="none"
            ).mean(1)
    least = torch.stack([*losses.values()]).amin(0)
    for number in range(5):
        chosen = losses[found.learning_rate[number], int(found.epoch[number])][number]
        assert chosen == pytest.approx(float(least[number]), abs=1e-6)
        assert found.validation_loss[number] == pytest.approx(float(chosen), abs=1e-6)


def test_what_is_kept_are_the_weights_of_that_epoch(problem):
    one = Training(6, 8, 0.3, validation_size=0.2, keep="best")
    best = fit(problem, one, range(5), SMALL)
    assert best.reached.final.epoch.all()
    for number, epoch in enumerate(best.reached.final.epoch):
        shorter = one._replace(epochs=int(epoch), keep="last")
        there = fit(problem, shorter, range(5), SMALL)
        own, kept = (take(one.state, [number]) for one in (there, best))
        assert same(own, kept) == {*own}
        assert np.array_equal(there.predictions[number], best.predictions[number])


def test_a_network_that_only_gets_worse_is_kept_as_it_started(problem):
    start = fit(problem, Training(20, 8, 0.1), [0], SMALL).state
    harmful = Training(3, 8, [30.0, 60.0], validation_size=0.2, keep="best")
    of_each = take(start, [0, 0])  # for each rate
    found = fit(problem, harmful, [0], SMALL, start=lambda some: of_each)
    assert found.reached.final.epoch == 0
    assert same(found.state, start) == {*start}
    assert_scores_follow(problem, found)


def test_a_start_that_says_the_same_of_all_rows_is_not_kept(problem):
    """It would count as failed, and outputs may be drawn as zeros."""
    start = draw(SMALL, [0])
    start |= {name: start[name] * 0 for name in ("output.weight", "output.bias")}
    harmful = Training(3, 8, 10.0, validation_size=0.2, keep="best")
    found = fit(problem, harmful, [0], SMALL, start=lambda some: start).reached.final
    assert found.epoch > 0
    assert found.validation_loss > np.log(3)
    assert not found.failed


@pytest.mark.parametrize("keep", ["best", "last"])
@pytest.mark.parametrize("size", [None, 10])
@pytest.mark.parametrize("together", [9, 1])
def test_scores_follow_from_the_predictions_of_the_kept_epoch_and_rate(
    problem, keep, size, together
):
    network = FullyConnected(2, [5], 3)
    network.at_once = lambda rows: together
    for part in parts(problem, TUNED._replace(keep=keep), range(3), network, size=size):
        assert part.predictions.shape == (part.networks, 40, 3)
        assert_scores_follow(problem, part)


@pytest.mark.parametrize("size", [None, 10])
def test_candidates_learn_alone_as_in_company(problem, size):
    each = [[number] for number in range(5)]
    network = FullyConnected(2, [5], 3)
    assert_alone_equals_in_company(problem, TUNED, 5, each, network, size=size)


def test_a_rate_that_diverges_is_not_chosen(problem):
    wild = Training(6, 8, [1e30, 0.1], validation_size=0.2, keep="last")
    found = fit(problem, wild, range(5), SMALL).reached.final
    assert (found.learning_rate == 0.1).all()
    assert (found.epoch == 6).all()


@pytest.mark.parametrize(
    ("optimizer", "more"),
    [
        ("sgd", {}),
        ("sgd", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
        ("adam", {"weight_decay": 0.01}),
        ("adamw", {"weight_decay": 0.01}),
    ],
)
def test_candidates_learn_side_by_side_as_each_would_alone(problem, optimizer, more):
    rates = [0.3, 0.01, 0.1]
    shared = Training(6, 8, rates, optimizer, validation_size=0.2, **more)
    together, *alone = (
        fit(problem, shared._replace(learning_rate=rate), range(5), SMALL)
        for rate in (rates, *rates)
    )
    for number, rate in enumerate(together.reached.final.learning_rate):
        own = alone[rates.index(rate)].state
        for name, values in together.state.items():
            torch.testing.assert_close(
                values[number], own[name][number], rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
def test_candidates_need_not_all_learn_at_once(problem, monkeypatch, at_once):
    expected = fit(problem, TUNED, range(5), SMALL).reached
    monkeypatch.setattr(FullyConnected, "at_once", lambda self, rows: at_once)
    told = []

    def report(epoch, last):
        told.append((epoch, last))

    found = parts(problem, TUNED, range(5), SMALL, report=report)
    rates = [part.reached.final.learning_rate for part in found]
    assert np.concatenate(rates).tolist() == expected.final.learning_rate.tolist()
    last = 6 * -(-3 // at_once)
    assert told == 5 * [(epoch, last) for epoch in range(1, last + 1)]


def test_what_was_chosen_is_reported(tmp_path):
    config = copy.deepcopy(SMALL_CONFIG)
    del config["studies"]["back"]
    config["training"] |= {"learning_rate": [0.02, 0.2], "validation_size": 0.2}
    config["training"]["keep"] = "best"
    project = new_project(tmp_path / "project", config)
    made = [f"results/ahead/{name}.md" for name in ("summary", "answer")]
    project.snakemake("--cores", "2", *made)
    study = project.folder / "results/ahead"
    with (study / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["learning_rate"] for row in rows} <= {"0.02", "0.2"}
    assert {row["epoch"] for row in rows} <= {"0", "1", "2", "3"}
    words = " ".join((study / "summary.md").read_text().split())
    assert "Chosen on validation rows, learning rate and epoch (medians" in words
    answer = " ".join((study / "answer.md").read_text().split())
    assert (
        "Learning rate or epoch of standalone, fixed-0 and fixed-1 were chosen"
        in answer
    )
