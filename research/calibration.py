"""Are the intervals and verdicts right? Draw studies from populations that are known.

`.venv/bin/python research/calibration.py` renews the tables of docs/calibration.md.
"""

import functools
import time

import judging
import numpy as np
from judging import ALPHA, BASELINE, Bar, Found, Measures, percent
from populations import (
    DEPTHS,
    FAILING,
    REPEATS,
    Population,
    Resampled,
    real,
    simulated,
)

from thaw.findings import mean
from thaw.findings.samples import Sample
from thaw.output.tables import markdown
from thaw.tables.comparisons import comparisons

SOURCE_MODELS = (5, 8, 10, 20, 30, 100)
WITH_VERDICT = SOURCE_MODELS[1:]
AT_ONCE = 1000
# Intervals that are made of random draws take longest; these comparisons are checked.
DRAWN = (("fixed-0", BASELINE), ("fixed-2", BASELINE), ("fixed-1", "fixed-0"))

# To how many right answers of 500 the depths' typical gain is moved, and for what share
# of the trials. "As it is", intervals that are made of random draws are checked, too.
AS_IT_IS = "as it is"
KINDS = {
    AS_IT_IS: (None, 0.25),
    "equal": (0, 1),
    "+.02": (10, 0.125),
    "+.05": (25, 0.125),
}

# Source models and repeats of each, of studies that cost about as much.
DESIGNS = ((30, 10), (100, 3), (150, 2), (300, 1))

ANY_FALSE = "anything false about"
SETS = "the set of depths holds the"
MEANS = "mean's interval covers"
EQUAL = "equal ones called equivalent at 100"
BARS = (
    Bar(f"{ANY_FALSE} what is typical, in a study", "false typical", 0.05, True),
    Bar("a typical interval covers", "typical covered", 0.935),
    Bar("all typical intervals of a study cover", "typical, jointly", 0.94),
    Bar("an interval of P(better) covers", "P(better) covered", 0.935),
    Bar("three intervals of P(better) cover jointly", "P(better), jointly", 0.94),
    Bar("an interval of weak shares' difference covers", "weak covered", 0.935),
    Bar("all of them of a study cover", "weak, jointly", 0.94),
    Bar(f"{ANY_FALSE} weak networks, in a study", "false about weak", 0.06, True),
    Bar(f"the {MEANS}, real scores", "mean covered", 0.93, where="real"),
    Bar(f"the {MEANS}, anywhere", "mean covered", 0.87),
    Bar(f"a single {MEANS}, real scores", "single mean", 0.93, where="real"),
    Bar(f"a single {MEANS}, anywhere", "single mean", 0.87),
    Bar(f"{SETS} typically best", "best depth in set", 0.94),
    Bar(f"{SETS} best on average, real scores", "best mean in set", 0.94, where="real"),
    Bar(f"{SETS} best on average, anywhere", "best mean in set", 0.87),
    *(
        Bar(f"{words}, {which}", measure + depth, share, False, "", (size,), *cells)
        for which, depth, where in (
            ("failing alike", "", FAILING),
            ("real, fixed-0", ", fixed-0", "real"),
            ("real, any depth", "", "real"),
        )
        for words, measure, share, size, *cells in (
            ("+.05 found at 30", "better", 0.85, 30, "+.05", where),
            ("+.02 found at 100", "better", 0.95, 100, "+.02", where),
            (EQUAL, "equivalent", 0.95, 100, "equal", where),
        )
    ),
)


@functools.cache
def populations() -> tuple[Population, ...]:
    """Return all populations, in the order of the tables."""
    return (*real(), *simulated())


def look_at(number: int, trials: int, seed: int) -> Found:
    """Return what holds in the population of that number."""
    population, found = populations()[number], {}
    for kind, (gain, share) in KINDS.items():
        moved = population if gain is None else population.moved(gain)
        for models in SOURCE_MODELS:
            found[population.name, kind, models] = calibrate(
                moved, models, int(share * trials), seed, gain is None
            )
    print(population.name, flush=True)
    return found


def look_at_designs(number: int, trials: int, seed: int) -> Found:
    """Return what the designs find in the population of that number."""
    population, found = populations()[number], {}
    for kind, (gain, share) in KINDS.items():
        if gain is not None:
            moved, count = population.moved(gain), int(share * trials)
            for models, each in DESIGNS:
                shares = calibrate(moved, models, count, seed, False, each)
                found[population.name, kind, models] = shares
    return found


def calibrate(
    population: Population,
    models: int,
    trials: int,
    seed: int,
    all_intervals: bool,
    each: int = REPEATS,
) -> dict[str, float]:
    """Return in what share of studies each thing holds."""
    rng = np.random.Generator(np.random.PCG64([seed, models]))

    def look(_: int, count: int) -> Measures:
        studies = Resampled(population, models, count, rng, each)
        found = judging.typical(studies) | judging.failures(studies)
        stay = judging.kept(studies, DEPTHS, judging.typically_unbeaten)
        found |= in_set("best depth", "depths", studies.best, stay)
        if all_intervals:
            found |= judging.chances(studies, DRAWN) | judging.means(studies, DRAWN)
            found |= single_means(studies)
            stay = judging.kept(studies, DEPTHS, judging.unbeaten_on_average)
            found |= in_set("best mean", "means", studies.best_on_average, stay)
        return found

    return judging.shares(trials, AT_ONCE, look)


