"""What all figures share: size, colours, and files whose bytes never change."""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from thaw.errors import visible

# Okabe and Ito's eight colours, which colour-blind readers can tell apart (Wong 2011,
# Nature Methods 8:441), without the yellow that print loses; then three of Paul Tol's
# muted ones.
COLOURS = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"),
    *("#882255", "#999933", "#44AA99"),
)
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
MUTED = "#666666"

# More points than this make an SVG that no program opens gladly.
MANY_POINTS = 5000

# What is left out of metadata: dates and versions would make every file differ.
METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}

# Where the metadata name the recipe.
SOURCE = {"svg": "Source", "png": "Source", "pdf": "Subject"}

STYLE: dict[Any, Any] = {
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.color": "#dddddd",
    "legend.frameon": False,
    "savefig.dpi": 200,
    # Text stays text, which one can search and edit.
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    # Without a fixed salt the ids inside an SVG differ from run to run.
    "svg.hashsalt": "thaw",
}


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of that size in inches."""
    # Not those of a matplotlibrc that lies in the working folder.
    mpl.rcdefaults()
    mpl.rcParams.update(STYLE)
    return Figure(figsize=(width, height), layout="constrained")


def title_of(settings: Mapping[str, Any]) -> str:
    """Return the first line of a figure's title: study, problems, target size."""
    title = f"{settings['study']}: {settings['source']} → {settings['target']}"
    size = settings["shown_size"]
    return title if size == "all" else f"{title}, {size} train rows"


def draw_constant(panel: Axes, score: float) -> str:
    """Draw what the commonest class reaches, where the axis goes so far; name it."""
    low, high = panel.get_ylim()
    words = f"always the commonest class: {score:.3f}"
    if not low <= score <= high:
        return words
    panel.axhline(score, color=MUTED, lw=0.8, ls=":", zorder=1)
    panel.set_ylim(low, high)
    return f"dotted: {words}"


def dots(count: int) -> dict:
    """Return how to draw so many points: where they are many, as pixels also in SVG."""
    return {"linewidths": 0, "rasterized": count > MANY_POINTS}


def colour(number: int) -> str:
    """Return the colour of the class of that number, or of the variant of that place.

    A variant has the same in all figures of all studies: its place is that in the
    config.
    """
    return COLOURS[number % len(COLOURS)]


def line(number: int) -> Any:
    """Return the line style of the variant of that place."""
    return LINES[number % len(LINES)]


def marker(number: int) -> str:
    """Return the marker of a class, by number, or of a variant, by place."""
    return MARKERS[number % len(MARKERS)]


def verbatim(text: str) -> str:
    """Return other people's text so that Matplotlib shows it and sets no formula."""
    return visible(text).replace("$", r"\$")


def label(variant: str, width: int = 12) -> str:
    """Break a long name at its hyphens so that labels do not run into each other."""
    lines = [""]
    for part in variant.replace("-", "-\0").split("\0"):
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def files_of(drawn: Figure, names: Sequence[str], key: str) -> dict[str, bytes]:
    """Return a figure's files, in the formats that the names' suffixes say.

    Their metadata say which recipe made them: the figures' record holds its key.
    """
    # The layout is computed once, and so is the same in all of them.
    drawn.draw_without_rendering()
    drawn.set_layout_engine("none")
    files = {}
    for name in names:
        suffix = name.rpartition(".")[2]
        metadata = METADATA[suffix] | {SOURCE[suffix]: f"Thaw, settings {key}"}
        file = io.BytesIO()
        drawn.savefig(file, format=suffix, metadata=metadata)
        files[name] = file.getvalue()
    return files
