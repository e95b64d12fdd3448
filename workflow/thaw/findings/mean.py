"""Means, and the difference of two.

A mean over 30 source models depends on the few worst ones, and a study may hold none of
those. So its interval comes from a mixture. A unit is a straggler, more than `FAR`
below its variant's median unit, with a probability whose prior is Beta(0.5, 4.5). The
others' mean has Student's distribution. The stragglers' mean is a random mean of those
seen and of one more that may lie anywhere below, or at the worst score if all useless
networks count as that. If units are matched, either of the two or both may be
stragglers. The interval holds the middle of the posterior draws, whose random numbers
are always the same. A single mean gets its interval in the same way.

Given one source model there is no such luck, and the interval is Student's for matched
differences, or else Welch's (1947).

It carries no verdict: with few source models it covers too little where stragglers are
rare and bad (docs/calibration.md).
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy import special

from thaw.findings.how_often import DRAWS, random_means
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample

# In units of the samples: 1 for shares, the constant's error for errors.
FAR = 0.1
# The prior: one unit in ten is a straggler, known as if from five units.
STRAGGLERS, OTHERS = 0.5, 4.5

# The coverage of intervals was not measured with fewer units.
FEWEST = 5


def mean_difference(pair: Pair, alpha: float) -> Estimate:
    """Return the difference of the means with its interval at level 1 - `alpha`.

    Units weigh equally. It is nan if a side has no value. The interval is nan if a side
    has fewer units than `FEWEST`, or if it is unknown how bad a network can be. Scores
    beyond a sample's `worst` count as that: an error has no bound, so the worst one not
    drawn might be anything.
    """
    ours, others = _unit_means(pair.variant), _unit_means(pair.reference)
    sound, others_sound = ~np.isnan(ours), ~np.isnan(others)
    if pair.matched:
        sound = others_sound = sound & others_sound
    ours, others = ours[sound], others[others_sound]
    if not (len(ours) and len(others)):
        return Estimate(np.nan, np.nan, np.nan)
    unit, difference = pair.variant.scale, float(ours.mean() - others.mean())
    if min(len(ours), len(others)) < FEWEST or not pair.variant.has_worst:
        return Estimate(difference * unit, np.nan, np.nan)
    piles_up = pair.variant.piles_up
    if pair.is_conditional:
        half = _half_width([ours - others] if pair.matched else [ours, others], alpha)
        return Estimate(*(unit * (difference + side * half) for side in (0, -1, 1)))
    if pair.has_known:
        sides = (pair.variant, ours), (pair.reference, others)
        mine, theirs = (
            units[:1] if sample.is_known else single_draws(units, piles_up)
            for sample, units in sides
        )
        found = mine - theirs
    else:
        found = draws(ours, others, bool(pair.matched), piles_up)
    low, high = np.quantile(found, [alpha / 2, 1 - alpha / 2])
    return Estimate(difference * unit, float(low) * unit, float(high) * unit)


def mean_of(sample: Sample, alpha: float) -> Estimate:
    """Return a mean with its interval at level 1 - `alpha`, as `mean_difference`."""
    units = _unit_means(sample)
    units = units[~np.isnan(units)]
    mean = float(sample.score_of(units.mean())) if len(units) else np.nan
    if not has_interval(sample):
        return Estimate(mean, np.nan, np.nan)
    levels = [alpha / 2, 1 - alpha / 2]
    if sample.is_conditional:
        ends = units.mean() + _half_width([units], alpha) * np.array([-1, 1])
    else:
        ends = np.quantile(single_draws(units, sample.piles_up), levels)
    low, high = sorted(sample.score_of(np.maximum(ends, 0)).tolist())
    return Estimate(mean, low, high)


def _half_width(sides: Sequence[np.ndarray], alpha: float) -> float:
    """Return half the width of Student's interval, or of Welch's for two sides."""
    variances = [side.var(ddof=1) / len(side) for side in sides]
    total = sum(variances)
    if not total:
        return 0.0
    shares = zip(variances, sides, strict=True)
    degrees = total**2 / sum(v**2 / (len(side) - 1) for v, side in shares)
    return float(-special.stdtrit(degrees, alpha / 2) * np.sqrt(total))


def has_interval(sample: Sample) -> bool:
    """Whether the mean of a sample has an interval; a known value needs none."""
    if sample.is_known or not sample.has_worst:
        return False
    return (~np.isnan(_unit_means(sample))).sum() >= FEWEST


def single_draws(units: np.ndarray, piles_up: bool = False) -> np.ndarray:
    """Return draws of the mean of units `[..., units]`, `[..., DRAWS]`.

    `piles_up` is as `Sample.piles_up`.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    far, _, unseen = _stragglers(units, piles_up, rng)
    return _mixture(units, [(far, unseen)], rng)


