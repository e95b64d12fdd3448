"""Draw the two-dimensional problems, a panel for each, points coloured by class.

Problems with more or fewer features, or with numbers to predict, are left out.
"""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from thaw.data.problem import Pool
from thaw.figures import style
from thaw.output.inputs import Inputs


def make(inputs: Inputs) -> Figure:
    """Return a panel for each problem that can be drawn, or say that there is none."""
    shown = {
        name: (problem, about)
        for name, (problem, about) in inputs.problems().items()
        if len(about.columns) == 2 and about.classes
    }
    if not shown:
        drawn = style.figure(4, 3.2)
        drawn.text(0.5, 0.5, "no problem has classes and two features", ha="center")
        return drawn
    drawn, panels = style.panels_of(len(shown), 4, 3.2)
    for panel, (name, (problem, description)) in zip(
        panels, shown.items(), strict=True
    ):
        if isinstance(problem, Pool):
            x, y = problem.x, problem.y
        else:
            x = np.concatenate([problem.train_x, problem.test_x])
            y = np.concatenate([problem.train_y, problem.test_y])
        for number, class_name in enumerate(description.classes):
            lines = textwrap.wrap(f"class {class_name}", 30)
            label = "\n".join(map(style.verbatim, lines))
            points = style.look(1 + number).of_points(len(x))
            first, second = x[y == number].T
            panel.scatter(first, second, s=8, alpha=0.6, label=label, **points)
        across, up = map(style.verbatim, description.columns)
        panel.set(title=name, xlabel=across, ylabel=up, aspect="equal")
        panel.set_adjustable("datalim")
        panel.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=1.5)
    return drawn
