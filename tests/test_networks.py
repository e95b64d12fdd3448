"""User-supplied networks: groups, freezing, draws, and outputs computed once."""

import itertools
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from thaw.errors import ThawError
from thaw.learning.front import front_of, set_mode
from thaw.learning.learner import Phase, take
from thaw.learning.module import ModuleNetwork, PassedOn, device_of, grouped
from thaw.learning.settings import Training
from trained import bits, draw, fit, parts, repeats, same

TRAINING = Training(3, 16, 0.05, weight_decay=0.01)


class Stem(nn.Module):
    """Dropout stands first; train() is overridden to wake everything."""

    def __init__(self, features=2):
        super().__init__()
        self.drop = nn.Dropout(0.3)
        self.linear = nn.Linear(features, 6)
        self.norm = nn.BatchNorm1d(6)

    def forward(self, x):
        return torch.relu(self.norm(self.linear(self.drop(x))))

    def train(self, mode=True):
        super().train(mode)
        for part in self.children():
            part.training = True
        return self


class Tied(nn.Module):
    """The middle layers have one weight."""

    def __init__(self, classes=3):
        super().__init__()
        self.stem = Stem()
        self.first = nn.Linear(6, 6)
        self.second = nn.Linear(6, 6)
        self.second.weight = self.first.weight
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(6, classes)

    def forward(self, x):
        x = torch.relu(self.second(torch.relu(self.first(self.stem(x)))))
        return self.head(self.drop(x))


class InOrder(nn.Module):
    """Runs its parts one after the other."""

    def __init__(self, classes=3):
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.layer2 = nn.Sequential(nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU())
        self.head = nn.Linear(24, classes)

    def forward(self, x):
        return self.head(self.layer2(self.layer1(x)).flatten(1))


def of_images(build):
    """Return a network of images of 4 by 4."""
    return ModuleNetwork(build, (), (1, 4, 4))


def test_dropout_is_off_where_frozen_and_on_elsewhere(problem, monkeypatch):
    """With a frozen stem, two epochs of the same order pass the same through it."""
    monkeypatch.setattr("thaw.learning.module.front_of", lambda *_: None)
    network = ModuleNetwork(Tied)
    state = draw(network, [0])
    learner = network.learner(state, problem, TRAINING, Phase(["stem", "first"]))
    calls = {learner._module.stem: [], learner._module.drop: []}
    for part in calls:
        part.register_forward_hook(lambda *call: calls[call[0]].append(call))
    for _ in range(2):
        learner.epoch(torch.arange(50)[None])
    # Frozen weights are in memory only once, whether passed in or read back.
    weights = learner.state()["stem.linear.weight"]
    assert weights.data_ptr() == state["stem.linear.weight"].data_ptr()
    assert all(values.grad is None for values in learner._module.parameters())
    stem, ((_, (before,), after), *_) = calls.values()
    assert torch.equal(stem[0][2], stem[4][2])
    assert (after[before != 0] == 0).any()


@pytest.mark.parametrize("freeze", [0, 1, 2])
def test_alone_equals_in_company_and_frozen_is_frozen(problem, freeze):
    """Batch norm, tied weights; whatever else draws random numbers meanwhile."""
    network, disturb = ModuleNetwork(Tied), {"report": lambda *_, **__: torch.rand(7)}
    company = parts(problem, TRAINING, range(4), network, freeze)
    for number in (0, 3, 2):
        alone = fit(problem, TRAINING, [number], network, freeze, **disturb)
        assert same(alone.state, company[number].state) == {*alone.state}
        assert bits(alone.reached.history) == bits(company[number].reached.history)
    count = alone.state["stem.norm.num_batches_tracked"]
    assert count.dtype == torch.int64  # whole numbers stay whole
    assert count.tolist() == [0 if freeze else 3 * 4]
    frozen = {e for g in [*network.groups][:freeze] for e in network.groups[g]}
    tied = {"second.weight"} if freeze == 2 else set()
    assert same(draw(network, [2]), alone.state) == frozen | tied
    ends = [part.state["head.weight"] for part in company]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(ends, 2))


def test_a_fresh_group_is_the_same_in_every_variant():
    """Whatever generator it draws from, and whatever was drawn before."""

    def build():
        module = Tied()
        module.head.bias.data.fill_(float(np.random.rand()) + random.random())
        return module

    network = ModuleNetwork(build)
    everything = draw(network, range(3))
    few = network.draw(["second", "head"], repeats([2]))
    assert {*few} == {"second.weight", "second.bias", "head.weight", "head.bias"}
    assert all(torch.equal(few[name], everything[name][2:]) for name in few)
    other_seed = network.draw(["head"], repeats([2], seed=2))
    assert not torch.equal(other_seed["head.bias"], few["head.bias"])


