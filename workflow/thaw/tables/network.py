"""The frozen, fresh and trained parts of a user-supplied network, by variant."""

from collections.abc import Iterable

from thaw.output.inputs import Inputs
from thaw.output.tables import markdown


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the table as Markdown."""
    header = ("variant", "frozen", "weights that do not learn", "drawn anew")
    rows = [
        (
            row["variant"],
            _cell(row["frozen"]),
            f"{row['frozen_weights']:,} of {row['weights']:,}",
            _cell(row["fresh"]),
        )
        for row in inputs.check("networks", inputs.study)
    ]
    words = f"**{inputs.study}**: frozen and fresh parts of the network\n\n"
    return {"network.md": f"{words}{markdown(header, rows)}".encode()}


def _cell(groups: Iterable[str]) -> str:
    """Return groups in Markdown's form; a regular expression may hold a bar."""
    return ", ".join(groups).replace("|", "\\|") or "nothing"