def in_set(best: str, size: str, depths: list[str], stay: list[np.ndarray]) -> Measures:
    """Return whether a set holds one of the best depths, and how many it holds."""
    holds = [stay[DEPTHS.index(depth)] for depth in depths]
    return {
        f"{best} in set": np.any(holds, axis=0),
        f"{size} in set": np.sum(stay, axis=0),
    }


def single_means(studies: Resampled) -> Measures:
    """Return whether the interval of each variant's mean covers."""
    found = {}
    for variant in (*DEPTHS, BASELINE):
        draws = mean.single_draws(studies.means(variant))
        truth = 2 * (studies.population.mean(variant),)
        covered = studies.covers(draws, draws, truth, ALPHA)
        found[f"single mean covered, {variant}"] = covered
    return found


def table_of_populations(found: Found) -> str:
    """Return a row for each population; cells are S = 8, 10, 20, 30, 100."""
    columns = (
        Bar("", "false typical", 0, True, "anything false", kind="equal"),
        Bar("", "better", 0, column="+.02 found", kind="+.02"),
        Bar("", "better", 0, column="+.05 found", kind="+.05"),
        Bar("", "equivalent", 0, column="equivalent", kind="equal"),
        Bar("", "mean covered", 0, column="mean covered", kind=AS_IT_IS),
    )
    rows = []
    for name in dict.fromkeys(name for name, _, _ in found):
        own = {cell: shares for cell, shares in found.items() if cell[0] == name}
        cells = (
            [
                percent(bar._replace(models=(size,)).worst(own)[0])
                for size in WITH_VERDICT
            ]
            for bar in columns
        )
        rows.append((name, *map(" ".join, cells)))
    return markdown(("population", *(bar.column for bar in columns)), rows)


def table_of_depths(found: Found, measure: str) -> str:
    """Return, for the real scores, how many depths a set holds at each S."""
    rows = [
        (name, *(f"{found[name, AS_IT_IS, s][measure]:.1f}" for s in SOURCE_MODELS))
        for name in dict.fromkeys(name for name, _, _ in found)
        if name.startswith("real")
    ]
    return markdown(("depths in the set, of 3", *map(str, SOURCE_MODELS)), rows)


def table_of_designs(found: Found) -> str:
    """Return a row for each population and design: its fits, and what it finds."""
    rows = []
    for name in dict.fromkeys(name for name, _, _ in found):
        for models, each in DESIGNS:
            fits = (len(DEPTHS) + 1) * models * each + models
            cells = [name, str(models), str(each), f"{fits:,}"]
            for kind, measure in (
                ("+.02", "better"),
                ("+.05", "better"),
                ("equal", "equivalent"),
            ):
                own = found[name, kind, models]
                shares = [f"{100 * own[f'{measure}, {depth}']:.0f}" for depth in DEPTHS]
                cells.append(" / ".join(shares))
            false = Bar("", "false", 0, True, models=(models,), where=name).worst(found)
            rows.append((*cells, percent(false[0])))
    header = ("population", "source models", "repeats of each", "fits", "+.02 found")
    header += ("+.05 found", "equal → equivalent", "anything false")
    return markdown(header, rows)


def seconds() -> float:
    """Return the CPU seconds of a large comparison, matched or not, the slower one.

    Scores are continuous, which is slower than accuracies are.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    models, repeats = 1000, 100
    numbers = np.repeat(np.arange(models), repeats)

    def sample() -> Sample:
        effects = rng.normal(0.8, 0.1, models)
        return Sample(rng.normal(effects[numbers], 0.02), numbers)

    found = {
        "variant": sample(),
        "other": sample(),
        BASELINE: Sample(rng.normal(0.8, 0.05, len(numbers))),
    }
    times = []
    for reference in ("other", BASELINE):
        start = time.process_time()
        comparisons({"all": found}, [("variant", reference)], BASELINE, 0.01)
        times.append(time.process_time() - start)
    return max(times)


def answer(trials: int, seed: int) -> dict[str, str]:
    """Return the parts of the page."""
    found = judging.in_processes(look_at, len(populations()), trials, seed)
    designs = judging.in_processes(look_at_designs, len([*real()]), trials, seed)
    return {
        "made": f"For each population and S: {trials // 4} studies *as it is*, "
        f"{trials} *equal*, {trials // 8} each of *+.02* and *+.05*. A comparison of "
        f"1,000 source models with 100 repeats each took {seconds():.2f} s of CPU.",
        "bars": judging.table_of_bars(BARS, found),
        "populations": table_of_populations(found),
        "designs": table_of_designs(designs),
        "depths": table_of_depths(found, "depths in set"),
        "depths on average": table_of_depths(found, "means in set"),
    }


if __name__ == "__main__":
    judging.write_page(__doc__, "calibration", 4000, answer)
