"""Learning rate and epoch chosen on validation rows, which no network learns from."""

import copy
import csv

import numpy as np
import pytest
import torch

from conftest import SMALL_CONFIG, new_project
from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.rows import held_out, narrowed, stratified_order
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.training import train

RATES = [0.0001, 0.3, 0.02]
TUNED = Training(6, 8, RATES, validation_size=0.2, keep="best")


def trained(problem, training, numbers=range(5), size=None, hidden=(5,)):
    network = FullyConnected(2, hidden, 3)
    groups = list(network.groups)
    parts = train(
        network,
        lambda some: network.draw(groups, 1, seeds.REPEAT, some),
        problem,
        training,
        1,
        seeds.REPEAT,
        numbers,
        size=size,
    )
    (part,) = parts
    return part


def test_every_fifth_row_is_held_out_and_sizes_are_nested():
    assert held_out(12, 0.2).nonzero()[0].tolist() == [4, 9]
    assert held_out(5, 0.2).nonzero()[0].tolist() == [4]
    for share in (0.1, 0.2, 0.25, 0.3, 0.5):
        large = held_out(1000, share)
        assert large.sum() == round(1000 * share)
        assert (held_out(77, share) == large[:77]).all()
    assert not held_out(9, None).any()


@pytest.mark.parametrize(("size", "share"), [(4, 0.2), (1, 0.5)])
def test_too_few_rows_to_hold_any_out(size, share):
    with pytest.raises(ThawError, match="no row to validate on"):
        held_out(size, share)


def test_what_is_held_out_stands_last(problem):
    whose = Whose(1, seeds.REPEAT, [3, 4])
    found = narrowed(problem, whose, 10, held_out(10, 0.2))
    for place, stream in enumerate(whose.generators(seeds.TRAIN_ROWS)):
        order = stratified_order(problem.train_y, stream)[:10]
        expected = [*np.delete(order, [4, 9]), *order[[4, 9]]]
        assert (found.train_x[place] == problem.train_x[expected]).all()


def test_no_network_learns_from_what_it_is_validated_on(problem):
    """Other features of those rows change what is chosen, but no history."""
    one = Training(6, 8, 0.1, validation_size=0.2, keep="best")
    whose = Whose(1, seeds.REPEAT, [0])
    rows = narrowed(problem, whose, 50, held_out(50, 0.2)).train_x[0, -10:]
    spoilt = problem.train_x.copy()
    for row in rows:
        spoilt[(spoilt == row).all(1)] = -row
    found = trained(problem, one, [0]).reached
    other = trained(problem._replace(train_x=spoilt), one, [0]).reached
    for name in ("train_loss", "test_loss"):
        assert np.array_equal(
            getattr(found.history, name), getattr(other.history, name)
        )


def test_the_rate_and_the_epoch_are_those_of_the_least_validation_loss(problem):
    found = trained(problem, TUNED).reached.final
    assert set(found.learning_rate) <= {*RATES}
    assert len({*found.epoch}) > 1
    losses = {}
    for rate in RATES:
        for epochs in range(1, 7):
            shorter = Training(epochs, 8, rate, validation_size=0.2, keep="last")
            state = trained(problem, shorter).state
            for number in range(5):
                whose = Whose(1, seeds.REPEAT, [number])
                own = narrowed(problem, whose, 50, held_out(50, 0.2))
                x = torch.from_numpy(own.train_x[0, -10:])
                signal = torch.relu(
                    x @ state["hidden-1.weight"][number].T
                    + state["hidden-1.bias"][number]
                )
                logits = (
                    signal @ state["output.weight"][number].T
                    + state["output.bias"][number]
                )
                loss = torch.nn.functional.cross_entropy(
                    logits, torch.from_numpy(own.train_y[0, -10:])
                )
                losses[number, rate, epochs] = float(loss)
    for number in range(5):
        own = {key[1:]: loss for key, loss in losses.items() if key[0] == number}
        chosen = (found.learning_rate[number], found.epoch[number])
        assert own[chosen] == pytest.approx(min(own.values()), abs=1e-6)
        assert found.validation_loss[number] == pytest.approx(own[chosen], abs=1e-6)


