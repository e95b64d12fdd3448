"""Draw the freeze maps of several sources side by side, the best source first.

The verdicts are the ranking's, which hold for all sources at once.
"""

from matplotlib.figure import Figure

from thaw.figures import freeze_map, style
from thaw.figures.sources import order
from thaw.output.inputs import Inputs

CAPTION = freeze_map.CAPTION.replace("of the study", "of all sources")


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, table = inputs.settings, inputs.table("sources.csv")
    sources = order(inputs.table("best-sources.csv"))
    maps = [dict(settings) | {"title": style.label(one, 24)} for one in sources]
    own = [table[table["source"] == one] for one in sources]
    title = style.title_of(settings)
    return freeze_map.draw(own, maps, title, CAPTION)
