"""How well scores without training rank sources, and what their choice costs."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from scipy import stats

from thaw.findings.arms import ALPHA
from thaw.findings.new_rows import drawn, luck
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample
from thaw.findings.typical import typical_difference

# An interval's ends are known to a twentieth of its width.
DRAWS = 400


class Judged(NamedTuple):
    """How a score ranks sources at a target size, and the source that it would choose.

    tau: the weighted Kendall's tau between score and gain. chosen: the source with the
    highest score. cost: what typically is lost by it against the best source, in the
    metric's units; more than 0 is a loss.
    """

    tau: Estimate
    chosen: str
    cost: Estimate


def judged(
    scores: Mapping[str, np.ndarray],
    found: Mapping[str, Sample],
    best: str,
    alpha: float,
) -> Judged:
    """Return how well a score does at a target size.

    scores: of each source's models, in order; nan for those that failed. Only sources
    with a score are ranked. found: each source's sample, that of its best depth. All
    have the same baseline, so their medians rank them as their gains do. best: the
    source that the study found best. The cost's interval is at level 1 - `alpha`.
    """
    means = {source: np.nanmean(values) for source, values in scores.items()}
    chosen = max(means, key=lambda source: means[source])
    cost = Estimate(0.0, 0.0, 0.0)
    if chosen != best:
        pair = Pair(found[best], found[chosen])
        on_new_rows = drawn({source: found[source] for source in (best, chosen)})
        rows_luck = luck(on_new_rows[best], on_new_rows[chosen])
        cost = typical_difference(pair, alpha)
        cost = rows_luck.widen(cost, rows_luck.typical, alpha)
    return Judged(_tau(scores, found), chosen, cost)


def _tau(scores: Mapping[str, np.ndarray], found: Mapping[str, Sample]) -> Estimate:
    """Return the weighted Kendall's tau with its interval at level 1 - `ALPHA`.

    It weighs pairs by their places in both rankings, so that the best sources count
    most (Vigna 2015, "A weighted correlation index for rankings with ties"; as in
    LogME's paper). The interval is of draws of source models with replacement (Efron
    1979). Sources share their models' numbers, and so their repeats' rows: the same
    numbers are drawn for all.
    """
    values = np.stack([*scores.values()])  # [sources, models]
    ranked = np.stack([_by_model(found[source]) for source in scores])
    every = np.arange(values.shape[1])
    middle = _tau_of(values, ranked, every)
    rng = np.random.Generator(np.random.PCG64(0))
    draws = rng.integers(len(every), size=(DRAWS, len(every)))
    taus = np.array([_tau_of(values, ranked, own) for own in draws])
    taus = taus[np.isfinite(taus)]
    if len(every) == 1 or not len(taus):
        return Estimate(middle, np.nan, np.nan)
    low, high = np.quantile(taus, [ALPHA / 2, 1 - ALPHA / 2])
    return Estimate(middle, float(low), float(high))


def _by_model(sample: Sample) -> np.ndarray:
    """Return the values of each source model's repeats, `[models, repeats]`."""
    numbers = sample.source_models
    assert numbers is not None
    order = np.argsort(numbers, kind="stable")
    return sample.ranked[order].reshape(len(sample.models), -1)


def _tau_of(values: np.ndarray, ranked: np.ndarray, models: np.ndarray) -> float:
    """Return the tau of some source models, which may be there several times."""
    some = values[:, models]
    counts = np.isfinite(some).sum(1)
    if not counts.all():  # all that were drawn of a source had failed
        return np.nan
    gains = np.median(ranked[:, models].reshape(len(ranked), -1), axis=1)
    found = stats.weightedtau(np.nansum(some, axis=1) / counts, gains)
    return round(float(found.statistic), 12)  # beyond lies rounding noise
