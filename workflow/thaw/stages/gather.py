"""Gather the scores of a study's training jobs into one table.

Only the jobs that the settings declare are read, so files left over from another
config never slip in. The settings are `variants` (names, in order), `repeats` and
`repeats_per_job`.
"""

import argparse
from pathlib import Path

from thaw.command import add_settings, run, stage_parser
from thaw.jobs import jobs
from thaw.scores import SCORE_COLUMNS, read_score_rows, write_table


def main(args: argparse.Namespace) -> None:
    """Write all scores, variants in the config's order, repeats in theirs."""
    settings = args.settings
    write_table(
        args.output,
        SCORE_COLUMNS,
        (
            row
            for variant in settings["variants"]
            for job in jobs(settings["repeats"], settings["repeats_per_job"])
            for row in read_score_rows(
                args.folder / variant / f"{job.stem}.csv", job.repeats
            )
        ),
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument("--folder", type=Path, required=True, help="the study's folder")
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    run(main, parser.parse_args())
