"""Read source models from files with pretrained weights.

They are written as `pretrain` writes those that it pretrains. The recipe's settings are
the `network` and the digests of the `files`, in order; its input is the key of the
target `problem`.
"""

import argparse
from pathlib import Path

from thaw.external.checkpoints import load_checkpoint
from thaw.external.networks import network_of, of_network
from thaw.keys import check_unchanged, digest_of_file
from thaw.learning.checkpoints import source_models
from thaw.output.problems import load_described
from thaw.output.weights import save_networks
from thaw.stages.command import add_network, add_problem, compute, recipe_parser

NEEDS = ("network", "files")


def main(args: argparse.Namespace) -> None:
    """Read the files; write the source models."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    problem, described, digest = load_described(args.problem, inputs["problem"])
    for path, told in zip(args.files, settings["files"], strict=True):
        check_unchanged(path, digest_of_file(path), told)
    network = network_of(settings["network"], problem, described.shape, args.network)
    files = [(str(path), load_checkpoint(path)) for path in args.files]
    with of_network(settings["network"], args.network):
        state = source_models(network, files)
    saw = {"problem": digest, "files": settings["files"]}
    save_networks(args.output, state, range(len(files)), args.recipe, saw)


if __name__ == "__main__":
    parser = recipe_parser(__doc__)
    add_problem(parser)
    add_network(parser)
    parser.add_argument(
        "--files", type=Path, nargs="*", default=[], help="a file a source model"
    )
    parser.add_argument("--output", type=Path, required=True, help="what to write")
    compute("read_checkpoints", main, parser.parse_args(), needs=NEEDS)
