"""Train some repeats of a variant on the target problem.

The recipe's settings are the study's `seed`, `network` (the source models') and
`training`, the `variant`, and the `target_size` if it is not all train rows; its inputs
are the keys of the `problem` and, if the variant is pretrained, of the `source_models`.
A reference has its `estimator` instead of network, training and variant.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import Any

from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.learning.settings import Variant
from thaw.output.predictions import Predictions
from thaw.stages.command import compute, leave
from thaw.stages.fit import fit, fit_parser

NEEDS: tuple[str, ...] = ("seed", "network", "training", "variant")
NEEDS_OF_ESTIMATORS: tuple[str, ...] = ("seed", "estimator")


def learn(
    args: argparse.Namespace, whose: Whose, what: str
) -> tuple[Reached, Predictions]:
    """Train networks of a variant; return their scores and predictions."""
    # Imported only here, because an estimator's job needs no torch.
    from thaw.learning.learner import Network
    from thaw.learning.variants import fresh_groups, phases_of, start_repeats
    from thaw.output.weights import load_source_models
    from thaw.stages.networks import Start, learned

    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    variant = Variant(**settings["variant"])

    def start(network: Network) -> Start:
        inherited = None
        saw: dict[str, Any] = {}
        if variant.pretrained:
            inherited, saw["source_models"] = load_source_models(
                args.source_models, inputs["source_models"], args.tile.models
            )
        fresh = fresh_groups(variant, network, inherited)
        print(f"drawn anew: {', '.join(fresh) or 'no layer'}", file=sys.stderr)
        saw["fresh"] = ", ".join(fresh)
        own = (network, fresh, inherited)
        phases = phases_of(variant, network, fresh)
        return Start(lambda some: start_repeats(*own, some), phases, saw)

    return learned(args, whose, what, start, variant.add)


def main(args: argparse.Namespace) -> None:
    """Train the repeats; write their scores and histories."""
    fit(args, learn)


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
    args = parser.parse_args()
    needs = NEEDS_OF_ESTIMATORS
    if "estimator" not in args.recipe.get("settings", {}):
        needs = NEEDS
        # Now, while Ctrl-C still ends the job quietly (see `thaw.stages`).
        importlib.import_module("thaw.stages.networks")
    compute("train", main, args, needs)
    leave()
