"""Read a source model from a file with pretrained weights.

It is written in the form that `pretrain` writes. The recipe's settings are the
`network` and the digest of the `file`; its input is the key of the target `problem`.
"""

import argparse
from pathlib import Path

from thaw.external.checkpoints import load_checkpoint
from thaw.external.networks import network_of, of_network
from thaw.keys import check_unchanged, digest_of_file
from thaw.learning.checkpoints import source_model
from thaw.output.problems import load_described
from thaw.output.weights import save_networks
from thaw.stages.command import (
    add_network,
    add_problem,
    add_tile,
    compute,
    recipe_parser,
)

NEEDS = ("network", "file")


def main(args: argparse.Namespace) -> None:
    """Read the file; write the source model."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, digest = load_described(args.problem, inputs["problem"])
    check_unchanged(args.file, digest_of_file(args.file), settings["file"])
    network = network_of(
        settings["network"], problem.whole, described.shape, args.network
    )
    entries = load_checkpoint(args.file)
    with of_network(settings["network"], args.network):
        state = source_model(network, str(args.file), entries)
    saw = {"problem": digest, "file": settings["file"]}
    save_networks(args.output, state, args.tile, args.recipe, saw)


if __name__ == "__main__":
    parser = recipe_parser(__doc__)
    add_problem(parser)
    add_network(parser)
    add_tile(parser)
    parser.add_argument(
        "--file", type=Path, required=True, help="the file with the weights"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="the .safetensors to write"
    )
    compute("read_checkpoints", main, parser.parse_args(), needs=NEEDS)
