"""The programs here share this: what Thaw says of studies whose truth is known.

A program draws studies (`Studies`), looks at what Thaw says of each, and counts in what
share of them that holds. A `Bar` is the share that is required. The pages are their own
templates: a run replaces their tables and leaves their prose alone.
"""

import argparse
import functools
import textwrap
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from thaw.findings import how_often, mean
from thaw.findings.arms import ALPHA, alpha_of_each
from thaw.findings.evidence import opposite, p_more_often
from thaw.findings.failures import shares_interval
from thaw.findings.pairs import Placements, units_needed
from thaw.output.tables import markdown

ROOT = Path(__file__).parent.parent
BASELINE = "standalone"

Pair = tuple[str, str]  # variant, reference
Range = tuple[float, float]  # the truth lies within; both ends alike if it is known
Measures = dict[str, np.ndarray]  # `[studies]` each
Cell = tuple[str, object, int]  # population, how it was moved, source models
Found = dict[Cell, dict[str, float]]  # the share of studies in which each holds


class Truth(NamedTuple):
    """The truth about a comparison; infinite where the median network failed.

    That about means is in the units of `Studies.means`.
    """

    typical: Range
    chance: Range
    mean: Range


class Studies(Protocol):
    """Many studies of one design, and what is true of them.

    `best` are the depths that are truly best, typically and on average. `little` is
    smaller than any difference between scores. `piles_up` is as `Sample.piles_up`.
    """

    depths: Sequence[str]
    compared: Sequence[Pair]
    models: int
    margin: float
    little: float
    piles_up: bool
    best: Sequence[str]
    best_on_average: Sequence[str]

    def placements(self, pair: Pair, shift: float = 0.0) -> Placements:
        """Return the placements `[studies, units]` with the variant lowered so far."""

    def is_matched(self, pair: Pair) -> bool:
        """Return whether the two are compared unit by unit."""

    def means(self, variant: str) -> np.ndarray:
        """Return the mean of each unit `[studies, units]`, more is better."""

    def truth(self, pair: Pair) -> Truth:
        """Return the truth about a comparison."""

    def counted(self, pair: Pair) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
        """Yield shares of failed or weak networks and their true difference.

        Those of either side are `[ways, studies, units]`.
        """

    def covers(
        self, lows: np.ndarray, highs: np.ndarray, truth: Range, alpha: float
    ) -> np.ndarray:
        """Return whether intervals made of random draws `[studies, draws]` cover."""


class Verdicts(NamedTuple):
    """The verdicts on a comparison in each study, and whether they are true."""

    better: np.ndarray
    worse: np.ndarray
    equivalent: np.ndarray
    covered: np.ndarray
    false: np.ndarray


def alpha_of(studies: Studies) -> float:
    """Return the error that one comparison of a study may have."""
    return alpha_of_each(len(studies.compared))


def verdicts(studies: Studies, pair: Pair) -> Verdicts:
    """Read the verdicts off the interval of the typical difference.

    Its ends are not computed, only on which side of 0, ±margin and the truth they lie:
    a `little` beyond those, the test rejects or it does not.
    """
    margin, little, level = studies.margin, studies.little, alpha_of(studies) / 2

    @functools.cache
    def above(number: float) -> np.ndarray:
        return p_more_often(studies.placements(pair, number + little)) < level

    @functools.cache
    def below(number: float) -> np.ndarray:
        placements = studies.placements(pair, number - little)
        return p_more_often(opposite(placements)) < level

    low, high = studies.truth(pair).typical
    equivalent = above(-margin - 2 * little) & below(margin + 2 * little)
    better, worse = above(0.0) & ~equivalent, below(0.0) & ~equivalent
    false = np.zeros_like(equivalent)
    if low <= 0:
        false |= better
    if high >= 0:
        false |= worse
    if low > margin + little or high < -margin - little:
        false |= equivalent
    covered = np.ones_like(equivalent)
    if np.isfinite([low, high]).all():
        covered = ~above(high) & ~below(low)
    return Verdicts(better, worse, equivalent, covered, false)


def typical(studies: Studies) -> Measures:
    """Return which verdicts a study gives, and whether all that it says is true."""
    found: Measures = {}
    results = {pair: verdicts(studies, pair) for pair in studies.compared}
    for (variant, reference), result in results.items():
        found[f"typical covered, {variant} - {reference}"] = result.covered
        if reference == BASELINE:
            found[f"better, {variant}"] = result.better
            found[f"equivalent, {variant}"] = result.equivalent
    found["false typical"] = np.any([r.false for r in results.values()], axis=0)
    found["typical, jointly"] = np.all([r.covered for r in results.values()], axis=0)
    return found


def failures(studies: Studies) -> Measures:
    """Return whether the shares of failed and weak networks are right."""
    alpha, found = alpha_of(studies), {}
    false, all_covered = [], []
    for pair in studies.compared:
        for ours, others, truth in studies.counted(pair):
            ends = shares_interval(ours, others, studies.is_matched(pair), alpha)
            low, high = ends[0].min(0), ends[1].max(0)
            # Where weak networks are not counted, nothing is said of them.
            covered = (low <= truth) & (truth <= high) | np.isnan(low)
            found[f"weak covered, {' - '.join(pair)}"] = covered
            all_covered.append(covered)
            false.append((low > 0) & (truth <= 0) | (high < 0) & (truth >= 0))
    bears = studies.models >= units_needed(alpha)
    found["false about weak"] = np.any(false, axis=0) & bears
    found["weak, jointly"] = np.all(all_covered, axis=0)
    return found


