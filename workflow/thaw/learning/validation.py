"""Choose epochs and learning rates on validation rows.

These are held out of a network's own train rows. They stand last among them, so that
batch orders need not skip them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from thaw.data.problem import Problem
from thaw.learning.history import Final, History, kept
from thaw.learning.learner import Learner, State, stacked, take
from thaw.learning.measure import Measured, evaluate, measure_finally, prepare_labels


class Outcome(NamedTuple):
    """The scores of R networks at a rate each, and the weights that are kept."""

    history: History
    final: Final
    state: State


class Validation:
    """Follows, from epoch to epoch, the loss on the validation rows.

    With `keep_best` it keeps the networks of the epoch with the least loss (the first
    of several), else only `loss` `[R]`, that after the last epoch.
    """

    def __init__(self, problem: Problem, learned_from: int, keep_best: bool) -> None:
        """Hold out all train rows but the first `learned_from`."""
        self.learned_from, self._keep_best = learned_from, keep_best
        held_out = problem.train_y[..., learned_from:]
        self._labels = prepare_labels(held_out, problem.classes)
        self._test_labels = prepare_labels(problem.test_y, problem.classes)
        self.loss = np.empty(0)
        self.kept: Kept | None = None

    def look(self, epoch: int, train_logits: Tensor, learner: Learner) -> None:
        """Look at the networks after an epoch, from the first one on."""
        found = evaluate(train_logits[:, :, self.learned_from :], self._labels)[1]
        loss = np.nan_to_num(found.float().numpy(), nan=np.inf, posinf=np.inf)
        if not self._keep_best:
            self.loss = loss
            return
        better = (
            np.ones(len(loss), dtype=bool)
            if self.kept is None
            else (loss < self.kept.loss)
        )
        if not better.any():
            return
        now = Kept(
            loss,
            np.full(len(loss), epoch),
            measure_finally(learner.logits("test"), self._test_labels),
            learner.state(),
        )
        self.kept = now if better.all() else _merged(better, now, self.kept)


class Kept(NamedTuple):
    """R networks that are kept: loss and epoch `[R]`, final scores and weights."""

    loss: np.ndarray
    epoch: np.ndarray
    measured: Measured
    state: State


def _merged(better: np.ndarray, now: Kept, before: Kept | None) -> Kept:
    """Return the networks that are better now, and the others as they were before."""
    assert before is not None  # at first all are better
    measured = zip(now.measured, before.measured, strict=True)
    chosen = torch.from_numpy(better)
    return Kept(
        np.where(better, now.loss, before.loss),
        np.where(better, now.epoch, before.epoch),
        Measured(*(np.where(better, *pair) for pair in measured)),
        {
            name: torch.where(
                chosen.view(-1, *[1] * (values.ndim - 1)), values, before.state[name]
            )
            for name, values in now.state.items()
        },
    )


def outcome_of(
    learner: Learner,
    history: History,
    measured: Measured,
    rates: Sequence[float],
    watch: Validation | None,
) -> Outcome:
    """Return the outcome of networks as they are in the end or as `watch` kept them.

    `rates` are their learning rates, `[R]`.
    """
    networks, epochs = history.test_loss.shape
    found = watch.kept if watch else None
    if found is None:
        last = np.full(networks, epochs - 1)
        loss = watch.loss if watch else np.full(networks, np.nan, np.float32)
        found = Kept(loss, last, measured, learner.state())
    # A loss may overflow though all logits are finite.
    lost = ~np.isfinite(kept(history.test_loss, found.epoch))
    final = Final(
        found.measured.test_balanced_accuracy,
        found.measured.failed | lost,
        found.epoch,
        np.array(rates, np.float64),
        found.loss,
    )
    return Outcome(history, final, found.state)


def best_of(outcomes: Sequence[Outcome], candidates: int) -> Outcome:
    """Return the outcome of each network's best candidate, by the validation loss.

    Outcomes are of the first candidates of all networks, then of their second ones and
    so on. Among equals the first is taken.
    """
    joined = _joined(outcomes) if len(outcomes) > 1 else outcomes[0]
    if candidates == 1:
        return joined
    losses = joined.final.validation_loss.reshape(candidates, -1)
    networks = losses.shape[1]
    places = losses.argmin(0) * networks + np.arange(networks)
    return Outcome(
        History(*(values[places] for values in joined.history)),
        Final(*(values[places] for values in joined.final)),
        take(joined.state, places.tolist()),
    )


def _joined(outcomes: Sequence[Outcome]) -> Outcome:
    """Return several outcomes as one, their networks one after the other."""
    histories, finals, states = zip(*outcomes, strict=True)
    return Outcome(
        History(*map(np.concatenate, zip(*histories, strict=True))),
        Final(*map(np.concatenate, zip(*finals, strict=True))),
        stacked(states),
    )
