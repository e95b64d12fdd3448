"""Are the intervals and verdicts right? Draw studies from populations that are known.

`.venv/bin/python benchmarks/calibration.py` writes docs/calibration.md.
"""

import argparse
import functools
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from drawn_studies import calibrate
from populations import BASELINE, FAILING, Population, real, simulated

from thaw.findings.samples import Sample
from thaw.output.tables import markdown
from thaw.tables.comparisons import comparisons

SOURCE_MODELS = (5, 8, 10, 20, 30, 100)
WITH_VERDICT = SOURCE_MODELS[1:]

# By how many right answers of 500 the depths' typical gain is moved to these, and in
# what share of the trials each is tried. "As it is", the intervals that are made of
# random draws are checked too.
KINDS = {
    "as it is": (None, 0.25),
    "equal": (0, 1),
    "+.02": (10, 0.125),
    "+.05": (25, 0.125),
}

Cell = tuple[str, str, int]  # population, kind, source models
Found = dict[Cell, dict[str, float]]


def run(trials: int, seed: int) -> Found:
    """Return what holds in each population, kind and number of source models."""
    found: Found = {}
    with ProcessPoolExecutor() as pool:
        tasks = [
            pool.submit(run_one, number, trials, seed)
            for number in range(len(populations()))
        ]
        for task in tasks:
            found |= task.result()
    return found


def run_one(number: int, trials: int, seed: int) -> Found:
    """Return what holds in the population of that number."""
    population = populations()[number]
    found = {}
    for kind, (gain, share) in KINDS.items():
        moved = population if gain is None else population.moved(gain)
        for models in SOURCE_MODELS:
            found[population.name, kind, models] = calibrate(
                moved, models, int(share * trials), seed, gain is None
            )
    print(population.name, flush=True)
    return found


@functools.cache
def populations() -> tuple[Population, ...]:
    """Return all populations, in the order of the tables."""
    return (*real(), *simulated())


class Bar(NamedTuple):
    """What is asked for: some measures, in some cells, at least or at most a share."""

    words: str
    measures: str  # how their names begin
    kinds: tuple[str, ...]
    models: tuple[int, ...]
    populations: str  # how their names begin; "" for all
    at_most: bool
    share: float


ALL_KINDS = tuple(KINDS)
BARS = (
    Bar(
        "anything false about what is typical, in a study",
        "false typical",
        *(ALL_KINDS, WITH_VERDICT, "", True, 0.05),
    ),
    Bar(
        "a typical interval covers",
        "typical covered",
        *(ALL_KINDS, WITH_VERDICT, "", False, 0.935),
    ),
    Bar(
        "all typical intervals of a study cover",
        "typical, jointly",
        *(ALL_KINDS, WITH_VERDICT, "", False, 0.94),
    ),
    Bar(
        "an interval of P(better) covers",
        "P(better) covered",
        *(("as it is",), SOURCE_MODELS, "", False, 0.935),
    ),
    Bar(
        "three intervals of P(better) cover jointly",
        "P(better), jointly",
        *(("as it is",), SOURCE_MODELS, "", False, 0.94),
    ),
    Bar(
        "an interval of weak shares' difference covers",
        "weak covered",
        *(ALL_KINDS, SOURCE_MODELS, "", False, 0.935),
    ),
    Bar(
        "all of them of a study cover",
        "weak, jointly",
        *(ALL_KINDS, SOURCE_MODELS, "", False, 0.94),
    ),
    Bar(
        "anything false about weak networks, in a study",
        "false about weak",
        *(ALL_KINDS, WITH_VERDICT, "", True, 0.06),
    ),
    Bar(
        "the mean's interval covers, real scores",
        "mean covered",
        *(("as it is",), SOURCE_MODELS, "real", False, 0.93),
    ),
    Bar(
        "the mean's interval covers, anywhere",
        "mean covered",
        *(("as it is",), SOURCE_MODELS, "", False, 0.87),
    ),
    Bar(
        "a single mean's interval covers, real scores",
        "single mean covered",
        *(("as it is",), SOURCE_MODELS, "real", False, 0.93),
    ),
    Bar(
        "a single mean's interval covers, anywhere",
        "single mean covered",
        *(("as it is",), SOURCE_MODELS, "", False, 0.87),
    ),
    Bar(
        "the set of depths holds the typically best",
        "best depth in set",
        *(ALL_KINDS, SOURCE_MODELS, "", False, 0.94),
    ),
    Bar(
        "the set of depths holds the best on average, real scores",
        "best mean in set",
        *(("as it is",), SOURCE_MODELS, "real", False, 0.94),
    ),
    Bar(
        "the set of depths holds the best on average, anywhere",
        "best mean in set",
        *(("as it is",), SOURCE_MODELS, "", False, 0.87),
    ),
    Bar(
        "+.05 found at 30, failing alike",
        "better",
        *(("+.05",), (30,), FAILING, False, 0.85),
    ),
    Bar(
        "+.02 found at 100, failing alike",
        "better",
        *(("+.02",), (100,), FAILING, False, 0.95),
    ),
    Bar(
        "equal ones called equivalent at 100, failing alike",
        "equivalent",
        *(("equal",), (100,), FAILING, False, 0.95),
    ),
    Bar(
        "+.05 found at 30, real, fixed-0",
        "better, fixed-0",
        *(("+.05",), (30,), "real", False, 0.85),
    ),
    Bar(
        "+.02 found at 100, real, fixed-0",
        "better, fixed-0",
        *(("+.02",), (100,), "real", False, 0.95),
    ),
    Bar(
        "equal ones called equivalent at 100, real, fixed-0",
        "equivalent, fixed-0",
        *(("equal",), (100,), "real", False, 0.95),
    ),
    Bar(
        "+.05 found at 30, real, any depth",
        "better",
        *(("+.05",), (30,), "real", False, 0.85),
    ),
    Bar(
        "+.02 found at 100, real, any depth",
        "better",
        *(("+.02",), (100,), "real", False, 0.95),
    ),
    Bar(
        "equal ones called equivalent at 100, real, any depth",
        "equivalent",
        *(("equal",), (100,), "real", False, 0.95),
    ),
)


