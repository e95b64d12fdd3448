"""Draw a study's learning curves: a line a variant, with a band over its repeats."""

import pandas as pd
from matplotlib.figure import Figure

from thaw.figures.curves import Curve, draw_curves
from thaw.figures.style import title_of
from thaw.findings.gains import rows_at
from thaw.findings.samples import CONDITION
from thaw.output.inputs import Inputs

# The columns of the table that make a curve, in its order.
COLUMNS = ("step", "q25", "median", "q75")


def curves_of(table: pd.DataFrame, variant: str) -> dict[str, Curve]:
    """Return the curves of one variant by metric."""
    rows = table[table["variant"] == variant]
    return {
        metric: Curve(*(part[column].to_numpy() for column in COLUMNS))
        for metric, part in rows.groupby("metric")
    }


def make(inputs: Inputs) -> Figure:
    """Return the figure."""
    settings = inputs.settings
    table = rows_at(inputs.table("learning-curves.csv"), settings["shown_size"])
    title = f"{title_of(settings)}\nmedian over repeats, band: the middle half of them"
    if settings["source_models"] == 1:
        title += f"\n{CONDITION}"
    curves = {variant: curves_of(table, variant) for variant in settings["variants"]}
    constant = table.loc[table["metric"] == "test_accuracy", "constant"].iloc[0]
    return draw_curves(curves, title, constant, settings["places"])
