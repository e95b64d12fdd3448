"""Schedules of the learning rate, beside those of PyTorch."""

import pytest
import torch
from torch import nn
from torch.optim import SGD, lr_scheduler

from thaw.config.contradictions import _of_training_itself
from thaw.learning.settings import Training
from thaw.learning.training import shuffled_orders
from trained import NETWORK, draw, fit, repeats

STEPS = 5 * 4  # 50 rows in batches of 16


def scheduler(optimizer, schedule="constant", step_size=0, gamma=0.1, warmup=0):
    """Return PyTorch's."""
    match schedule:
        case "cosine":
            last = lr_scheduler.CosineAnnealingLR(optimizer, STEPS - warmup)
        case "step":
            last = lr_scheduler.StepLR(optimizer, step_size, gamma)
        case _:
            last = lr_scheduler.ConstantLR(optimizer, 1.0)
    if not warmup:
        return last
    first = lr_scheduler.LinearLR(optimizer, 1 / (warmup + 1), total_iters=warmup)
    return lr_scheduler.SequentialLR(optimizer, [first, last], [warmup])


@pytest.mark.filterwarnings("ignore:.*epoch parameter:UserWarning")
@pytest.mark.parametrize(
    "case",
    [
        {"schedule": "cosine"},
        {"schedule": "cosine", "warmup": 4},
        {"schedule": "step", "step_size": 5, "gamma": 0.5},
        {"schedule": "step", "step_size": 3, "warmup": 2},
        {"warmup": 7},
    ],
)
def test_it_learns_as_a_plain_loop_with_pytorchs_schedule(problem, case):
    training = Training(5, 16, 0.2, momentum=0.9, **case)
    start, end = draw(NETWORK, [0]), fit(problem, training, [0]).state
    layers = {
        name: nn.Linear(*fans)
        for name, fans in zip(NETWORK.groups, [(2, 5), (5, 5), (5, 3)], strict=True)
    }
    for name, layer in layers.items():
        layer.weight.data = start[f"{name}.weight"][0].clone()
        layer.bias.data = start[f"{name}.bias"][0].clone()
    one, two, three = layers.values()
    module = nn.Sequential(one, nn.ReLU(), two, nn.ReLU(), three)
    optimizer = SGD(module.parameters(), 0.2, 0.9)
    theirs = scheduler(optimizer, **case)
    x, y = torch.from_numpy(problem.train_x), torch.from_numpy(problem.train_y)
    for order in shuffled_orders(repeats([0]), 50, 5):
        for rows in order[0].split(16):
            optimizer.zero_grad()
            nn.functional.cross_entropy(module(x[rows]), y[rows]).backward()
            optimizer.step()
            theirs.step()
    for name, layer in layers.items():
        for entry, values in layer.named_parameters():
            ours = end[f"{name}.{entry}"][0]
            torch.testing.assert_close(ours, values.data, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ({"schedule": "step"}, "step_size: this key is missing; schedule is step"),
        ({"step_size": 3}, "step_size: only applies to schedule: step; remove it"),
        ({"gamma": 0.5, "schedule": "cosine"}, "gamma: only applies to schedule: step"),
        ({"warmup": 40}, "warmup: as long as all 40 steps. Allowed: less than that"),
    ],
)
def test_settings_of_a_schedule_that_contradict_each_other_are_refused(case, words):
    training = Training(None, 16, 0.2, steps=40, **case)._asdict()
    (found,) = _of_training_itself("training", training)
    assert found.startswith(f"training.{words}")