def chances(studies: Studies, pairs: Sequence[Pair]) -> Measures:
    """Return whether the intervals of P(better) cover."""
    found, alpha = {}, alpha_of(studies)
    for pair in pairs:
        draws = (how_often.draws(studies.placements(pair), end) for end in (0.0, 1.0))
        covered = studies.covers(*draws, studies.truth(pair).chance, alpha)
        found[f"P(better) covered, {' - '.join(pair)}"] = covered
    return found | {"P(better), jointly": np.all(list(found.values()), axis=0)}


def means(studies: Studies, pairs: Sequence[Pair]) -> Measures:
    """Return whether the intervals of the difference of means cover."""
    found = {}
    for pair in pairs:
        draws = _mean_draws(studies, pair)
        covered = studies.covers(draws, draws, studies.truth(pair).mean, ALPHA)
        found[f"mean covered, {' - '.join(pair)}"] = covered
    return found


def _mean_draws(studies: Studies, pair: Pair) -> np.ndarray:
    matched = studies.is_matched(pair)
    return mean.draws(*map(studies.means, pair), matched, studies.piles_up)


def typically_unbeaten(studies: Studies, pair: Pair, level: float) -> np.ndarray:
    """Return whether a depth stays in the set of the typically best beside a rival."""
    return p_more_often(studies.placements(pair)) >= level


def unbeaten_on_average(studies: Studies, pair: Pair, level: float) -> np.ndarray:
    """Return whether a depth stays in the set of the best on average."""
    return np.quantile(_mean_draws(studies, pair), level, axis=-1) <= 0


def kept(studies: Studies, depths: Iterable[str], stays: Callable) -> list[np.ndarray]:
    """Return which studies keep each of these depths, by one of the two rules above."""
    level = ALPHA / (len(studies.depths) - 1)
    rivals = {depth: [d for d in studies.depths if d != depth] for depth in depths}
    return [
        np.all([stays(studies, (rival, depth), level) for rival in others], axis=0)
        for depth, others in rivals.items()
    ]


def shares(
    trials: int, at_once: int, look: Callable[[int, int], Measures]
) -> dict[str, float]:
    """Return in what share of studies each measure holds.

    `look` gets how many studies were looked at already, and how many come next.
    """
    sums, counts = defaultdict(float), defaultdict(int)
    for start in range(0, trials, at_once):
        count = min(at_once, trials - start)
        for name, values in look(start, count).items():
            sums[name] += float(values.sum())
            counts[name] += count
    return {name: total / counts[name] for name, total in sums.items()}


class Bar(NamedTuple):
    """A share that is required of all measures and cells that it names."""

    words: str
    measure: str  # how their names begin
    share: float
    at_most: bool = False
    column: str = ""  # its heading in a table of populations
    models: Sequence[int] = ()  # all, if empty
    kind: str = ""
    where: str = ""  # how the populations' names begin

    def missed(self, share: float) -> bool:
        """Return whether a share falls short of it."""
        return share > self.share if self.at_most else share < self.share

    def worst(self, found: Found) -> tuple[float, str] | None:
        """Return the worst share and where it is; None if nobody looked."""
        looked_at = [
            (share, ", ".join([name, *([kind] * isinstance(kind, str)), f"S = {size}"]))
            for (name, kind, size), measures in found.items()
            if name.startswith(self.where)
            and self.kind in ("", kind)
            and (not self.models or size in self.models)
            for measure, share in measures.items()
            if measure.startswith(self.measure)
        ]
        return (max if self.at_most else min)(looked_at, default=None)


def percent(share: float) -> str:
    """Return a share in percent with one decimal."""
    return f"{100 * share:.1f}"


def table_of_bars(bars: Iterable[Bar], found: Found) -> str:
    """Return a row for each bar: what is required, the worst share, and where it is."""
    rows = []
    for bar in bars:
        share, where = bar.worst(found)
        asked = f"{'<=' if bar.at_most else '>='} {percent(bar.share)}"
        met = "no" if bar.missed(share) else "yes"
        rows.append((bar.words, asked, percent(share), met, where))
    return markdown(("share of studies, %", "asked", "worst", "met", "where"), rows)


def in_processes(
    look: Callable[[int, int, int], Found], count: int, trials: int, seed: int
) -> Found:
    """Return what all populations show, each in a process, named by its number."""
    found: Found = {}
    with ProcessPoolExecutor() as pool:
        tasks = [pool.submit(look, number, trials, seed) for number in range(count)]
        for task in tasks:
            found |= task.result()
    return found


def write_page(
    question: str | None,
    name: str,
    trials: int,
    answer: Callable[[int, int], dict[str, str]],
    page: Path | None = None,
) -> None:
    """Read the command line, compute the answer, and put it into docs/NAME.md.

    Each part of the answer replaces the paragraph below its marker, `<!-- part -->`;
    `made` is a sentence that follows the command. On the `page` of another program its
    marker is `<!-- made by NAME -->`.
    """
    made_by = f"made by {name}" if page else "made"
    page = page or ROOT / f"docs/{name}.md"
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--trials", type=int, default=trials)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=page)
    args = parser.parse_args()
    text = page.read_text(encoding="utf-8")
    parts = answer(args.trials, args.seed)
    command = f".venv/bin/python research/{name}.py --trials {args.trials}"
    made = f"Made by `{command} --seed {args.seed}`. {parts.pop('made')}"
    parts[made_by] = textwrap.fill(made, 88, break_on_hyphens=False)
    for part, words in parts.items():
        before, marker, after = text.partition(f"<!-- {part} -->\n\n")
        if not marker:
            parser.error(f"{page} has no marker for {part}")
        text = before + marker + words.rstrip("\n") + after[after.index("\n\n") :]
    args.output.write_text(text, encoding="utf-8")
