"""Put the answers of all studies into one file.

The setting is `studies`, in the order of their names; the recipe's inputs are the keys
of their answers.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thaw.output.records import digest_of_file
from thaw.output.tables import read_text, text
from thaw.stages.command import Made, add_settings, make, stage_parser


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Write all answers, one after the other."""
    found = {
        study: (path, read_text(path, record, recipe["inputs"][study]))
        for study, path, record in zip(
            recipe["settings"]["studies"], args.answers, args.records, strict=True
        )
    }
    words = "\n".join(words for _, words in found.values())
    saw = {study: digest_of_file(path) for study, (path, _) in found.items()}
    return Made({args.output: text(words)}, saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    for name, what in (("answers", "the answers"), ("records", "what made them")):
        parser.add_argument(f"--{name}", type=Path, nargs="+", required=True, help=what)
    parser.add_argument("--output", type=Path, required=True, help="the .md to write")
    make("answers", main, parser.parse_args())
