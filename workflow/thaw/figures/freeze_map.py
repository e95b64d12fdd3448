"""Draw freeze maps: each depth's gain on the baseline at each target size.

A depth is a variant that only freezes so many layers of a source model. The maps of
several studies stand side by side under one scale of colours.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.arms import in_order
from thaw.findings.gains import by_size
from thaw.findings.metrics import metric_of
from thaw.findings.shown import number
from thaw.findings.verdicts import CLEAR, EQUIVALENT, kind_of
from thaw.output.inputs import Inputs

# Orange is worse, blue is better, white is the same.
GAINS = LinearSegmentedColormap.from_list("gains", [style.WORSE, "white", style.BETTER])

CAPTION = (
    "Bold: typically better or worse, clear over all comparisons of the study at once. "
    "=: equivalent within the margin."
)

# A scale of fewer margins would paint noise.
LEAST_REACH = 5


def draw(
    tables: Sequence[pd.DataFrame],
    maps: Sequence[Mapping[str, Any]],
    title: str = "How much does transfer gain?",
    caption: str = CAPTION,
) -> Figure:
    """Draw a panel for each study: depths from left to right, sizes from below.

    A map's `title` stands above its panel, if there are several.
    """
    grids = [grid(*pair) for pair in zip(tables, maps, strict=True)]
    finite = np.concatenate([gains[np.isfinite(gains)] for gains, _ in grids])
    margin = min(one["margin"] for one in maps)
    reach = max([LEAST_REACH * margin, *np.abs(finite)])
    norm = TwoSlopeNorm(0, -reach, reach)
    columns = min(len(grids), style.IN_A_ROW)
    lines = -(-len(grids) // columns)
    # Panels below each other are as wide and as high as the largest of them.
    widths = [max(g.shape[1] for g, _ in grids[n::columns]) for n in range(columns)]
    heights = [
        max(g.shape[0] for g, _ in grids[n : n + columns])
        for n in range(0, len(grids), columns)
    ]
    drawn = style.figure(
        2.2 + 0.85 * sum(widths) + 0.5 * columns,
        1.2 + 0.42 * sum(heights) + 0.9 * lines,
    )
    places = drawn.subplots(
        lines,
        columns,
        squeeze=False,
        gridspec_kw={"width_ratios": widths, "height_ratios": heights},
    )
    panels = [*places.flat][: len(grids)]
    for place in [*places.flat][len(grids) :]:
        place.remove()
    for panel, (gains, verdicts), one in zip(panels, grids, maps, strict=True):
        panel.grid(False)
        known = np.where(np.isfinite(gains), gains, np.nan)
        image = panel.pcolormesh(
            known, cmap=GAINS, norm=norm, edgecolors="white", linewidth=1.5
        )
        colours = style.text_on(image.to_rgba(known))
        for (row, column), gain in np.ndenumerate(gains):
            kind = kind_of(verdicts[row][column])
            text = (
                style.minus(number(gain, margin, "+")) if np.isfinite(gain) else "n/a"
            )
            text += " =" if kind == EQUIVALENT else ""
            panel.text(
                column + 0.5,
                row + 0.5,
                text,
                ha="center",
                va="center",
                fontsize=8,
                weight="bold" if kind in CLEAR else "normal",
                color=colours[row, column] if np.isfinite(gain) else "black",
            )
        sizes, depths = in_order(one["target_sizes"]), list(one["depths"].values())
        panel.set_xticks(np.arange(len(depths)) + 0.5, map(str, depths))
        panel.set_yticks(np.arange(len(sizes)) + 0.5, map(str, sizes))
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        panel.set_xlabel("frozen layers")
        if len(maps) > 1:
            panel.set_title(one["title"])
    for panel in panels[::columns]:
        panel.set_ylabel("train rows of the target")
    bar = drawn.colorbar(image, ax=panels, shrink=0.9)
    gain, baseline = metric_of(maps[0]["metric"][0]).gain, maps[0]["baseline"]
    words = f"worse ← typical {gain} → better"
    bar.set_label(textwrap.fill(words, int(9 * style.inches(drawn)[1])))
    bar.outline.set_visible(False)
    title = style.title_of(maps[0]) if len(maps) == 1 else title
    what = f"typical gain on {baseline} by frozen layers and train rows"
    style.words_around(drawn, title, what, [caption])
    return drawn


def grid(
    table: pd.DataFrame, one: Mapping[str, Any]
) -> tuple[np.ndarray, list[list[str]]]:
    """Return the typical gains `[sizes, depths]` and the verdicts, laid out alike."""
    sizes = in_order(one["target_sizes"])
    table = table[table["reference"] == one["baseline"]]
    depths = one["depths"]
    columns = [by_size(table[table["variant"] == depth], sizes) for depth in depths]
    gains = np.stack([column["typical"].to_numpy(float) for column in columns], axis=1)
    verdicts = zip(*(column["verdict"] for column in columns), strict=True)
    return gains, [list(row) for row in verdicts]


def make(inputs: Inputs) -> Figure:
    """Return the figure of one study, or of several."""
    maps = [
        one | {"title": f"{one['study']}:\n{one['source']} → {one['target']}"}
        for one in inputs.settings["maps"]
    ]
    return draw([inputs.table("comparisons.csv", one["study"]) for one in maps], maps)
