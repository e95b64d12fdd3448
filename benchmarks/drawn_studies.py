"""Draw studies from a population that is known, and see what the rule says of them.

What the rule says is computed for many studies at once, by the functions that compare
the variants of one.
"""

import functools
import itertools
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from populations import (
    BASELINE,
    DEPTHS,
    PAIRS,
    ROWS,
    Population,
)

from thaw.findings import how_often, mean
from thaw.findings.evidence import opposite, p_more_often
from thaw.findings.failures import median_levels, shares_interval
from thaw.findings.pairs import Placements

ALPHA = 0.05
ADJUSTED = ALPHA / len(PAIRS)
MARGIN = 5  # right answers of 500: an accuracy of 0.01
CHUNK = 1000  # studies that are computed at once
# Intervals that are made of random draws take longest; these comparisons are checked.
DRAWN = (("fixed-0", BASELINE), ("fixed-2", BASELINE), ("fixed-1", "fixed-0"))


class Studies:
    """Studies drawn from a population, each with as many source models."""

    def __init__(
        self, population: Population, models: int, count: int, rng: np.random.Generator
    ) -> None:
        self.population = population
        self.models = models
        of_models, repeats = population.depths[DEPTHS[0]].shape
        self.chosen = rng.integers(of_models, size=(count, models))
        self.standalone = rng.choice(population.standalone, (count, models * repeats))

    def scores(self, variant: str) -> np.ndarray:
        """Return `[studies, repeats]` of standalone, `[studies, models, repeats]`."""
        if variant == BASELINE:
            return self.standalone
        return self.population.depths[variant][self.chosen]

    def placements(self, variant: str, reference: str, half: int) -> Placements:
        """Return the placements after `half` + 1/2 right answers are subtracted."""
        if reference != BASELINE:
            of_all = self.population.placements(variant, reference, half)
            return Placements(of_all[self.chosen])
        ours, others = self.scores(variant), self.standalone
        beaten = _share_below(others, ours.reshape(len(ours), -1) - half)
        beating = _share_below(ours.reshape(len(ours), -1), others + half + 1)
        return Placements(beaten.reshape(ours.shape).mean(2), beating)

    def untouched(self, variant: str, reference: str) -> Placements:
        """Return the placements of the scores as they are, ties counting half."""
        sides = zip(
            self.placements(variant, reference, -1),
            self.placements(variant, reference, 0),
            strict=True,
        )
        return Placements(*(None if a is None else (a + b) / 2 for a, b in sides))


