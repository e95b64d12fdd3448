"""User-supplied networks: groups, freezing, draws, and outputs computed once."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from thaw.errors import ThawError
from thaw.learning.learner import Phase, take
from thaw.learning.module import ModuleNetwork, grouped
from thaw.learning.module_learner import PassedOn
from thaw.learning.settings import Training
from thaw.learning.training import shuffled_orders
from trained import assert_scores_follow, bits, draw, fit, parts, repeats, same

TRAINING = Training(3, 16, 0.05)


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


def convolutions():
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU()),
        *(nn.Dropout(0.3), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten()),
        *(nn.Dropout(0.1), nn.Linear(24, 3)),
    )


def trained(network, problem, numbers, freeze=0, training=TRAINING, size=None):
    """Train as the stages do; return where each started, how it ended, its history."""
    groups, found = list(network.groups), []
    start = network.draw(groups, repeats(numbers))
    for place, number in enumerate(numbers):
        before = take(start, [place])
        one = fit(problem, training, [number], network, freeze, size)
        found.append((before, one.state, one.reached))
    return found


def of_images(build):
    """Return a network of images of 4 by 4."""
    groups = ["0|1", "4", "8"] if build is convolutions else ()
    return ModuleNetwork(build, groups, (1, 4, 4))


@pytest.mark.parametrize("freeze", [1, 2])
@pytest.mark.parametrize("build", [Tied, convolutions, InOrder])
@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_frozen_is_frozen_and_all_else_learns(
    problem, images, build, freeze, optimizer
):
    """Batch norm, dropout, tied weights, a train() that wakes sleeping parts."""
    training = TRAINING._replace(optimizer=optimizer, weight_decay=0.01)
    network = ModuleNetwork(Tied) if build is Tied else of_images(build)
    data = problem if build is Tied else images
    ((start, end, reached),) = trained(network, data, [3], freeze, training)
    frozen = [e for g in list(network.groups)[:freeze] for e in network.groups[g]]
    tied = {"second.weight"} if "first.weight" in frozen else set()
    assert same(start, end) == {*frozen} | tied
    assert any("running_mean" in name for name in frozen)
    assert np.isfinite(reached.history.test_loss).all()


def test_dropout_is_off_where_frozen_and_on_elsewhere(problem, monkeypatch):
    """With a frozen stem, two epochs of the same order pass the same through it."""
    monkeypatch.setattr("thaw.learning.module_learner.front_of", lambda *_: None)
    network = ModuleNetwork(Tied)
    state = draw(network, [0])
    learner = network.learner(state, problem, TRAINING, Phase(["stem", "first"]))
    seen = {}
    module = learner._module
    module.stem.register_forward_hook(
        lambda *a: seen.setdefault("stem", []).append(a[2])
    )
    module.drop.register_forward_hook(lambda *a: seen.setdefault("drop", []).append(a))
    order = torch.arange(50)[None]
    learner.epoch(order)
    learner.epoch(order)
    first, again = seen["stem"][0], seen["stem"][4]
    assert torch.equal(first, again)
    _, (before,), after = seen["drop"][0]
    assert (after[before != 0] == 0).any()


def test_a_part_that_writes_to_what_is_frozen_is_found_out(problem):
    class Counts(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 4)
            self.register_buffer("count", torch.zeros(1))

        def forward(self, x):
            self.count += 1
            return self.linear(x)

    network = ModuleNetwork(lambda: nn.Sequential(Counts(), nn.Linear(4, 3)))
    with pytest.raises(ThawError, match=r"0\.count, which is frozen"):
        trained(network, problem, [0], freeze=1)


@pytest.mark.parametrize("freeze", [0, 1])
def test_alone_equals_in_company_and_whatever_came_before(problem, freeze):
    network = ModuleNetwork(Tied)
    company = trained(network, problem, range(4), freeze)
    for number in (0, 3, 2):
        ((start, end, reached),) = trained(network, problem, [number], freeze)
        assert same(start, company[number][0]) == {*start}
        assert same(end, company[number][1]) == {*end}
        assert bits(reached.history) == bits(company[number][2].history)
    ends = [end["head.weight"] for _, end, _ in company]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(ends, 2))


@pytest.mark.parametrize("freeze", [0, 1])
def test_scores_of_a_module_follow_from_its_predictions(problem, freeze):
    more = {"validation_size": 0.2, "keep": "best", "learning_rate": [0.2, 0.01]}
    training = TRAINING._replace(**more)
    for part in parts(problem, training, range(2), ModuleNetwork(Tied), freeze):
        assert_scores_follow(problem, part)


def test_noise_is_the_repeats_own_whatever_others_draw_meanwhile(problem):
    network = ModuleNetwork(Tied)
    state = draw(network, [0])
    ends = []
    for disturb in (False, True):
        learner = network.learner(state, problem, TRAINING)
        for _ in range(2):
            learner.epoch(torch.arange(50)[None])
            if disturb:
                torch.rand(7)
        ends.append(learner.state())
    assert same(*ends) == {*state}


def test_a_fresh_group_is_the_same_in_every_variant():
    network = ModuleNetwork(Tied)
    everything = draw(network, range(3))
    some = network.draw(["second", "head"], repeats([2]))
    assert {*some} == {"second.weight", "second.bias", "head.weight", "head.bias"}
    for name, values in some.items():
        assert torch.equal(values, everything[name][2:])
    assert network.draw([], repeats([0])) == {}
    other = network.draw(["head"], repeats([2], seed=2))
    assert not torch.equal(other["head.bias"], some["head.bias"])


def test_numpys_and_pythons_generators_are_seeded_too():
    def build():
        module = nn.Linear(2, 3)
        module.bias.data.fill_(float(np.random.rand()))
        return module

    network = ModuleNetwork(build)
    one = network.draw(["weight"], repeats([0]))
    np.random.rand(3)
    assert same(one, network.draw(["weight"], repeats([0]))) == {*one}


@pytest.mark.parametrize("size", [None, 40, 200])
@pytest.mark.parametrize("freeze", [1, 2])
@pytest.mark.parametrize("build", [convolutions, InOrder])
def test_what_is_computed_once_changes_no_bit(images, monkeypatch, build, freeze, size):
    passes, convolution = [], nn.Conv2d.forward

    def counted(self, x):
        passes.append(len(x))
        return convolution(self, x)

    monkeypatch.setattr(nn.Conv2d, "forward", counted)
    training = TRAINING._replace(epochs=6)
    once = trained(of_images(build), images, range(2), freeze, training, size)
    kept = sum(passes)
    passes.clear()
    monkeypatch.setattr("thaw.learning.module_learner.front_of", lambda *_: None)
    anew = trained(of_images(build), images, range(2), freeze, training, size)
    assert kept < 0.7 * sum(passes)
    for (_, end, reached), (_, other, others) in zip(once, anew, strict=True):
        assert same(end, other) == {*end}
        assert bits(reached.history) == bits(others.history)


class Counted(nn.Linear):
    """Counts the rows that it sees; may hold a number that is not an entry."""

    rows = 0

    def __init__(self, hidden=0.0):
        super().__init__(2, 4)
        self.hidden = hidden * torch.rand(1)

    def forward(self, x):
        Counted.rows += len(x)
        return super().forward(x) + self.hidden


class Forgetful(PassedOn):
    """Keeps nothing."""

    def of(self, *asked):
        return PassedOn().of(*asked)


def asked_of_frozen_parts(problem, starts, hidden=0.0, keeps=True, size=None):
    """Return three networks' results, and how many rows their frozen part saw."""
    network = ModuleNetwork(lambda: nn.Sequential(Counted(hidden), nn.Linear(4, 3)))
    if not keeps:
        network._passed_on = Forgetful()
    numbers = range(len(starts))
    states = draw(network, numbers)
    states |= take({name: states[name] for name in network.groups["0"]}, starts)
    Counted.rows = 0

    def start(some):
        return take(states, [address.repeat for address in some.addresses])

    found = parts(problem, TRAINING, numbers, network, 1, size, start=start)
    assert size is None or len(network._passed_on._kept) <= 2
    return [one.state for one in found], Counted.rows


