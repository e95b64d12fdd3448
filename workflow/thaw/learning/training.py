"""The one training loop: measure, learn an epoch, measure, and so on."""

import functools
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.data.problem import Pool, Problem
from thaw.learning.budget import Budget, budget
from thaw.learning.history import (
    METRICS,
    Final,
    History,
    Reached,
    failed,
    joined,
    kept,
)
from thaw.learning.learner import (
    ALL_LEARN,
    Learner,
    Network,
    Phase,
    State,
    stacked,
    take,
)
from thaw.learning.rows import chosen, filled, held_out, rows_in_order
from thaw.learning.seeds import BATCH_ORDER, Whose
from thaw.learning.settings import Training
from thaw.learning.splits import of_each
from thaw.learning.tasks import TASKS, Constant, Scale, Targets


def fix_rounding() -> None:
    """Make every product and sum round the same, whatever else is in the ensemble.

    Call it before the first product. The split of a sum over threads depends on their
    number, and MKL rounds by where in memory a matrix happens to lie unless set to
    "conditional numerical reproducibility". The price is not measurable.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    torch.set_num_threads(1)


class Trained(NamedTuple):
    """R networks that were trained together: scores, weights and predictions.

    Predictions are in the form that the task keeps, `[R, rows, …]`; the kept scores
    follow from them.
    """

    reached: Reached
    state: State
    predictions: np.ndarray

    @property
    def networks(self) -> int:
        """How many there are."""
        return len(self.predictions)


class Kept(NamedTuple):
    """R networks at some epoch: scores, weights, outputs `[R, width, test rows]`."""

    final: Final
    state: State
    outputs: Tensor


class Rows:
    """The rows that each network learns from, and those on which it is validated.

    size: how many train rows each has, or all. learned_from: those without validation.
    """

    def __init__(
        self,
        problem: Problem | Pool,
        seed: int,
        size: int | None,
        validation_size: float | None,
    ) -> None:
        self._problem, self._seed = problem, seed
        self.size = size or problem.train_size
        self._validation = held_out(self.size, validation_size)
        self.learned_from = int((~self._validation).sum())
        self._is_narrowed = bool(size) or bool(self._validation.any())
        # Networks with the same models get the same arrays, so that a module recognizes
        # the rows that its frozen parts have seen.
        self._of_models = functools.lru_cache(maxsize=1)(self._of_these_models)

    def _of_these_models(
        self, models: tuple[int, ...]
    ) -> tuple[Problem, np.ndarray | None]:
        problem = of_each(self._problem, self._seed, models)
        narrowed = problem, None  # filled later
        return narrowed if self._is_narrowed else filled(problem, self.learned_from)

    def of(self, whose: Whose) -> tuple[Problem, np.ndarray | None, np.ndarray | None]:
        """Return the problem of some networks, the numbers of its rows, and medians.

        Numbers are those of each network's train rows, int64 `[R, size]`, None if the
        problem holds just these. By the medians missing features were filled, if any.
        """
        problem, medians = self._of_models(tuple(whose.models))
        if not self._is_narrowed:
            return problem, None, medians
        numbers = rows_in_order(problem, whose, self.size, self._validation)
        problem = problem._replace(train_y=chosen(problem.train_y, numbers, of_one=1))
        if not problem.fills:
            return problem, numbers, None
        x = chosen(problem.train_x, numbers, of_one=2)
        problem, medians = filled(problem._replace(train_x=x), self.learned_from)
        return problem, None, medians


class Course(NamedTuple):
    """All that decides how the networks of one call learn, but for their names."""

    network: Network
    start: Callable[[Whose], State]
    training: Training
    phases: Sequence[Phase]
    rows: Rows
    limit: Budget
    constant: Constant


def train(
    network: Network,
    start: Callable[[Whose], State],
    problem: Problem | Pool,
    training: Training,
    whose: Whose,
    phases: Sequence[Phase] = (ALL_LEARN,),
    size: int | None = None,
    report: Callable[..., None] = lambda epoch, last: None,
) -> Iterator[Trained]:
    """Train a network for each of `whose`, as many at once as is fastest.

    `start` returns the initial weights of some of them. With a `size`, each learns from
    that many train rows of its own; of a pool, networks with the same source model have
    a split of their own. They learn in `phases`, one after the other, whose epochs add
    up to the training's. The results do not depend on how many are trained at once.
    `report` is called after each epoch with its number and, as `last`, that of the last
    one.

    With several learning rates a network has a candidate for each. They learn side by
    side, like separate networks.
    """
    rows = Rows(problem, whose.seed, size, training.validation_size)
    limit = budget(
        training.epochs, training.steps, training.batch_size, rows.learned_from
    )
    constant = TASKS[problem.task].constant(problem.whole)
    course = Course(network, start, training, phases, rows, limit, constant)
    at_once = network.at_once(rows.size)
    step = at_a_time(network, training, rows.size)
    passes = math.ceil(len(training.rates) / at_once)
    places = range(len(whose.names))
    for first in range(0, len(places), step):
        candidates = itertools.product(training.rates, places[first : first + step])
        parts: list[Trained] = []
        while pairs := [*itertools.islice(candidates, at_once)]:
            rates, numbers = zip(*pairs, strict=True)
            report_epoch = functools.partial(
                _report, report, len(parts) * limit.epochs, passes * limit.epochs
            )
            part = _train_together(course, rates, whose.at(numbers), report_epoch)
            parts.append(part)
        best = _best_of(parts, len(training.rates))
        del parts, part  # their weights, while the next networks learn
        yield best
        del best


def _report(report: Callable[..., None], before: int, last: int, epoch: int) -> None:
    report(before + epoch, last=last)


def _train_together(
    course: Course,
    rates: Sequence[float],
    whose: Whose,
    report: Callable[[int], None],
) -> Trained:
    """Train some networks together, each at its own rate."""
    problem, numbers, medians = course.rows.of(whose)
    task, learned_from = TASKS[problem.task], course.rows.learned_from
    rate = rates[0] if len({*rates}) == 1 else rates
    training = course.training._replace(learning_rate=rate)
    if training.class_weight is not None:
        labels = problem.train_y[..., :learned_from]
        weights = task.weights(labels, problem.classes, training.class_weight)
        training = training._replace(class_weight=weights)
    problem, scale = task.scaled(problem, learned_from)
    phases = _phases_by_epoch(training, course.phases, course.limit)
    learner = course.network.learner(
        course.start(whose), problem, *phases.pop(1), whose, numbers
    )
    history, networks = learn(
        learner,
        problem,
        shuffled_orders(
            whose, learned_from, course.limit.epochs, course.limit.last_rows
        ),
        report,
        learned_from,
        training.keep == "best",
        scale,
        phases,
    )
    final = networks.final._replace(learning_rate=np.array(rates, np.float64))
    state = networks.state
    if problem.centre.size:
        of_features = np.atleast_2d(problem.centre), np.atleast_2d(problem.spread)
        state |= _entries("feature", Scale(*of_features)._asdict(), len(rates))
    if medians is not None:
        state |= _entries("feature", {"median": medians}, len(rates))
    if scale:
        state |= _entries("label", scale._asdict(), len(rates))
    steps = np.array(course.limit.steps)
    return Trained(
        Reached(history, final, course.constant, steps, problem.task),
        state,
        task.predictions(networks.outputs, scale),
    )


def _phases_by_epoch(
    training: Training, phases: Sequence[Phase], limit: Budget
) -> dict[int, tuple[Training, Phase]]:
    """Return each phase with its training, by its first epoch."""
    by_epoch, done = {}, 0
    for phase in phases:
        end = done + phase.epochs if phase.epochs else limit.epochs
        rate = phase.learning_rate or training.learning_rate
        steps = limit.steps[end] - limit.steps[done]
        settings = training._replace(learning_rate=rate, epochs=None, steps=steps)
        by_epoch[done + 1], done = (settings, phase), end
    return by_epoch


def _entries(part: str, scale: Mapping[str, np.ndarray], networks: int) -> State:
    """Return a scale, `[networks, …]` or `[1, …]`, as entries beside the weights."""
    shapes = ((networks, *values.shape[1:]) for values in scale.values())
    return {
        f"{part}.{name}": torch.from_numpy(np.broadcast_to(values, shape).copy())
        for (name, values), shape in zip(scale.items(), shapes, strict=True)
    }


def at_a_time(network: Network, training: Training, rows: int) -> int:
    """Return how many networks learn at a time, each with all of its candidates.

    If the candidates of a single network are already too many, they take turns.
    """
    return max(1, network.at_once(rows) // len(training.rates))


@torch.no_grad()
def learn(
    learner: Learner,
    problem: Problem,
    orders: Iterable[Tensor],
    report: Callable[[int], None] = lambda epoch: None,
    learned_from: int | None = None,
    keep_best: bool = False,
    scale: Scale | None = None,
    later: Mapping[int, tuple[Training, Phase]] = {},
) -> tuple[History, Kept]:
    """Train a learner for an epoch in each of `orders`, and measure it after each.

    `report` is called after each epoch with its number. The train rows beyond
    `learned_from` are held out: they are not measured with the others, and with
    `keep_best` each network is kept as it is after the epoch with the least loss on
    them (the first of several); epoch 0 is the start. The problem's labels are scaled
    by `scale`. `later` are the phases after the first, by the epoch that they begin
    with. The kept networks' learning rates are nan.
    """
    task, rows = TASKS[problem.task], learned_from or problem.train_y.shape[-1]
    train, held_out, test = (
        Targets(*map(torch.from_numpy, task.prepared(labels, problem.classes)))
        for labels in (
            problem.train_y[..., :rows],
            problem.train_y[..., rows:],
            problem.test_y,
        )
    )
    columns, diverged = [], np.array(True)  # as long as no epoch ended with a loss
    networks: Kept | None = None
    for epoch, order in enumerate(itertools.chain([None], orders)):
        if order is not None:
            if epoch in later:
                learner.begin(*later[epoch])
            with torch.enable_grad():
                learner.epoch(order)
        outputs, unseen = learner.outputs("train"), learner.outputs("test")
        loss = np.full(len(outputs), np.nan, np.float32)
        if outputs.shape[2] > rows:
            measured = task.measure(outputs[:, :, rows:], held_out, scale)[1]
            loss = np.nan_to_num(measured.astype(np.float32), nan=np.inf, posinf=np.inf)
        if keep_best and not epoch:
            # An output that is drawn as zeros has not failed, it has yet to learn.
            loss[failed(outputs)] = np.inf
        if epoch:
            diverged = diverged & np.isinf(loss)
        if keep_best:
            networks = _better(networks, learner, epoch, loss, unseen)
        learned = task.measure(outputs[:, :, :rows], train, scale)
        columns.append(np.stack([*learned, *task.measure(unseen, test, scale)]))
        if epoch:
            report(epoch)
    # `[metrics, R, epochs + 1]`
    values = np.stack(columns, axis=2).astype(np.float32)
    history = History(**dict(zip(METRICS, values, strict=True)))
    networks = networks or _kept_now(learner, epoch, loss, unseen)
    # A loss may overflow even if all outputs are finite.
    lost = ~np.isfinite(kept(history.test_loss, networks.final.epoch))
    final = networks.final._replace(failed=networks.final.failed | lost)
    if keep_best:  # what diverged from the first epoch on is not its start
        final = final._replace(
            failed=final.failed | diverged,
            validation_loss=np.where(diverged, np.inf, final.validation_loss),
        )
    return history, networks._replace(final=final)


def _kept_now(learner: Learner, epoch: int, loss: np.ndarray, unseen: Tensor) -> Kept:
    """Return the networks as they are after an epoch; `unseen` are its outputs."""
    unknown = np.full(len(loss), np.nan)
    final = Final(failed(unseen), np.full(len(loss), epoch), unknown, loss)
    return Kept(final, learner.state(), unseen)


def _better(
    before: Kept | None, learner: Learner, epoch: int, loss: np.ndarray, unseen: Tensor
) -> Kept:
    """Return the networks that improved in an epoch, and all others as `before`."""
    if before is None:
        return _kept_now(learner, epoch, loss, unseen)
    is_better = loss < before.final.validation_loss
    if not is_better.any():
        return before
    now = _kept_now(learner, epoch, loss, unseen)
    if is_better.all():
        return now
    finals = zip(now.final, before.final, strict=True)
    improved = torch.from_numpy(is_better)
    return Kept(
        Final(*(np.where(is_better, *pair) for pair in finals)),
        {
            name: _where(improved, values, before.state[name])
            for name, values in now.state.items()
        },
        _where(improved, now.outputs, before.outputs),
    )


def _where(improved: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(improved.view(-1, *[1] * (new.ndim - 1)), new, old)


def _best_of(parts: Sequence[Trained], candidates: int) -> Trained:
    """Return each network's best candidate, by the validation loss.

    The parts hold the first candidates of all networks, then their second ones and so
    on. Ties go to the first.
    """
    reached = joined([part.reached for part in parts])
    predictions = np.concatenate([part.predictions for part in parts])
    state = stacked([part.state for part in parts])
    if candidates > 1:
        losses = reached.final.validation_loss.reshape(candidates, -1)
        networks = losses.shape[1]
        places = losses.argmin(0) * networks + np.arange(networks)
        history = History(*(values[places] for values in reached.history))
        final = Final(*(values[places] for values in reached.final))
        reached = reached._replace(history=history, final=final)
        state, predictions = take(state, places.tolist()), predictions[places]
    return Trained(reached, state, predictions)


def shuffled_orders(
    whose: Whose, rows: int, epochs: int, last_rows: int | None = None
) -> Iterator[Tensor]:
    """Yield, for each epoch, the order in which each network sees the rows.

    Each order is int64 `[networks, rows]`; the last is cut after `last_rows`.
    """
    streams = whose.generators(BATCH_ORDER)
    for epoch in range(1, epochs + 1):
        orders = np.tile(np.arange(rows), (len(streams), 1))
        for stream, order in zip(streams, orders, strict=True):
            stream.shuffle(order)
        yield torch.from_numpy(orders[:, : last_rows if epoch == epochs else rows])
