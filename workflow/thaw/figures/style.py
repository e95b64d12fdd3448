"""Shared by all figures: looks, words around panels, files with fixed bytes."""

import io
import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from thaw.errors import visible
from thaw.findings import shown, verdicts
from thaw.findings.arms import TargetSize

# Safe for colour-blind readers, in print and on projectors: Paul Tol's muted scheme
# (personal.sron.nl/~pault), without the colours too light for lines on white, and with
# a darker olive.
BLACK = "#000000"
COLOURS = ("#AA4499", "#117733", "#888822", "#332288", "#CC6677", "#882255")
# No dots: the line of the best constant prediction is dotted.
LINES = ("-", (0, (5, 1.5)), (0, (7, 1.5, 1.5, 1.5)), (0, (2.5, 1)), (0, (9, 2)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MUTED, PALE = "#666666", "#e8e8e8"

# Hues that no variant has: Okabe and Ito's blue and, somewhat darker, their vermilion
# (Wong 2011, Nature Methods 8:441); a dark teal; grey for anything unclear. Each has a
# marker, for readers who cannot tell the colours.
BETTER, WORSE, EQUIVALENT = "#0072B2", "#C24E00", "#00594F"
VERDICTS = {
    verdicts.BETTER: (BETTER, ">"),
    verdicts.WORSE: (WORSE, "<"),
    verdicts.EQUIVALENT: (EQUIVALENT, "D"),
}
NONE = (MUTED, "o")

# Above this many points an SVG is slow to open.
MANY_POINTS = 5000

# The line widths of intervals by the names of their columns: for new test rows, and
# given these.
WIDTHS = {"typical": 1.3, "these_rows": 3.2}

# Of more variants than these, legends and axes show the names in the config alone.
MOST_IN_WORDS = 6

# The most panels side by side.
IN_A_ROW = 4

# Colours of lines and text, and their shades where they cover each other.
COLOURS_OF_PNG = 128

# Left out of metadata: dates and versions would make every file differ.
METADATA: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": None}}

STYLE: dict[Any, Any] = {
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "font.size": 9,
    "grid.color": "#dddddd",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "savefig.dpi": 200,
    # Text stays text, so it can be searched and edited.
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    # Without a fixed salt the ids inside an SVG differ from run to run.
    "svg.hashsalt": "thaw",
}


class Look(NamedTuple):
    """The look of a variant, or of a class."""

    colour: str
    line: Any
    marker: str

    def of_lines(self) -> dict[str, Any]:
        """Return Matplotlib's arguments for a line with markers."""
        return {"color": self.colour, "ls": self.line, "marker": self.marker}

    def of_points(self, count: int) -> dict[str, Any]:
        """Return its arguments for points: very many become pixels, even in an SVG."""
        points = {"color": self.colour, "marker": self.marker, "linewidths": 0}
        return points | {"rasterized": count > MANY_POINTS}


def look(place: int) -> Look:
    """Return the look of that place: 210 in all, and the next differs in all three."""
    colour = COLOURS[(place - 1) % len(COLOURS)] if place else BLACK
    return Look(colour, LINES[place % len(LINES)], MARKERS[place % len(MARKERS)])


def looks(settings: Mapping[str, Any]) -> dict[str, Look]:
    """Return the look of each of a study's variants.

    Depths (the study's `ladder`), with the first from scratch before them, look the
    same in all studies; the other variants follow, in the study's order.
    """
    ladder = settings["ladder"]
    places = {name: 1 + depth for name, depth in ladder.items()}
    beside = [name for name in settings["variants"] if name not in ladder]
    first = max(places.values(), default=0) + 1
    places |= {name: place for place, name in enumerate(beside, first)}
    return {name: look(place) for name, place in places.items()}


class Shown(Figure):
    """A figure that a notebook shows, even if nothing has imported pyplot."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png", dpi=100)
        return file.getvalue()


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches."""
    # No settings from a matplotlibrc in the working folder.
    mpl.rcdefaults()
    mpl.rcParams.update(STYLE)
    return Shown(figsize=(width, height), layout="constrained")


def panels_of(
    count: int, width: float, height: float, **shared: Any
) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels of that size, and the panels.

    They stand in rows of `IN_A_ROW`; `shared` are the axes that they share, as
    `subplots` takes them.
    """
    columns = min(count, IN_A_ROW)
    rows = -(-count // columns)
    drawn = figure(max(4.8, 1.0 + width * columns), 1.5 + height * rows)
    places = drawn.subplots(rows, columns, squeeze=False, **shared)
    panels = [*places.flat]
    for panel in panels[count:]:
        panel.remove()
    # A panel without one below it is the last of its column.
    for panel in panels[max(0, count - columns) : count]:
        panel.tick_params(labelbottom=True)
    return drawn, panels[:count]


def words_around(drawn: Figure, title: str, what: str, caption: Iterable[str]) -> None:
    """Set a title of two lines above, and below it the sentences that explain it.

    A long title shrinks, so that it is not cut off.
    """
    width = drawn.bbox.width / drawn.dpi
    left, size = 0.06 / width, min(10, 135 * width / max(len(title), len(what)))
    drawn.suptitle(f"{title}\n{what}", x=left, ha="left", fontsize=size)
    below = textwrap.fill(" ".join(caption), int(18 * width), break_on_hyphens=False)
    drawn.supxlabel(below, x=left, ha="left", fontsize=7.5, color=MUTED)


def title_of(settings: Mapping[str, Any], size: TargetSize = "all") -> str:
    """Return the first line of a figure's title: study, problems, target size."""
    title = shown.title(settings)
    return title if size == "all" else f"{title}, {size} train rows"


def draw_constant(panel: Axes, score: float, settings: Mapping[str, Any]) -> str:
    """Draw and name the score of the best constant prediction.

    It is drawn only within the axis.
    """
    if np.isnan(score):
        return ""
    low, high = panel.get_ylim()
    words = f"best constant prediction: {shown.number(score, settings['margin'])}"
    if not low <= score <= high:
        return f"The {words}, beyond the axis."
    panel.axhline(score, color=MUTED, lw=0.8, ls=":", zorder=1)
    panel.set_ylim(low, high)
    return f"Dotted: the {words}."


def draw_margin(panel: Axes, margin: float, way: str = "h") -> str:
    """Draw and name the band where gains are as good as none, and the line at 0.

    `way` is the direction of the lines: `h` (across) or `v` (up).
    """
    span, line = getattr(panel, f"ax{way}span"), getattr(panel, f"ax{way}line")
    span(-margin, margin, color=PALE, lw=0, zorder=0)
    line(0, color="black", lw=0.8, zorder=1)
    return f"Grey:\N{NO-BREAK SPACE}±{margin:g}, the margin."


def about_intervals(comparisons: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """Say what the intervals of comparisons cover, and how they are drawn."""
    words = shown.coverage(comparisons, settings["has_splits"])
    drawn = " Thick: given these test rows; thin: for new ones, too."
    return words + drawn * shown.covers_rows(comparisons)


def minus(text: str) -> str:
    """Return a number's text with a minus sign instead of a hyphen."""
    return text.replace("-", "\N{MINUS SIGN}")


def verbatim(text: str) -> str:
    """Return untrusted text so that Matplotlib shows it and typesets no formula."""
    return visible(text).replace("$", r"\$")


def wrapped(name: str, width: int = 12) -> str:
    """Break a long name, at its hyphens if possible, so that labels do not collide."""
    lines = [""]
    for part in re.findall(f"[^-_]{{1,{width - 1}}}[-_]?|[-_]", name):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def label(variant: str, settings: Mapping[str, Any], width: int = 15) -> str:
    """Return a variant's plain name and, below it, the one that the config gives it.

    Among many variants there is no room for plain names.
    """
    has_room = len(settings["variants"]) <= MOST_IN_WORDS
    words = verbatim(settings["words"].get(variant, "")) if has_room else ""
    plain = textwrap.fill(words, width, break_on_hyphens=False)
    return "\n".join(filter(None, [plain, wrapped(variant, width)]))


def files_of(drawn: Figure, names: Sequence[str], key: str) -> dict[str, bytes]:
    """Return a figure's files, in the formats that the names' suffixes give.

    Their metadata name the recipe, whose key the figures' record holds.
    """
    # The layout is computed once, so it is the same in all of them; any other engine,
    # "none" too, would draw each once more.
    drawn.draw_without_rendering()
    drawn.set_layout_engine(None)
    files, source = {}, f"Thaw, settings {key}"
    for name in names:
        file, suffix = io.BytesIO(), name.rpartition(".")[2]
        drawn.savefig(
            file, format=suffix, metadata=METADATA[suffix] | {"Source": source}
        )
        is_png = suffix == "png"
        files[name] = with_palette(file, source) if is_png else file.getvalue()
    return files


def with_palette(file: BinaryIO, source: str) -> bytes:
    """Return a PNG in few colours, a third as large, because pages hold it."""
    image, content, metadata = Image.open(file), io.BytesIO(), PngInfo()
    metadata.add_text("Source", source)
    small = image.convert("RGB").quantize(COLOURS_OF_PNG, dither=Image.Dither.NONE)
    small.save(content, "PNG", dpi=image.info["dpi"], pnginfo=metadata)
    return content.getvalue()
