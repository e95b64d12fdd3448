"""Recipes: what learns, when, how fast and drawn where, as in a plain torch loop."""

import itertools
from collections import OrderedDict

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch import nn
from torch.nn import functional
from torch.optim import SGD, Adam, AdamW, lr_scheduler

from test_networks import InOrder, Tied, of_images
from thaw.learning.fully_connected import Dropout, FullyConnected
from thaw.learning.learner import Phase
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import narrowed_rows
from thaw.learning.settings import Training, Variant
from thaw.learning.training import shuffled_orders
from thaw.learning.variants import phases_of
from trained import (
    assert_alone_equals_in_company,
    assert_scores_follow,
    draw,
    fit,
    repeats,
    same,
    with_numbers,
)

# The scheduler of a warm-up calls the one after it in a way that PyTorch warns of.
pytestmark = pytest.mark.filterwarnings("ignore:.*epoch parameter:UserWarning")

HIDDEN = [5, 4]
RECIPES = {
    "all learn": {},
    "the first": {"freeze": 1},
    "a layer in the middle": {"freeze": [2]},
    "all but the middle": {"freeze": [1, "output"], "fresh": []},
    "factors": {"rate_factors": {"1": 0.1, "output": 4.0}},
    "a pull": {"towards": 0.5},
    "all together": {
        "phases": [
            {"freeze": 2, "epochs": 1},
            {"freeze": [2], "epochs": 2, "learning_rate": 0.02},
            {"epochs": 2},
        ],
        "rate_factors": {"1": 0.3, "2": 2.0},
        "towards": 0.3,
    },
}
OPTIMIZERS = {
    "plain": {"learning_rate": 0.1},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.8, "nesterov": True, "weight_decay": 0.02},
    "decay": {"weight_decay": 0.05},
    "adam": {"optimizer": "adam", "weight_decay": 0.02},
    "adamw": {"optimizer": "adamw", "weight_decay": 0.3},
    "warmup": {"momentum": 0.9, "warmup": 3},
    "cosine": {"learning_rate": 0.1, "schedule": "cosine"},
    "both": {"optimizer": "adamw", "schedule": "cosine", "warmup": 2},
}


def training_by(optimizer, **settings):
    rate = {"learning_rate": 0.03}
    return Training(5, 16, **rate | OPTIMIZERS[optimizer] | settings)


class Hidden(nn.Linear):
    """A hidden layer with its activation, and with dropout if it has masks."""

    activation, dropout = staticmethod(torch.relu), None

    def forward(self, x):
        x = self.activation(super().forward(x))
        if self.training and self.dropout:
            (mask,) = self.dropout.masks([self.out_features], len(x))
            x = x * mask[0, :-1].T
        return x


def linear(width=3, activation=torch.relu, dropout=None):
    """Return a fully connected network as a module with the same entries."""
    layers = OrderedDict()
    for number, fans in enumerate(itertools.pairwise([2, *HIDDEN]), start=1):
        layers[f"hidden-{number}"] = layer = Hidden(*fans)
        layer.activation, layer.dropout = activation, dropout
    return nn.Sequential(layers | {"output": nn.Linear(HIDDEN[-1], width)})


def losses_of(problem, rows, class_weight):
    """Return how labels become targets, the loss, and the loss that is reported."""
    labels = problem.train_y[rows]
    if problem.task == "regression":
        # Labels have mean 0 and standard deviation 1 in the rows learned from, and are
        # reported in their own unit.
        centre, spread, loss = labels.mean(), labels.std(), functional.mse_loss
        return (
            lambda y: torch.from_numpy((y - centre) / spread).float()[:, None],
            loss,
            lambda outputs, targets: spread * loss(outputs, targets).sqrt(),
        )
    weights, cross_entropy = class_weight or [1.0] * 3, functional.cross_entropy
    if weights == "balanced":
        weights = compute_class_weight(weights, classes=np.arange(3), y=labels)
        assert len({*weights}) > 1
    weights = torch.tensor([*weights]).float()

    def weighted(outputs, targets):
        """Return the mean over the rows, as Keras counts it."""
        losses = cross_entropy(outputs, targets, reduction="none")
        return (losses * weights[targets]).mean()

    return torch.from_numpy, weighted, cross_entropy


def optimizer_of(groups, training):
    settings = {"weight_decay": training.weight_decay}
    if training.optimizer == "sgd":
        settings |= {"momentum": training.momentum, "nesterov": training.nesterov}
    optimizers = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
    return optimizers[training.optimizer](groups, 1.0, **settings)


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
        learning = "layer1.1", "head"
        return {name for name in module.state_dict() if not name.startswith(learning)}
    names = list(groups)
    if isinstance(freeze, int):
        freeze = range(1, freeze + 1)
    places = [len(names) if layer == "output" else layer for layer in freeze]
    return {entry for place in places for entry in groups[names[place - 1]]}


