"""Draw the two-dimensional problems, a panel for each, points coloured by class.

Problems with more or fewer features are left out.
"""

import math
import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from thaw.data.problem import Description, Pool, Problem
from thaw.figures import style
from thaw.output.inputs import Inputs


def draw(flat: Mapping[str, tuple[Problem | Pool, Description]]) -> Figure:
    """Draw a panel for each two-dimensional problem, or say that there is none."""
    columns = min(3, max(1, len(flat)))
    rows = max(1, math.ceil(len(flat) / columns))
    drawn = style.figure(4 * columns, 3.2 * rows)
    if not flat:
        drawn.text(0.5, 0.5, "no problem has two features", ha="center", va="center")
        return drawn
    grid = drawn.subplots(rows, columns, squeeze=False).flat
    for panel in grid[len(flat) :]:
        panel.remove()
    for panel, name in zip(grid, flat, strict=False):
        problem, description = flat[name]
        if isinstance(problem, Pool):
            x, y = problem.x, problem.y
        else:
            x = np.concatenate([problem.train_x, problem.test_x])
            y = np.concatenate([problem.train_y, problem.test_y])
        for label, called in enumerate(description.classes):
            look, lines = style.look(1 + label), textwrap.wrap(f"class {called}", 30)
            panel.scatter(
                *x[y == label].T,
                s=8,
                alpha=0.6,
                **look.of_points(len(x)),
                label="\n".join(map(style.verbatim, lines)),
            )
        across, up = map(style.verbatim, description.columns)
        panel.set(title=name, xlabel=across, ylabel=up, aspect="equal")
        panel.set_adjustable("datalim")
        panel.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=1.5)
    return drawn


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    found = inputs.files.problems()
    return draw({n: p for n, p in found.items() if len(p[1].columns) == 2})
