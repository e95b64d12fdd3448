"""The frozen, fresh and trained parts of a user-supplied network, by variant."""

import pandas as pd

from thaw.output.inputs import Inputs
from thaw.output.tables import frame, markdown


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the table as CSV and as Markdown."""
    table = pd.DataFrame(
        row | {key: ", ".join(row[key]) for key in ("frozen", "fresh")}
        for row in inputs.files.check("networks", inputs.study)
    )
    header = ("variant", "frozen", "weights that do not learn", "drawn anew")
    rows = [
        (
            row["variant"],
            _cell(row["frozen"]),
            f"{row['frozen_weights']:,} of {row['weights']:,}",
            _cell(row["fresh"]),
        )
        for row in table.to_dict("records")
    ]
    words = f"**{inputs.study}**: frozen and fresh parts of the network\n\n"
    words += markdown(header, rows)
    return {"network.csv": frame(table), "network.md": words.encode()}


def _cell(groups: str) -> str:
    """Return groups in Markdown's form; a regular expression may hold a bar."""
    return groups.replace("|", "\\|") or "nothing"
