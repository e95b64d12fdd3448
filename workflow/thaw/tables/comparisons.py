"""Compare a study's variants with its baseline, and the pairs the config asks for.

Variants are compared at each target size. A pair may name a variant of another study
of the target: `selfer/fixed-2`.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import ALPHA, TargetSize, alpha_of_each, pairs_asked
from thaw.findings.best_depths import best_depths, best_on_average
from thaw.findings.failures import KINDS, difference_of_shares, is_weak
from thaw.findings.how_often import how_often
from thaw.findings.mean import mean_difference
from thaw.findings.pairs import Pair
from thaw.findings.rows_luck import rows_error
from thaw.findings.samples import CONDITION, Estimate, Sample
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import (
    MODELS_FAILED,
    TOO_FEW,
    joined,
    kind_of,
    more_or_less,
    verdict,
)
from thaw.output.inputs import Inputs
from thaw.output.tables import frame
from thaw.tables.comparisons_in_words import for_people


def comparisons(
    found: Mapping[TargetSize, Mapping[str, Sample]],
    pairs: Sequence[tuple[str, ...]],
    baseline: str,
    margin: float,
) -> pd.DataFrame:
    """Return a row for each target size and pair (variant, reference) of samples.

    All intervals but that of the mean are adjusted for the number of comparisons
    (Bonferroni), so that all of a kind hold at once with 95 %; `level` is that of each.
    Differences are gains: more than 0 is better. Shares of weak networks are nan at
    sizes where the baseline does not beat the best constant prediction.
    """
    if not pairs:  # the same columns, and no rows
        return comparisons(found, [(baseline, baseline)], baseline, margin).head(0)
    alpha = alpha_of_each(len(pairs) * len(found))
    rows = []
    for size, samples in found.items():
        for variant, other in pairs:
            pair = Pair(samples[variant], samples[other])
            names = {"target_size": size, "variant": variant, "reference": other}
            kinds, reference_kinds = (
                {
                    "failed": ~sample.sound[None],
                    "weak": is_weak(sample, samples[baseline], alpha, margin),
                }
                for sample in (pair.variant, pair.reference)
            )
            rows.append(names | compare(pair, kinds, reference_kinds, alpha, margin))
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
    said = [verdict(pair, typical, alpha, margin)]
    shares: dict[str, float] = {}
    for kind, words in KINDS.items():
        ours, others = kinds[kind], reference_kinds[kind]
        difference = difference_of_shares(pair, ours, others, alpha)
        shares |= {
            kind: pair.variant.unit_means(ours[0]).mean(),
            f"reference_{kind}": pair.reference.unit_means(others[0]).mean(),
            f"{kind}_difference": difference.value,
            f"{kind}_low": difference.low,
            f"{kind}_high": difference.high,
        }
        if kind_of(said[0]) != TOO_FEW:
            said.append(more_or_less(words, difference))
    return {
        "verdict": joined(said),
        "given": CONDITION if pair.is_conditional else "",
        "unit": pair.variant.unit,
        "units": pair.variant.units,
        "reference_unit": pair.reference.unit,
        "reference_units": pair.reference.units,
        "matched_by": "" if pair.has_known else pair.matched,
        "level": 1 - alpha,
        **_columns("typical", typical),
        **_columns("better", how_often(pair, alpha)),
        **_columns("mean", mean_difference(pair, ALPHA)),
        **shares,
    }


def _columns(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def depths_table(
    found: Mapping[TargetSize, Mapping[str, Sample]], depths: Mapping[str, int]
) -> pd.DataFrame:
    """Return a row for each size and depth, and whether it may be the best (95 %).

    It may be so by what is typical, and on average; the latter is empty where a mean
    has no interval.
    """
    columns = ["target_size", "variant", "freeze"]
    columns += ["not_worse_than_best", "not_worse_on_average"]
    rows = []
    for size, samples in found.items():
        depth_samples = {variant: samples[variant] for variant in depths}
        alpha = ALPHA / len(found)
        typically = best_depths(depth_samples, alpha)
        on_average = best_on_average(depth_samples, alpha)
        for variant, freeze in depths.items():
            own = ["yes" if variant in typically else "no"]
            own += ["yes" if variant in on_average else "no" if on_average else ""]
            rows.append((size, variant, freeze, *own))
    return pd.DataFrame(rows, columns=columns)


def _rows_errors(
    inputs: Inputs, names: Iterable[str], table: pd.DataFrame
) -> Iterator[float]:
    """Yield the standard error over draws of test rows of each difference of means."""
    known = {
        size: inputs.rows(names, size, inputs.metric)
        for size in inputs.settings["target_sizes"]
    }
    for row in table.itertuples():
        both = [known[row.target_size][side] for side in (row.variant, row.reference)]
        one, other = both
        found = None if one is None or other is None else rows_error(one, other)
        yield np.nan if found is None else found


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the comparisons as CSV and as Markdown, and the set of best depths."""
    settings = inputs.settings
    variants, baseline = settings["variants"], settings["baseline"]
    metric, sizes = inputs.metric, settings["target_sizes"]
    pairs = pairs_asked(variants, baseline, settings["pairs"])
    names = dict.fromkeys([*variants, *itertools.chain(*pairs)])
    found = {size: inputs.samples(names, size, metric) for size in sizes}
    table = comparisons(found, pairs, baseline, settings["margin"])
    table["rows_error"] = [*_rows_errors(inputs, names, table)]
    failed = inputs.histories.failed_source_models()
    if failed is not None and failed.all():
        # What is inherited from networks that failed says nothing of transfer.
        samples = found[sizes[0]]
        inherit = [n for n in variants if samples[n].source_models is not None]
        sides = table[["variant", "reference"]]
        table.loc[sides.isin(inherit).any(axis=1), "verdict"] = MODELS_FAILED
    depths = depths_table(found, settings["depths"])
    is_capped = not metric.has_bounds and found[sizes[0]][baseline].has_worst
    return {
        "comparisons.csv": frame(table),
        "comparisons.md": for_people(
            table, depths, baseline, metric, settings["margin"], is_capped
        ).encode(),
        "best-depths.csv": frame(depths),
    }
