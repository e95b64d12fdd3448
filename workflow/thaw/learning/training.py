"""The one loop that trains: measure, learn an epoch, measure, and so on."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.budget import budget
from thaw.learning.history import METRICS, History, Reached
from thaw.learning.learner import Learner, Network, Part, Training
from thaw.learning.measure import (
    Measured,
    constant_prediction,
    evaluate,
    measure_finally,
    prepare_labels,
)
from thaw.learning.rows import held_out, narrowed
from thaw.learning.state import State
from thaw.learning.validation import Validation, best_of, outcome_of

PARTS: tuple[Part, ...] = ("train", "test")


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
    report: Callable[..., None] = lambda epoch, last: None,
) -> Iterator[Trained]:
    """Train a network for each of `numbers`, as many at once as is fastest.

    `kind` is what is trained, a source model or a repeat (see `thaw.learning.seeds`).
    `start` returns the weights from which some of the numbers start. Where a `size` is
    given, each learns from so many train rows of its own. The results do not depend on
    how many are trained at once. `report` is called after each epoch with its number
    and, as `last`, that of the last one.
    """
    rows = size or len(problem.train_x)
    validation = held_out(rows, training.validation_size)
    learned_from = int((~validation).sum())
    constant = constant_prediction(problem)
    limit = budget(training.epochs, training.steps, training.batch_size, learned_from)
    tell = functools.partial(report, last=limit.epochs)
    at_once = network.at_once(rows)
    for first in range(0, len(numbers), at_once):
        some = numbers[first : first + at_once]
        whose, own = seeds.Whose(seed, kind, some), problem
        if size or validation.any():
            own = narrowed(problem, whose, rows, validation)
        outcomes = []
        for rate in training.rates:
            settings = training._replace(learning_rate=rate)
            learner = network.learner(start(some), own, settings, frozen, whose)
            watch = None
            if validation.any():
                watch = Validation(own, learned_from, training.keep == "best")
            orders = shuffled_orders(
                seed, kind, some, learned_from, limit.epochs, limit.last_rows
            )
            history, measured = learn(learner, own, orders, tell, watch)
            outcomes.append(outcome_of(learner, history, measured, rate, watch))
        best = best_of(outcomes)
        reached = Reached(best.history, best.final, constant, np.array(limit.steps))
        yield Trained(some, best.state, reached)


def learn(
    learner: Learner,
    problem: Problem,
    orders: Iterable[Tensor],
    report: Callable[[int], None] = lambda epoch: None,
    watch: Validation | None = None,
) -> tuple[History, Measured]:
    """Let a learner learn an epoch from each of `orders`, and measure it after each.

    Return what it reached after every epoch, and what is measured only at the end.

    `report` is called after each epoch with its number. `watch` looks after each, and
    the rows that it holds out are none of the train rows that are measured.
    """
    rows = watch.learned_from if watch else problem.train_y.shape[-1]
    labels = {
        "train": prepare_labels(problem.train_y[..., :rows], problem.classes),
        "test": prepare_labels(problem.test_y, problem.classes),
    }
    columns = []

    def measure(epoch: int) -> None:
        scores: list[Tensor] = []
        for part in PARTS:
            logits = learner.logits(part)
            if part == "train" and watch:
                if epoch:
                    watch.look(epoch, logits, learner)
                logits = logits[:, :, :rows]
            scores += evaluate(logits, labels[part])
        columns.append(np.stack([score.numpy() for score in scores]))

    with torch.no_grad():
        measure(0)
    for epoch, order in enumerate(orders, start=1):
        learner.epoch(order)
        with torch.no_grad():
            measure(epoch)
        report(epoch)
    # `[metrics, R, epochs + 1]`
    values = np.stack(columns, axis=2).astype(np.float32)
    history = History(**dict(zip(METRICS, values, strict=True)))
    with torch.no_grad():
        return history, measure_finally(learner.logits("test"), labels["test"])


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