class Counted(nn.Linear):
    """Counts the rows that it sees; may hold a number that is not an entry."""

    rows = 0

    def __init__(self, hidden=0.0):
        super().__init__(2, 4)
        self.hidden = hidden * torch.rand(1)

    def forward(self, x):
        Counted.rows += len(x)
        return super().forward(x) + self.hidden


# Fewer than half of the rows pass alone, and nothing of them is kept. A number that is
# no entry counts as well.
@pytest.mark.parametrize(
    ("starts", "size", "hidden", "times"),
    [
        ([0, 0, 1, 1], None, 0.0, 2),
        ([0, 0, 0], 400, 0.0, 2),
        ([0, 0, 0], 30, 0.0, 0),
        ([0, 0, 0], None, 1.0, 0),
    ],
)
def test_repeats_from_one_source_model_ask_its_frozen_parts_once(
    problem, starts, size, hidden, times
):
    x, y = np.tile(problem.train_x, (12, 1)), np.tile(problem.train_y, 12)
    many = problem._replace(train_x=x, train_y=y)
    rows, ends, numbers = [], [], range(len(starts))
    forgetful = SimpleNamespace(of=lambda *rows: PassedOn().of(*rows))
    for passed_on in (PassedOn(), forgetful):
        network = ModuleNetwork(lambda: nn.Sequential(Counted(hidden), nn.Linear(4, 3)))
        network.passed_on = passed_on
        states = draw(network, numbers)
        states |= take({name: states[name] for name in network.groups["0"]}, starts)

        def start(whose, states=states):
            return take(states, [address.repeat for address in whose.addresses])

        Counted.rows = 0
        trained = parts(many, TRAINING, numbers, network, 1, size, start=start)
        rows.append(Counted.rows)
        ends.append({place: part.state for place, part in enumerate(trained)})
    # All look at two batches of 256 and 2 rows; so do those that ask for the rest.
    assert rows[1] - rows[0] == times * (600 - 256)
    assert all(same(state, ends[1][n]) == {*state} for n, state in ends[0].items())


def test_each_phase_keeps_what_its_frozen_parts_pass_on():
    x, passed_on = torch.ones(3, 2), PassedOn()

    def outputs(weights):
        return passed_on.of(lambda rows: rows + 1, weights, "train", x, x)

    phases = {"a": x, "b": x}, {"a": x}
    first = [*map(outputs, phases)]
    assert all(outputs(w) is values for w, values in zip(phases, first, strict=True))
    assert outputs({"a": x, "b": x + 1}) is not first[0]


def test_groups_are_parts_names_or_regular_expressions_and_must_fit():
    parts = "stem.0", "layer1.0", "layer10.0", "fc"
    entries = ["scale", *(f"{part}.weight" for part in parts)]
    groups = grouped(entries)
    assert [*groups] == ["stem", "layer1", "layer10", "fc"]
    assert [*groups.values()] == [entries[:2], *([entry] for entry in entries[2:])]
    assert grouped(["weight", "bias"]) == {"weight": ["weight", "bias"]}
    groups = grouped(entries, ["scale|stem", r"layer\d+", "fc"])
    assert [*groups.values()] == [entries[:2], entries[2:4], entries[4:]]
    assert grouped(entries[2:4], ["layer1", "layer10"])["layer1"] == [entries[2]]
    for patterns, words in (
        (["layer1"], "no group has layer10.0.weight"),
        (["layer.*", "layer1"], "'layer1' both have layer1.0.w"),
        (["layer.*", "head"], "'head' names nothing; there is sc"),
    ):
        with pytest.raises(ThawError, match=words):
            grouped(entries, ["scale|stem", *patterns, "fc"])


def test_norm_layers_are_known_by_their_class():
    class LibraryLayerNorm(nn.Linear):
        pass

    norms = [nn.BatchNorm2d(4), nn.GroupNorm(2, 4), LibraryLayerNorm(4, 4)]
    plain = [nn.Linear(4, 4), nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))]
    names = ModuleNetwork(lambda: nn.Sequential(*norms, *plain)).norms
    assert {name.partition(".")[0] for name in names} == set("012")
    assert {"0.running_mean", "0.num_batches_tracked", "1.bias"} <= names


