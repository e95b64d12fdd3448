"""Populations that nobody looked at while the rule was made, for adversary.py.

Each draws independent source models, so that a study of S is any S of them. Scores are
`[source models, repeats]`, of the variants and, one beside each, of standalone's
repeats. A network that failed has no score: nan.
"""

import functools
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from judging import BASELINE
from scipy import special

# Cases whose repeats share their luck with standalone's begin so.
SHARED = "one repeat each"
Gains = tuple[float, ...] | None
Scores = dict[str, np.ndarray]
Draw = Callable[[np.random.Generator, int, int], Scores]
Effect = Callable[[np.ndarray], np.ndarray]


class Case(NamedTuple):
    """A population, and what a study of it looks like.

    `sizes` are numbers of source models (or of repeats, where there is `one_source`).
    `extra` repeats go to the first source models; `alone` is the number of standalone's
    repeats, by default as many as a variant has. `gains` are the variants' typical
    gains in turn, in margins; None leaves them as drawn. Scores are multiples of
    `step`. `constant` is the score of the best constant prediction.
    """

    name: str
    draw: Draw
    sizes: tuple[int, ...] = (6, 12, 50)
    repeats: int = 5
    extra: float = 0
    alone: int | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    gains: tuple[Gains, ...] = ((0,), (1.02,))
    step: float = 0
    margin: float = 0.01
    one_source: bool = False
    lower_is_better: bool = False
    constant: float = 0.3


def depths(
    *effects: Effect,
    within: float = 0.01,
    alone: Effect = lambda z: 0.02 * z,
    r: float = 0.5,
) -> Draw:
    """Return a population whose source models' effects on the depths correlate by `r`.

    An effect turns a standard normal number into a score less 0.7.
    """

    def draw(rng: np.random.Generator, models: int, repeats: int) -> Scores:
        common = rng.standard_normal(models)
        found = {}
        for number, effect in enumerate(effects):
            own = np.sqrt(1 - abs(r)) * rng.standard_normal(models)
            sign = -1 if r < 0 and number % 2 else 1
            z = np.sqrt(abs(r)) * sign * common + own
            noise = within * rng.standard_normal((models, repeats))
            found[f"fixed-{number}"] = 0.7 + effect(z)[:, None] + noise
        found[BASELINE] = 0.7 + alone(rng.standard_normal((models, repeats)))
        return found

    return draw


def normal(std: float) -> Effect:
    """Return a normal effect."""
    return lambda z: std * z


def modes(*where_and_share: tuple[float, float], std: float = 0.005) -> Effect:
    """Return an effect with several modes: where they are, and their shares."""
    where, shares = map(np.array, zip(*where_and_share, strict=True))
    ends = np.cumsum(shares)[:-1]

    def effect(z: np.ndarray) -> np.ndarray:
        p = special.ndtr(z)
        # Later digits of p serve as another random number, for the place within a mode.
        rest = np.modf(p * 1e4)[0]
        return where[np.searchsorted(ends, p)] + std * np.sqrt(12) * (rest - 0.5)

    return effect


def heavy(scale: float) -> Effect:
    """Return Student's effect with two degrees of freedom."""

    def effect(z: np.ndarray) -> np.ndarray:
        a = 2 * special.ndtr(z) - 1
        return scale * a * np.sqrt(2 / (1 - a**2 + 1e-12))

    return effect


def skewed(scale: float, width: float = 1) -> Effect:
    """Return a lognormal effect; with a tail below if `scale` is."""
    return lambda z: scale * np.exp(width * z)


def failing(effect: Effect, part: float) -> Effect:
    """Return an effect of which the worst part of the source models fails."""
    return lambda z: np.where(special.ndtr(z) < part, np.nan, effect(z))


def lucky(of_rows: float, steady: float = 0.0, spread: float = 0.02) -> Draw:
    """Return repeats that share their rows' luck with standalone, by this correlation.

    Source models differ by `steady`.
    """

    def draw(rng: np.random.Generator, models: int, repeats: int) -> Scores:
        shape = models, repeats
        alone = rng.standard_normal(shape)
        found = {}
        for number in range(2):
            luck = of_rows * alone
            luck = luck + np.sqrt(1 - of_rows**2) * rng.standard_normal(shape)
            effect = steady * rng.standard_normal((models, 1))
            found[f"fixed-{number}"] = 0.7 + effect + spread * luck
        return found | {BASELINE: 0.7 + spread * alone}

    return draw


def losses(heavy_tail: float) -> Draw:
    """Return log losses, lognormal, with a Pareto tail of that exponent."""

    def draw(rng: np.random.Generator, models: int, repeats: int) -> Scores:
        found = {}
        for number in range(3):
            tail = rng.pareto(heavy_tail, (models, 1)) * (rng.random((models, 1)) < 0.2)
            noise = rng.standard_normal((models, repeats))
            found[f"fixed-{number}"] = 0.5 * np.exp(0.1 * noise) + tail
        alone = 0.5 * np.exp(0.3 * rng.standard_normal((models, repeats)))
        return found | {BASELINE: alone}

    return draw