def worst(bar: Bar, found: Found) -> tuple[float, str]:
    """Return the worst share of what a bar asks for, and where it was."""
    shares = [
        (share, f"{name}, {kind}, S = {models}")
        for (name, kind, models), measures in found.items()
        if name.startswith(bar.populations)
        and kind in bar.kinds
        and models in bar.models
        for measure, share in measures.items()
        if measure.startswith(bar.measures)
    ]
    return (max if bar.at_most else min)(shares)


def percent(share: float) -> str:
    """Return a share in percent with one decimal."""
    return f"{100 * share:.1f}"


def table_of_bars(found: Found) -> str:
    """Return a row for each bar: what is asked for, the worst there was, and where."""
    rows = []
    for bar in BARS:
        share, where = worst(bar, found)
        met = share <= bar.share if bar.at_most else share >= bar.share
        asked = f"{'<=' if bar.at_most else '>='} {percent(bar.share)}"
        rows.append((bar.words, asked, percent(share), "yes" if met else "no", where))
    return markdown(("share of studies, %", "asked", "worst", "met", "where"), rows)


def table_of_populations(found: Found) -> str:
    """Return a row for each population; cells are S = 8, 10, 20, 30, 100."""
    names = dict.fromkeys(name for name, _, _ in found)

    def cell(name: str, kind: str, measure: str, at_most: bool = False) -> str:
        worst_of = max if at_most else min
        return " ".join(
            percent(
                worst_of(
                    share
                    for key, share in found[name, kind, models].items()
                    if key.startswith(measure)
                )
            )
            for models in WITH_VERDICT
        )

    rows = [
        (
            name,
            cell(name, "equal", "false typical", at_most=True),
            cell(name, "+.02", "better"),
            cell(name, "+.05", "better"),
            cell(name, "equal", "equivalent"),
            cell(name, "as it is", "mean covered"),
        )
        for name in names
    ]
    header = (
        "population",
        "anything false",
        "+.02 found",
        "+.05 found",
        "equivalent",
        "mean covered",
    )
    return markdown(header, rows)


def table_of_depths(found: Found, measure: str) -> str:
    """Return, of the real scores, how many depths a set holds at each S."""
    rows = [
        (
            name,
            *(
                f"{found[name, 'as it is', models][measure]:.1f}"
                for models in SOURCE_MODELS
            ),
        )
        for name in dict.fromkeys(name for name, _, _ in found)
        if name.startswith("real")
    ]
    return markdown(("depths in the set, of 3", *map(str, SOURCE_MODELS)), rows)


