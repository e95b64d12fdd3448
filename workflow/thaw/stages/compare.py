"""Compare a study's variants with its baseline, and the pairs the config asks for.

The settings are `variants` (names, in order), `baseline`, `pairs`, `margin`, the
smallest difference that matters, and `depths`: how many layers the variants freeze that
do nothing else.
"""

import argparse
import itertools
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thaw.command import Made, add_histories, add_settings, make, stage_parser
from thaw.findings.best_depths import best_depths
from thaw.findings.failures import WEAK, difference_of_shares, is_weak
from thaw.findings.how_often import how_often
from thaw.findings.mean import mean_difference
from thaw.findings.pairs import Pair
from thaw.findings.samples import CONDITION, Sample
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import TOO_FEW, more_or_less, verdict
from thaw.output.histories import Histories
from thaw.output.samples import read_samples
from thaw.output.tables import frame, interval, markdown, number, percent, text

ALPHA = 0.05

# What the kinds of networks that are counted apart are said to be.
KINDS = {"failed": "fails", "weak": "is weak"}


def comparisons(
    found: Mapping[str, Sample],
    pairs: Sequence[tuple[str, str]],
    baseline: str,
    margin: float,
) -> pd.DataFrame:
    """Return a row for each pair (variant, reference) of the samples `found`.

    All intervals but that of the mean are adjusted for the number of comparisons
    (Bonferroni), so that all of a kind hold at once with 95 %; `level` is that of each.
    """
    kinds = {
        name: {
            "failed": ~sample.sound,
            "weak": is_weak(sample, found[baseline]),
        }
        for name, sample in found.items()
    }
    alpha = ALPHA / max(len(pairs), 1)
    rows = [
        {
            "variant": variant,
            "reference": other,
            **compare(
                Pair(found[variant], found[other]),
                kinds[variant],
                kinds[other],
                alpha,
                margin,
            ),
        }
        for variant, other in pairs
    ]
    return pd.DataFrame(rows)


def compare(
    pair: Pair,
    kinds: Mapping[str, np.ndarray],
    reference_kinds: Mapping[str, np.ndarray],
    alpha: float,
    margin: float,
) -> dict[str, Any]:
    """Return what a comparison found, by the names of the table's columns."""
    typical = typical_difference(pair, alpha)
    better = how_often(pair, alpha)
    mean = mean_difference(pair, ALPHA)
    said = [verdict(pair, typical, alpha, margin)]
    shares: dict[str, float] = {}
    for kind, words in KINDS.items():
        ours, others = kinds[kind], reference_kinds[kind]
        difference = difference_of_shares(pair, ours, others, alpha)
        shares |= {
            kind: pair.variant.unit_means(ours.astype(float)).mean(),
            f"reference_{kind}": pair.reference.unit_means(others.astype(float)).mean(),
            f"{kind}_difference": difference.value,
            f"{kind}_low": difference.low,
            f"{kind}_high": difference.high,
        }
        if not said[0].startswith(TOO_FEW):
            said.append(more_or_less(words, difference))
    return {
        "verdict": "; ".join(filter(None, said)),
        "given": CONDITION if pair.is_conditional else "",
        "unit": pair.variant.unit,
        "units": len(pair.variant.unit_means()),
        "reference_unit": pair.reference.unit,
        "reference_units": len(pair.reference.unit_means()),
        "matched_by": pair.matched,
        "level": 1 - alpha,
        "typical": typical.value,
        "typical_low": typical.low,
        "typical_high": typical.high,
        "better": better.value,
        "better_low": better.low,
        "better_high": better.high,
        "mean": mean.value,
        "mean_low": mean.low,
        "mean_high": mean.high,
        **shares,
    }


def depths_table(
    found: Mapping[str, Sample], depths: Mapping[str, int]
) -> pd.DataFrame:
    """Return a row for each depth, and whether it may be the best, with 95 %."""
    kept = best_depths({variant: found[variant] for variant in depths}, ALPHA)
    rows = [
        {
            "variant": variant,
            "freeze": freeze,
            "not_worse_than_best": "yes" if variant in kept else "no",
        }
        for variant, freeze in depths.items()
    ]
    columns = ["variant", "freeze", "not_worse_than_best"]
    return pd.DataFrame(rows, columns=columns)


