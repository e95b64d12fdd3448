"""Pretrain some source models on the source problem.

Each has its own initial weights and batch order. The recipe's settings are the study's
`seed`, `network` and `training`; its input is the key of the `problem`.
"""

import argparse
from pathlib import Path

from thaw.learning import seeds
from thaw.learning.learner import Network
from thaw.stages.command import compute, leave
from thaw.stages.fit import Start, fit, fit_parser


def main(args: argparse.Namespace) -> None:
    """Pretrain the source models; write their weights, scores and histories."""
    seed = args.recipe["settings"]["seed"]

    def start(network: Network) -> Start:
        groups = list(network.groups)
        return Start(lambda some: network.draw(groups, seed, seeds.SOURCE_MODEL, some))

    fit(args, {"source_model": range(args.first, args.last + 1)}, start)


if __name__ == "__main__":
    parser = fit_parser(__doc__)
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        dest="weights",
        help="the weights to write",
    )
    compute("pretrain", main, parser.parse_args(), ("seed", "network", "training"))
    leave()
