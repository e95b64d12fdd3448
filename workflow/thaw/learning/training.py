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
from thaw.learning.budget import budget
from thaw.learning.history import (
    METRICS,
    Final,
    History,
    Reached,
    joined_columns,
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
from thaw.learning.measure import failed
from thaw.learning.rows import chosen, filled, held_out, rows_in_order
from thaw.learning.seeds import BATCH_ORDER, Whose
from thaw.learning.settings import Training
from thaw.learning.splits import of_each
from thaw.learning.tasks import TASKS, Labels, Scale


def fix_rounding() -> None:
    """Make every product and sum round the same, whatever else is in the ensemble.

    Call it before the first product. The split of a sum over threads depends on their
    number, and MKL rounds by where in memory a matrix happens to lie unless set to
    "conditional numerical reproducibility". The price is not measurable.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    torch.set_num_threads(1)


class Trained(NamedTuple):
    """Networks trained together: their number, weights, scores and predictions.

    Predictions are in the form that the task keeps, `[R, rows, …]`.
    """

    networks: int
    state: State
    reached: Reached
    predictions: np.ndarray


class Outcome(NamedTuple):
    """The histories of R networks, and the scores and weights that are kept.

    The kept scores follow from the predictions (see `Trained`).
    """

    history: History
    final: Final
    state: State
    predictions: np.ndarray


class Kept(NamedTuple):
    """R networks at some epoch: scores, weights, outputs `[R, width, test rows]`."""

    final: Final
    state: State
    outputs: Tensor


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
    rows = size or problem.train_size
    validation = held_out(rows, training.validation_size)
    learned_from = int((~validation).sum())
    is_narrowed = bool(size) or bool(validation.any())
    task = TASKS[problem.task]
    constant = task.constant(problem.whole)
    limit = budget(training.epochs, training.steps, training.batch_size, learned_from)

    at_once, step = network.at_once(rows), at_a_time(network, training, rows)
    passes = math.ceil(len(training.rates) / at_once)

    @functools.lru_cache(maxsize=1)
    def rows_of(models: tuple[int, ...]) -> tuple[Problem, np.ndarray | None]:
        """Return the rows of networks with these source models, as `filled` does.

        Networks with the same models get the same arrays, so that a module recognizes
        the rows that its frozen parts have seen. Those that are narrowed are filled
        later.
        """
        own = of_each(problem, whose.seed, models)
        return (own, None) if is_narrowed else filled(own, learned_from)

    def phased(settings: Training) -> dict[int, tuple[Training, Phase]]:
        """Return each phase with its training, by its first epoch."""
        found, done = {}, 0
        for phase in phases:
            end = done + phase.epochs if phase.epochs else limit.epochs
            rate = phase.learning_rate or settings.learning_rate
            steps = limit.steps[end] - limit.steps[done]
            own = settings._replace(learning_rate=rate, epochs=None, steps=steps)
            found[done + 1], done = (own, phase), end
        return found

    def learned(rates: Sequence[float], some: Whose, passed: int) -> Outcome:
        """Train some networks together, each at its own rate."""

        def tell(epoch: int) -> None:
            report(passed * limit.epochs + epoch, last=passes * limit.epochs)

        own, medians = rows_of(tuple(some.models))
        numbers = None
        if is_narrowed:
            numbers = rows_in_order(own, some, rows, validation)
            own = own._replace(train_y=chosen(own.train_y, numbers, of_one=1))
            if own.fills:  # each network by its own rows
                x = chosen(own.train_x, numbers, of_one=2)
                own, medians = filled(own._replace(train_x=x), learned_from)
                numbers = None
        settings = training._replace(
            learning_rate=rates[0] if len({*rates}) == 1 else rates
        )
        if training.class_weight is not None:
            labels = own.train_y[..., :learned_from]
            weights = task.weights(labels, own.classes, training.class_weight)
            settings = settings._replace(class_weight=weights)
        own, scale = task.scaled(own, learned_from)
        first, *later = phased(settings).items()
        learner = network.learner(start(some), own, *first[1], some, numbers)
        orders = shuffled_orders(some, learned_from, limit.epochs, limit.last_rows)
        best = training.keep == "best"
        found = learn(
            *(learner, own, orders, tell, learned_from, best, scale, dict(later))
        )
        rate = np.array(rates, np.float64)
        state = found.state
        if own.centre.size:
            of_features = Scale(*map(np.atleast_2d, (own.centre, own.spread)))
            state = state | _entries("feature", of_features._asdict(), len(rates))
        if medians is not None:
            state = state | _entries("feature", {"median": medians}, len(rates))
        if scale:
            state = state | _entries("label", scale._asdict(), len(rates))
        return found._replace(
            final=found.final._replace(learning_rate=rate), state=state
        )

    places = range(len(whose.names))
    for first in range(0, len(places), step):
        some = places[first : first + step]
        candidates = [(rate, place) for rate in training.rates for place in some]
        outcomes: list[Outcome] = []
        for begin in range(0, len(candidates), at_once):
            rates, who = zip(*candidates[begin : begin + at_once], strict=True)
            outcomes.append(learned(rates, whose.some(who), len(outcomes)))
        best = _best_of(outcomes, len(training.rates))
        steps = np.array(limit.steps)
        reached = Reached(best.history, best.final, constant, steps, problem.task)
        found = Trained(len(some), best.state, reached, best.predictions)
        del outcomes, best  # their weights, while the next networks learn
        yield found
        del found


def _entries(what: str, scale: Mapping[str, np.ndarray], networks: int) -> State:
    """Return a scale, `[networks, …]` or `[1, …]`, as entries beside the weights."""
    found = {}
    for name, values in scale.items():
        of_each = np.broadcast_to(values, (networks, *values.shape[1:]))
        found[f"{what}.{name}"] = torch.from_numpy(of_each.copy())
    return found


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
) -> Outcome:
    """Train a learner for an epoch in each of `orders`, and measure it after each.

    `report` is called after each epoch with its number. The train rows beyond
    `learned_from` are held out: they are not measured with the others, and with
    `keep_best` each network is kept as it is after the epoch with the least loss on
    them (the first of several); epoch 0 is the start. The problem's labels are scaled
    by `scale`. `later` are the phases after the first, by the epoch that they begin
    with.
    """
    task, total = TASKS[problem.task], problem.train_y.shape[-1]
    rows = learned_from or total
    train, held_out, test = (
        Labels(*map(torch.from_numpy, task.prepared(labels, problem.classes)))
        for labels in (
            problem.train_y[..., :rows],
            problem.train_y[..., rows:],
            problem.test_y,
        )
    )
    columns = []
    best: Kept | None = None

    def measured(epoch: int, loss: np.ndarray, unseen: Tensor) -> Kept:
        """Return the networks as they are after an epoch; `unseen` are its outputs."""
        rate = np.full(len(loss), np.nan)  # set by the caller
        final = Final(failed(unseen), np.full(len(loss), epoch), rate, loss)
        return Kept(final, learner.state(), unseen)

    for epoch, order in enumerate(itertools.chain([None], orders)):
        if order is not None:
            if epoch in later:
                learner.begin(*later[epoch])
            with torch.enable_grad():
                learner.epoch(order)
        outputs, unseen = learner.outputs("train"), learner.outputs("test")
        loss = np.full(len(outputs), np.nan, np.float32)
        if rows < total:
            _, found = task.measure(outputs[:, :, rows:], held_out, scale)
            found = found.astype(np.float32)
            loss = np.nan_to_num(found, nan=np.inf, posinf=np.inf)
        if keep_best:
            if not epoch:
                # An output that is drawn as zeros has not failed, it has yet to learn.
                loss[failed(outputs)] = np.inf
            better = (
                loss < best.final.validation_loss if best else np.full(len(loss), True)
            )
            if better.any():
                best = _merged(better, measured(epoch, loss, unseen), best)
        columns.append(
            np.stack(
                [
                    *task.measure(outputs[:, :, :rows], train, scale),
                    *task.measure(unseen, test, scale),
                ]
            )
        )
        if epoch:
            report(epoch)
    # `[metrics, R, epochs + 1]`
    values = np.stack(columns, axis=2).astype(np.float32)
    history = History(**dict(zip(METRICS, values, strict=True)))
    final, state, said = best or measured(epoch, loss, unseen)
    # A loss may overflow even if all outputs are finite.
    lost = ~np.isfinite(kept(history.test_loss, final.epoch))
    final = final._replace(failed=final.failed | lost)
    return Outcome(history, final, state, task.predictions(said, scale))


def _merged(better: np.ndarray, now: Kept, before: Kept | None) -> Kept:
    """Return the networks that improved, and the others as they were before."""
    if before is None or better.all():
        return now
    chosen = torch.from_numpy(better)

    def merged(new: Tensor, old: Tensor) -> Tensor:
        return torch.where(chosen.view(-1, *[1] * (new.ndim - 1)), new, old)

    finals = zip(now.final, before.final, strict=True)
    return Kept(
        Final(*(np.where(better, *pair) for pair in finals)),
        {name: merged(new, before.state[name]) for name, new in now.state.items()},
        merged(now.outputs, before.outputs),
    )


def _best_of(outcomes: Sequence[Outcome], candidates: int) -> Outcome:
    """Return the outcome of each network's best candidate, by the validation loss.

    Outcomes are of the first candidates of all networks, then of their second ones and
    so on. Ties go to the first.
    """
    histories, finals, states, parts = zip(*outcomes, strict=True)
    history, final = joined_columns(histories), joined_columns(finals)
    said = np.concatenate(parts)
    state = stacked(states)
    if candidates > 1:
        losses = final.validation_loss.reshape(candidates, -1)
        networks = losses.shape[1]
        places = losses.argmin(0) * networks + np.arange(networks)
        history = History(*(values[places] for values in history))
        final = Final(*(values[places] for values in final))
        state, said = take(state, places.tolist()), said[places]
    return Outcome(history, final, state, said)


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
