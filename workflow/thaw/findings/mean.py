"""The difference of the means, of networks that did not fail.

A mean at 30 source models is what the few worst of them make it, and a study may hold
none of those. So its interval comes from a mixture: a unit is a straggler, more than
`FAR` below its variant's median unit, with a probability that is Beta(0.5, 4.5) before
anything is seen; the others' mean has Student's distribution; and the stragglers' mean
is a random mean of those seen and of one more that may lie anywhere below (the Bayesian
bootstrap, Rubin 1981). The interval holds the middle of the posterior draws, whose
random numbers are always the same.

It carries no verdict: with few source models it covers too little where stragglers are
rare and bad (docs/calibration.md).
"""

import functools

import numpy as np

from thaw.findings.estimate import Estimate
from thaw.findings.pairs import Pair
from thaw.findings.random_means import DRAWS, random_means
from thaw.findings.samples import Sample

FAR = 0.1
# Before anything is seen: one unit in ten is a straggler, known as if from five units.
STRAGGLERS, OTHERS = 0.5, 4.5


def mean_difference(pair: Pair, alpha: float) -> Estimate:
    """Return the difference of the means with its interval at level 1 - `alpha`.

    Units weigh equally. It is nan where a side has no network that did not fail; the
    interval is, where it has fewer than two units.
    """
    ours, others = _unit_means(pair.variant), _unit_means(pair.reference)
    if pair.matched:
        both = ~np.isnan(ours) & ~np.isnan(others)
        ours, others = ours[both], others[both]
    else:
        ours, others = ours[~np.isnan(ours)], others[~np.isnan(others)]
    if not (len(ours) and len(others)):
        return Estimate(np.nan, np.nan, np.nan)
    difference = float(ours.mean() - others.mean())
    if min(len(ours), len(others)) < 2:
        return Estimate(difference, np.nan, np.nan)
    if pair.matched:
        draws = _matched_draws(ours, others)
    else:
        draws = _draws(ours, 0) - _draws(others, 1)
    low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2])
    return Estimate(difference, float(low), float(high))


def _unit_means(sample: Sample) -> np.ndarray:
    """Return the mean of each unit's networks that did not fail; nan if all did."""
    numbers = sample.unit_numbers
    sound = sample.sound
    sums = np.bincount(numbers, np.where(sound, sample.values, 0.0))
    with np.errstate(invalid="ignore"):
        return sums / np.bincount(numbers, sound)


def _draws(units: np.ndarray, stream: int) -> np.ndarray:
    """Return draws of the mean of one side's units, `[DRAWS]`."""
    limit = np.median(units) - FAR
    far = units < limit
    stragglers, others = units[far], units[~far]
    share = _shares((STRAGGLERS + len(stragglers), OTHERS + len(others)), stream)[0]
    lower = _means(stragglers, _anywhere_below(limit, stream), stream)
    return share * lower + (1 - share) * _students(others, stream)


def _matched_draws(ours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return draws of the mean of matched units' differences, `[DRAWS]`.

    A unit's difference is that of two others, or of a straggler on either side or both.
    """
    middles = np.median(ours), np.median(others)
    limits = middles[0] - FAR, middles[1] - FAR
    ours_far, others_far = ours < limits[0], others < limits[1]
    differences = ours - others
    below = _anywhere_below(limits[0], 0), _anywhere_below(limits[1], 1)
    kinds = (
        (ours_far & ~others_far, below[0] - middles[1]),
        (~ours_far & others_far, middles[0] - below[1]),
        (ours_far & others_far, below[0] - below[1]),
    )
    neither = differences[~ours_far & ~others_far]
    counts = [float(kind.sum()) for kind, _ in kinds]
    shares = _shares((*(STRAGGLERS + n for n in counts), OTHERS + len(neither)), 0)
    total = shares[-1] * _students(neither, 0)
    for stream, (share, (kind, unseen)) in enumerate(
        zip(shares[:-1], kinds, strict=True)
    ):
        total += share * _means(differences[kind], unseen, stream)
    return total


@functools.lru_cache(maxsize=1024)
def _shares(parameters: tuple[float, ...], stream: int) -> np.ndarray:
    """Return draws of the shares of kinds of units (Dirichlet), `[kinds, DRAWS]`."""
    return _rng("shares", stream).dirichlet(parameters, DRAWS).T


@functools.lru_cache(maxsize=1024)
def _ts(degrees: int, stream: int) -> np.ndarray:
    return _rng("ts", stream).standard_t(degrees, DRAWS)


def _students(values: np.ndarray, stream: int) -> np.ndarray | float:
    """Return draws of the mean of values that are no stragglers', `[DRAWS]`."""
    if len(values) < 2:
        return values.sum()
    error = values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() + error * _ts(len(values) - 1, stream)


def _anywhere_below(limit: float, stream: int) -> np.ndarray:
    """Return draws of what an unseen straggler's score may be, `[DRAWS]`."""
    return _rng("unseen", stream).uniform(min(limit, 0), limit, DRAWS)


def _means(values: np.ndarray, unseen: np.ndarray, stream: int) -> np.ndarray:
    return random_means(values, unseen, _rng("means", stream))


def _rng(use: str, stream: int) -> np.random.Generator:
    """Return the random numbers of one use, in `stream` 0 or 1 for either side."""
    uses = ("shares", "ts", "unseen", "means")
    seeds = np.random.SeedSequence([uses.index(use), stream])
    return np.random.Generator(np.random.PCG64(seeds))
