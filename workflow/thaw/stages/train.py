"""Train some repeats of a variant on the target problem.

The recipe's settings are the study's `seed`, `network` (the source models') and
`training`, the `variant`, if it is pretrained the number of `source_models`, and the
`target_size` if it is not all train rows; its inputs are the keys of the `problem` and
of the `source_models`.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from thaw.learning.learner import Network
from thaw.learning.seeds import source_model_of
from thaw.learning.settings import Variant
from thaw.learning.variants import fresh_groups, start_repeats
from thaw.output.weights import load_source_models
from thaw.stages.command import compute, leave
from thaw.stages.fit import Start, fit, fit_parser

NEEDS = ("seed", "network", "training", "variant")


def main(args: argparse.Namespace) -> None:
    """Train the repeats; write their scores and histories."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    variant, total = Variant(**settings["variant"]), settings.get("source_models", 0)
    repeats = range(args.first, args.last + 1)
    models: Sequence = [""] * len(repeats)
    if variant.pretrained:
        models = [source_model_of(repeat, total) for repeat in repeats]

    def start(network: Network) -> Start:
        inherited, saw = None, {}
        if variant.pretrained:
            key, needed = inputs["source_models"], sorted({*models})
            inherited, digests = load_source_models(args.source_models, key, needed)
            saw["source_models"] = digests
        fresh = fresh_groups(variant, network, inherited)
        print(f"drawn afresh: {', '.join(fresh) or 'no layer'}", file=sys.stderr)
        own = (network, fresh, inherited, total, settings["seed"])
        frozen = list(network.groups)[: variant.freeze]
        return Start(lambda some: start_repeats(*own, some), frozen, saw)

    fit(args, {"repeat": repeats, "source_model": models}, start, variant.add)


if __name__ == "__main__":
    parser = fit_parser(__doc__)
    parser.add_argument(
        "--source-models",
        type=Path,
        nargs="*",
        default=[],
        help="the files that hold the source models the repeats start from",
    )
    parser.add_argument(
        "--weights", type=Path, nargs="?", help="where to save the trained weights"
    )
    compute("train", main, parser.parse_args(), NEEDS)
    leave()
