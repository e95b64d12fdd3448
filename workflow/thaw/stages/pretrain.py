"""Pretrain some source models on the source problem.

Each has its own initial weights and batch order.

Settings: the study's `seed`, `network` and `training`.
Reads: `problem`, and the user's `network` module or `trainer`. All of a study's checks
(`checked`) come first.
Writes: `weights`, `scores`, `history` and, if they are kept, `predictions`.
"""

from collections.abc import Sequence

from thaw.learning.history import Reached
from thaw.learning.learner import Network
from thaw.learning.seeds import Whose
from thaw.output.predictions import Predictions
from thaw.stages.command import Job
from thaw.stages.fit import fit
from thaw.stages.networks import Start, train_networks


def draw_all(network: Network, classes: Sequence[str]) -> Start:
    """Draw all layers."""
    return Start(lambda whose: network.draw(list(network.groups), whose))


def learn(job: Job, whose: Whose, kind: str) -> tuple[Reached, Predictions]:
    """Train source models; return their scores and predictions."""
    return train_networks(job, whose, kind, draw_all)


def main(job: Job) -> None:
    """Train the source models; write their weights, scores and histories."""
    fit(job, learn)