def test_a_gpu_is_taken_where_there_is_one_and_must_be_there_for_cuda(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    assert device_of("auto").type == "cpu"
    with pytest.raises(ThawError, match=r"^device: cuda asks for a GPU, and .*\Z"):
        device_of("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device_of("cpu").type == "cpu"
    assert device_of("auto").type == device_of("cuda").type == "cuda"
    assert torch.backends.cudnn.deterministic


# Frozen parts that run once


@pytest.mark.parametrize(("freeze", "size"), [(1, 30), (2, 200), (1, None)])
def test_a_frozen_body_runs_once(images, monkeypatch, freeze, size):
    """And changes no bit."""
    passes, convolution = [], nn.Conv2d.forward

    def counted(self, x):
        passes.append(len(x))
        return convolution(self, x)

    monkeypatch.setattr(nn.Conv2d, "forward", counted)
    network = of_images(InOrder)
    training = Training(6, 16, 0.05, optimizer="adam")
    once = fit(images, training, [0], network, freeze, size)
    few = sum(passes)
    monkeypatch.setattr("thaw.learning.module.front_of", lambda *_: None)
    anew = fit(images, training, [0], network, freeze, size)
    assert few < 0.7 * (sum(passes) - few)
    assert same(once.state, anew.state) == {*once.state}
    assert bits(once.reached.history) == bits(anew.reached.history)


class Keeping(nn.Linear):
    """Keeps what it passed on last."""

    def forward(self, x):
        self.last = super().forward(x)
        return self.last


def seldom(x, drawn):
    return x * (0 if drawn and torch.rand(()) < 1e-6 else 1)


# These keep a body from running only once: before it (0), after it (1), at the end (2).
ODD = {
    "what learns comes before": (0, lambda odd, x: x * odd.before),
    "what counts rows comes before": (0, lambda odd, x: odd.norm(x)),
    "dropped out": (1, lambda odd, x: functional.dropout(x, 0.5, odd.training)),
    "drawn, if seldom": (1, lambda odd, x: seldom(x, odd.training)),
    "of the whole batch": (1, lambda odd, x: x - x.mean(0)),
    "different in training": (1, lambda odd, x: 2 * x if odd.training else x),
    "used again": (2, lambda odd, x: x + odd.first),
    "used outside training": (2, lambda odd, x: x if odd.training else x + odd.first),
    "kept by its part": (2, lambda odd, x: x + odd.body.last),
}
# These do not: parts that return no rows run every time.
FINE = {
    "no rows": (2, lambda odd, x: x + odd.shift(torch.ones(1, 2))),
    "in place": (2, lambda odd, x: x.mul_(2)),
}


class Odd(nn.Module):
    """Runs `body` and `more`, and does something in one place."""

    def __init__(self, how):
        super().__init__()
        self.place, self.does = (ODD | FINE)[how]
        self.before = nn.Parameter(torch.ones(2))
        self.norm, self.shift = nn.BatchNorm1d(2, affine=False), nn.Linear(2, 4)
        self.body, self.more = Keeping(2, 4), nn.Linear(4, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        steps = [lambda x: x] * 3
        steps[self.place] = lambda x: self.does(self, x)
        first, between, last = steps
        self.first = self.body(first(x))
        return self.head(last(self.more(between(self.first))))


def front_at(module, still, problem):
    """Return the rows of a problem, and the front of these frozen parts."""
    for part in still:
        part.requires_grad_(False)
    x = torch.from_numpy(problem.train_x)
    seeds = torch.manual_seed, np.random.seed, random.seed
    return x, front_of(module, {*still}, [x[:9], x[9:]], lambda: [s(0) for s in seeds])


@pytest.mark.parametrize("how", ODD | FINE)
@torch.no_grad()
def test_nothing_runs_once_that_would_pass_on_something_else(problem, how):
    """And what is passed on stays as it is."""
    torch.manual_seed(0)
    odd = Odd(how)
    x, front = front_at(odd, [odd.shift, odd.body, odd.more], problem)
    assert (front is None) == (how in ODD)
    if front:
        set_mode(odd, odd.modules())
        passed = front(x)
        kept = passed.clone()
        torch.testing.assert_close(front.rest(x, passed), odd(x))
        assert torch.equal(passed, kept)
        assert "forward" not in odd.body.__dict__


class Early(nn.Sequential):
    """Leaves out its second part for large numbers."""

    def __init__(self):
        super().__init__(nn.Linear(2, 4), nn.Linear(4, 4), nn.Linear(4, 3))

    def forward(self, x):
        return self[2](self[1](self[0](x))) if x.max() < 99 else self[2](self[0](x))


def test_a_forward_that_runs_other_parts_for_some_rows_is_found_out(problem):
    """Where some rows need them from the start, all parts run every time."""
    module = Early()
    still, far = [module[0], module[1]], problem.train_x.copy()
    far[-1] += 100
    with torch.no_grad():
        assert front_at(module, still, problem._replace(train_x=far))[1] is None
        x, front = front_at(module, still, problem)
        passed = front(x)
        for run in (front, lambda x: front.rest(x, passed)):
            with pytest.raises(ThawError, match="other frozen parts for some rows"):
                run(x + 100)
