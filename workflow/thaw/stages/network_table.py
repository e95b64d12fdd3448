"""Say what of a network each variant of a study freezes, draws afresh and lets learn.

The setting is `study`, its name; the recipe's input is the key of the `check_network`.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from thaw.output.network_checks import load_check
from thaw.output.records import digest_of_file
from thaw.output.tables import frame, markdown, text
from thaw.stages.command import Made, add_settings, make, stage_parser


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Write the table."""
    found = load_check(args.checked, recipe["inputs"]["check_network"])
    table = pd.DataFrame(
        row | {key: ", ".join(row[key]) for key in ("frozen", "fresh")} for row in found
    )
    header = ("variant", "frozen", "weights that do not learn", "drawn afresh")
    rows = [
        (
            row["variant"],
            _cell(row["frozen"]),
            f"{row['frozen_weights']:,} of {row['weights']:,}",
            _cell(row["fresh"]),
        )
        for row in table.to_dict("records")
    ]
    title = f"**{recipe['settings']['study']}**: what of the network learns\n"
    outputs = {
        args.output: frame(table),
        args.markdown: text(f"{title}\n{markdown(header, rows)}"),
    }
    return Made(outputs, {args.checked.name: digest_of_file(args.checked)})


def _cell(groups: str) -> str:
    """Return groups as Markdown has them; a regular expression may hold a bar."""
    return groups.replace("|", "\\|") or "nothing"


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    for name, what in (
        ("checked", "what the check found"),
        ("output", "the CSV to write"),
        ("markdown", "the same to read"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=what)
    make("network_table", main, parser.parse_args())
