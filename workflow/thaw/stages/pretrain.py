"""Pretrain some source models on the source problem.

Each has its own initial weights and batch order. The recipe's settings are the study's
`seed`, `network` and `training`; its input is the key of the `problem`.
"""

import argparse
from pathlib import Path

from thaw.learning.history import Reached
from thaw.learning.learner import Network
from thaw.learning.seeds import Whose
from thaw.output.predictions import Predictions
from thaw.stages.command import compute, leave
from thaw.stages.fit import fit, fit_parser
from thaw.stages.networks import Start, learned


def start(network: Network) -> Start:
    """Draw all layers."""
    return Start(lambda some: network.draw(list(network.groups), some))


def learn(
    args: argparse.Namespace, whose: Whose, what: str
) -> tuple[Reached, Predictions]:
    """Train source models; return their scores and predictions."""
    return learned(args, whose, what, start)


if __name__ == "__main__":
    parser = fit_parser(__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        dest="weights",
        help="the weights to write",
    )
    args, needs = parser.parse_args(), ("seed", "network", "training")
    compute("pretrain", lambda args: fit(args, learn), args, needs)
    leave()