@pytest.fixture(scope="module")
def many(problem):
    """Return a problem of 600 train rows."""
    times = 600 // len(problem.train_y)
    return problem._replace(
        train_x=np.tile(problem.train_x, (times, 1)),
        train_y=np.tile(problem.train_y, times),
    )


def test_repeats_from_one_source_model_ask_its_frozen_parts_once(many):
    alike, few = asked_of_frozen_parts(many, [0, 0, 1, 1])
    fresh, all_ = asked_of_frozen_parts(many, [0, 0, 1, 1], keeps=False)
    # All look at two batches of 256 and 2 rows; so do those that ask for the rest.
    assert all_ - few == 2 * (600 - 256)
    for one, other in zip(alike, fresh, strict=True):
        assert same(one, other) == {*one}


@pytest.mark.parametrize("size", [400, 30])
def test_repeats_that_learn_from_other_rows_each_find_again_what_all_pass_on(
    many, size
):
    """Fewer than half of the rows pass alone, and nothing of them is kept."""
    alike, few = asked_of_frozen_parts(many, [0, 0, 0], size=size)
    fresh, all_ = asked_of_frozen_parts(many, [0, 0, 0], keeps=False, size=size)
    assert all_ - few == 2 * (600 - 256) * (size == 400)
    for one, other in zip(alike, fresh, strict=True):
        assert same(one, other) == {*one}