def cases() -> Iterator[Case]:
    """Yield all of them."""
    paired = functools.partial(Case, pairs=(("fixed-1", "fixed-0"),))
    turning = (0, 1.02), (1.02, -1.02, 0)
    yield paired("lognormal, tail below", depths(*[skewed(-0.05)] * 3))
    yield paired("lognormal, tail above", depths(*[skewed(0.05)] * 3))
    yield paired("Student, 2 df", depths(*[heavy(0.03)] * 3), (6, 9, 30, 200))
    three = modes((-0.2, 0.25), (0, 0.5), (0.1, 0.25))
    yield paired("three modes", depths(*[three] * 3), gains=((0,), turning[1]))
    half = modes((-0.1, 0.5), (0.1, 0.5))
    yield paired("two modes, the median in the gap", depths(half, half))
    draw = depths(normal(0.005), normal(0.02), alone=half)
    yield paired("standalone of two modes, variants steady", draw)
    draw = depths(normal(0.01), heavy(0.005), within=0.15)
    yield paired("within source models 0.15 beside 0.005", draw, repeats=3)
    draw = depths(normal(0.005), normal(0.2), normal(0.02))
    pairs = ("fixed-1", "fixed-0"), ("fixed-2", "fixed-1")
    yield Case("a wide variant beside a narrow one", draw, (7, 15, 100), pairs=pairs)
    yield paired("20 test rows", depths(*[normal(0.05)] * 3), step=0.05)
    draw = depths(*[skewed(-0.02)] * 3, within=0.02, alone=normal(0.03))
    yield paired("50 test rows, most at 1.0", draw, step=0.02, gains=((0,), None))
    failed = (failing(normal(0.01), part) for part in (0.02, 0.1, 0.4))
    draw = depths(*failed, alone=failing(normal(0.03), 0.3))
    yield Case("failed 2, 10 and 40 %, standalone 30 %", draw, (6, 12, 30, 100))
    alike = failing(normal(0.02), 0.2)
    yield paired("failed alike, 20 %", depths(*[alike] * 3, alone=alike))
    rare = modes((0, 0.9), (0.3, 0.1), std=0.02)
    draw = depths(modes((-0.5, 0.1), (0, 0.9)), alone=rare, r=0)
    words = "10 % fail, a tenth of standalone's excel"
    yield Case(words, draw, (6, 8, 10, 15, 30), repeats=1)
    tails = [
        (f"{100 * part:.0f} % lose {deep}", [modes((-deep, part), (0, 1 - part))] * 2)
        for part, deep in ((0.01, 0.7), (0.03, 0.7), (0.1, 0.075))
    ]
    tails += [
        (f"{100 * part:.0f} % gain 0.25", [modes((0, 1 - part), (0.25, part))])
        for part in (0.03, 0.1)
    ]
    few = {"repeats": 2, "alone": 100, "gains": ((0,),)}
    for words, tailed in tails:
        yield paired(words, depths(*tailed, normal(0.005)), (8, 20, 50, 200), **few)
    draw = depths(*[modes((-0.25, 0.7), (0, 0.3))] * 2)
    yield paired("70 % fail to learn", draw, (8, 20, 50), alone=100, gains=(None,))
    # 21 % of either are weak, but how far below the limit is which number of these?
    for std in (0.005, 0.02):
        narrow = functools.partial(_shifted, 0.8 * std - 0.08, std)
        draw = depths(narrow, within=0.0, alone=normal(0.1))
        words = f"standalone's sd 0.1, a variant's {std} by the limit of weak"
        yield Case(words, draw, (10, 30, 100), repeats=2, gains=(None,))
    # Whether weak networks are counted hangs on the sample of standalone's.
    draw = depths(normal(0.1), normal(0.005), within=0.0, alone=normal(0.1))
    near = {"repeats": 2, "constant": 0.68, "gains": (None,)}
    yield paired("standalone 0.02 above the constant", draw, (10, 30, 100), **near)
    for r in (-0.9, -0.3, 0.9):
        words = f"{SHARED}, correlating by {r:+} with standalone's"
        yield Case(words, lucky(r), (8, 30, 100), repeats=1)
        words = f"one source model, correlating by {r:+}"
        yield paired(words, lucky(r), (6, 7, 9, 12, 30, 100), one_source=True)
    draw = depths(*[normal(0.01)] * 3, within=0.05)
    words = "repeats not divisible by S"
    yield paired(words, draw, (7, 15, 50), repeats=1, extra=0.5)
    yield Case("100 repeats each", depths(heavy(0.02)), (6, 12), repeats=100, alone=200)
    yield Case("12 of standalone", depths(*[normal(0.03)] * 2), (12, 50), alone=12)
    yield Case("one comparison", depths(normal(0.03)), (6, 12, 50, 200), repeats=1)
    for r in (0.99, -0.99):
        draw = depths(*[normal(0.05)] * 2, r=r)
        yield paired(f"depths correlating by {r:+}", draw, (8, 30, 200))
    draw = depths(*[heavy(0.01)] * 20)
    words = "20 comparisons, signs turn"
    yield Case(words, draw, (30,), repeats=2, gains=turning[1:])
    few = {"repeats": 2, "alone": 60}
    for count in (2, 5, 8):
        draw, gains = depths(*[skewed(-0.02)] * count), (0.5, *[0.4] * (count - 1))
        words = f"{count} depths, almost alike"
        yield Case(words, draw, (8, 30, 100), gains=(gains,), **few)
    loss = {"margin": 0.05, "lower_is_better": True, "constant": np.log(3)}
    yield paired("log loss, Pareto tail", losses(0.8), **loss)


def _shifted(middle: float, std: float, z: np.ndarray) -> np.ndarray:
    return middle + std * z
