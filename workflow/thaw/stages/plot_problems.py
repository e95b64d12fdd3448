"""Draw the two-dimensional problems: a panel each, points coloured by class.

Problems of more or fewer features are left out. The recipe's inputs are the keys of
the problems by name.
"""

import argparse
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from thaw.data.problem import Description, Problem
from thaw.figures.style import colour, dots, figure, figure_files, marker, verbatim
from thaw.output.problems import load_described
from thaw.stages.command import Made, add_figures, add_settings, make, stage_parser


def draw(flat: Mapping[str, tuple[Problem, Description]]) -> Figure:
    """Draw a panel a two-dimensional problem; if there is none, say so instead."""
    columns = min(3, max(1, len(flat)))
    rows = max(1, math.ceil(len(flat) / columns))
    drawn = figure(3.2 * columns, 3.2 * rows)
    if not flat:
        drawn.text(0.5, 0.5, "no problem has two features", ha="center", va="center")
        return drawn
    grid = drawn.subplots(rows, columns, squeeze=False).flat
    for panel in grid[len(flat) :]:
        panel.remove()
    for panel, name in zip(grid, flat, strict=False):
        problem, description = flat[name]
        x = np.concatenate([problem.train_x, problem.test_x])
        y = np.concatenate([problem.train_y, problem.test_y])
        for label, called in enumerate(description.classes):
            panel.scatter(
                *x[y == label].T,
                s=8,
                alpha=0.6,
                **dots(len(x)),
                color=colour(label),
                marker=marker(label),
                label=f"class {verbatim(called)}",
            )
        across, up = map(verbatim, description.columns)
        panel.set(title=name, xlabel=across, ylabel=up, aspect="equal")
        panel.set_adjustable("datalim")
        panel.legend(fontsize=7, markerscale=1.5)
    return drawn


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Draw the figure in every format asked for."""
    flat, saw = {}, {}
    for path, (name, key) in zip(
        args.problems, sorted(recipe["inputs"].items()), strict=True
    ):
        problem, description, saw[name] = load_described(path, key)
        if len(description.columns) == 2:
            flat[name] = problem, description
    return Made(figure_files(draw(flat), args.output, recipe), saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument(
        "--problems", type=Path, nargs="+", required=True, help="the problems, by name"
    )
    add_figures(parser)
    make("plot_problems", main, parser.parse_args())
