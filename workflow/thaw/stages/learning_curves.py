"""Condense the histories of a study's repeats into learning curves.

For each variant, epoch and metric: the mean over repeats and the band that holds the
middle 90 % of them. The settings are `variants` (names, in order), `repeats` and
`repeats_per_job`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from thaw.command import add_settings, run, stage_parser
from thaw.histories import load_variant_metric
from thaw.jobs import jobs
from thaw.scores import METRICS, write_table

COLUMNS = ("variant", "metric", "epoch", "mean", "q05", "q95")


def curve(variant: str, metric: str, values: np.ndarray) -> Iterator[tuple]:
    """Yield the rows of one curve; `values` is `[repeats, epochs + 1]`."""
    mean = values.mean(axis=0, dtype=np.float64)
    low, high = np.quantile(values, (0.05, 0.95), axis=0)
    for epoch in range(values.shape[1]):
        numbers = (mean[epoch], low[epoch], high[epoch])
        yield variant, metric, epoch, *(f"{number:.6g}" for number in numbers)


def main(args: argparse.Namespace) -> None:
    """Write the learning curves of all variants."""
    settings = args.settings
    all_jobs = list(jobs(settings["repeats"], settings["repeats_per_job"]))
    write_table(
        args.output,
        COLUMNS,
        (
            row
            for variant in settings["variants"]
            for metric in METRICS
            for row in curve(
                variant,
                metric,
                load_variant_metric(args.folder / variant, all_jobs, metric),
            )
        ),
    )


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument("--folder", type=Path, required=True, help="the study's folder")
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    run(main, parser.parse_args())