def draws(
    ours: np.ndarray, others: np.ndarray, matched: bool, piles_up: bool = False
) -> np.ndarray:
    """Return draws of the difference of the means of units, `[..., DRAWS]`.

    `ours` and `others` are `[..., units]`; where matched, unit by unit. `piles_up` is
    as `Sample.piles_up`.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    ours_far, ours_middle, ours_unseen = _stragglers(ours, piles_up, rng)
    others_far, others_middle, others_unseen = _stragglers(others, piles_up, rng)
    if not matched:
        mine = _mixture(ours, [(ours_far, ours_unseen)], rng)
        return mine - _mixture(others, [(others_far, others_unseen)], rng)
    kinds = [
        (ours_far & ~others_far, ours_unseen - others_middle),
        (~ours_far & others_far, ours_middle - others_unseen),
        (ours_far & others_far, ours_unseen - others_unseen),
    ]
    return _mixture(ours - others, kinds, rng)


def _unit_means(sample: Sample) -> np.ndarray:
    """Return the mean of each unit's values above the worst; nan if it has none."""
    numbers, values = sample.unit_numbers, sample.above_worst
    sound = np.isfinite(values)
    sums = np.bincount(numbers, np.where(sound, values, 0.0))
    with np.errstate(invalid="ignore"):
        return sums / np.bincount(numbers, sound)


def _stragglers(
    units: np.ndarray, piles_up: bool, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which units are stragglers, the median, and draws of an unseen one."""
    middle = np.median(units, -1, keepdims=True)
    limit = middle - FAR
    lowest = np.minimum(limit, 0)
    unseen = lowest if piles_up else lowest + (limit - lowest) * rng.random(DRAWS)
    return units < limit, middle, unseen


def _mixture(
    values: np.ndarray,
    kinds: Sequence[tuple[np.ndarray, np.ndarray]],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return draws of the mean of values of several kinds, `[..., DRAWS]`.

    A kind of stragglers is given by their places and draws of an unseen one.
    """
    others = ~np.any([where for where, _ in kinds], axis=0)
    weights = _shares(others, OTHERS, rng)
    total = weights * _students(values, others, rng)
    for where, unseen in kinds:
        share = _shares(where, STRAGGLERS, rng)
        total += share * random_means(values, where, unseen, rng)
        weights += share
    return total / weights


def _shares(where: np.ndarray, prior: float, rng: np.random.Generator) -> np.ndarray:
    """Return draws of a kind's share of all units, up to a factor."""
    return _by_count(where, lambda count: rng.standard_gamma(prior + count, DRAWS))


def _students(
    values: np.ndarray, where: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the mean of values other than stragglers', `[..., DRAWS]`."""
    count = where.sum(-1, keepdims=True)
    mean = np.where(where, values, 0).sum(-1, keepdims=True) / np.maximum(count, 1)
    squares = np.where(where, (values - mean) ** 2, 0).sum(-1, keepdims=True)
    error = np.sqrt(squares / np.maximum(count - 1, 1) / np.maximum(count, 1))
    ts = _by_count(where, lambda count: rng.standard_t(max(count - 1, 1), DRAWS))
    return mean + error * ts


def _by_count(where: np.ndarray, draw: Callable[[int], np.ndarray]) -> np.ndarray:
    """Return draws that depend on how many units are of a kind, `[..., DRAWS]`."""
    counts = where.sum(-1)
    distinct, places = np.unique(counts, return_inverse=True)
    table = np.array([draw(int(count)) for count in distinct])
    return table[places.reshape(counts.shape)]
