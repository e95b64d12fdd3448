"""Are a study's statements true? Draw studies from known populations.

`.venv/bin/python research/calibration.py` renews the tables of docs/calibration.md.
"""

import argparse
import functools
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
from populations import ACCURACY, ERROR, ROOT, Population, simulate, train
from studies import Known, draw

from thaw.findings.metrics import METRICS
from thaw.output.tables import markdown

PAGE = ROOT / "docs/calibration.md"
SOURCE_MODELS, ROWS, LOOKS = (10, 30, 150), (60, 150, 500), (30, 50, 150)
GRID = [(units, rows) for units in SOURCE_MODELS for rows in ROWS]

SELECTION = [(30, 150), (150, 500)]

# Typical gains in margins: most trials for equal variants, then for finding gains.
POWER = (2, 5)
AUC, BALANCED = (
    METRICS["classification"][name] for name in ("roc_auc", "balanced_accuracy")
)


class Case(NamedTuple):
    """A population, and the studies to draw: their units and rows.

    An adversary is a population that the rule was not made for.
    """

    make: Callable[[], Population]
    cells: Sequence[tuple[int, int]] = GRID
    power: bool = False
    adversary: bool = True


def _main(power: bool = False, **how) -> Case:
    return Case(functools.partial(simulate, **how), power=power, adversary=False)


NARROW = {"between": 0.007, "within": 0.007, "alone": 0.01}
RARE = {"positives": 0.03, "rows": 10_000, "models": 300}
IN_REPEATS = {"between": 0, "within": 0.03}
CASES = {
    "blobs 1 → 2": Case(
        functools.partial(train, "blobs-1", "blobs-2", 600, 20_000), GRID, True, False
    ),
    "friedman": Case(
        functools.partial(train, "friedman-1", "friedman-2", 600, 5_000),
        *(GRID, True, False),
    ),
    **{
        f"{words}, {kind}": Case(
            functools.partial(simulate, metric, **NARROW, **how), adversary=False
        )
        for metric, kind in ((ACCURACY, "classes"), (ERROR, "numbers"))
        for words, how in (
            ("20 % weak, shared", {"bad": 0.2, "together": True}),
            ("20 % weak, each its own", {"bad": 0.2}),
            ("rows differ", {"own_rows": 0.7, "noise": 0.1}),
        )
    },
    **{
        words: Case(functools.partial(simulate, **how), cells)
        for words, how, cells in (
            (
                "source models in families of ten",
                {"family": 10},
                [(30, 500), (150, 500)],
            ),
            ("Student, 2 df", {"tail": 2}, [(10, 50), (30, 50), (150, 50), (150, 500)]),
            ("eight tied depths", {"depths": 8}, [(30, 150), (300, 500)]),
            (
                "repeats alike standalone's, -0.6",
                IN_REPEATS | {"alike": -0.6},
                [(30, 150), (30, 2000), (150, 2000)],
            ),
            (
                "repeats alike standalone's, +0.6",
                IN_REPEATS | {"alike": 0.6},
                [(30, 150), (30, 2000), (150, 2000)],
            ),
            (
                "rows in groups of five",
                {"group": 5},
                [(30, 60), (150, 150), (150, 500)],
            ),
            (
                "97:3, balanced accuracy",
                RARE | {"metric": BALANCED},
                [(30, 150), (30, 1000), (150, 500)],
            ),
            (
                "97:3, ROC AUC",
                RARE | {"metric": AUC},
                [(30, 150), (30, 1000), (150, 500)],
            ),
            ("15 % fail", {"bad": 0.15, "fail": True}, [(30, 150), (150, 500)]),
            (
                "one source model",
                {"models": 1, "repeats": 400},
                [(30, 150), (150, 500)],
            ),
        )
    },
}


# Variants that are compared with the best of the others, as chosen after looking.
SELECTED = {
    f"{words}, {count} references": Case(
        functools.partial(simulate, references=count, **NARROW, **how), SELECTION
    )
    for count in (0, 2, 5)
    for words, how in (("rows differ", {"own_rows": 0.7, "noise": 0.1}), ("alike", {}))
}
PARTS = {"selection": SELECTED, "all": CASES | SELECTED}


