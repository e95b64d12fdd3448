"""Draw the two-dimensional problems: a panel each, points coloured by class."""

import argparse
import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from thaw.command import add_figures, run, stage_parser
from thaw.figures import colour, dots, figure, marker, save
from thaw.problems import Problem, load_problem


def draw(problems: dict[str, Problem]) -> Figure:
    """Draw a panel a problem; without a two-dimensional one, say so instead."""
    flat = {
        name: problem
        for name, problem in problems.items()
        if problem.train_x.shape[1] == 2
    }
    columns = min(3, max(1, len(flat)))
    rows = max(1, math.ceil(len(flat) / columns))
    drawn = figure(3.2 * columns, 3.2 * rows)
    if not flat:
        drawn.text(0.5, 0.5, "no problem has two features", ha="center", va="center")
        return drawn
    grid = drawn.subplots(rows, columns, squeeze=False).flat
    for panel in grid[len(flat) :]:
        panel.remove()
    for panel, (name, problem) in zip(grid, flat.items(), strict=False):
        x = np.concatenate([problem.train_x, problem.test_x])
        y = np.concatenate([problem.train_y, problem.test_y])
        for label in range(problem.classes):
            panel.scatter(
                *x[y == label].T,
                s=8,
                alpha=0.6,
                **dots(len(x)),
                color=colour(label),
                marker=marker(label),
                label=f"class {label}",
            )
        panel.set(title=name, xlabel="feature 1", ylabel="feature 2", aspect="equal")
        panel.set_adjustable("datalim")
        panel.legend(fontsize=7, markerscale=1.5)
    return drawn


def main(args: argparse.Namespace) -> None:
    """Draw the figure and write it in every format asked for."""
    save(draw({path.stem: load_problem(path) for path in args.problems}), args.output)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    parser.add_argument(
        "--problems", type=Path, nargs="+", required=True, help="the problems"
    )
    add_figures(parser)
    run(main, parser.parse_args())
