"""Populations of source models from which calibration.py draws studies.

A population knows the scores of so many source models that every truth about it can be
counted. Scores are right answers out of `ROWS`. The real ones are what Thaw reached
from 1,000 source models (see real_scores.py); the others are simulated.
"""

import bisect
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator
from typing import Self

import numpy as np
from judging import BASELINE, ROOT, Pair, Range, Studies, Truth, alpha_of

from thaw.findings.failures import limit_of_weak, median_levels
from thaw.findings.pairs import Placements

ROWS = 500
# The best constant prediction gets a third of three classes right (of the real ones'
# test rows, 0.31 and 0.33).
CONSTANT = ROWS / 3
DEPTHS = ("fixed-0", "fixed-1", "fixed-2")
PAIRS = (
    *((depth, BASELINE) for depth in DEPTHS),
    *(("fixed-1", "fixed-0"), ("fixed-2", "fixed-1")),
)
REAL_SCORES = ROOT / "tests/real-scores.npz"

SIMULATED_MODELS = 10_000
SIMULATED_STANDALONES = 50_000
REPEATS = 10
# The simulated ones: the standard deviation of sound networks, standalone's and those
# of one source model; what failing costs; how effects on two depths correlate.
STANDALONE_STD = 0.02
STEADY_STD = 0.06
WITHIN_STD = 0.01
CORRELATION = 0.5
LOSS = 0.3
FAILING = "failing"


@dataclasses.dataclass(frozen=True, eq=False)
class Population:
    """Scores `[source models, repeats]` of depths, and `[repeats]` of standalone."""

    name: str
    depths: dict[str, np.ndarray]
    standalone: np.ndarray

    def moved(self, gain: int) -> Self:
        """Return it with each depth moved so that its typical gain is that."""
        depths = {
            depth: scores + gain - self.typical(depth, BASELINE)
            for depth, scores in self.depths.items()
        }
        return dataclasses.replace(self, depths=depths)

    def placements(self, variant: str, reference: str, half: int) -> np.ndarray:
        """Return each source model's placement of the variant, `[source models]`.

        `half` + 1/2 right answers are subtracted from it, so that nothing ties.
        """
        ours = self.depths[variant]
        if reference == BASELINE:
            order = np.sort(self.standalone)
            beaten = np.searchsorted(order, ours - half, side="left")
            return beaten.mean(1) / len(order)
        others = self.depths[reference]
        return (ours[:, :, None] - half > others[:, None, :]).mean((1, 2))

    def typical(self, variant: str, reference: str) -> int:
        """Return the typical difference, beyond which one wins less often than not."""

        def loses(half: int) -> bool:
            return self.placements(variant, reference, half).mean() <= 0.5

        return bisect.bisect_left(range(-ROWS, ROWS), True, key=loses) - ROWS

    def chance(self, variant: str, reference: str) -> float:
        """Return how often the variant beats the reference, ties counting half."""
        sides = (self.placements(variant, reference, half).mean() for half in (-1, 0))
        return float(sum(sides)) / 2

    def mean(self, variant: str) -> float:
        """Return the mean accuracy of a depth or of standalone."""
        return float(self.scores(variant).mean()) / ROWS

    def weak(self, variant: str) -> float:
        """Return the share of weak networks."""
        limit = limit_of_weak(np.median(self.standalone), CONSTANT)
        return float((self.scores(variant) < limit).mean())

    def scores(self, variant: str) -> np.ndarray:
        """Return the scores of a depth or of standalone."""
        return self.standalone if variant == BASELINE else self.depths[variant]

    @functools.cached_property
    def best_on_average(self) -> list[str]:
        """The depths of the highest mean."""
        means = {depth: self.mean(depth) for depth in DEPTHS}
        return [depth for depth in DEPTHS if means[depth] == max(means.values())]

    @functools.cached_property
    def best(self) -> list[str]:
        """The depths that no other one beats more often than not."""
        beaten = {
            d for d, o in itertools.permutations(DEPTHS, 2) if self.chance(d, o) < 0.5
        }
        return [depth for depth in DEPTHS if depth not in beaten]


