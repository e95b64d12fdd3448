"""Studies of the populations in unseen_populations.py, as Thaw's own samples."""

import functools
from collections.abc import Callable, Iterator

import numpy as np
from judging import BASELINE, Pair, Range, Studies, Truth, alpha_of
from unseen_populations import Case, Gains, Scores, cases

from thaw.findings import mean, pairs
from thaw.findings.arms import pairs_asked
from thaw.findings.failures import is_weak, limit_of_weak
from thaw.findings.samples import Sample

# Truths are counted in so many source models, and so surely: a median is known up to
# that share of all differences.
MANY, KNOWN = 500_000, 0.0015
# How far a failed network's score is beyond all others in a median.
WORST = 1e15


class Known:
    """A case whose variants have these typical gains, and what is true of it.

    `best` are the depths that no other one beats more often than not, often one.
    """

    def __init__(self, case: Case, gains: Gains) -> None:
        self.case, self.sign = case, -1 if case.lower_is_better else 1
        rng = np.random.Generator(np.random.PCG64([0, 1]))
        many = case.draw(rng, MANY, 1 if case.one_source or case.repeats == 1 else 2)
        self.many, self.by = many, {}
        self.depths = [name for name in many if name != BASELINE]
        for place, name in enumerate(self.depths if gains else []):
            gain = self.differences((name, BASELINE))
            now = np.quantile(gain, 0.5, method="lower")
            self.by[name] = self.sign * gains[place % len(gains)] * case.margin - now
        self.many = self.moved(many)
        compared = pairs_asked(list(many), BASELINE, case.pairs)
        self.truths = {pair: self.truth(pair) for pair in compared}
        self.counts = {pair: self.counts_of(pair) for pair in compared}
        self.best = [
            depth
            for depth in ([] if case.one_source else self.depths)
            if all(
                depth == other or self.truth((depth, other)).chance[1] > 0.5
                for other in self.depths
            )
        ]
        means = {depth: self.mean(depth) for depth in self.depths}
        self.best_on_average = [max(means, key=means.__getitem__)]

    def mean(self, variant: str) -> float:
        """Return a mean in units, more is better; of errors, above the constant's.

        Errors beyond the constant's count as that.
        """
        return float(self._in_units(self.many[variant]).mean())

    def _in_units(self, scores: np.ndarray) -> np.ndarray:
        values, constant = _number(scores, self.case.constant), self.case.constant
        if self.case.lower_is_better:
            return 1 - np.minimum(values, constant) / constant
        return values

    def moved(self, scores: Scores) -> Scores:
        """Return scores with the gains; in whole steps, if there are, and at most 1."""
        found = {name: own + self.by.get(name, 0.0) for name, own in scores.items()}
        step = self.case.step
        if step:
            most = np.rint(1 / step)
            for name, own in found.items():
                found[name] = np.minimum(np.rint(own / step), most) * step
        return found

    def beside(self, pair: Pair) -> tuple[np.ndarray, np.ndarray]:
        """Return scores of both, each beside the one with which it is compared."""
        ours, others = self.many[pair[0]][:, 0], self.many[pair[1]][:, -1]
        # Given one source model, repeat by repeat; otherwise any of standalone's
        # repeats, or another one from the same source model.
        if pair[1] == BASELINE and not self.case.one_source:
            others = np.roll(others, 1)
        return ours, others

    def differences(self, pair: Pair) -> np.ndarray:
        """Return differences of scores; failed networks lose, or win half of ties."""
        ours, others = self.beside(pair)
        failed = -self.sign * WORST
        found = _number(ours, failed) - _number(others, failed)
        both = np.flatnonzero(np.isnan(ours) & np.isnan(others))
        found[both] = np.where(np.arange(len(both)) % 2, WORST, -WORST)
        return found

    def truth(self, pair: Pair) -> Truth:
        """Return the truth about a comparison."""
        gain = self.sign * self.differences(pair).round(9)
        ends = np.quantile(gain, [0.5 - KNOWN, 0.5 + KNOWN])
        ends = np.where(np.abs(ends) > 1e-6, ends, 0.0)
        ends = np.where(np.abs(ends) < WORST / 10, ends, np.copysign(np.inf, ends))
        chance = float((gain > 0).mean() + (gain == 0).mean() / 2)
        means = [self._in_units(side).mean() for side in self.beside(pair)]
        more = float(means[0] - means[1])
        return Truth(
            tuple(ends.tolist()), (chance - KNOWN, chance + KNOWN), (more, more)
        )

    def counts_of(self, pair: Pair) -> tuple[float, float]:
        """Return how many more networks fail, and how many more are weak."""
        levels = [0.5 - KNOWN, 0.5, 0.5 + KNOWN]
        medians = np.nanquantile(self.many[BASELINE], levels)
        limits = limit_of_weak(medians, self.case.constant)
        sides = [self.many[name] for name in pair]
        failed = [[np.isnan(side).mean()] for side in sides]
        weak = [
            [(self.sign * (side - limit) < -1e-9).mean() for limit in limits]
            for side in sides
        ]
        return _middle(np.subtract(*failed)), _middle(np.subtract(*weak))


