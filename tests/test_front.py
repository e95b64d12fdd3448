"""Frozen parts that run once: where they are found, and where they must not be."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from thaw.errors import ThawError
from thaw.learning.front import front_of, set_mode
from thaw.learning.learner import Phase
from thaw.learning.module import ModuleNetwork
from thaw.learning.settings import Training
from trained import draw, fit


class Block(nn.Module):
    """A residual block, as torchvision's ResNet has them."""

    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += x
        return self.relu(out)


class ResNet(nn.Module):
    """Its forward() is no sequence of its parts."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.layer1, self.layer2 = nn.Sequential(Block(4), Block(4)), Block(4)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(4, 3)

    def forward(self, x):
        x = functional.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.layer2(self.layer1(x))
        return self.fc(functional.dropout(self.pool(x).flatten(1), 0.2, self.training))


GROUPS = ("conv1|bn1", "layer1", "layer2", "fc")


@pytest.mark.parametrize("freeze", [1, 2, 3])
@pytest.mark.parametrize("size", [None, 30])
def test_a_resnets_frozen_body_runs_once(images, monkeypatch, freeze, size):
    passes, convolution = [], nn.Conv2d.forward

    def counted(self, x):
        passes.append(len(x))
        return convolution(self, x)

    monkeypatch.setattr(nn.Conv2d, "forward", counted)
    network = ModuleNetwork(ResNet, GROUPS, (1, 4, 4))
    training = Training(6, 16, 0.05, optimizer="adam")
    once = fit(images, training, [0], network, freeze, size)
    few = sum(passes)
    passes.clear()
    monkeypatch.setattr("thaw.learning.module_learner.front_of", lambda *_: None)
    anew = fit(images, training, [0], network, freeze, size)
    assert few < (0.3, 0.7, 0.95)[3 - freeze] * sum(passes)
    for name, values in once.state.items():
        torch.testing.assert_close(values, anew.state[name], rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        once.reached.history, anew.reached.history, rtol=0, atol=1e-5
    )


class Keeping(nn.Linear):
    """Keeps what it said last."""

    def forward(self, x):
        self.last = super().forward(x)
        return self.last


class Odd(nn.Module):
    """Runs `body` and then something else that forbids to run it only once."""

    def __init__(self, how):
        super().__init__()
        self.how, self.before = how, nn.Parameter(torch.ones(2))
        self.norm = nn.BatchNorm1d(2, affine=False)
        self.body, self.more = Keeping(2, 4), nn.Linear(4, 4)
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        match self.how:
            case "what learns comes before":
                x = x * self.before
            case "what counts rows comes before":
                x = self.norm(x)
        x = first = self.body(x)
        match self.how:
            case "dropped out":
                x = functional.dropout(x, 0.5, self.training)
            case "drawn, if seldom":
                x = x * (0 if self.training and torch.rand(()) < 1e-6 else 1)
            case "drawn outside training":
                x = x * (0 if not self.training and torch.rand(()) < 1e-6 else 1)
            case "the batch's own":
                x = x - x.mean(0)
            case "another in training":
                x = 2 * x if self.training else x
        x = self.more(x)
        match self.how:
            case "used again":
                x = x + first
            case "kept by its part":
                x = x + self.body.last
            case "used again in training":
                x = x + first if self.training else x
            case "used again outside training":
                x = x if self.training else x + first
            case "changed in place":
                x.mul_(2)
        return self.head(x)


def front(how, problem):
    torch.manual_seed(0)
    module = Odd(how)
    still = {module.body, module.more}
    for values in (*module.body.parameters(), *module.more.parameters()):
        values.requires_grad_(False)
    x = torch.from_numpy(problem.train_x)
    return module, x, front_of(module, still, [x[:9], x[9:]], lambda: None)


@pytest.mark.parametrize(
    "how",
    [
        *("dropped out", "drawn, if seldom", "drawn outside training"),
        *("the batch's own", "used again", "kept by its part"),
        *("another in training", "what learns comes before"),
        *("used again in training", "used again outside training"),
    ],
)
def test_nothing_runs_once_that_would_say_something_else(problem, how):
    assert front(how, problem)[2] is None


def test_what_counts_rows_comes_before_and_ends_the_front(problem):
    assert front("what counts rows comes before", problem)[2] is None


@pytest.mark.parametrize("how", ["nothing odd", "changed in place"])
@torch.no_grad()
def test_what_is_passed_on_stays_as_it_is(problem, how):
    module, x, found = front(how, problem)
    set_mode(module, module.modules())
    passed = found(x)
    kept = passed.clone()
    torch.testing.assert_close(found.rest(x, passed), module(x))
    assert torch.equal(passed, kept)
    assert "forward" not in module.body.__dict__


class Early(nn.Sequential):
    """Leaves out its second part for large numbers."""

    def __init__(self):
        super().__init__(nn.Linear(2, 4), nn.Linear(4, 4), nn.Linear(4, 3))

    def forward(self, x):
        return self[2](self[1](self[0](x))) if x.max() < 99 else self[2](self[0](x))


def test_where_other_parts_run_for_some_rows_all_run_every_time(problem):
    x = problem.train_x.copy()
    x[-1] += 100
    network = ModuleNetwork(Early)
    fit(problem._replace(train_x=x), Training(1, 8, 0.01), [0], network, 2)


@torch.no_grad()
def test_a_forward_that_runs_other_parts_later_is_found_out(problem):
    module = Early()
    x = torch.from_numpy(problem.train_x)
    first, second, _ = module
    for part in (first, second):
        part.requires_grad_(False)
    found = front_of(module, {first, second}, [x], lambda: None)
    passed = found(x)
    for run in (found, lambda x: found.rest(x, passed)):
        with pytest.raises(ThawError, match="other frozen parts for some rows"):
            run(x + 100)


class Sequence(nn.Module):
    """Embeds a word and its position."""

    def __init__(self, length):
        super().__init__()
        self.word, self.position = nn.Embedding(9, 4), nn.Embedding(length, 4)
        self.block, self.head = nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = self.word(x) + self.position(torch.arange(x.shape[1]))
        return self.head(self.block(x).mean(1))


@pytest.mark.parametrize("length", [7, 9])
@torch.no_grad()
def test_positions_are_not_taken_for_rows(length):
    """They run every time; where they are as many as rows, all parts do."""
    module, x = Sequence(length), torch.randint(9, (18, length))
    still = {module.word, module.position, module.block}
    for part in still:
        part.requires_grad_(False)
    found = front_of(module, still, [x[:9], x[9:]], lambda: None)
    assert (found is None) == (length == 9)
    if found:
        assert [call.part for call in found._calls] == [module.word, module.block]
        torch.testing.assert_close(found.rest(x, found(x)), module(x))


def test_trying_it_changes_nothing(images):
    """Batch norm that learns keeps its statistics, and so do its own generators."""
    network = ModuleNetwork(ResNet, GROUPS, (1, 4, 4))
    state = draw(network, [0])
    learner = network.learner(state, images, Training(1, 16, 0.1), Phase(["conv1|bn1"]))
    assert learner._front
    for name, values in learner.state().items():
        assert torch.equal(values, state[name])