def test_of_repeats_whose_missing_numbers_are_filled_only_the_last_is_kept(many):
    """Each has rows of its own, which would add up over a source model's repeats."""
    gaps = np.where(many.train_x > many.train_x.max() - 0.1, np.nan, many.train_x)
    asked_of_frozen_parts(many._replace(train_x=gaps, fills=True), [0] * 3, size=400)


def test_what_is_no_entry_counts_as_well(many):
    """Frozen parts with the same weights that pass on something else."""
    _, once = asked_of_frozen_parts(many, [0, 0, 0], hidden=1.0)
    _, never = asked_of_frozen_parts(many, [0, 0, 0], hidden=1.0, keeps=False)
    assert once == never


class Whole(nn.Module):
    """Looks at a batch as a whole, or draws random numbers even outside training."""

    def __init__(self, how):
        super().__init__()
        self.linear, self.how = nn.Linear(2, 4), how

    def forward(self, x):
        x = self.linear(x)
        if self.how == "random":
            return x + torch.rand(4)
        return x - x.mean(0)


@pytest.mark.parametrize("how", ["random", "batch"])
def test_nothing_is_computed_once_where_it_would_differ(problem, how):
    network = ModuleNetwork(lambda: nn.Sequential(Whole(how), nn.Linear(4, 3)))
    state = draw(network, [0])
    learner = network.learner(state, problem, TRAINING, Phase(["0"]))
    assert learner._front is None


def test_whole_numbers_in_a_state_stay_whole_and_count_batches(images):
    network = of_images(convolutions)
    ((_, end, _),) = trained(network, images, [0])
    count = end["1.num_batches_tracked"]
    assert count.dtype == torch.int64
    assert count.tolist() == [TRAINING.epochs * 19]