def _number(scores: np.ndarray, failed: float) -> np.ndarray:
    return np.nan_to_num(scores, nan=failed)


def _middle(values: np.ndarray) -> float:
    """Return the middle one of some values; 0 if they do not exclude 0."""
    if values.min() < KNOWN and values.max() > -KNOWN:
        return 0.0
    return float(values[len(values) // 2])


@functools.lru_cache(maxsize=1)
def know(number: int, gains: Gains) -> Known:
    """Return what is true of the case of that number."""
    return Known(list(cases())[number], gains)


class Drawn(Studies):
    """Studies of a case, each of so many source models, as samples of Thaw's."""

    little = 5e-8  # less than any step of scores

    def __init__(
        self, known: Known, models: int, count: int, rng: np.random.Generator
    ) -> None:
        self.known, self.models, self.case = known, models, known.case
        self.compared, self.margin = list(known.truths), self.case.margin
        self.piles_up = self.case.lower_is_better
        self.depths, self.best = known.depths, known.best
        self.best_on_average = known.best_on_average
        repeats, alone = self.case.repeats + (self.case.extra > 0), self.case.alone or 0
        repeats = 1 if self.case.one_source else max(repeats, -(-alone // models))
        scores = known.moved(self.case.draw(rng, count * models, repeats))
        self.samples = {
            name: [self._sample(name, own) for own in np.split(values, count)]
            for name, values in scores.items()
        }
        self.pair = functools.cache(self._pairs)
        self.weak = functools.cache(self._weak)

    def _sample(self, name: str, scores: np.ndarray) -> Sample:
        """Return the sample of a study's scores `[source models, repeats]`."""
        case, size = self.case, self.models
        if case.one_source:
            repeats, models = size, np.zeros(size, int)
        else:
            repeats = size * case.repeats + int(case.extra * size)
            models = np.arange(repeats) % size
        if name == BASELINE:
            models = None
            if case.alone and not case.one_source:
                repeats = case.alone
        # Repeat after repeat: one from each source model, then the next from each.
        line = scores.T.ravel()[:repeats]
        failed = np.isnan(line)
        values = _number(line, case.constant)
        sample = Sample(values, models, failed, case.lower_is_better, case.constant)
        if case.lower_is_better:  # as for a metric without a bound
            sample = sample._replace(scale=case.constant, worst=case.constant)
        return sample

    def _pairs(self, pair: Pair) -> list[pairs.Pair]:
        sides = zip(*(self.samples[name] for name in pair), strict=True)
        return [pairs.Pair(*both) for both in sides]

    def is_matched(self, pair: Pair) -> bool:
        return bool(self.pair(pair)[0].matched)

    def placements(self, pair: Pair, shift: float = 0.0) -> pairs.Placements:
        shift /= self.samples[BASELINE][0].scale
        found = zip(*(each.placements(shift) for each in self.pair(pair)), strict=True)
        return pairs.Placements(*(None if s[0] is None else np.array(s) for s in found))

    def means(self, variant: str) -> np.ndarray:
        return np.array([mean._unit_means(sample) for sample in self.samples[variant]])

    def truth(self, pair: Pair) -> Truth:
        return self.known.truths[pair]

    def counted(self, pair: Pair) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        failed, weak = self.known.counts[pair]
        yield *(self._counts(v, lambda own, _: ~own.sound[None]) for v in pair), failed
        yield *map(self.weak, pair), weak

    def _weak(self, variant: str) -> np.ndarray:
        def which(own: Sample, baseline: Sample) -> np.ndarray:
            return is_weak(own, baseline, alpha_of(self), self.margin)

        return self._counts(variant, which)

    def _counts(self, variant: str, which: Callable) -> np.ndarray:
        """Return each unit's share of networks that count `[ways, studies, units]`."""
        samples = zip(self.samples[variant], self.samples[BASELINE], strict=True)
        found = [
            [own.unit_means(way.astype(float)) for way in which(own, baseline)]
            for own, baseline in samples
        ]
        return np.array(found).swapaxes(0, 1)

    def covers(
        self, lows: np.ndarray, highs: np.ndarray, truth: Range, alpha: float
    ) -> np.ndarray:
        low = np.quantile(lows, alpha / 2, axis=-1)
        high = np.quantile(highs, 1 - alpha / 2, axis=-1)
        return (low <= truth[1]) & (truth[0] <= high)
