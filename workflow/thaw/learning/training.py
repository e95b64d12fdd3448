"""The one loop that trains: measure, learn an epoch, measure, and so on."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning import seeds
from thaw.learning.budget import budget
from thaw.learning.history import METRICS, History, Reached, constant_prediction
from thaw.learning.learner import Learner, Network, Part, State
from thaw.learning.measure import Measured, evaluate, measure_finally, prepare_labels
from thaw.learning.rows import held_out, narrowed
from thaw.learning.settings import Training
from thaw.learning.validation import Outcome, Validation, best_of, outcome_of

PARTS: tuple[Part, ...] = ("train", "test")


def fix_rounding() -> None:
    """Make every product and sum round the same, whatever shares the ensemble.

    Call it before the first product. A sum over several threads is split by their
    number. MKL rounds by where in memory a matrix happens to lie unless told otherwise
    (Intel's "conditional numerical reproducibility"); the price is not measurable.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    torch.set_num_threads(1)


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

    `kind` says whether they are source models or repeats (see `thaw.learning.seeds`).
    `start` returns the weights from which some of the numbers start. With a `size`,
    each learns from that many train rows of its own. The results do not depend on how
    many are trained at once. `report` is called after each epoch with its number and,
    as `last`, that of the last one.

    With several learning rates a network has a candidate for each. They learn side by
    side, like separate networks.
    """
    rows = size or len(problem.train_x)
    validation = held_out(rows, training.validation_size)
    learned_from = int((~validation).sum())
    constant = constant_prediction(problem)
    limit = budget(training.epochs, training.steps, training.batch_size, learned_from)

    at_once, step = network.at_once(rows), at_a_time(network, training, rows)
    passes = math.ceil(len(training.rates) / at_once)

    def learned(rates: Sequence[float], some: Sequence[int], passed: int) -> Outcome:
        """Let the networks of some numbers learn together, at a rate each."""

        def tell(epoch: int) -> None:
            report(passed * limit.epochs + epoch, last=passes * limit.epochs)

        whose, own, watch = seeds.Whose(seed, kind, some), problem, None
        if size or validation.any():
            own = narrowed(problem, whose, rows, validation)
        if validation.any():
            watch = Validation(own, learned_from, training.keep == "best")
        settings = training._replace(
            learning_rate=rates[0] if len({*rates}) == 1 else rates
        )
        learner = network.learner(start(some), own, settings, frozen, whose)
        orders = shuffled_orders(
            seed, kind, some, learned_from, limit.epochs, limit.last_rows
        )
        history, measured = learn(learner, own, orders, tell, watch)
        return outcome_of(learner, history, measured, rates, watch)

    for first in range(0, len(numbers), step):
        some = numbers[first : first + step]
        candidates = [(rate, number) for rate in training.rates for number in some]
        outcomes: list[Outcome] = []
        for place in range(0, len(candidates), at_once):
            rates, whose = zip(*candidates[place : place + at_once], strict=True)
            outcomes.append(learned(rates, whose, len(outcomes)))
        best = best_of(outcomes, len(training.rates))
        reached = Reached(best.history, best.final, constant, np.array(limit.steps))
        yield Trained(some, best.state, reached)


def at_a_time(network: Network, training: Training, rows: int) -> int:
    """Return how many networks learn at a time, with all of their candidates.

    If the candidates of one network are already too many, they take turns.
    """
    return max(1, network.at_once(rows) // len(training.rates))


def learn(
    learner: Learner,
    problem: Problem,
    orders: Iterable[Tensor],
    report: Callable[[int], None] = lambda epoch: None,
    watch: Validation | None = None,
) -> tuple[History, Measured]:
    """Let a learner learn an epoch from each of `orders`, and measure it after each.

    Return its history, and what is measured only at the end.

    `report` is called after each epoch with its number, as is `watch`. The rows that it
    holds out do not count among the train rows that are measured.
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

    Each order is int64 `[len(numbers), rows]`; the last is cut after `last_rows`.
    """
    streams = [
        seeds.generator(seed, kind, number, seeds.BATCH_ORDER) for number in numbers
    ]
    for epoch in range(1, epochs + 1):
        orders = np.tile(np.arange(rows), (len(streams), 1))
        for stream, order in zip(streams, orders, strict=True):
            stream.shuffle(order)
        yield torch.from_numpy(orders[:, : last_rows if epoch == epochs else rows])
