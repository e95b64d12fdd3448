"""Means, and the difference of two.

A mean over 30 source models depends on the few worst ones, and a study may hold none of
those. So its interval comes from a mixture. A unit is a straggler, more than `FAR`
below its variant's median unit, with a probability whose prior is Beta(0.5, 4.5). The
others' mean has Student's distribution. The stragglers' mean is a random mean of those
seen and of one more that may lie anywhere below, or at the worst score if all useless
networks count as that (the Bayesian bootstrap, Rubin 1981). If units are matched,
either of the two or both may be stragglers. The interval holds the middle of the
posterior draws, whose random numbers are always the same. A single mean gets its
interval in the same way.

Given one source model there is no such luck, and the interval is Student's for matched
differences, or else Welch's (1947).

It carries no verdict: with few source models it covers too little where stragglers are
rare and bad (docs/calibration.md).
"""

from collections.abc import Sequence

import numpy as np
from scipy import special

from thaw.findings.new_rows import RowsLuck, luck_of_rows
from thaw.findings.pairs import Pair
from thaw.findings.samples import Estimate, Sample

# In units of the samples: 1 for shares, the constant's error for errors.
FAR = 0.1
# The prior: one unit in ten is a straggler, known as if from five units.
STRAGGLERS, OTHERS = 0.5, 4.5

# The coverage of intervals was not measured with fewer units.
FEWEST = 5

DRAWS = 5000


def mean_difference(pair: Pair, alpha: float) -> Estimate:
    """Return the difference of the means with its interval at level 1 - `alpha`.

    Units weigh equally. It is nan if a side has no value. The interval is nan if a side
    has fewer units than `FEWEST`, or if it is unknown how bad a network can be. Scores
    beyond a sample's `worst` count as that: an error has no bound, so the worst one not
    drawn might be anything. Test rows are covered as `thaw.findings.new_rows` says.
    """
    units, reference_units = map(_unit_means, pair.sides)
    sound, reference_sound = ~np.isnan(units), ~np.isnan(reference_units)
    if pair.matched:
        sound = reference_sound = sound & reference_sound
    units, reference_units = units[sound], reference_units[reference_sound]
    if not (len(units) and len(reference_units)):
        return Estimate(np.nan, np.nan, np.nan)
    scale, difference = pair.variant.scale, float(units.mean() - reference_units.mean())
    if min(len(units), len(reference_units)) < FEWEST or not pair.variant.has_worst:
        return Estimate(difference * scale, np.nan, np.nan)
    if pair.is_conditional:
        half = _half_width(
            [units - reference_units] if pair.matched else [units, reference_units],
            alpha,
        )
        ends = [difference - half, difference + half]
    else:
        levels = [alpha / 2, 1 - alpha / 2]
        ends = np.quantile(
            _draws_of_difference(pair, units, reference_units), levels
        ).tolist()
    given_rows = Estimate(difference * scale, *(end * scale for end in ends))
    return _luck_of_rows(*pair.sides).widen(given_rows, alpha)


def mean_of(sample: Sample, alpha: float) -> Estimate:
    """Return a mean with its interval at level 1 - `alpha`, as `mean_difference`."""
    units = _unit_means(sample)
    units = units[~np.isnan(units)]
    mean = float(sample.score_of(units.mean())) if len(units) else np.nan
    if len(units) < FEWEST or sample.is_known or not sample.has_worst:
        return Estimate(mean, np.nan, np.nan)
    if sample.is_conditional:
        ends = units.mean() + _half_width([units], alpha) * np.array([-1, 1])
    else:
        rng = np.random.Generator(np.random.PCG64(0))
        draws = _draws(units, sample.piles_up, rng)
        ends = np.quantile(draws, [alpha / 2, 1 - alpha / 2])
    low, high = sorted(sample.score_of(np.maximum(ends, 0)).tolist())
    return _luck_of_rows(sample).widen(Estimate(mean, low, high), alpha)


def _luck_of_rows(*samples: Sample) -> RowsLuck:
    """Return the luck of the rows; scores beyond the worst count as that there, too."""
    sides = []
    for sample in samples:
        beyond = sample.above_worst == 0
        if sample.by_rows is not None and sample.has_worst and beyond.any():
            worst = sample.constant_by_rows if sample.piles_up else None
            rows = sample.by_rows.copy()
            rows[beyond] = sample.worst if worst is None else worst
            sample = sample._replace(by_rows=rows)
        sides.append((sample, sample.weights))
    return luck_of_rows(*sides)