class Bar(NamedTuple):
    """A share required of a measure, or of each one that begins with its name."""

    words: str
    measure: str
    required: float
    at_most: bool = False

    def column(self, cells: pd.DataFrame) -> pd.Series:
        """Return the worst share of each cell."""
        depths = f"{self.measure}, "
        part = cells[[c for c in cells if c == self.measure or c.startswith(depths)]]
        return part.max(axis=1) if self.at_most else part.min(axis=1)

    def missed(self, share: float) -> bool:
        """Whether a share falls short."""
        return bool(share > self.required if self.at_most else share < self.required)


BARS = (
    Bar("anything false in a study", "anything false", 0.05, True),
    Bar("a false verdict", "false verdict", 0.05, True),
    Bar("anything false about weak or failed networks", "false shares", 0.05, True),
    Bar("a false headline", "false headline", 0.05, True),
    Bar("a set that lacks every best depth", "false set", 0.05, True),
    Bar("anything false in three looks", "false in 3 looks", 0.05, True),
    Bar("a typical difference's interval covers", "typical", 0.935),
    Bar("all of a study cover", "all typical", 0.935),
    Bar("a mean difference's interval covers", "mean", 0.935),
    Bar("an interval of weak networks' shares covers", "weak", 0.935),
    Bar("all of a study cover (weak)", "all weak", 0.935),
    Bar("an interval of failed networks' shares covers", "failed", 0.935),
)


