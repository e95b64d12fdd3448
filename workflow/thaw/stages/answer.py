"""Answer a study's questions in a few sentences.

Does transfer help, how many layers to freeze, up to how much data; what spoils it, and
what it is conditional on. The settings are `study`, `source`, `target`, `described`
(the variants as the config describes them), `baseline`, `target_sizes`, `depths`,
`metric`, `margin`, `tuned`, `repeats` and `source_models`.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from thaw.findings.answer import answer
from thaw.findings.arms import in_order
from thaw.findings.gains import Study
from thaw.output.records import digest_of_file
from thaw.output.tables import paragraph, read_table, text
from thaw.stages.command import Made, add_settings, add_table, make, stage_parser


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Write the answer as Markdown."""
    settings, inputs = dict(recipe["settings"]), recipe["inputs"]
    summary = read_table(args.summary, args.summary_record, inputs["summarize"])
    made = args.comparisons_record, inputs["compare"]
    comparisons = read_table(args.comparisons, *made)
    depths = read_table(args.depths, *made)
    title = f"# {settings.pop('study')}: {settings['source']} → {settings['target']}"
    settings["target_sizes"] = in_order(settings["target_sizes"])
    study = Study(variants=settings.pop("described"), **settings)
    # There are none where a trainer of people's own says what is reached in the end.
    by_epoch = (
        read_table(args.gains, args.gains_record, inputs["gains_by_epoch"])
        if args.gains
        else pd.DataFrame(columns=["variant"])
    )
    said = answer(study, comparisons, depths, summary, by_epoch)
    words = "\n".join([f"{title}\n", *map(paragraph, said)])
    saw = {
        path.name: digest_of_file(path)
        for path in (args.summary, args.comparisons, args.depths, args.gains)
        if path
    }
    return Made({args.output: text(words)}, saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_table(parser, "summary")
    add_table(parser, "comparisons")
    parser.add_argument("--gains", type=Path, nargs="?", help="gains by epoch, a CSV")
    parser.add_argument("--gains-record", type=Path, nargs="?", help="what made them")
    parser.add_argument("--depths", type=Path, required=True, help="the set, a CSV")
    parser.add_argument("--output", type=Path, required=True, help="the .md to write")
    make("answer", main, parser.parse_args())
