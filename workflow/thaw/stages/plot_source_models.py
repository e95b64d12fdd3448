"""Draw the learning curves of a study's source models on the source problem.

The settings are `source` and `source_models` (how many).
"""

import argparse
from pathlib import Path

import numpy as np

from thaw.command import add_figures, add_settings, run, stage_parser
from thaw.curves import Band, draw_curves
from thaw.figures import save
from thaw.scores import METRICS, load_metric


def main(args: argparse.Namespace) -> None:
    """Draw the figure and write it in every format asked for."""
    source, models = args.settings["source"], args.settings["source_models"]
    if models == 1:
        label, title = "source model", f"the source model on {source}"
    else:
        label = "source models"
        title = f"{models} source models on {source}: mean, band: the middle 90 %"
    bands = {}
    for metric in METRICS:
        values = load_metric(args.history, range(models), metric)
        band = np.quantile(values, (0.05, 0.95), axis=0)
        bands[metric] = Band(values.mean(0), *band)
    save(draw_curves({label: bands}, title), args.output)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument("--history", type=Path, required=True, help="the histories")
    add_figures(parser)
    run(main, parser.parse_args())
