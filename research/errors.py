"""Are intervals and verdicts right for errors? They have no upper bound.

`.venv/bin/python research/errors.py` renews a table of docs/calibration.md.
"""

import functools
from collections.abc import Iterator

import judging
import numpy as np
from judging import ALPHA, BASELINE, Bar, Found, Measures, percent
from real_scores import REAL_ERRORS, SIZES
from unseen_populations import Case, Draw, Scores
from unseen_studies import Drawn, Known

from thaw.findings import mean
from thaw.findings.metrics import METRICS
from thaw.output.tables import markdown

AT_ONCE = 100
SOURCE_MODELS = (10, 30, 150)
DEPTHS = ("fixed-0", "fixed-1", "fixed-2")
PAIRS = (("fixed-1", "fixed-0"), ("fixed-2", "fixed-1"))

# To what the depths' typical gain is moved, in hundredths of the constant's error (the
# margin is one), and for what share of the trials. "As it is", means are looked at.
AS_IT_IS = "as it is"
KINDS = {AS_IT_IS: (None, 0.5), "equal": ((0,), 1), "+.02": ((2,), 0.5)}
KINDS["+.05"] = ((5,), 0.5)

BARS = (
    Bar("", "false typical", 0.05, True, "anything false"),
    Bar("", "typical covered", 0.935, column="typical"),
    Bar("", "typical, jointly", 0.94, column="all typical"),
    Bar("", "false about weak", 0.06, True, "weak, false"),
    Bar("", "mean covered", 0.87, column="mean"),
    Bar("", "single mean", 0.87, column="single mean"),
    Bar("", "best depth in set", 0.94, column="set"),
)
POWER = (
    Bar("", "better", 0, column="+.02 found", kind="+.02"),
    Bar("", "better", 0, column="+.05 found", kind="+.05"),
    Bar("", "equivalent", 0, column="equivalent", kind="equal"),
)


def resampled(scores: Scores) -> Draw:
    """Return a population of these source models and standalones."""

    def draw(rng: np.random.Generator, models: int, repeats: int) -> Scores:
        chosen = rng.integers(len(scores["fixed-0"]), size=models)
        found = {}
        for depth in DEPTHS:
            own = scores[depth][chosen]
            found[depth] = rng.permuted(own, axis=1)[:, :repeats]
        return found | {BASELINE: rng.choice(scores[BASELINE], (models, repeats))}

    return draw


def lognormal(middle: float, between: float, within: float) -> Draw:
    """Return errors whose logarithms have these standard deviations."""

    def draw(rng: np.random.Generator, models: int, repeats: int) -> Scores:
        shape = models, repeats
        alone = np.hypot(between, within) * rng.standard_normal(shape)
        found = {BASELINE: middle * np.exp(alone)}
        for depth in DEPTHS:
            luck = between * rng.standard_normal((models, 1))
            luck = luck + within * rng.standard_normal(shape)
            found[depth] = middle * np.exp(luck)
        return found

    return draw


def some(
    share: float, bad: tuple[float, float], alone: bool = True, spread: float = 0.02
) -> Draw:
    """Return errors of 0.6, but for a share that is bad, standalone's too if `alone`.

    Bad ones have errors of ten to the power of a number within those bounds; nan if
    that is nan, for networks that failed. Otherwise source models differ by 0.01, and
    standalone's repeats by `spread`.
    """

    def draw(rng: np.random.Generator, models: int, repeats: int) -> Scores:
        found = {}
        for name in (*DEPTHS, BASELINE):
            is_alone = name == BASELINE
            shape = (models, repeats if is_alone else 1)
            luck = (spread if is_alone else 0.01) * rng.standard_normal(shape)
            own = 0.6 + luck + 0.005 * rng.standard_normal((models, repeats))
            lost = rng.random(shape) < share * (alone or not is_alone)
            size = bad[0] + (bad[1] - bad[0]) * rng.random((models, repeats))
            found[name] = np.where(lost, 10**size, own)
        return found

    return draw


def scaled(draw: Draw, by: float) -> Draw:
    """Return the same in other units."""
    return lambda *how: {name: by * own for name, own in draw(*how).items()}


@functools.cache
def cases() -> tuple[Case, ...]:
    """Return all populations; if not for their names, the constant's error is 1."""
    return tuple(_cases())


def _case(name: str, draw: Draw, constant: float = 1) -> Case:
    return Case(
        name,
        draw,
        SOURCE_MODELS,
        repeats=2,
        pairs=PAIRS,
        margin=0.01 * constant,
        lower_is_better=True,
        constant=constant,
    )