def for_people(table: pd.DataFrame, depths: pd.DataFrame, baseline: str) -> str:
    """Return the comparisons as Markdown, at most 80 columns wide.

    It is empty where there is one variant only.
    """
    if table.empty:
        return ""
    rows = list(table.itertuples())
    parts = [
        paragraph(_about_typical(table)),
        wrapped_table(
            ("comparison", "typical difference", "verdict"),
            [
                (
                    _name(row),
                    estimate(row.typical, row.typical_low, row.typical_high),
                    row.verdict,
                )
                for row in rows
            ],
            (22, 25, 23),
        ),
    ]
    if len(depths) > 1:
        kept = depths.loc[depths["not_worse_than_best"] == "yes", "variant"]
        parts.append(
            paragraph(
                "Depths that are not typically worse than the best one (95 %): "
                f"{', '.join(kept)}."
            )
        )
    parts += [
        paragraph(
            "How often a repeat of the one beats one of the other, and the difference "
            "of the means, whose interval is at 95 % and bears no verdict:"
        ),
        wrapped_table(
            ("comparison", "is better in", "mean difference"),
            [
                (
                    _name(row),
                    _shares(row.better, row.better_low, row.better_high),
                    estimate(row.mean, row.mean_low, row.mean_high),
                )
                for row in rows
            ],
            (22, 23, 25),
        ),
        *_about_failures(table, baseline),
    ]
    return "\n".join(parts)


def _about_typical(table: pd.DataFrame) -> str:
    sides = [
        *zip(table["units"], table["unit"], strict=True),
        *zip(table["reference_units"], table["reference_unit"], strict=True),
    ]
    over = " and ".join(f"{count} {unit}s" for count, unit in dict.fromkeys(sides))
    given = f", {CONDITION}" if table["given"].any() else ""
    if len(table) == 1:
        together = "a 95 % interval"
    else:
        level = f"{100 * table['level'][0]:.4g}"
        together = f"intervals at {level} %, so that all {len(table)} hold with 95 %"
    return f"The typical (median) difference, {together}, over {over}{given}:"


def _about_failures(table: pd.DataFrame, baseline: str) -> Iterator[str]:
    rows = [
        (
            _name(row),
            kind,
            percent(getattr(row, kind)),
            percent(getattr(row, f"reference_{kind}")),
            _shares(*(getattr(row, f"{kind}_{end}") for end in ENDS), sign="+"),
        )
        for row in table.itertuples()
        for kind in KINDS
        if getattr(row, kind) or getattr(row, f"reference_{kind}")
    ]
    limit = f"more than {WEAK:g} below the median of {baseline}"
    if not rows:
        yield paragraph(f"No network failed, and none is weak, {limit}.")
        return
    yield paragraph(f"Shares of networks that failed, or are weak, {limit}:")
    yield wrapped_table(
        ("comparison", "", "share", "other's", "difference"), rows, (22, 6, 6, 7, 24)
    )


ENDS = ("difference", "low", "high")


def _name(row: Any) -> str:
    return f"{row.variant} - {row.reference}"


def estimate(value: float, low: float, high: float) -> str:
    """Return a difference and its interval."""
    if np.isneginf(low) and np.isposinf(high):
        return number(value, "+")
    return f"{number(value, '+')} ({interval(low, high, '+')})"


def _shares(value: float, low: float, high: float, sign: str = "-") -> str:
    return f"{percent(value, sign)} ({percent(low, sign)} to {percent(high, sign)})"


def paragraph(words: str) -> str:
    """Break a text into lines of at most 80 characters, but no number from its %."""
    return textwrap.fill(words.replace(" %", "\xa0%"), 80).replace("\xa0", " ") + "\n"


def wrapped_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> str:
    """Return a table whose cells go on in the lines below where they are too wide."""
    lines: list[Sequence[str]] = []
    for row in rows:
        cells = map(textwrap.wrap, row, widths)
        lines += itertools.zip_longest(*cells, fillvalue="")
    return markdown(header, lines)


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Make the comparisons as CSV and as Markdown, and the set of best depths."""
    settings = recipe["settings"]
    variants, baseline = settings["variants"], settings["baseline"]
    pairs = [(variant, baseline) for variant in variants if variant != baseline]
    pairs += [tuple(pair) for pair in settings["pairs"]]
    pairs = list(dict.fromkeys(pairs))  # one asked for twice is one comparison
    with Histories(args.histories, recipe["inputs"]["gather"]) as histories:
        found = read_samples(histories, variants)
    table = comparisons(found, pairs, baseline, settings["margin"])
    depths = depths_table(found, settings["depths"])
    words = for_people(table, depths, baseline)
    outputs = {
        args.output: frame(table),
        args.markdown: text(words),
        args.depths: frame(depths),
    }
    return Made(outputs, histories.saw)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    add_histories(parser)
    parser.add_argument("--output", type=Path, required=True, help="the CSV to write")
    parser.add_argument("--markdown", type=Path, required=True, help="the .md to write")
    parser.add_argument("--depths", type=Path, required=True, help="the set, a CSV")
    make("compare", main, parser.parse_args())
