"""Describe what made a study's tables and figures.

The settings hold the `description`: the study's resolved settings, the keys of its
results, the digests of the code and the versions of the libraries.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thaw.output.tables import text
from thaw.stages.command import Made, add_settings, make, stage_parser


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Write the description as JSON."""
    description = json.dumps(recipe["settings"]["description"], indent=1)
    return Made({args.output: text(description + "\n")}, {})


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument("--output", type=Path, required=True, help="the JSON to write")
    make("describe", main, parser.parse_args())