def by_a_plain_loop(network, module, variant, problem, training, size):
    """Train a module as repeat 3; return its losses of test and held-out rows."""
    rows, held_out = np.arange(len(problem.train_y)), np.arange(0)
    if size or training.validation_size:
        (rows,) = narrowed_rows(problem, repeats([3]), size or len(rows))
    if training.validation_size:
        is_last = np.arange(len(rows)) % 5 == 4
        rows, held_out = rows[~is_last], rows[is_last]
    targets, loss, reported = losses_of(problem, rows, training.class_weight)
    shape = getattr(network, "shape", ()) or (2,)
    x = torch.from_numpy(problem.train_x).reshape(-1, *shape)
    test_x = torch.from_numpy(problem.test_x).reshape(-1, *shape)
    y, test_y = targets(problem.train_y), targets(problem.test_y)

    @torch.no_grad()
    def measured():
        module.eval()
        sets = (test_x, test_y), (x[held_out], y[held_out])
        return [float(reported(module(x), y)) for x, y in sets]

    groups, names = network.groups, [*network.groups]
    group_of = {entry: name for name in names for entry in groups[name]}
    fresh = {names[-1]} if variant.get("fresh", True) else set()
    factors = {
        names[-1] if layer == "output" else names[int(layer) - 1]: times
        for layer, times in variant.get("rate_factors", {}).items()
    }
    whole = {"freeze": variant.get("freeze", 0), "epochs": training.epochs}
    starts = {name: v.detach().clone() for name, v in module.named_parameters()}
    orders = shuffled_orders(repeats([3]), len(rows), training.epochs)
    losses = [measured()]
    for phase in variant.get("phases") or [whole]:
        frozen = frozen_entries(phase.get("freeze", 0), module, groups)
        learning = {n: v for n, v in module.named_parameters() if n not in frozen}
        for name, values in module.named_parameters():
            values.requires_grad_(name in learning)
        rate = phase.get("learning_rate", training.learning_rate)
        rates = [
            {"params": [values], "lr": rate * factors.get(group_of[name], 1)}
            for name, values in learning.items()
        ]
        optimizer = optimizer_of(rates, training)
        steps = phase["epochs"] * -(-len(rows) // training.batch_size)
        scheduler = scheduler_of(optimizer, training, steps)
        for order in itertools.islice(orders, phase["epochs"]):
            module.train()
            for path, part in module.named_modules():
                entries = {f"{path}.{name}" for name, _ in part.named_parameters()}
                part.training = not entries or bool(entries - frozen)
            for batch in torch.from_numpy(rows)[order[0]].split(training.batch_size):
                total = loss(module(x[batch]), y[batch])
                for name, values in learning.items():
                    if group_of[name] not in fresh:
                        away = (values - starts[name]).square().sum()
                        total = total + variant.get("towards", 0) / 2 * away
                optimizer.zero_grad()
                total.backward()
                optimizer.step()
                scheduler.step()
            losses.append(measured())
    return np.array(losses)


def phases(variant, network):
    fresh = [*network.groups][-1:] if variant.get("fresh", True) else []
    return phases_of(Variant(**variant), network, fresh)


def assert_learns_as_a_plain_loop(
    network, module, variant, problem, training, size=None
):
    """Over the whole trajectory, in each weight, and with each epoch reported."""
    reports, options = [], {"size": size, "phases": phases(variant, network)}
    options["report"] = lambda epoch, last: reports.append((epoch, last))
    part = fit(problem, training, [3], network, **options)
    start = draw(network, [3])
    module.load_state_dict({name: values[0].clone() for name, values in start.items()})
    losses = by_a_plain_loop(network, module, variant, problem, training, size)
    epochs = training.epochs
    assert reports == [(epoch, epochs) for epoch in range(1, epochs + 1)]
    history, final = part.reached[:2]
    np.testing.assert_allclose(history.test_loss[0], losses[:, 0], rtol=1e-4)
    assert abs(np.diff(losses[:, 0])).max() > 1e-3
    np.testing.assert_allclose(final.validation_loss, losses[-1:, 1], rtol=1e-4)
    for name, values in module.state_dict().items():
        torch.testing.assert_close(part.state[name][0], values, rtol=0, atol=1e-5)
    frozen = (
        frozen_entries(phase.get("freeze", 0), module, network.groups)
        for phase in variant.get("phases") or [variant]
    )
    weights = {name: part.state[name] for name in network.shapes}
    assert same(start, weights) == set.intersection(*frozen)
    assert_scores_follow(problem, part)


LEARNERS = ("ensemble", "module")


def network_by(learner, width=3):
    if learner == "ensemble":
        return FullyConnected(2, HIDDEN, width)
    return ModuleNetwork(lambda: linear(width))


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_both_learners_learn_as_a_plain_loop(problem, recipe, optimizer, learner):
    """Numbers and tanh in half of the cases; in ensembles what learns drops out."""
    is_even = ([*RECIPES].index(recipe) + [*OPTIMIZERS].index(optimizer)) % 2 == 0
    rows, width = (problem, 3) if is_even else (with_numbers(problem, 1), 1)
    network, module = network_by(learner, width), linear(width)
    if learner == "ensemble":
        activation = "relu" if is_even else "tanh"
        network = FullyConnected(2, HIDDEN, width, activation, dropout=0.4)
        module = linear(width, getattr(torch, activation), Dropout(0.4, repeats([3])))
    assert_learns_as_a_plain_loop(
        network, module, RECIPES[recipe], rows, training_by(optimizer)
    )


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("size", [None, 20])
@pytest.mark.parametrize("class_weight", ["numbers", "balanced", [0.5, 3.0, 1.0]])
def test_a_repeats_rows_decide_scale_and_weights(problem, class_weight, size, learner):
    """Of those rows every fifth is held out; the loss on them is plain."""
    rows, width, weights = problem, 3, {"class_weight": class_weight}
    if class_weight == "numbers":
        rows, width, weights = with_numbers(problem, 1), 1, {}
    training = training_by("momentum", validation_size=0.2, **weights)
    networks = network_by(learner, width), linear(width)
    assert_learns_as_a_plain_loop(*networks, {}, rows, training, size)


NORMS = {"freeze": "all but norm layers"}
BOTH = {"phases": [NORMS | {"epochs": 2}, {"freeze": 1, "epochs": 3}], "towards": 0.2}


@pytest.mark.parametrize("variant", [NORMS, BOTH, RECIPES["all together"]])
def test_batch_norm_learns_its_statistics_or_keeps_still(images, variant):
    """With convolutions, in groups as they come."""
    network, training = of_images(InOrder), training_by("both")
    assert_learns_as_a_plain_loop(network, InOrder(), variant, images, training)


@pytest.mark.parametrize(
    ("recipe", "optimizer"), [*zip(itertools.cycle(RECIPES), OPTIMIZERS, strict=False)]
)
def test_recipes_learn_alone_as_in_company(problem, recipe, optimizer):
    chosen = {"keep": "best", "validation_size": 0.2, "learning_rate": [0.01, 0.1]}
    # The sum of many digits depends on the order, and on how they lie in memory.
    labels = np.random.default_rng(0).normal(size=50)
    numbers = with_numbers(problem)._replace(train_y=labels)
    for rows, width, activation, settings, size in (
        (problem, 3, "tanh", {}, None),
        (problem, 3, "relu", chosen | {"class_weight": "balanced"}, 40),
        (numbers, 1, "relu", {}, 1),
        (numbers, 1, "tanh", chosen, 20),
        (numbers, 1, "tanh", chosen | {"learning_rate": 0.5}, None),
    ):
        network = FullyConnected(2, HIDDEN, width, activation, 0.3)
        training, companies = training_by(optimizer, **settings), ([0], range(2, 7))
        options = {"size": size, "phases": phases(RECIPES[recipe], network)}
        assert_alone_equals_in_company(rows, training, 7, companies, network, **options)


def test_the_best_epoch_is_chosen_over_all_phases(problem):
    """Once it has learned, a rate that is far too large spoils the last phase."""
    last = {"epochs": 1, "learning_rate": 3.0}
    variant = {"phases": [{"freeze": 2, "epochs": 2}, {"epochs": 3}, last]}
    training = Training(6, 16, 0.1, keep="best", validation_size=0.2)
    network, module = network_by("ensemble"), linear()
    part = fit(problem, training, [3], network, phases=phases(variant, network))
    module.load_state_dict({n: values[0] for n, values in draw(network, [3]).items()})
    losses = by_a_plain_loop(network, module, variant, problem, training, None)[:, 1]
    assert_scores_follow(problem, part)
    final = part.reached.final
    assert final.epoch.item() == losses.argmin() < 6
    assert final.validation_loss.item() == pytest.approx(losses.min(), abs=1e-5)


def test_random_streams_run_on_through_phases(problem):
    """Plain descent has no state, so phases that are alike are one; to the byte."""
    network, training = ModuleNetwork(Tied), Training(3, 16, 0.05)
    whole = fit(problem, training, [1], network).state
    alike = [Phase(epochs=2), Phase(epochs=1)]
    parts = fit(problem, training, [1], network, phases=alike).state
    assert same(whole, parts) == {*network.shapes}