def _share_below(scores: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return which share of a study's scores `[studies, n]` is below each limit."""
    first, width = -ROWS, 3 * ROWS
    numbers = np.arange(len(scores))[:, None]
    counts = np.bincount(
        (numbers * width + scores - first).ravel(), minlength=len(scores) * width
    )
    below = np.cumsum(counts.reshape(-1, width), axis=1) / scores.shape[1]
    return below[numbers, limits - first - 1]


class Verdicts(NamedTuple):
    """What the rule says of a comparison in each study, and whether it is true."""

    better: np.ndarray
    worse: np.ndarray
    equivalent: np.ndarray
    covered: np.ndarray
    false: np.ndarray


@functools.cache
def typical_of(population: Population, variant: str, reference: str) -> int:
    """Return a population's typical difference; counting takes longer than drawing."""
    return population.typical(variant, reference)


def verdicts(studies: Studies, variant: str, reference: str) -> Verdicts:
    """Read the verdicts off the interval of the typical difference.

    Where the interval ends is not computed, only on which side of 0, ±margin and the
    truth: at the next half right answer beyond those, the test rejects or does not.
    """
    truth = typical_of(studies.population, variant, reference)

    @functools.cache
    def low_is_above(number: int) -> np.ndarray:
        placements = studies.placements(variant, reference, number)
        return p_more_often(placements) < ADJUSTED / 2

    @functools.cache
    def high_is_below(number: int) -> np.ndarray:
        placements = studies.placements(variant, reference, number - 1)
        return p_more_often(opposite(placements)) < ADJUSTED / 2

    equivalent = low_is_above(-MARGIN - 1) & high_is_below(MARGIN + 1)
    better = low_is_above(0) & ~equivalent
    worse = high_is_below(0) & ~equivalent
    covered = ~low_is_above(truth) & ~high_is_below(truth)
    false = (
        better & (truth <= 0)
        | worse & (truth >= 0)
        | equivalent & (abs(truth) > MARGIN)
    )
    return Verdicts(better, worse, equivalent, covered, false)


def typical(studies: Studies) -> dict[str, np.ndarray]:
    """Return what is said of a whole study's typical differences, `[studies]` each."""
    found = {pair: verdicts(studies, *pair) for pair in PAIRS}
    covered = {
        f"typical covered, {' - '.join(pair)}": result.covered
        for pair, result in found.items()
    }
    better = {f"better, {d}": found[d, BASELINE].better for d in DEPTHS}
    equivalent = {f"equivalent, {d}": found[d, BASELINE].equivalent for d in DEPTHS}
    return (
        covered
        | better
        | equivalent
        | {
            "false typical": np.any(
                [result.false for result in found.values()], axis=0
            ),
            "typical, jointly": np.all([r.covered for r in found.values()], axis=0),
        }
    )


def failures(studies: Studies) -> dict[str, np.ndarray]:
    """Return what is said of weak networks, `[studies]` each."""
    levels = median_levels(studies.standalone.shape[1], ADJUSTED)
    limits = np.quantile(studies.standalone, levels, axis=1)[..., None] - ROWS // 10
    weak = {
        depth: (studies.scores(depth) < limits[..., None]).mean(3) for depth in DEPTHS
    }
    weak[BASELINE] = (studies.standalone < limits).astype(float)
    found, false, all_covered = {}, [], []
    for variant, reference in PAIRS:
        population = studies.population
        truth = population.weak(variant) - population.weak(reference)
        low, high = shares_interval(
            weak[variant], weak[reference], reference != BASELINE, ADJUSTED
        )
        low, high = low.min(0), high.max(0)
        covered = (low <= truth) & (truth <= high)
        found[f"weak covered, {variant} - {reference}"] = covered
        all_covered.append(covered)
        false.append((low > 0) & (truth <= 0) | (high < 0) & (truth >= 0))
    found["weak, jointly"] = np.all(all_covered, axis=0)
    found["false about weak"] = np.any(false, axis=0)
    return found


def best_depths(studies: Studies) -> dict[str, np.ndarray]:
    """Return whether the set of depths holds the best one, and its size."""
    limit = ALPHA / (len(DEPTHS) - 1)
    dropped = {
        depth: np.any(
            [
                p_more_often(studies.untouched(other, depth)) < limit
                for other in DEPTHS
                if other != depth
            ],
            axis=0,
        )
        for depth in DEPTHS
    }
    kept = [~dropped[depth] for depth in studies.population.best]
    return {
        "best depth in set": np.any(kept, axis=0),
        "depths in set": sum((~out).astype(float) for out in dropped.values()),
    }


def best_on_average(studies: Studies) -> dict[str, np.ndarray]:
    """Return whether the set for the mean holds the best one, and its size."""
    means = {depth: studies.scores(depth).mean(2) / ROWS for depth in DEPTHS}
    limit = ALPHA / (len(DEPTHS) - 1)
    dropped = {depth: np.zeros(len(means[depth]), dtype=bool) for depth in DEPTHS}
    for ours, others in itertools.permutations(DEPTHS, 2):
        draws = mean.draws(means[ours], means[others], matched=True)
        dropped[others] |= np.quantile(draws, limit, axis=-1) > 0
    best = max(map(studies.population.mean, DEPTHS))
    kept = [
        ~dropped[depth] for depth in DEPTHS if studies.population.mean(depth) == best
    ]
    return {
        "best mean in set": np.any(kept, axis=0),
        "depths in set of means": sum((~out).astype(float) for out in dropped.values()),
    }


def drawn(studies: Studies) -> dict[str, np.ndarray]:
    """Return whether the intervals made of random draws cover, `[studies]` each."""
    found = {}
    population = studies.population
    for variant, reference in DRAWN:
        name = f"{variant} - {reference}"
        truth = population.chance(variant, reference)
        placements = studies.untouched(variant, reference)
        low, high = (
            (side(how_often.draws(placements, unseen), truth)).mean(-1) >= ADJUSTED / 2
            for side, unseen in ((np.less_equal, 0.0), (np.greater_equal, 1.0))
        )
        found[f"P(better) covered, {name}"] = low & high
        truth = population.mean(variant) - population.mean(reference)
        ours, others = studies.scores(variant), studies.scores(reference)
        matched = reference != BASELINE
        draws = mean.draws(
            ours.mean(2) / ROWS,
            (others.mean(2) if matched else others) / ROWS,
            matched,
        )
        below = (draws <= truth).mean(-1)
        found[f"mean covered, {name}"] = (below >= ALPHA / 2) & (below <= 1 - ALPHA / 2)
    for variant in (*DEPTHS, BASELINE):
        scores = studies.scores(variant) / ROWS
        draws = mean.single_draws(scores if variant == BASELINE else scores.mean(2))
        below = (draws <= population.mean(variant)).mean(-1)
        inside = (below >= ALPHA / 2) & (below <= 1 - ALPHA / 2)
        found[f"single mean covered, {variant}"] = inside
    found["P(better), jointly"] = np.all(
        [covered for name, covered in found.items() if name.startswith("P(better)")],
        axis=0,
    )
    return found


def calibrate(
    population: Population, models: int, trials: int, seed: int, all_intervals: bool
) -> dict[str, float]:
    """Return in what share of studies each thing is so."""
    rng = np.random.Generator(np.random.PCG64([seed, models]))
    sums, counts = defaultdict(float), defaultdict(int)
    for start in range(0, trials, CHUNK):
        count = min(CHUNK, trials - start)
        studies = Studies(population, models, count, rng)
        found = typical(studies) | failures(studies) | best_depths(studies)
        if all_intervals:
            found |= drawn(studies) | best_on_average(studies)
        for name, values in found.items():
            sums[name] += float(values.sum())
            counts[name] += count
    return {name: total / counts[name] for name, total in sums.items()}