def look_at(name: str, trials: int, seed: int) -> list[dict]:
    """Return the shares of studies in which each measure holds, cell by cell."""
    case, results = PARTS["all"][name], []
    population = case.make()
    for gain in (0, *(POWER * case.power)):
        known = Known(population, gain)
        for units, rows in case.cells:
            studies = trials if gain == 0 else max(1, trials // 4)
            rng = np.random.default_rng(
                [seed, zlib.crc32(name.encode()), gain, units, rows]
            )
            looked = []
            for _ in range(studies):
                drawn = draw(population, units, rows, rng)
                measures = known.look(drawn)
                if not (case.adversary or gain) and units == LOOKS[-1]:
                    early = [known.look(drawn.begin(look)) for look in LOOKS[:-1]]
                    false = [look["anything false"] for look in (*early, measures)]
                    measures["false in 2 looks"] = any(false[:2])
                    measures["false in 3 looks"] = any(false)
                looked.append(measures)
            shares = pd.DataFrame(looked).astype(float).mean()
            cell = {"population": name, "gain": gain, "units": units, "rows": rows}
            results.append(cell | {"adversary": case.adversary} | shares.to_dict())
    print(name, flush=True)
    return results


def percent(share: float) -> str:
    """Return a share in percent; "-" if there is none."""
    return "-" if np.isnan(share) else f"{100 * share:.1f}"


def table_of_bars(cells: pd.DataFrame) -> str:
    """Return a row for each bar: the requirement, the worst share, and its place."""
    rows = []
    for bar in BARS:
        shares = bar.column(cells).dropna()
        place = shares.idxmax() if bar.at_most else shares.idxmin()
        worst, cell = shares[place], cells.loc[place]
        gain = {0: "equal", 2: "+.02", 5: "+.05"}[cell["gain"]]
        where = f"{cell['population']}, {gain}, S = {cell['units']}, n = {cell['rows']}"
        required = f"{'≤' if bar.at_most else '≥'} {percent(bar.required)}"
        met = "no" if bar.missed(worst) else "yes"
        rows.append((bar.words, required, percent(worst), met, where))
    return markdown(("share of studies, %", "asked", "worst", "met", "where"), rows)


def _mean_of(cells: pd.DataFrame, measure: str) -> pd.Series:
    return cells[[c for c in cells if c.startswith(f"{measure}, ")]].mean(axis=1)


def _by_rows(cells: pd.DataFrame, columns: dict[str, Callable]) -> str:
    """Return a row a population and number of rows; cells are S = 10, 30, 150."""
    rows = []
    for (name, count), group in cells.groupby(["population", "rows"], sort=False):
        words = []
        for column in columns.values():
            words.append(" ".join(f"{100 * share:.0f}" for share in column(group)))
        rows.append((name, str(count), *words))
    return markdown(("population", "test rows", *columns), rows)


def table_of_truth(cells: pd.DataFrame) -> str:
    """Return the false statements on equal variants, and the coverage of intervals."""
    columns = {
        "anything false": lambda group: group["anything false"],
        "a false verdict": lambda group: group["false verdict"],
        "typical covers": lambda group: _mean_of(group, "typical"),
        "mean covers": lambda group: _mean_of(group, "mean"),
        "equivalent": lambda group: _mean_of(group, "equivalent"),
    }
    return _by_rows(cells[cells["gain"] == 0], columns)


def table_of_power(cells: pd.DataFrame) -> str:
    """Return how often gains are found, and found to reach the margin."""

    def share(gain: int, measure: str) -> Callable:
        return lambda group: _mean_of(group[group["gain"] == gain], measure)

    columns = {
        f"{words} {column}": share(gain, measure)
        for gain, words in ((2, "+.02"), (5, "+.05"))
        for column, measure in (("found", "better"), ("surely", "surely"))
    }
    return _by_rows(cells[cells["population"].map(lambda n: CASES[n].power)], columns)


def table_of_looks(cells: pd.DataFrame) -> str:
    """Return the false statements at any look at a growing study."""
    last = cells[(cells["gain"] == 0) & (cells["units"] == LOOKS[-1])]
    measures = ["anything false", "false in 2 looks", "false in 3 looks"]
    rows = [
        (cell["population"], str(cell["rows"]), *(percent(cell[m]) for m in measures))
        for _, cell in last.iterrows()
    ]
    header = ("population", "test rows", "one look", "two looks", "three looks")
    return markdown(header, rows)


def table_of_adversaries(cells: pd.DataFrame) -> str:
    """Return a row for each cell; `!` misses the requirement."""
    bars = [bar for bar in BARS if "look" not in bar.measure]
    rows = []
    for place, cell in cells.iterrows():
        shares = [bar.column(cells.loc[[place]])[place] for bar in bars]
        words = [
            percent(share) + " !" * bar.missed(share)
            for share, bar in zip(shares, bars, strict=True)
        ]
        rows.append((cell["population"], f"{cell['units']} × {cell['rows']}", *words))
    return markdown(("population", "S × rows", *(bar.measure for bar in bars)), rows)


def table_of_selection(cells: pd.DataFrame) -> str:
    """Return a row for each cell with reference estimators, and one for all."""
    measures = ["anything false", "false verdict", "false headline"]
    rows = [
        (
            cell["population"],
            f"{cell['units']} × {cell['rows']}",
            *(percent(cell[measure]) for measure in measures),
        )
        for _, cell in cells.iterrows()
    ]
    means = cells[measures].mean()
    rows.append(("all", "", *(percent(means[measure]) for measure in measures)))
    return markdown(("population", "S × rows", *measures), rows)


def main() -> None:
    """Draw the studies, and put the tables below their markers in the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("part", nargs="?", choices=PARTS, default="all")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    names = PARTS[args.part]
    with ProcessPoolExecutor(2) as pool:
        tasks = [pool.submit(look_at, name, args.trials, args.seed) for name in names]
        cells = pd.DataFrame([cell for task in tasks for cell in task.result()])
    how = f"--trials {args.trials} --seed {args.seed}"
    is_selected = cells["population"].isin(SELECTED)
    command = "Made by `.venv/bin/python research/calibration.py"
    tables = {
        "selection-made": f"{command} selection {how}`.",
        "selection": table_of_selection(cells[is_selected]),
    }
    if args.part == "all":
        ours, rest = (part for _, part in cells[~is_selected].groupby("adversary"))
        tables |= {
            "made": f"{command} {how}`.",
            "bars": table_of_bars(ours),
            "truth": table_of_truth(ours),
            "power": table_of_power(ours),
            "looks": table_of_looks(ours),
            "adversaries": table_of_adversaries(rest),
        }
    put(tables)


def put(parts: Mapping[str, str]) -> None:
    """Put words below their markers in the page, in place of the paragraph there."""
    text = PAGE.read_text(encoding="utf-8")
    for part, words in parts.items():
        before, _, after = text.partition(f"<!-- {part} -->\n\n")
        rest = after[after.index("\n\n") :]
        text = f"{before}<!-- {part} -->\n\n{words.rstrip()}{rest}"
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
