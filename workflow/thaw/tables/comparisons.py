"""Compare a study's variants with its baseline, and the pairs named in the config.

Variants are compared at each target size. A pair may name a variant of another study
of the target: `selfer/fixed-2`.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import (
    ALPHA,
    OF_DEPTHS,
    OF_SHARES,
    TargetSize,
    alpha_of_each,
    pairs_asked,
)
from thaw.findings.best_depths import beaten
from thaw.findings.failures import (
    KINDS,
    difference_of_shares,
    difference_on_other_rows,
    is_weak,
)
from thaw.findings.how_often import how_often
from thaw.findings.mean import mean_difference
from thaw.findings.new_rows import Luck, drawn, luck, reach_of_lead, widened
from thaw.findings.pairs import Pair
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

    All intervals except that of the mean are adjusted for the number of comparisons
    (Bonferroni), so that all statements of a study hold at once with 95 %; `level` is
    that of the typical difference and of how often the variant is better.
    They hold for new test rows, too, if `row_units` is more than 0; that from
    `these_rows_low` to `these_rows_high`, and that of how often the variant is
    `better`, are given these rows. `rows_error` is the standard error of the typical
    difference over draws of test rows.
    Differences are gains: more than 0 is better. Shares of weak networks are nan at
    sizes where the baseline does not beat the best constant prediction.
    """
    if not pairs:  # the same columns, and no rows
        return comparisons(found, [(baseline, baseline)], baseline, margin).head(0)
    count = len(pairs) * len(found)
    alpha, of_shares = alpha_of_each(count), alpha_of_each(count, OF_SHARES)
    rows = []
    for size, samples in found.items():
        on_new_rows = drawn(samples, samples[baseline])
        for variant, other in pairs:
            pair = Pair(samples[variant], samples[other])
            names = {"target_size": size, "variant": variant, "reference": other}
            kinds, reference_kinds = (
                {
                    "failed": ~sample.sound[None],
                    "weak": is_weak(
                        sample,
                        samples[baseline],
                        of_shares,
                        margin,
                        reach_of_lead(on_new_rows[name], of_shares),
                    ),
                }
                for name, sample in ((variant, pair.variant), (other, pair.reference))
            )
            rows_luck = luck(on_new_rows[variant], on_new_rows[other])
            own = compare(
                pair, rows_luck, kinds, reference_kinds, alpha, of_shares, margin
            )
            rows.append(names | own)
    return pd.DataFrame(rows)


def compare(
    pair: Pair,
    rows_luck: Luck,
    kinds: Mapping[str, np.ndarray],
    reference_kinds: Mapping[str, np.ndarray],
    alpha: float,
    of_shares: float,
    margin: float,
) -> dict[str, Any]:
    """Return the findings of a comparison, by the names of the table's columns."""
    given_rows = typical_difference(pair, alpha)
    typical = rows_luck.widen(given_rows, rows_luck.typical, alpha)
    if pair.variant.is_bounded:
        # By a bounded metric no two scores are further apart.
        typical = within(typical, pair.variant.scale)
    said = [verdict(pair, typical, alpha, margin)]
    mean = rows_luck.widen(mean_difference(pair, ALPHA), rows_luck.mean, ALPHA)
    shares: dict[str, float] = {}
    for kind, words in KINDS.items():
        ours, others = kinds[kind], reference_kinds[kind]
        difference = difference_of_shares(pair, ours[:3], others[:3], of_shares)
        if kind == "weak":
            ends = difference_on_other_rows(pair, ours[3:], others[3:])
            difference = widened(difference, *ends)
        shares |= {
            kind: pair.variant.unit_means(ours[0]).mean(),
            f"reference_{kind}": pair.reference.unit_means(others[0]).mean(),
            f"{kind}_difference": difference.value,
            f"{kind}_low": max(difference.low, -1),
            f"{kind}_high": min(difference.high, 1),
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
        "these_rows_low": given_rows.low,
        "these_rows_high": given_rows.high,
        "rows_error": rows_luck.typical,
        "row_units": rows_luck.units,
        "tested": pair.variant.tested,
        **_columns("better", how_often(pair, alpha)),
        **_columns("mean", mean),
        **shares,
    }


def within(found: Estimate, most: float) -> Estimate:
    """Return an estimate whose interval reaches at most `most` either way.

    An end without a limit stays so.
    """
    low, high = (
        end if np.isinf(end) else float(np.clip(end, -most, most)) for end in found[1:]
    )
    return Estimate(found.value, low, high)


def _columns(name: str, found: Estimate) -> dict[str, float]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def depths_table(
    found: Mapping[TargetSize, Mapping[str, Sample]],
    depths: Mapping[str, int],
    margin: float,
    comparisons: int = 1,
) -> pd.DataFrame:
    """Return a row for each size and depth: whether it may be the best, and by what
    others it is typically beaten; all of it holds at 1 less `OF_DEPTHS`.

    Two depths are told apart no more easily than in one of so many `comparisons`, so
    that the table of these says the same.
    """
    pairs = max(1, math.comb(len(depths), 2)) * len(found)
    alpha = min(OF_DEPTHS / pairs, alpha_of_each(comparisons))
    rows = []
    for size, samples in found.items():
        own = {variant: samples[variant] for variant in depths}
        beaten_by = beaten(own, alpha, margin)
        # They may beat each other in a circle.
        none_stays = all(beaten_by.values())
        for variant, freeze in depths.items():
            rivals = beaten_by[variant]
            stays = "yes" if none_stays or not rivals else "no"
            rows.append((size, variant, freeze, stays, " ".join(rivals)))
    columns = ["target_size", "variant", "freeze", "may_be_best", "beaten_by"]
    return pd.DataFrame(rows, columns=columns)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the comparisons as CSV and as Markdown, and the set of best depths."""
    settings = inputs.settings
    variants, baseline = settings["variants"], settings["baseline"]
    metric, sizes = inputs.metric, settings["target_sizes"]
    pairs = pairs_asked(variants, baseline, settings["pairs"])
    names = dict.fromkeys([*variants, *itertools.chain(*pairs)])
    found = {size: inputs.samples(names, size, metric) for size in sizes}
    table = comparisons(found, pairs, baseline, settings["margin"])
    failed = inputs.histories.failed_source_models()
    if failed is not None and failed.all():
        # Inheriting from networks that failed says nothing about transfer.
        inherits = table[["variant", "reference"]].isin(settings["pretrained"])
        table.loc[inherits.any(axis=1), "verdict"] = MODELS_FAILED
    depths = depths_table(
        found, settings["depths"], settings["margin"], len(pairs) * len(sizes)
    )
    is_capped = not metric.has_bounds and found[sizes[0]][baseline].has_worst
    return {
        "comparisons.csv": frame(table),
        "comparisons.md": for_people(
            *(table, depths, baseline, metric, settings["margin"]),
            *(is_capped, settings["has_splits"]),
        ).encode(),
        "best-depths.csv": frame(depths),
    }