def _cases() -> Iterator[Case]:
    with np.load(REAL_ERRORS) as errors:
        for size in SIZES:
            for metric in ("mean_absolute_error", "root_mean_squared_error"):
                constant = float(errors[f"{metric}/constant"])
                scores = {
                    name: errors[f"{metric}/{size}/{name}"] * constant / 10_000
                    for name in (*DEPTHS, BASELINE)
                }
                words = METRICS["regression"][metric].words
                rows = "500" if size == "all" else size
                yield _case(f"real, {words}, {rows} rows", resampled(scores), constant)
    yield _case("lognormal, sd .1", lognormal(0.6, 0.08, 0.06))
    yield _case("lognormal, sd .7, a fifth beyond", lognormal(0.55, 0.6, 0.36))
    yield _case("half beyond the constant", lognormal(1.0, 0.08, 0.06))
    for share in (0.03, 0.15):
        words = f"{100 * share:.0f} % diverge, to 10 to 1e6"
        yield _case(words, some(share, (1, 6)))
    yield _case("15 % just beyond, standalone none", some(0.15, (0, 0.3), False, 0.06))
    yield _case("15 % fail", some(0.15, (np.nan, np.nan)))
    two = some(0.4, (np.log10(2500 / 3000), np.log10(2500 / 3000)))
    yield _case("1,800 K² or, 40 %, 2,500 of 3,000", scaled(two, 3000), 3000)


def single_means(studies: Drawn) -> Measures:
    """Return whether the interval of each variant's mean covers."""
    found = {}
    for variant in (*DEPTHS, BASELINE):
        draws = mean.single_draws(studies.means(variant), studies.piles_up)
        truth = 2 * (studies.known.mean(variant),)
        covered = studies.covers(draws, draws, truth, ALPHA)
        found[f"single mean covered, {variant}"] = covered
    return found


def try_out(known: Known, models: int, trials: int, seed: int) -> dict[str, float]:
    """Return in what share of studies each thing holds."""
    rng = np.random.Generator(np.random.PCG64([seed, models]))

    def look(_: int, count: int) -> Measures:
        studies = Drawn(known, models, count, rng)
        found = judging.typical(studies) | judging.failures(studies)
        if studies.best:  # depths may beat each other in a circle
            stay = judging.kept(studies, studies.best, judging.typically_unbeaten)
            found["best depth in set"] = np.any(stay, axis=0)
        if not known.by:
            found |= judging.means(studies, studies.compared) | single_means(studies)
        return found

    return judging.shares(trials, AT_ONCE, look)


def look_at(number: int, trials: int, seed: int) -> Found:
    """Return what holds in the population of that number."""
    case, found = cases()[number], {}
    for kind, (gains, share) in KINDS.items():
        known = Known(case, gains)
        for models in SOURCE_MODELS:
            count = int(share * trials)
            cell = case.name, kind, models
            own = {cell: try_out(known, models, count, seed)}
            if any((worst := b.worst(own)) and b.missed(worst[0]) for b in BARS):
                own = {cell: try_out(known, models, 2 * trials, seed + 1)}
            found |= own
    print(case.name, flush=True)
    return found


def table(found: Found) -> str:
    """Return a row for each population; power at each S, all else at its worst."""
    rows = []
    for case in cases():
        own = {
            cell: measures for cell, measures in found.items() if cell[0] == case.name
        }
        cells = []
        for bar in BARS:
            share, _ = bar.worst(own)
            cells.append(f"{percent(share)}{' !' * bar.missed(share)}")
        for bar in POWER:
            shares = (bar._replace(models=(s,)).worst(own)[0] for s in SOURCE_MODELS)
            cells.append(" ".join(f"{100 * share:.0f}" for share in shares))
        rows.append((case.name, *cells))
    return markdown(("errors", *(bar.column for bar in (*BARS, *POWER))), rows)


def answer(trials: int, seed: int) -> dict[str, str]:
    """Return the parts of the page."""
    found: Found = {}
    for number in range(len(cases())):
        found |= look_at(number, trials, seed)
    return {
        "made": f"For each population and S: {trials} studies *equal*, {trials // 2} "
        "each of the others. Cells that miss a bar are tried again in "
        f"{2 * trials} other studies, and those are reported.",
        "errors": table(found),
    }


if __name__ == "__main__":
    page = judging.ROOT / "docs/calibration.md"
    judging.write_page(__doc__, "errors", 1000, answer, page)