def _half_width(sides: Sequence[np.ndarray], alpha: float) -> float:
    """Return half the width of Student's interval, or of Welch's for two sides."""
    variances = [side.var(ddof=1) / len(side) for side in sides]
    total = sum(variances)
    if not total:
        return 0.0
    shares = zip(variances, sides, strict=True)
    degrees = total**2 / sum(v**2 / (len(side) - 1) for v, side in shares)
    return float(-special.stdtrit(degrees, alpha / 2) * np.sqrt(total))


def _unit_means(sample: Sample) -> np.ndarray:
    """Return the mean of each unit's values above the worst; nan if it has none."""
    numbers, values = sample.unit_numbers, sample.above_worst
    sound = np.isfinite(values)
    sums = np.bincount(numbers, np.where(sound, values, 0.0))
    with np.errstate(invalid="ignore"):
        return sums / np.bincount(numbers, sound)


# Draws of the mixture, in units of the samples, `[DRAWS]`


def _draws_of_difference(
    pair: Pair, units: np.ndarray, reference_units: np.ndarray
) -> np.ndarray:
    piles_up, rng = pair.variant.piles_up, np.random.Generator(np.random.PCG64(0))
    if pair.has_known or not pair.matched:
        means, reference_means = (
            side[:1] if sample.is_known else _draws(side, piles_up, rng)
            for sample, side in zip(pair.sides, (units, reference_units), strict=True)
        )
        return means - reference_means
    far, middle, unseen = _stragglers(units, piles_up, rng)
    reference_far, reference_middle, reference_unseen = _stragglers(
        reference_units, piles_up, rng
    )
    kinds = [
        (far & ~reference_far, unseen - reference_middle),
        (~far & reference_far, middle - reference_unseen),
        (far & reference_far, unseen - reference_unseen),
    ]
    return _mixture(units - reference_units, kinds, rng)


def _draws(units: np.ndarray, piles_up: bool, rng: np.random.Generator) -> np.ndarray:
    """Return draws of the mean of units; `piles_up` is as `Sample.piles_up`."""
    far, _, unseen = _stragglers(units, piles_up, rng)
    return _mixture(units, [(far, unseen)], rng)


def _stragglers(
    units: np.ndarray, piles_up: bool, rng: np.random.Generator
) -> tuple[np.ndarray, float, np.ndarray]:
    """Return which units are stragglers, the median, and draws of an unseen one."""
    middle = float(np.median(units))
    lowest = min(middle - FAR, 0.0)
    if piles_up:
        unseen = np.full(DRAWS, lowest)
    else:
        unseen = lowest + (middle - FAR - lowest) * rng.random(DRAWS)
    return units < middle - FAR, middle, unseen


def _mixture(
    values: np.ndarray,
    kinds: Sequence[tuple[np.ndarray, np.ndarray]],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return draws of the mean of values of several kinds.

    A kind of stragglers is given by their places and draws of an unseen one.
    """
    rest = values[~np.any([where for where, _ in kinds], axis=0)]
    weights = rng.standard_gamma(OTHERS + len(rest), DRAWS)
    total = weights * _students(rest, rng)
    for where, unseen in kinds:
        share = rng.standard_gamma(STRAGGLERS + where.sum(), DRAWS)
        total += share * _random_means(values[where], unseen, rng)
        weights += share
    return total / weights


def _students(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return draws of the mean of values other than stragglers'."""
    count = max(len(values), 1)
    mean = values.sum() / count
    error = np.sqrt(((values - mean) ** 2).sum() / max(count - 1, 1) / count)
    return mean + error * rng.standard_t(max(count - 1, 1), DRAWS)


def _random_means(
    values: np.ndarray, unseen: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the mean of values and an unseen one, under random weights."""
    # Values that agree to three digits share a weight, so that many cost little.
    values, counts = np.unique(values.round(3), return_counts=True)
    weights = rng.standard_gamma(np.append(counts, 1), (DRAWS, len(counts) + 1)).T
    return (values @ weights[:-1] + unseen * weights[-1]) / weights.sum(0)