def test_what_is_kept_are_the_weights_of_that_epoch(problem):
    one = Training(6, 8, 0.3, validation_size=0.2, keep="best")
    best = trained(problem, one)
    for number, epoch in enumerate(best.reached.final.epoch):
        shorter = Training(int(epoch), 8, 0.3, validation_size=0.2, keep="last")
        there = trained(problem, shorter)
        for name, values in there.state.items():
            assert torch.equal(values[number], best.state[name][number])
        balanced = there.reached.final.test_balanced_accuracy[number]
        assert balanced == best.reached.final.test_balanced_accuracy[number]


@pytest.mark.parametrize("size", [None, 10])
def test_alone_equals_in_company(problem, size):
    together = trained(problem, TUNED, range(5), size)
    for number in range(5):
        alone = trained(problem, TUNED, [number], size)
        for name, values in alone.state.items():
            assert torch.equal(values[0], together.state[name][number])
        for one, all_ in zip(alone.reached.final, together.reached.final, strict=True):
            assert one[0] == all_[number]


def test_a_rate_that_diverges_is_not_chosen(problem):
    wild = Training(6, 8, [1e30, 0.1], validation_size=0.2, keep="last")
    found = trained(problem, wild).reached.final
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
    settings = {"optimizer": optimizer, "validation_size": 0.2, **more}
    together = trained(problem, Training(6, 8, rates, **settings))
    alone = [trained(problem, Training(6, 8, rate, **settings)) for rate in rates]
    chosen = together.reached.final.learning_rate
    for number, rate in enumerate(chosen):
        own = alone[rates.index(rate)]
        for name, values in together.state.items():
            torch.testing.assert_close(
                values[number], own.state[name][number], rtol=1e-4, atol=1e-5
            )


@pytest.mark.parametrize("at_once", [1, 2, 3, 4])
def test_candidates_need_not_all_learn_at_once(problem, monkeypatch, at_once):
    expected = trained(problem, TUNED).reached
    monkeypatch.setattr(FullyConnected, "at_once", lambda self, rows: at_once)
    told = []
    network = FullyConnected(2, (5,), 3)
    parts = train(
        network,
        lambda some: network.draw(list(network.groups), 1, seeds.REPEAT, some),
        problem,
        TUNED,
        1,
        seeds.REPEAT,
        range(5),
        report=lambda epoch, last: told.append((epoch, last)),
    )
    rates = [part.reached.final.learning_rate for part in parts]
    assert np.concatenate(rates).tolist() == expected.final.learning_rate.tolist()
    last = 6 * -(-3 // at_once)
    assert told == 5 * [(epoch, last) for epoch in range(1, last + 1)]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    config = copy.deepcopy(SMALL_CONFIG)
    del config["studies"]["back"]
    config["training"] |= {"learning_rate": [0.02, 0.2], "validation_size": 0.2}
    config["training"]["keep"] = "best"
    project = new_project(tmp_path_factory.mktemp("tuned") / "project", config)
    made = [f"results/ahead/{name}.md" for name in ("summary", "answer")]
    project.snakemake("--cores", "2", *made)
    return project.folder / "results/ahead"


def test_what_was_chosen_is_reported(study):
    with (study / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["learning_rate"] for row in rows} <= {"0.02", "0.2"}
    assert {row["epoch"] for row in rows} <= {"1", "2", "3"}
    words = " ".join((study / "summary.md").read_text().split())
    assert "Chosen on validation rows, learning rate and epoch (medians" in words
    answer = " ".join((study / "answer.md").read_text().split())
    assert "learning rate or epoch of standalone, fixed-0 and fixed-1." in answer
