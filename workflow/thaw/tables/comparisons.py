"""Compare a study's variants with its baseline, and the pairs named in the config.

Variants are compared at each target size. A pair may name a variant of another study
of the target: `selfer/fixed-2`.
"""

import itertools
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
    pairs_compared,
    rivals_of_estimators,
)
from thaw.findings.best import beaten, statements, unbeaten
from thaw.findings.failures import Limit, limit_of_weak, shares
from thaw.findings.mean import mean_difference
from thaw.findings.pairs import Pair
from thaw.findings.samples import CONDITION, Sample
from thaw.findings.typical import typical_difference
from thaw.findings.verdicts import (
    CLEAR,
    MODELS_FAILED,
    NO_VERDICT,
    WORSE,
    note,
    verdict,
)
from thaw.output.histories import SOURCE_MODELS, Histories
from thaw.output.inputs import Inputs
from thaw.output.tables import frame
from thaw.tables.comparisons_in_words import for_people

# The samples of variants, by target size.
Samples = Mapping[TargetSize, Mapping[str, Sample]]


def comparisons(
    samples: Samples,
    pairs: Sequence[tuple[str, ...]],
    baseline: str,
    margin: float,
    references: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """Return a row for each target size and pair (variant, reference) of samples.

    All intervals except that of the mean are adjusted for the number of comparisons
    (Bonferroni), so that all statements of a study hold at once with 95 %; `level` is
    that of the typical difference. Differences are gains: more than 0 is better. The
    first columns are for people, the `verdict` is a kind of `thaw.findings.verdicts`.

    `references` are estimators, each with networks. At each size it is compared with
    the one that it beats least surely, unless the two are a pair anyway. Because any
    of the networks might have come to be that one, this comparison shares its error
    out among them.
    """
    references = references or {}
    if not pairs:  # the same columns, and no rows
        return comparisons(samples, [(baseline, baseline)], baseline, margin).head(0)
    count = (len(pairs) + len(references)) * len(samples)
    rows = []
    for size, of_size in samples.items():
        limit = limit_of_weak(of_size[baseline], margin)
        compared = [(variant, other, count) for variant, other in pairs]
        for name, networks in references.items():
            best = hardest_to_beat(of_size, name, networks, alpha_of_each(count))
            if not {(name, best), (best, name)} & {*pairs}:
                compared.append((name, best, count * len(networks)))
        for variant, other, number in compared:
            names = {"target_size": size, "variant": variant, "reference": other}
            row = compare(Pair(of_size[variant], of_size[other]), limit, number, margin)
            rows.append(names | row)
    return pd.DataFrame(rows)


def hardest_to_beat(
    samples: Mapping[str, Sample], name: str, networks: Sequence[str], alpha: float
) -> str:
    """Return the network that a reference beats least surely.

    A reference that surely beats this network beats each of them.
    """

    def lead(network: str) -> tuple[float, ...]:
        typical = typical_difference(Pair(samples[name], samples[network]), alpha)
        # Where both failed, nothing is known.
        return tuple(np.nan_to_num([typical.low, typical.value], nan=np.inf))

    return min(networks, key=lead)


def compare(pair: Pair, limit: Limit, count: int, margin: float) -> dict[str, Any]:
    """Return the findings of one of `count` comparisons, by the names of columns.

    `limit` is that of weak networks. Intervals hold for new test rows, too, if
    `row_units` is more than 1; that from `these_rows_low` to `these_rows_high`, how
    often the variant is `better`, and shares of failed and weak networks are of these
    rows. `rows_error` is the standard error of the typical difference over draws of
    rows. Shares of weak networks are nan if there is no limit.
    """
    # Shares are of two kinds.
    alpha, of_shares = alpha_of_each(count), alpha_of_each(2 * count, OF_SHARES)
    variant, reference = pair.variant, pair.reference
    typical = typical_difference(pair, alpha)
    which = verdict(pair, typical.estimate, alpha, margin)
    return {
        **typical.estimate.columns("typical"),
        "verdict": which,
        "note": note(pair, which, alpha, margin, typical.estimate),
        "given": CONDITION if pair.is_conditional else "",
        "unit": variant.unit,
        "units": variant.units,
        "reference_unit": reference.unit,
        "reference_units": reference.units,
        "matched_by": "" if pair.has_known else pair.matched,
        "level": 1 - alpha,
        "these_rows_low": typical.given_rows.low,
        "these_rows_high": typical.given_rows.high,
        "rows_error": typical.rows.error,
        "row_units": typical.rows.units,
        "tested": variant.tested,
        "better": pair.chance(),
        **mean_difference(pair, ALPHA).columns("mean"),
        **shares(pair, limit, typical.rows, of_shares),
    }


def depths_table(
    samples: Samples, depths: Mapping[str, int], margin: float, table: pd.DataFrame
) -> pd.DataFrame:
    """Return a row for each size and depth: whether it may be the best, and by what
    others it is typically beaten; all of it holds at 1 less `OF_DEPTHS`.

    Two depths are told apart no more easily than in the `table` of comparisons, and
    what is told apart there is so here, too.
    """
    apart = set()
    for row in table[table["verdict"].isin(CLEAR)].itertuples():
        pair = row.variant, row.reference
        apart.add((row.target_size, *(pair if row.verdict == WORSE else pair[::-1])))
    rows = []
    for size, of_size in samples.items():
        candidates = {depth: {depth: of_size[depth]} for depth in depths}
        alpha = OF_DEPTHS / statements(candidates) / len(samples)
        alpha = min(alpha, alpha_of_each(len(table)))
        beaten_by = beaten(candidates, alpha, margin)
        for loser, winner in itertools.permutations(depths, 2):
            if (size, loser, winner) in apart and winner not in beaten_by[loser]:
                beaten_by[loser].append(winner)
        best = unbeaten(beaten_by)
        for variant, freeze in depths.items():
            may_be_best = "yes" if variant in best else "no"
            rivals = " ".join(beaten_by[variant])
            rows.append((size, variant, freeze, may_be_best, rivals))
    columns = ["target_size", "variant", "freeze", "may_be_best", "beaten_by"]
    return pd.DataFrame(rows, columns=columns)


def without_verdict(table: pd.DataFrame, where: Any, histories: Histories) -> None:
    """Take the verdicts of some rows if all of their source models failed.

    Inheriting from networks that failed says nothing about transfer.
    """
    failed = histories.get(f"{SOURCE_MODELS}/failed")
    if failed is not None and failed.all():
        table.loc[where, ["verdict", "note"]] = NO_VERDICT, MODELS_FAILED


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the comparisons as CSV and as Markdown, and the set of best depths."""
    settings = inputs.settings
    variants, baseline = settings["variants"], settings["baseline"]
    metric, sizes = inputs.metric, settings["target_sizes"]
    pairs = pairs_compared(variants, baseline, settings["pairs"])
    names = dict.fromkeys([*variants, *itertools.chain(*pairs)])
    samples = {size: inputs.samples(names, size, metric) for size in sizes}
    references = rivals_of_estimators(settings["described"], baseline)
    table = comparisons(samples, pairs, baseline, settings["margin"], references)
    inherits = table[["variant", "reference"]].isin(settings["pretrained"])
    without_verdict(table, inherits.any(axis=1), inputs.histories())
    depths = depths_table(samples, settings["depths"], settings["margin"], table)
    return {
        "comparisons.csv": frame(table),
        "comparisons.md": for_people(table, metric, settings).encode(),
        "best-depths.csv": frame(depths),
    }
