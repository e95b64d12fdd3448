"""Recipes: what learns, when, how fast and drawn where, as in a plain torch loop."""

import itertools
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, lr_scheduler

from test_networks import InOrder, convolutions
from thaw.learning.ensemble import Ensemble
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.layers import Dropout
from thaw.learning.learner import Phase
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import held_out, rows_in_order
from thaw.learning.settings import Training, Variant
from thaw.learning.training import shuffled_orders
from thaw.learning.variants import phases_of
from trained import assert_alone_equals_in_company, draw, fit, parts, repeats, same

EPOCHS, BATCH = 5, 16
HIDDEN = [5, 4]
HEAD_FIRST = [{"freeze": 2, "epochs": 2}, {"epochs": 3, "learning_rate": 0.02}]
RECIPES = {
    "a layer in the middle": {"freeze": [2]},
    "all but the middle": {"freeze": [1, "output"], "fresh": []},
    "the last ones": {"freeze": [2, "output"], "fresh": []},
    "factors": {"rate_factors": {"1": 0.1, "output": 4.0}},
    "a pull": {"towards": 0.5},
    "head first": {"phases": HEAD_FIRST},
    "all together": {
        "phases": [
            {"freeze": 2, "epochs": 1},
            {"freeze": [2], "epochs": 2, "learning_rate": 0.02},
            {"freeze": 1, "epochs": 2},
        ],
        "rate_factors": {"1": 0.3, "2": 2.0},
        "towards": 0.3,
    },
}
OPTIMIZERS = {
    "plain": {"learning_rate": 0.1},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
    "adam": {"optimizer": "adam", "weight_decay": 0.02},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.3},
    "cosine": {"optimizer": "adamw", "schedule": "cosine", "warmup": 2},
}


def trained_with(name, **more):
    return Training(
        **{"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": 0.03}
        | OPTIMIZERS[name]
        | more
    )


class Hidden(nn.Linear):
    """A hidden layer with its activation, and with dropout if it has masks."""

    dropout: Dropout | None = None

    def forward(self, x):
        x = super().forward(x).relu()
        if self.training and self.dropout:
            (mask,) = self.dropout.masks([self.out_features], len(x))
            x = x * mask[0, :-1].T
        return x


def linear(dropout=None):
    """Return a fully connected network as a module with the same entries."""
    layers = OrderedDict()
    for number, fans in enumerate(itertools.pairwise([2, *HIDDEN]), start=1):
        layers[f"hidden-{number}"] = layer = Hidden(*fans)
        layer.dropout = dropout
    return nn.Sequential(layers | {"output": nn.Linear(HIDDEN[-1], 3)})


def optimizer_of(groups, training):
    decay = {"weight_decay": training.weight_decay}
    if training.optimizer == "sgd":
        settings = {"momentum": training.momentum, "nesterov": training.nesterov}
        return SGD(groups, 1.0, **settings, **decay)
    return (Adam if training.optimizer == "adam" else AdamW)(groups, 1.0, **decay)


def scheduler_of(optimizer, training, steps):
    later = lr_scheduler.ConstantLR(optimizer, 1.0)
    if training.schedule == "cosine":
        later = lr_scheduler.CosineAnnealingLR(optimizer, steps - training.warmup)
    if not training.warmup:
        return later
    warmup = training.warmup
    first = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), total_iters=warmup)
    return lr_scheduler.SequentialLR(optimizer, [first, later], [warmup])


def frozen_entries(freeze, module, groups):
    """Return the entries that stay frozen; the output is fresh."""
    if freeze == "all but norm layers":
        return {name for name in module.state_dict() if "layer1.1" not in name} - {
            *groups["head"]
        }
    names = list(groups)
    if isinstance(freeze, int):
        freeze = range(1, freeze + 1)
    places = [len(names) if layer == "output" else layer for layer in freeze]
    return {entry for place in places for entry in groups[names[place - 1]]}


