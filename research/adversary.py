"""Can the rule be made to say something false? Populations it was not made for.

`.venv/bin/python research/adversary.py` renews the tables of docs/adversary.md.
"""

import judging
import numpy as np
from judging import BASELINE, Bar, Found, Measures, percent
from populations import real
from unseen_populations import SHARED, Gains, cases
from unseen_studies import Drawn, know

from thaw.findings.arms import pairs_asked
from thaw.output.tables import markdown

AT_ONCE = 200  # studies whose random draws are all held in memory
DRAWN = 200  # studies in which intervals made of random draws are looked at
# Cells that miss a bar are tried again, with so many other studies.
AGAIN, DRAWN_AGAIN = 4000, 1000

BARS = tuple(
    Bar(words, measure, share, words.startswith("anything false"), column)
    for column, words, measure, share in (
        (
            "typical, false",
            "anything false about what is typical",
            "false typical",
            0.05,
        ),
        ("typical", "a typical interval covers", "typical covered", 0.935),
        ("all typical", "all typical intervals cover", "typical, jointly", 0.94),
        ("P(better)", "an interval of P(better) covers", "P(better) covered", 0.935),
        ("all P(better)", "those of P(better) cover jointly", "P(better), joint", 0.94),
        ("failures, false", "anything false about failures", "false about weak", 0.06),
        ("mean", "a mean difference's interval covers", "mean covered", 0.87),
        ("set", "the set of depths holds the typically best", "best depth", 0.94),
        ("set, average", "the set holds the best on average", "best mean", 0.87),
    )
)
MADE_OF_DRAWS = ("P(better)", "mean covered", "best mean")


def try_out(
    number: int, size: int, gains: Gains, trials: int, drawn_trials: int, seed: int
) -> dict[str, float]:
    """Return in what share of studies of a case each thing holds.

    Intervals that are made of random draws are looked at in the first `drawn_trials`.
    """
    known = know(number, gains)
    case, rng = known.case, np.random.Generator(np.random.PCG64([seed, size]))

    def look(start: int, count: int) -> Measures:
        studies = Drawn(known, size, count, rng)
        found = judging.typical(studies) | judging.failures(studies)
        has_draws, is_bounded = start < drawn_trials, not case.lower_is_better
        if has_draws and gains == case.gains[0] and len(studies.compared) < 6:
            found |= judging.chances(studies, studies.compared)
            if is_bounded:
                found |= judging.means(studies, studies.compared)
        if len(studies.depths) > 1 and studies.best:
            stay = judging.kept(studies, studies.best, judging.typically_unbeaten)
            found["best depth"] = np.any(stay, axis=0)
            if has_draws and is_bounded:
                (found["best mean"],) = judging.kept(
                    studies, studies.best_on_average, judging.unbeaten_on_average
                )
        return found

    return judging.shares(trials, AT_ONCE, look)


def look_at(number: int, trials: int, seed: int) -> Found:
    """Return what holds in each cell of the case of that number."""
    case, found = list(cases())[number], {}
    # A difference may be taken for equivalence where there are many source models.
    cells = [(case.gains[0], size) for size in case.sizes]
    cells += [(gains, case.sizes[-1]) for gains in case.gains[1:]]
    for gains, size in cells:
        cell = case.name, gains, size
        own = {cell: try_out(number, size, gains, trials, DRAWN, seed)}
        missed = [
            bar.measure
            for bar in BARS
            if (worst := bar.worst(own)) and bar.missed(worst[0])
        ]
        if missed:
            count = AGAIN
            if all(measure.startswith(MADE_OF_DRAWS) for measure in missed):
                count = DRAWN_AGAIN
            own[cell] = try_out(number, size, gains, count, DRAWN_AGAIN, seed + 1)
        found |= own
    print(case.name, flush=True)
    return found


def table_of_cases(found: Found) -> str:
    """Return a row for each population, with the worst of each bar over S."""
    rows = []
    for case in cases():
        own = {
            cell: measures for cell, measures in found.items() if cell[0] == case.name
        }
        cells = []
        for bar in BARS:
            share, where = bar.worst(own) or (None, "")
            if share is None:
                cells.append("")
                continue
            size = where.rpartition(" ")[2]
            cells.append(f"{percent(share)} ({size}){' !' * bar.missed(share)}")
        drawn = case.draw(np.random.Generator(np.random.PCG64(0)), 2, 1)
        compared = len(pairs_asked(list(drawn), BASELINE, case.pairs))
        rows.append((case.name, ", ".join(map(str, case.sizes)), str(compared), *cells))
    header = ("population", "S", "k", *(bar.column for bar in BARS))
    return markdown(header, rows)


def real_luck() -> float:
    """Return the largest correlation of a variant's with standalone's repeats."""
    return max(
        abs(np.corrcoef(scores.T.ravel(), population.standalone)[0, 1])
        for population in real()
        for scores in population.depths.values()
    )


def answer(trials: int, seed: int) -> dict[str, str]:
    """Return the parts of the page."""
    count = len(list(cases()))
    found = judging.in_processes(look_at, count, trials, seed)
    # The rule does not claim that repeats may share their luck.
    claimed = {
        cell: own for cell, own in found.items() if not cell[0].startswith(SHARED)
    }
    return {
        "made": f"{count} populations in {len(found)} cells of {trials} studies each, "
        f"{DRAWN} for intervals made of random draws. Cells that miss a bar are tried "
        f"again in {AGAIN} other studies ({DRAWN_AGAIN}), and those are reported. In "
        "the real scores, repeats correlate with standalone's within "
        f"±{real_luck():.2f}.",
        "bars": judging.table_of_bars(BARS, claimed),
        "cases": table_of_cases(found),
    }


if __name__ == "__main__":
    judging.write_page(__doc__, "adversary", 400, answer)
