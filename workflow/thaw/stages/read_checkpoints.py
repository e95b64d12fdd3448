"""Read a source model from its files with pretrained weights.

It is written in the form that `pretrain` writes. The recipe's settings are the
`network` and the digest of the `file` (or files); its input is the key of the target
`problem`.
"""

import argparse
from pathlib import Path

from thaw.config.checkpoints import digest_of
from thaw.external.checkpoints import load_checkpoint
from thaw.external.networks import network_of, of_network
from thaw.keys import check_unchanged
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
    """Read the files; write the source model."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, digest = load_described(args.problem, inputs["problem"])
    first, *more = args.file
    name = first.parent if more else first
    check_unchanged(name, digest_of(args.file), settings["file"])
    network = network_of(
        settings["network"], problem.whole, described.shape, args.network
    )
    parts = [load_checkpoint(file) for file in args.file]
    entries = {entry: values for part in parts for entry, values in part.items()}
    with of_network(settings["network"], args.network):
        state = source_model(network, str(name), entries)
    saw = {"problem": digest, "file": settings["file"]}
    save_networks(args.output, state, args.tile, args.recipe, saw)


if __name__ == "__main__":
    parser = recipe_parser(__doc__)
    add_problem(parser)
    add_network(parser)
    add_tile(parser)
    parser.add_argument(
        "--file", type=Path, nargs="+", required=True, help="those with the weights"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="the .safetensors to write"
    )
    compute("read_checkpoints", main, parser.parse_args(), needs=NEEDS)