def plain_loop(module, groups, described, x, y, test_x, training, orders):
    """Train a module; return its outputs for the test rows after each epoch.

    The output is fresh unless the variant says otherwise.
    """
    names = list(groups)
    group_of = {entry: name for name, own in groups.items() for entry in own}
    fresh = {names[-1]} if described.get("fresh", True) else set()
    factors = {
        names[-1] if layer == "output" else names[int(layer) - 1]: times
        for layer, times in described.get("rate_factors", {}).items()
    }
    alone = {"freeze": described.get("freeze", 0), "epochs": training.epochs}
    starts = {name: v.detach().clone() for name, v in module.named_parameters()}
    orders, said = iter(orders), []

    def ask():
        module.eval()
        with torch.no_grad():
            said.append(module(test_x))

    ask()
    for phase in described.get("phases") or [alone]:
        frozen = frozen_entries(phase.get("freeze", 0), module, groups)
        learning = {n: v for n, v in module.named_parameters() if n not in frozen}
        for name, values in module.named_parameters():
            values.requires_grad_(name in learning)
        rate = phase.get("learning_rate", training.learning_rate)
        optimizer = optimizer_of(
            [
                {"params": [values], "lr": rate * factors.get(group_of[name], 1)}
                for name, values in learning.items()
            ],
            training,
        )
        steps = phase["epochs"] * -(-len(y) // training.batch_size)
        scheduler = scheduler_of(optimizer, training, steps)
        for order in itertools.islice(orders, phase["epochs"]):
            module.train()
            for path, part in module.named_modules():
                own = {f"{path}.{name}" for name, _ in part.named_parameters()}
                part.training = not own or bool(own - frozen)
            for rows in order[0].split(training.batch_size):
                loss = nn.functional.cross_entropy(module(x[rows]), y[rows])
                for name, values in learning.items():
                    if group_of[name] not in fresh:
                        away = (values - starts[name]).square().sum()
                        loss = loss + described.get("towards", 0) / 2 * away
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                scheduler.step()
            ask()
    return said


def assert_learns_as_a_plain_loop(
    network, build, described, problem, training, shape=(2,)
):
    """Over the whole trajectory, and in each weight."""
    names = list(network.groups)
    fresh = names[-1:] if described.get("fresh", True) else []
    phases = phases_of(Variant(**described), network, fresh)
    found = fit(problem, training, [3], network, phases=phases)

    start, module = draw(network, [3]), build()
    module.load_state_dict({name: values[0].clone() for name, values in start.items()})
    x, test_x = (
        torch.from_numpy(rows).reshape(-1, *shape)
        for rows in (problem.train_x, problem.test_x)
    )
    y, labels = map(torch.from_numpy, (problem.train_y, problem.test_y))
    orders = shuffled_orders(repeats([3]), len(y), EPOCHS)
    said = plain_loop(module, network.groups, described, x, y, test_x, training, orders)
    losses = [nn.functional.cross_entropy(outputs, labels) for outputs in said]
    ours = found.reached.history.test_loss
    assert ours.shape == (1, EPOCHS + 1)
    np.testing.assert_allclose(ours[0], np.array(losses), rtol=0, atol=1e-5)
    for name, values in module.state_dict().items():
        torch.testing.assert_close(found.state[name][0], values, rtol=0, atol=1e-5)
    assert max(abs(a - b) for a, b in itertools.pairwise(losses)) > 1e-3
    return start, found


@pytest.mark.filterwarnings("ignore:.*epoch parameter:UserWarning")
@pytest.mark.parametrize("learner", ["ensemble", "module"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_both_learners_learn_as_a_plain_loop(problem, recipe, optimizer, learner):
    network = FullyConnected(2, HIDDEN, 3)
    if learner == "module":
        network = ModuleNetwork(linear)
    assert_learns_as_a_plain_loop(
        network, linear, RECIPES[recipe], problem, trained_with(optimizer)
    )


@pytest.mark.parametrize("recipe", RECIPES)
def test_only_layers_that_learn_drop_out(problem, recipe):
    network = FullyConnected(2, HIDDEN, 3, dropout=0.4)
    assert_learns_as_a_plain_loop(
        *(network, lambda: linear(Dropout(0.4, repeats([3])))),
        *(RECIPES[recipe], problem, trained_with("momentum")),
    )


NORMS = {"freeze": "all but norm layers", "fresh": ["output"]}


@pytest.mark.filterwarnings("ignore:.*epoch parameter:UserWarning")
@pytest.mark.parametrize("optimizer", ["momentum", "cosine"])
@pytest.mark.parametrize("recipe", ["norms", "norms first", *RECIPES])
def test_batch_norm_learns_its_statistics_or_keeps_still(images, recipe, optimizer):
    """With convolutions, in groups as they come."""
    described = RECIPES.get(recipe, NORMS)
    if recipe == "norms first":
        described = {
            "phases": [NORMS | {"epochs": 2}, {"freeze": 1, "epochs": 3}],
            "towards": 0.2,
        }
        del described["phases"][0]["fresh"]
    network = ModuleNetwork(InOrder, (), (1, 4, 4))
    start, found = assert_learns_as_a_plain_loop(
        *(network, InOrder, described, images, trained_with(optimizer), (1, 4, 4))
    )
    if recipe == "norms":
        kept = {"layer1.0.weight", "layer1.0.bias", "layer2.1.weight", "layer2.1.bias"}
        assert same(start, found.state) == kept


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("optimizer", ["plain", "nesterov", "adamw"])
@pytest.mark.parametrize(
    ("hidden", "dropout"), [((5, 5), 0.0), ((5, 4), 0.3), ((1, 3), 0.3)]
)
def test_recipes_learn_alone_as_in_company(problem, recipe, optimizer, hidden, dropout):
    network = FullyConnected(2, hidden, 3, "tanh" if dropout else "relu", dropout)
    described = RECIPES[recipe]
    fresh = ["output"] if described.get("fresh", True) else []
    phases = phases_of(Variant(**described), network, fresh)
    for rate, size in ((0.03, None), ([0.01, 0.1], 40)):
        more = {"keep": "best", "validation_size": 0.2} if size else {}
        training = trained_with(optimizer, learning_rate=rate, **more)
        assert_alone_equals_in_company(
            *(problem, training, 7, ([0], [4, 5], range(2, 7)), network),
            size=size,
            phases=phases,
        )


@pytest.mark.parametrize("freeze", [0, 1])
@pytest.mark.parametrize("kind", ["ensemble", "module"])
def test_random_streams_and_batch_orders_run_on_through_phases(
    problem, images, kind, freeze
):
    """Plain descent has no state, so phases that are alike are one; to the byte."""
    training, data = Training(5, 16, 0.05), problem
    network = FullyConnected(2, [6, 5], 3, dropout=0.4)
    if kind == "module":
        training = training._replace(augment={"noise": 0.2})
        network, data = (
            ModuleNetwork(convolutions, ["0|1", "4", "8"], (1, 4, 4)),
            images,
        )
    one = Phase(list(network.groups)[:freeze])
    alike = [one._replace(epochs=epochs) for epochs in (2, 1, 2)]
    whole = fit(data, training, [1], network, freeze)
    parted = fit(data, training, [1], network, phases=alike)
    assert same(whole.state, parted.state) == {*whole.state}
    for ours, theirs in zip(parted.reached[:2], whole.reached[:2], strict=True):
        for column, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(column, other)


@pytest.mark.parametrize("learner", ["ensemble", "module"])
def test_the_best_epoch_and_rate_are_chosen_over_all_phases(problem, learner):
    """Once it has learned, a rate that is far too large spoils the last phase."""
    network = FullyConnected(2, HIDDEN, 3)
    if learner == "module":
        network = ModuleNetwork(linear)
    described = {
        "phases": [
            {"freeze": 2, "epochs": 2},
            {"epochs": 3},
            {"epochs": 1, "learning_rate": 30.0},
        ]
    }
    rates = [0.001, 0.1]
    training = Training(6, BATCH, rates, keep="best", validation_size=0.2)
    phases = phases_of(Variant(**described), network, ["output"])
    found = fit(problem, training, [3], network, phases=phases)

    unseen = held_out(50, 0.2)
    (numbers,) = rows_in_order(problem, repeats([3]), 50, unseen)
    learned = int((~unseen).sum())
    x = torch.from_numpy(problem.train_x[numbers])
    y = torch.from_numpy(problem.train_y[numbers])
    start, losses = draw(network, [3]), []
    for rate in rates:
        module = linear()
        module.load_state_dict({name: v[0].clone() for name, v in start.items()})
        said = plain_loop(
            *(module, network.groups, described),
            *(x[:learned], y[:learned], x[learned:]),
            training._replace(learning_rate=rate),
            shuffled_orders(repeats([3]), learned, 6),
        )
        losses.append([nn.functional.cross_entropy(s, y[learned:]) for s in said])
    final = found.reached.final
    rate, epoch = np.unravel_index(np.argmin(losses), (2, 7))
    assert (final.learning_rate.item(), final.epoch.item()) == (rates[rate], epoch)
    assert final.validation_loss.item() == pytest.approx(np.min(losses), abs=1e-5)
    assert 2 < epoch < 6
    assert found.reached.history.test_loss.shape == (1, 7)


def test_progress_and_measurement_go_through_phases(problem, monkeypatch):
    asked, told = [], []
    outputs = Ensemble.outputs

    def counted(self, part):
        asked.append(part)
        return outputs(self, part)

    monkeypatch.setattr(Ensemble, "outputs", counted)
    network = FullyConnected(2, HIDDEN, 3)
    phases = phases_of(Variant(phases=HEAD_FIRST), network, ["output"])
    (found,) = parts(
        *(problem, Training(5, BATCH, 0.1), range(2), network),
        phases=phases,
        report=lambda epoch, last: told.append((epoch, last)),
    )
    assert told == [(epoch, 5) for epoch in range(1, 6)]
    assert asked == ["train", "test"] * 6
    assert found.reached.steps.tolist() == [0, 4, 8, 12, 16, 20]


def test_what_no_phase_lets_learn_keeps_its_bits(problem):
    network = FullyConnected(2, HIDDEN, 3)
    phases = [Phase(["hidden-1", "output"], epochs=2), Phase(["hidden-1"], epochs=3)]
    training = trained_with("adamw")
    end = fit(problem, training, range(2), network, phases=phases).state
    kept = {"hidden-1.weight", "hidden-1.bias"}
    assert same(draw(network, range(2)), end) == kept


class T5LayerNorm(nn.Module):
    """A library's own."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(4))


class PreNorm(nn.Module):
    """Has a norm layer, and is none."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(4))
        self.norm, self.inner = T5LayerNorm(), nn.Linear(4, 4)


def test_norm_layers_are_known_by_their_class():
    parts = [nn.BatchNorm2d(4), nn.LayerNorm(4), nn.GroupNorm(2, 4), nn.RMSNorm(4)]
    parts += [nn.InstanceNorm1d(4, affine=True), nn.SyncBatchNorm(4)]
    others = [nn.Linear(4, 4), nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))]
    found = ModuleNetwork(lambda: nn.Sequential(*parts, PreNorm(), *others)).norms
    of_torch = {name for name in found if not name.startswith("6")}
    assert {name.partition(".")[0] for name in of_torch} == set("012345")
    assert {"0.running_mean", "0.num_batches_tracked", "2.bias"} <= of_torch
    assert found - of_torch == {"6.norm.weight"}
