"""Pretrain a study's source models on its source problem, as one ensemble.

Each has its own initial weights and batch order. The settings are the study's `seed`,
`hidden` (the widths of the hidden layers), `training` and `source_models` (how many).
"""

import argparse
from pathlib import Path

import torch

from thaw import seeds
from thaw.command import add_settings, leave, run, stage_parser
from thaw.network import Layer, draw_network, fix_rounding, layer_sizes
from thaw.problems import load_problem
from thaw.progress import Progress
from thaw.scores import (
    SOURCE_MODEL_COLUMNS,
    final_scores,
    joined,
    save_history,
    write_table,
)
from thaw.source_models import save_source_models
from thaw.training import Training, ensembles, shuffled_orders, train


def main(args: argparse.Namespace) -> None:
    """Pretrain all source models; write their weights, scores and histories."""
    fix_rounding()
    problem = load_problem(args.problem)
    seed, hidden = args.settings["seed"], args.settings["hidden"]
    training = Training(**args.settings["training"])
    rows, features = problem.train_x.shape
    sizes = layer_sizes(features, hidden, problem.classes)
    numbers = range(args.settings["source_models"])

    networks, histories = [], []
    progress = Progress("source models", len(numbers), training.epochs)
    for ensemble in ensembles(numbers, rows, [features, *hidden]):
        network = draw_network(sizes, seed, seeds.SOURCE_MODEL, ensemble)
        orders = shuffled_orders(
            seed, seeds.SOURCE_MODEL, ensemble, rows, training.epochs
        )
        histories.append(
            train(network, problem, orders, training, report=progress.epoch)
        )
        progress.trained(len(ensemble))
        networks.append(network)

    history = joined(histories)
    network = [
        Layer(*(torch.cat(parts) for parts in zip(*layers, strict=True)))
        for layers in zip(*networks, strict=True)
    ]
    scores = zip(numbers, final_scores(history), strict=True)
    save_source_models(args.output, network)
    save_history(args.history, numbers, history)
    write_table(
        args.scores,
        SOURCE_MODEL_COLUMNS,
        ((number, *score) for number, score in scores),
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument(
        "--problem", type=Path, required=True, help="the source problem"
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="the weights to write"
    )
    parser.add_argument("--scores", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--history", type=Path, required=True, help="the .npz to write")
    run(main, parser.parse_args())
    leave()
