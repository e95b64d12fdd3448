"""The one loop that trains: measure, learn an epoch, measure, and so on."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.budget import budget
from thaw.learning.history import METRICS, Final, History, Reached
from thaw.learning.learner import Learner, Network, Training
from thaw.learning.measure import (
    constant_prediction,
    evaluate,
    evaluate_finally,
    prepare_labels,
)
from thaw.learning.rows import narrowed
from thaw.learning.state import State


class Trained(NamedTuple):
    """Networks trained together: their numbers, weights and scores."""

    numbers: Sequence[int]
    state: State
    reached: Reached


def train(
    network: Network,
    start: Callable[[Sequence[int]], State],
    problem: Problem,
    training: Training,
    seed: int,
    kind: int,
    numbers: Sequence[int],
    frozen: Sequence[str] = (),
    size: int | None = None,
    report: Callable[[int, int], None] = lambda epoch, epochs: None,
) -> Iterator[Trained]:
    """Train a network for each of `numbers`, as many at once as is fastest.

    `kind` is what is trained, a source model or a repeat (see `thaw.learning.seeds`).
    `start` returns the weights from which some of the numbers start. Where a `size` is
    given, each learns from so many train rows of its own. The results do not depend on
    how many are trained at once. `report` is called after each epoch with its number
    and that of the last one.
    """
    rows = size or len(problem.train_x)
    at_once = network.at_once(rows)
    constant = constant_prediction(problem)
    limit = budget(training.epochs, training.steps, training.batch_size, rows)
    for first in range(0, len(numbers), at_once):
        some = numbers[first : first + at_once]
        own = narrowed(problem, seed, some, size) if size else problem
        whose = seeds.Whose(seed, kind, some)
        learner = network.learner(start(some), own, training, frozen, whose)
        orders = shuffled_orders(seed, kind, some, rows, limit.epochs, limit.last_rows)
        history, final = learn(
            learner, own, orders, lambda epoch: report(epoch, limit.epochs)
        )
        reached = Reached(history, final, constant, np.array(limit.steps))
        yield Trained(some, learner.state(), reached)


def learn(
    learner: Learner,
    problem: Problem,
    orders: Iterable[Tensor],
    report: Callable[[int], None] = lambda epoch: None,
) -> tuple[History, Final]:
    """Let a learner learn an epoch from each of `orders`, and measure it after each.

    Return what it reached after every epoch, and what is measured only at the end.

    `report` is called after each epoch with its number.
    """
    labels = {
        "train": prepare_labels(problem.train_y, problem.classes),
        "test": prepare_labels(problem.test_y, problem.classes),
    }
    columns = []

    def measure() -> None:
        scores = [
            score
            for part in ("train", "test")
            for score in evaluate(learner.logits(part), labels[part])
        ]
        columns.append(np.stack([score.numpy() for score in scores]))

    with torch.no_grad():
        measure()
    for epoch, order in enumerate(orders, start=1):
        learner.epoch(order)
        with torch.no_grad():
            measure()
        report(epoch)
    # `[metrics, R, epochs + 1]`
    values = np.stack(columns, axis=2).astype(np.float32)
    history = History(**dict(zip(METRICS, values, strict=True)))
    with torch.no_grad():
        final = evaluate_finally(learner.logits("test"), labels["test"])
    # A loss may overflow though all logits are finite.
    lost = ~np.isfinite(history.test_loss[:, -1])
    return history, final._replace(failed=final.failed | lost)


def shuffled_orders(
    seed: int,
    kind: int,
    numbers: Sequence[int],
    rows: int,
    epochs: int,
    last_rows: int | None = None,
) -> Iterator[Tensor]:
    """Yield, for each epoch, the order in which each of `numbers` sees the rows.

    Each order is int64 `[len(numbers), rows]`; where `last_rows` is given, the last one
    is cut after so many.
    """
    streams = [
        seeds.generator(seed, kind, number, seeds.BATCH_ORDER) for number in numbers
    ]
    for epoch in range(1, epochs + 1):
        orders = np.tile(np.arange(rows), (len(streams), 1))
        for stream, order in zip(streams, orders, strict=True):
            stream.shuffle(order)
        yield torch.from_numpy(orders[:, : last_rows if epoch == epochs else rows])
