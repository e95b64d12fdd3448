"""Draw the learning curves of a study's source models on the source problem.

The settings are `source` and `source_models` (how many).
"""

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from thaw.command import (
    Made,
    add_figures,
    add_histories,
    add_settings,
    make,
    stage_parser,
)
from thaw.figures.curves import Band, draw_curves
from thaw.figures.style import figure_files
from thaw.learning.history import METRICS
from thaw.output.histories import SOURCE_MODELS, Histories


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Draw the figure in every format asked for."""
    source = recipe["settings"]["source"]
    models = recipe["settings"]["source_models"]
    if models == 1:
        label, title = "source model", f"the source model on {source}"
    else:
        label = "source models"
        title = f"{models} source models on {source}: mean, band: the middle 90 %"
    bands = {}
    with Histories(args.histories, recipe["inputs"]["gather"]) as histories:
        steps = histories.steps(SOURCE_MODELS)
        for metric in METRICS:
            values = histories.metric(SOURCE_MODELS, metric)
            band = np.quantile(values, (0.05, 0.95), axis=0)
            bands[metric] = Band(steps, values.mean(0), *band)
    drawn = draw_curves({label: bands}, title)
    return Made(figure_files(drawn, args.output, recipe), histories.saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_histories(parser)
    add_figures(parser)
    make("plot_source_models", main, parser.parse_args())