def test_optimizer_settings_reach_it(problem):
    settings = {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}
    training = TRAINING._replace(**settings, weight_decay=0.1)
    network = ModuleNetwork(Tied)
    state = draw(network, [0])
    found = network.learner(state, problem, training)._optimizer
    assert type(found) is torch.optim.SGD
    told = {name: found.param_groups[0][name] for name in ("momentum", "nesterov")}
    assert told == {"momentum": 0.9, "nesterov": True}
    assert found.param_groups[0]["weight_decay"] == 0.1


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        ("sgd", {}),
        ("sgd", {"momentum": 0.9, "nesterov": True}),
        ("adam", {}),
        ("adamw", {}),
    ],
)
def test_biases_and_norm_layers_are_spared_as_in_a_plain_loop(
    images, optimizer, settings
):
    """Groups by kind of module, as torchvision's scripts form them."""
    training = Training(3, 16, 0.05, optimizer, weight_decay=0.5, **settings)
    spared = training._replace(decay_bias_and_norm=False)
    network = ModuleNetwork(InOrder, (), (1, 4, 4))
    start = draw(network, [0])
    end, decayed = (fit(images, t, [0], network).state for t in (spared, training))

    module = InOrder()
    module.load_state_dict({name: values[0] for name, values in start.items()})
    (stem, norm), others = module.layer1, [module.layer2[1], module.head]
    weights = [part.weight for part in (stem, *others)]
    biases = [part.bias for part in (stem, norm, *others)]
    groups = [
        {"params": weights, "weight_decay": 0.5},
        {"params": [norm.weight, *biases]},
    ]
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    theirs = kind.get(optimizer, torch.optim.AdamW)(
        groups, 0.05, weight_decay=0, **settings
    )
    x, y = torch.from_numpy(images.train_x), torch.from_numpy(images.train_y)
    for order in shuffled_orders(repeats([0]), len(y), training.epochs):
        for rows in order[0].split(16):
            said = module(x[rows].reshape(-1, 1, 4, 4))
            theirs.zero_grad()
            nn.functional.cross_entropy(said, y[rows]).backward()
            theirs.step()
    for name, values in module.state_dict().items():
        torch.testing.assert_close(end[name][0], values, rtol=0, atol=1e-5)
    assert (end["layer1.1.weight"] - decayed["layer1.1.weight"]).abs().max() > 0.01


ENTRIES = ["scale", *(f"{p}.weight" for p in ("stem.0", "layer1.0", "layer10.0", "fc"))]


def test_groups_left_out_are_the_top_level_parts():
    assert grouped(ENTRIES) == {
        "stem": ["scale", "stem.0.weight"],
        "layer1": ["layer1.0.weight"],
        "layer10": ["layer10.0.weight"],
        "fc": ["fc.weight"],
    }
    assert grouped(["weight", "bias"]) == {"weight": ["weight", "bias"]}


def test_groups_are_names_or_regular_expressions():
    found = grouped(ENTRIES, ["scale|stem", r"layer\d+", "fc"])
    assert list(found.values()) == [ENTRIES[:2], ENTRIES[2:4], ENTRIES[4:]]
    assert grouped(ENTRIES[2:4], ["layer1", "layer10"])["layer1"] == [ENTRIES[2]]


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        (["scale|stem", "layer1", "fc"], "no group has layer10.0.weight"),
        (["scale|stem", "layer.*", "layer1", "fc"], "'layer1' both have layer1.0.w"),
        (["scale|stem", "layer.*", "head", "fc"], "'head' names nothing; there is sc"),
    ],
)
def test_groups_that_do_not_fit_are_named(patterns, words):
    with pytest.raises(ThawError, match=words.replace(".", r"\.")):
        grouped(ENTRIES, patterns)


def test_what_is_frozen_is_in_memory_only_once(images):
    """A source model, a repeat's start and its frozen weights are the same bytes."""
    network = of_images(convolutions)
    source = draw(network, [0, 1])
    learner = network.learner(take(source, [1]), images, TRAINING, Phase(["0|1"]))
    learner.epoch(torch.arange(300)[None])
    ours = learner.state()["0.weight"]
    assert ours.data_ptr() == source["0.weight"][1].data_ptr()
    assert all(values.grad is None for values in learner._module.parameters())
