"""Train some repeats of a variant on the target problem, as an ensemble.

The settings are the study's `seed`, `hidden` (the widths of the source model's hidden
layers) and `training`, and the `variant` as the config describes it.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from thaw import seeds
from thaw.command import add_settings, leave, run, stage_parser
from thaw.network import fix_rounding
from thaw.problems import load_problem
from thaw.progress import Progress
from thaw.scores import (
    SCORE_COLUMNS,
    final_scores,
    joined,
    save_history,
    write_table,
)
from thaw.source_models import load_source_models
from thaw.training import Training, ensembles, shuffled_orders, train
from thaw.variants import Variant, start_repeats


def main(args: argparse.Namespace) -> None:
    """Train the repeats; write their scores and histories."""
    fix_rounding()
    problem = load_problem(args.problem)
    source_models = load_source_models(args.source_models) if args.source_models else []
    seed, hidden = args.settings["seed"], args.settings["hidden"]
    training = Training(**args.settings["training"])
    variant = Variant(**args.settings["variant"])
    rows, features = problem.train_x.shape
    repeats = range(args.first, args.last + 1)

    histories = []
    progress = Progress("repeats", len(repeats), training.epochs)
    for ensemble in ensembles(repeats, rows, [features, *hidden, *variant.add]):
        network, fresh = start_repeats(
            variant, source_models, hidden, features, problem.classes, seed, ensemble
        )
        if not histories:
            print(f"drawn afresh: {', '.join(fresh) or 'no layer'}", file=sys.stderr)
        orders = shuffled_orders(seed, seeds.REPEAT, ensemble, rows, training.epochs)
        histories.append(
            train(network, problem, orders, training, variant.freeze, progress.epoch)
        )
        progress.trained(len(ensemble))

    history = joined(histories)
    diverged = np.flatnonzero(~np.isfinite(history.train_loss[:, -1])) + args.first
    if diverged.size:
        print(
            f"warning: the loss of repeats {', '.join(map(str, diverged))} is not "
            "finite; a lower training.learning_rate may help",
            file=sys.stderr,
        )
    table = []
    for repeat, score in zip(repeats, final_scores(history), strict=True):
        model = repeat % len(source_models[0].weight) if variant.pretrained else ""
        table.append((args.study, args.variant, model, repeat, *score))
    save_history(args.history, repeats, history)
    write_table(args.scores, SCORE_COLUMNS, table)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument("--study", required=True, help="its name, for the table")
    parser.add_argument("--variant", required=True, help="its name, for the table")
    parser.add_argument("--first", type=int, required=True, help="the first repeat")
    parser.add_argument("--last", type=int, required=True, help="the last repeat")
    parser.add_argument(
        "--problem", type=Path, required=True, help="the target problem"
    )
    parser.add_argument(
        "--source-models",
        type=Path,
        nargs="?",
        help="needed if the variant is pretrained; may be empty if not",
    )
    parser.add_argument("--scores", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--history", type=Path, required=True, help="the .npz to write")
    run(main, parser.parse_args())
    leave()
