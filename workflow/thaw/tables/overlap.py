"""How many test rows have the same features as train rows."""

import pandas as pd

from thaw.output.inputs import Inputs
from thaw.output.tables import frame


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return a row for each problem whose train rows were searched, as CSV."""
    return {
        "overlap.csv": frame(
            pd.DataFrame(inputs.check("overlaps", inputs.settings["target"]))
        )
    }
