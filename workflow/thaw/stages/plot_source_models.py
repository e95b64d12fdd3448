"""Draw the learning curves of a study's source models on the source problem.

The settings are `study`, `source` and `source_models` (how many).
"""

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from thaw.figures.curves import Curve, draw_curves
from thaw.figures.style import figure_files
from thaw.learning.history import METRICS
from thaw.output.histories import SOURCE_MODELS, Histories
from thaw.stages.command import (
    Made,
    add_figures,
    add_histories,
    add_settings,
    make,
    stage_parser,
)

# So many curves can be told apart; of more, the middle half is drawn.
FEW = 60


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Draw the figure in every format asked for."""
    settings = recipe["settings"]
    source, models = settings["source"], settings["source_models"]
    name = "source model" if models == 1 else "source models"
    title = f"{settings['study']}: the source model on {source}"
    if models > 1:
        rest = "thin: each" if models <= FEW else "band: the middle half"
        title = f"{settings['study']}: {models} source models on {source}"
        title += f"\nthick: their median, {rest}"
    with Histories(args.histories, recipe["inputs"]["gather"]) as histories:
        steps = histories.steps(SOURCE_MODELS)
        constant = histories.constant(SOURCE_MODELS).test_accuracy
        curves = {}
        for metric in METRICS:
            values = histories.metric(SOURCE_MODELS, metric)
            low, median, high = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
            each = values if 1 < models <= FEW else None
            curves[metric] = Curve(steps, low, median, high, each)
    drawn = draw_curves({name: curves}, title, constant, {name: 0})
    return Made(figure_files(drawn, args.output, recipe), histories.saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_histories(parser)
    add_figures(parser)
    make("plot_source_models", main, parser.parse_args())
