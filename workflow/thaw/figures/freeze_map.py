"""Draw freeze maps: each depth's gain on the baseline at each target size.

A depth is a variant that only freezes so many layers of a source model. The maps of
several studies, or of the sources of a ranking, stand side by side under one scale of
colours.
"""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from thaw.figures import style
from thaw.findings.arms import in_order
from thaw.findings.metrics import metric_of
from thaw.findings.shown import number
from thaw.findings.verdicts import CLEAR, EQUIVALENT
from thaw.output.inputs import Inputs

# Orange is worse, blue is better, white is the same.
GAINS = LinearSegmentedColormap.from_list("gains", [style.WORSE, "white", style.BETTER])

# A scale of fewer margins would paint noise.
LEAST_REACH = 5


def draw(
    tables: Sequence[pd.DataFrame],
    maps: Sequence[Mapping[str, Any]],
    title: str,
    together: str = "study",
) -> Figure:
    """Draw a panel for each map: depths from left to right, sizes from below.

    A map's `title` stands above its panel, if there are several. Verdicts hold for all
    comparisons of what is `together`.
    """
    grids = [grid(*pair) for pair in zip(tables, maps, strict=True)]
    finite = np.concatenate([gains[np.isfinite(gains)] for gains, _ in grids])
    margin = min(settings["margin"] for settings in maps)
    reach = max([LEAST_REACH * margin, *np.abs(finite)])
    rows, columns = np.max([gains.shape for gains, _ in grids], axis=0)
    width = 0.6 + 0.85 * columns
    drawn, panels = style.panels_of(len(grids), width, 0.9 + 0.42 * rows)
    for place, (panel, (gains, verdicts), settings) in enumerate(
        zip(panels, grids, maps, strict=True)
    ):
        image = draw_map(panel, gains, verdicts, margin, reach)
        sizes, depths = in_order(settings["target_sizes"]), settings["depths"].values()
        panel.set_xticks(np.arange(len(depths)) + 0.5, map(str, depths))
        panel.set_yticks(np.arange(len(sizes)) + 0.5, map(str, sizes))
        panel.set_xlabel("frozen layers")
        if len(maps) > 1:
            panel.set_title(settings["title"])
        if place % style.IN_A_ROW == 0:
            panel.set_ylabel("train rows of the target")
    bar = drawn.colorbar(image, ax=panels, shrink=0.9)
    gain, baseline = metric_of(maps[0]["metric"][0]).gain, maps[0]["baseline"]
    height = int(9 * drawn.bbox.height / drawn.dpi)
    bar.set_label(textwrap.fill(f"worse ← typical {gain} → better", height))
    bar.outline.set_visible(False)
    caption = [
        "Bold: typically better or worse, clear over all comparisons of the "
        f"{together} at once. =: equivalent within the margin."
    ]
    about = f"typical gain on {baseline} by frozen layers and train rows"
    style.words_around(drawn, title, about, caption)
    return drawn


def draw_map(
    panel: Axes,
    gains: np.ndarray,
    verdicts: np.ndarray,
    margin: float,
    reach: float,
) -> Any:
    """Draw gains and verdicts `[sizes, depths]`; return what the colours stand for."""
    panel.grid(False)
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    known = np.where(np.isfinite(gains), gains, np.nan)
    looks: dict[str, Any] = {"cmap": GAINS, "edgecolors": "white", "linewidth": 1.5}
    image = panel.pcolormesh(known, vmin=-reach, vmax=reach, **looks)
    for (row, column), gain in np.ndenumerate(gains):
        kind, is_known = verdicts[row, column], np.isfinite(gain)
        text = style.minus(number(gain, margin, "+")) if is_known else "n/a"
        text += " =" if kind == EQUIVALENT else ""
        weight = "bold" if kind in CLEAR else "normal"
        # Only on the deepest colours is white more readable.
        colour = "white" if abs(gain) > 0.9 * reach else "black"
        placed: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 8}
        panel.text(column + 0.5, row + 0.5, text, weight=weight, color=colour, **placed)
    return image


def grid(
    table: pd.DataFrame, settings: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the typical gains `[sizes, depths]` and the verdicts, laid out alike."""
    table = table[table["reference"] == settings["baseline"]]
    table = table.set_index(["target_size", "variant"])
    rows = [*map(str, in_order(settings["target_sizes"]))], [*settings["depths"]]
    gains, verdicts = (
        table[name].unstack().loc[rows].to_numpy() for name in ("typical", "verdict")
    )
    return gains.astype(float), verdicts


def make(inputs: Inputs) -> Figure:
    """Return the figure of a study, of several, or of a ranking's sources."""
    settings = inputs.settings
    if "sources" in settings:
        table, best = map(inputs.table, ("sources.csv", "best-sources.csv"))
        sources = best["source"].unique()
        maps = [{**settings, "title": style.wrapped(name, 24)} for name in sources]
        tables = [table[table["source"] == name] for name in sources]
        return draw(tables, maps, style.title_of(settings), "ranking")
    if "studies" not in settings:
        table = inputs.table("comparisons.csv")
        return draw([table], [_compared(settings)], style.title_of(settings))
    tables = [inputs.table("comparisons.csv", name) for name in settings["studies"]]
    maps = [_compared(inputs.settings_of(name)) for name in settings["studies"]]
    for of in maps:
        of["title"] = f"{of['study']}:\n{of['source']} → {of['target']}"
    return draw(tables, maps, "How much does transfer gain?")


def _compared(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's settings with the depths that it compares with the baseline."""
    depths, baseline = settings["depths"].items(), settings["baseline"]
    return {**settings, "depths": {n: depth for n, depth in depths if n != baseline}}
