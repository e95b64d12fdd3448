"""Draw the freeze maps of several sources side by side, with the ranking's verdicts."""

from matplotlib.figure import Figure

from thaw.figures import freeze_map, style
from thaw.output.inputs import Inputs

CAPTION = freeze_map.CAPTION.replace("of the study", "of all sources")


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings, table = inputs.settings, inputs.table("sources.csv")
    maps = [
        dict(settings) | {"study": study, "title": style.label(source, 24)}
        for study, source in settings["sources"]
    ]
    own = [table[table["study"] == one["study"]] for one in maps]
    title = style.title_of(settings)
    return freeze_map.draw(own, maps, title, CAPTION)