PAGE = """# Are the intervals and verdicts right?

Made by `.venv/bin/python benchmarks/calibration.py --trials {trials} --seed {seed}`.

## What is tried

Studies are drawn from populations of source models of which everything is known, and
the rule is applied to each: three depths that share S source models, ten repeats from
each, and as many repeats of standalone; the five comparisons of `many-sources`. Scores
are multiples of 1/500, as accuracies on 500 rows are.

- *real*: what Thaw itself reached from 1,000 source models, ten repeats from each, of
  blobs 1 → 2, of blobs 2 → 1 and of the control `selfer`. Weak networks are 2 to 19 %,
  other ones for each depth. `benchmarks/real_scores.py` trains them and writes
  `tests/real-scores.npz`, from which all is drawn.
- *normal*: source models differ normally; standalone never fails.
- *failing*: source models are alike (standard deviation 0.01), but a share of them
  loses 0.3, the same ones for all depths or each depth its own; as many of standalone's
  repeats do.
- *hardest*: all source models win or lose a little alike, save for a share that loses
  0.3; standalone has a wide spread and no failures. Few studies of ten hold a failure,
  and those that hold none look sure.

Each population is taken *as it is* ({few} studies for each S), and with all depths
moved until their typical gain on standalone is 0 (*equal*, {trials} studies), *+.02*
and *+.05* ({fewer} studies each).

## What was asked for, and what was reached

The worst over all populations, S and comparisons that a row names. *False about what is
typical*: anything that the verdicts of a whole study say, better, worse or equivalent,
that is not so. Intervals are at 99 %, so that those of five comparisons hold together
with 95 %; that of the mean is at 95 %.

{bars}
What is not met is a matter of how much source models differ: real ones differ most in
what *fixed-2* makes of them, so that its typical gain is not known to ±0.01 from 100 of
them; and where 20 % fail, what is typical is itself less well known. On blobs 1 → 2
Brunner and Munzel's test alone would find no more than three points more, and it says
more that is false (below). Two one-sided tests at the whole level of a comparison would
call 91 to 95 instead of 87 to 91 % of the equal ones equivalent where 20 % fail, and 27
instead of 15 % of the worst real ones (`benchmarks/other_rules.py`); but then an
interval may be shown that reaches beyond the margin within which its verdict says it
is. As it is, a verdict can be read off the interval.

The rows on what is found leave out the *hardest* populations, where less is found (the
next table): +.05 at S = 30 in 42 % with 20 % failing.

## By population

Percent of studies; in each cell S = 8, 10, 20, 30, 100. *Anything false* is the worst
of what is said of *equal* ones; *found* and *equivalent* are of the depth for which it
is worst; *mean covered* is the worst of three comparisons.

{populations}
The set of depths that are not typically worse than the best holds, as a mean over
studies:

{depths}
and the set of those that are not worse on average, which takes a mixture's interval for
each difference of means and drops a depth only if another's mean is surely above:

{depths_on_average}
The sets hold the best depth with 95 % each, by themselves; the verdicts of a study hold
with 95 % together. So a set may leave out a depth of which a table says *no clear
difference*.

## Why the rule was changed

The first edition compared means, by Welch's test with Holm's adjustment. On scores
resampled as here its 95 % intervals covered 72, 82 and 92 % (S = 5, 10, 30) one way and
96, 92 and 83 % the other, and up to 28 % of studies with equal means were told apart: a
mean is what the few worst source models make it, and a study of 30 may hold none.
No resampling mends that, for what was not drawn cannot be resampled. So now:

- *typical* and *on average* are two questions. The verdict is on the first, where a few
  failures count no more than their number;
- a verdict needs two tests to agree, Brunner and Munzel's and Gaffke's. In the hardest
  population the first alone says something false in 6.0, 7.9, 5.0 and 3.7 % of studies
  with S = 8, 10, 20 and 30, both together in 0.0, 0.0, 0.7 and 1.2 %
  (`.venv/bin/python benchmarks/other_rules.py`);
- failures and weak networks are counted apart, with intervals of their own;
- the mean has an interval from a mixture that knows that stragglers may be missing, and
  no verdict.

## What was chosen after looking

These numbers are not those of a rule fixed beforehand. The second test, Student's
quantile for shares and a margin that counts as within itself came after earlier rounds
on such populations had shown something false in 5.5 % of studies (S = 10), shares that
covered jointly in 93.3 %, and equal real ones called equivalent in 92.9 %. In those
rounds standalone of the *failing* populations had a standard deviation of 0.05 and no
failures, and +.05 at S = 30 was found in only 57 % where 20 % failed; the present ones
are nearer to the real scores, and the *hardest* took the place of the old. Populations
that nobody had looked at then were tried afterwards: `docs/adversary.md`, **what an
adversary found**. Of what they found was mended how weak networks are counted, by three
limits; till then their shares covered jointly in 93.6 % of the worst studies here.

## What cannot be reached

- Five source models bear no verdict: half of such studies hold none of 13 % failures.
  One is seen with 95 % chance from 22, 59 and 149 source models where 13, 5 and 2 %
  fail.
- Eight to ten find only what nearly all source models agree on. So `many-sources` has
  thirty; twenty are usable.
- All is given the two data sets and their split into train and test: the intervals are
  over source models and repeats, not over rows.

A comparison of 1,000 source models with 100 repeats each took {seconds:.2f} s of CPU.

The quick version of this page is `tests/test_calibration.py`.
"""


def seconds() -> float:
    """Return the CPU seconds that the slower kind of a large comparison takes.

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


def main() -> None:
    """Run all scenarios and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("docs/calibration.md"))
    args = parser.parse_args()
    found = run(args.trials, args.seed)
    page = PAGE.format(
        trials=args.trials,
        few=args.trials // 4,
        fewer=args.trials // 8,
        seed=args.seed,
        bars=table_of_bars(found),
        populations=table_of_populations(found),
        depths=table_of_depths(found, "depths in set"),
        depths_on_average=table_of_depths(found, "depths in set of means"),
        seconds=seconds(),
    )
    args.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