class Resampled(Studies):
    """Studies of so many source models each, resampled from a population.

    `each` is how many of a source model's repeats, all different, a study has.
    """

    depths, compared = DEPTHS, PAIRS
    # An accuracy of 0.01, and half a right answer.
    margin, little = 5, 0.5
    piles_up = False

    def __init__(
        self,
        population: Population,
        models: int,
        count: int,
        rng: np.random.Generator,
        each: int = REPEATS,
    ) -> None:
        self.population, self.models = population, models
        self.best, self.best_on_average = population.best, population.best_on_average
        of_models = len(population.depths[DEPTHS[0]])
        self.chosen = rng.integers(of_models, size=(count, models))
        self.standalone = rng.choice(population.standalone, (count, models * each))
        numbers = np.broadcast_to(np.arange(REPEATS), (count, models, REPEATS))
        self.repeats = rng.spawn(1)[0].permuted(numbers, axis=2)[..., :each]

    def scores(self, variant: str) -> np.ndarray:
        """Return `[studies, repeats]` of standalone, `[studies, models, repeats]`."""
        if variant == BASELINE:
            return self.standalone
        return self.population.depths[variant][self.chosen[:, :, None], self.repeats]

    def is_matched(self, pair: Pair) -> bool:
        return BASELINE not in pair

    def placements(self, pair: Pair, shift: float = 0.0) -> Placements:
        # Where the shift is whole, ties count half.
        halves = {math.ceil(shift) - 1, math.floor(shift)}
        sides = zip(*(self._placements(*pair, half) for half in halves), strict=True)
        return Placements(*(None if s[0] is None else sum(s) / len(s) for s in sides))

    def _placements(self, variant: str, reference: str, half: int) -> Placements:
        """Return the placements at a shift of `half` + 1/2 right answers."""
        ours, others = self.scores(variant), self.scores(reference)
        if reference != BASELINE:
            beaten = ours[..., None] - half > others[..., None, :]
            return Placements(beaten.mean((2, 3)))
        beaten = _share_below(others, ours.reshape(len(ours), -1) - half)
        beating = _share_below(ours.reshape(len(ours), -1), others + half + 1)
        return Placements(beaten.reshape(ours.shape).mean(2), beating)

    def means(self, variant: str) -> np.ndarray:
        scores = self.scores(variant)
        return (scores if variant == BASELINE else scores.mean(2)) / ROWS

    def truth(self, pair: Pair) -> Truth:
        return _truth(self.population, pair)

    def counted(self, pair: Pair) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        ours, others = map(self.population.weak, pair)
        yield *(self._weak[variant] for variant in pair), ours - others

    @functools.cached_property
    def _weak(self) -> dict[str, np.ndarray]:
        levels = median_levels(self.standalone.shape[1], alpha_of(self))
        medians = np.quantile(self.standalone, levels, axis=1)[..., None]
        limits = limit_of_weak(medians, CONSTANT)
        return {
            BASELINE: (self.standalone < limits).astype(float),
            **{d: (self.scores(d) < limits[..., None]).mean(3) for d in DEPTHS},
        }

    def covers(
        self, lows: np.ndarray, highs: np.ndarray, truth: Range, alpha: float
    ) -> np.ndarray:
        below, above = (lows <= truth[1]).mean(-1), (highs >= truth[0]).mean(-1)
        return (below >= alpha / 2) & (above >= alpha / 2)


@functools.cache  # counting takes longer than drawing studies
def _truth(population: Population, pair: Pair) -> Truth:
    ours, others = map(population.mean, pair)
    truths = population.typical(*pair), population.chance(*pair), ours - others
    return Truth(*((truth, truth) for truth in truths))


def _share_below(scores: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Return which share of a study's scores `[studies, n]` is below each limit."""
    first, width = -ROWS, 3 * ROWS
    numbers = np.arange(len(scores))[:, None]
    counts = np.bincount(
        (numbers * width + scores - first).ravel(), minlength=len(scores) * width
    )
    below = np.cumsum(counts.reshape(-1, width), axis=1) / scores.shape[1]
    return below[numbers, limits - first - 1]


def real() -> Iterator[Population]:
    """Yield what Thaw reached from 1,000 source models of each of three studies."""
    with np.load(REAL_SCORES) as scores:
        for study in ("blobs 1 → 2", "blobs 2 → 1", "selfer"):
            yield Population(
                f"real, {study}",
                {depth: scores[f"{study}/{depth}"].astype(int) for depth in DEPTHS},
                scores[f"{study}/{BASELINE}"].astype(int),
            )


def simulated() -> Iterator[Population]:
    """Yield normal effects of source models, and such of which some fail."""
    for between in (0.05, 0.115):
        yield _simulate(f"normal, sd between {between:g}", between, 0, shared=True)
    for shared in (True, False):
        for failing in (0.02, 0.05, 0.13, 0.2):
            which = "shared" if shared else "each its own"
            name = f"{FAILING}, {100 * failing:g} %, {which}"
            yield _simulate(name, 0.01, failing, shared)
    # The hardest: source models are all alike but for those that fail, and standalone,
    # which never does, has a wide spread.
    for failing in (0.02, 0.05, 0.13, 0.2):
        name = f"hardest, {100 * failing:g} % failing"
        yield _simulate(name, 0.005, failing, shared=False, steady=True)


def _simulate(
    name: str, between: float, failing: float, shared: bool, steady: bool = False
) -> Population:
    rng = np.random.Generator(np.random.PCG64(0))
    common = rng.standard_normal((SIMULATED_MODELS, 1))
    own = rng.standard_normal((SIMULATED_MODELS, len(DEPTHS)))
    effects = np.sqrt(CORRELATION) * common + np.sqrt(1 - CORRELATION) * own
    fails = rng.random((SIMULATED_MODELS, 1 if shared else len(DEPTHS))) < failing
    noise = rng.standard_normal((len(DEPTHS), SIMULATED_MODELS, REPEATS))
    scores = 0.7 + between * effects - LOSS * fails
    scores = scores.T[:, :, None] + WITHIN_STD * noise
    standalone = 0.7 + rng.normal(
        0, STEADY_STD if steady else STANDALONE_STD, SIMULATED_STANDALONES
    )
    if not steady:
        standalone -= LOSS * (rng.random(SIMULATED_STANDALONES) < failing)
    return Population(
        name,
        {
            depth: np.rint(ROWS * of_depth).astype(int)
            for depth, of_depth in zip(DEPTHS, scores, strict=True)
        },
        np.rint(ROWS * standalone).astype(int),
    )
