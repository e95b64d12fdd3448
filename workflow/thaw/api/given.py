"""Scores that anyone made: read, checked, and written as those of a study.

`write` writes them where `gather` writes those of trained networks, so that all that is
made of a study's scores can be made of these. Losses, epochs and predictions, which
only training knows, are not there.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from thaw.config.fields import LONGEST_NAME
from thaw.data.checks import wrong_values
from thaw.data.tables import read_rows
from thaw.errors import ThawError, listed, refuse
from thaw.findings.arms import Arm, TargetSize, arms, in_order
from thaw.learning.history import Final
from thaw.output.records import Content, publish, write_archive
from thaw.output.tables import frame, plain

# The columns that must be there, and those that may be, with what they then hold.
NEEDED = ("variant", "repeat", "score")
OPTIONAL = {"source_model": "", "target_size": "all"}
ADDRESS = ["variant", "target_size", "source_model", "repeat"]

# Beyond this, sums and squares of scores leave the range of numbers.
LARGEST = 1e30


class Given(NamedTuple):
    """Scores that are given: as many of each variant at each target size.

    `rows` has the columns of `ADDRESS`, `model` and `number`, which number source
    models (-1 is none) and repeats, `score` and `failed`; its index counts rows from 1.
    `place` is what messages call it.
    """

    rows: pd.DataFrame
    place: str

    @property
    def variants(self) -> list[str]:
        """The variants, in the order of their first rows."""
        return [*self.rows["variant"].unique()]

    @property
    def target_sizes(self) -> list[TargetSize]:
        """The numbers of rows that networks learned from, the smallest first."""
        return in_order([*self.rows["target_size"].unique()])

    @property
    def started(self) -> pd.DataFrame:
        """The rows of networks that start from source models."""
        return self.rows[self.rows["model"] >= 0]

    @property
    def models(self) -> int:
        """From how many source models a variant starts; 1 where none does."""
        return max(self.started.groupby("variant")["model"].nunique(), default=1)

    @property
    def repeats(self) -> int:
        """How many scores each variant has at each size from each source model."""
        arms = len(self.variants) * len(self.target_sizes)
        return len(self.rows) // (arms * self.models)

    def of(self, arm: Arm) -> pd.DataFrame:
        """Return the rows of a variant at a target size, by source model and repeat."""
        rows = self.rows
        variant, size = rows["variant"], rows["target_size"]
        of_arm = rows[variant.eq(arm.variant) & size.eq(arm.target_size)]
        return of_arm.sort_values(["model", "number"])

    def wrong(self, column: str, wrong: Any, words: str, remedy: str) -> Iterator[str]:
        """Yield that values of a column are wrong, if any are."""
        values = self.rows[column]
        yield from wrong_values(self.place, len(values), values, wrong, words, remedy)


def read(scores: pd.DataFrame | Path) -> Given:
    """Return the scores of a frame or a CSV, checked.

    Raises `ThawError` with all that is wrong in values or, if they are right, in which
    scores there are; it names columns, and rows from 1.
    """
    names = [*NEEDED, *OPTIONAL]
    if isinstance(scores, Path):
        place, table = str(scores), read_rows(scores, {*names}, {})
    else:
        place, table = "the frame", scores
    missing = [name for name in NEEDED if name not in table]
    if missing:
        raise ThawError(
            f"{place}: missing columns: {listed(missing)}. Its columns are "
            f"{listed(table.columns)}; rename them"
        )
    cells = {name: table.get(name, OPTIONAL.get(name)) for name in names}
    rows = pd.DataFrame(cells, dtype=object)
    rows = rows.where(rows.notna(), "").map(lambda value: str(value).strip())
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    variant = rows["variant"].map(name_of)
    score, size = (
        pd.to_numeric(rows[name], errors="coerce") for name in ("score", "target_size")
    )
    failed = rows["score"].str.lower().isin(["", "nan"])
    given = Given(rows, place)
    checks = [
        ("variant", variant == "", "no names", "a name has at least a letter or digit"),
        (
            "score",
            ~(score.abs() <= LARGEST) & ~failed,
            f"not numbers within ±{LARGEST:g}",
            "correct them, or choose another unit; a failed network's is empty",
        ),
        (
            "target_size",
            ~((size >= 1) & (size % 1 == 0)) & (rows["target_size"] != "all"),
            "no numbers of rows",
            "write whole numbers, or all",
        ),
    ]
    refuse(line for check in checks for line in given.wrong(*check))
    refuse(
        f"{place}: column variant: {listed(texts)} would all be called {name}; rename "
        "one"
        for name, texts in rows["variant"].groupby(variant).unique().items()
        if len(texts) > 1
    )
    sizes = [int(count) if count > 0 else "all" for count in size]
    rows = rows.assign(variant=variant, score=score, failed=failed)
    rows["target_size"] = pd.Series(sizes, rows.index, dtype=object)
    for name, number in (("source_model", "model"), ("repeat", "number")):
        # Empty cells have the number -1.
        rows[number] = pd.factorize(rows[name].where(rows[name] != ""))[0]
    given = Given(rows, place)
    refuse(_wrong_rows(given))
    return given


def name_of(text: str) -> str:
    """Return a variant's name as files and targets can have it."""
    return re.sub("[^A-Za-z0-9_-]+", "-", text).strip("-_")[:LONGEST_NAME]


def _wrong_rows(given: Given) -> Iterator[str]:
    """Yield what is wrong unless there are two variants or more, with each address once
    and as many scores at each size, all or none of them from source models, and as many
    of each source model.
    """
    rows, started = given.rows, given.started
    if len(given.variants) < 2:
        yield (
            f"{given.place}: column variant names {listed(given.variants) or 'nothing'}"
            "; it takes two variants to compare"
        )
        return
    words = f"there before with the same {', '.join(ADDRESS[:-1])}"
    yield from given.wrong(
        "repeat", rows.duplicated(ADDRESS), words, "number the repeats"
    )
    yield from given.wrong(
        "source_model",
        rows["variant"].isin(started["variant"]) & (rows["model"] < 0),
        "empty, and other rows of the variant have one",
        "a variant starts from source models, or does not",
    )
    every_arm = pd.MultiIndex.from_tuples(arms(given.variants, given.target_sizes))
    of_arms = rows.groupby(ADDRESS[:2]).size().reindex(every_arm, fill_value=0)
    for counts in (of_arms, started.groupby(ADDRESS[:3]).size()):
        if counts.nunique() > 1:
            few, many = (
                " ".join(map(str, address))
                for address in (counts.idxmin(), counts.idxmax())
            )
            yield (
                f"{given.place}: {few} has {counts.min()} scores, and {many} has "
                f"{counts.max()}; give all as many. An empty score stands for a "
                "network that failed"
            )


def write(given: Given, folder: Path, record: Path, recipe: Mapping[str, Any]) -> None:
    """Write histories and scores into a folder, and their record.

    The recipe's settings are `study` (its name), the `metric`, the score of the
    `constant` prediction (None where it is not known), and whether repeats are
    `paired`; its only input is the digest of the `scores`.
    """
    all_arms = arms(given.variants, given.target_sizes)
    rows = pd.concat([given.of(arm) for arm in all_arms])
    # Variants have names of Thaw's kind; source models and repeats have any.
    free = {name: rows[name].map(plain) for name in ("source_model", "repeat")}
    table = rows[["variant", "target_size"]].assign(
        **free,
        test_score=rows["score"],
        failed=rows["failed"].astype(int),
    )
    table.insert(0, "study", recipe["settings"]["study"])
    arrays = _arrays(given, recipe["settings"]).items()
    outputs: dict[Path, Content] = {
        folder / "histories.npz": lambda file: write_archive(
            file, arrays, recipe, recipe["inputs"]
        ),
        folder / "scores.csv": frame(table),
    }
    publish(record, recipe, recipe["inputs"], outputs)


def _arrays(given: Given, settings: Mapping[str, Any]) -> dict[str, Any]:
    arrays: dict[str, Any] = {"positive": "", "has_splits": False}
    arrays |= {"tested": 0, "rarest": 0}
    if settings["constant"] is not None:
        arrays["constant/metrics/score"] = settings["constant"]
    for place, arm in enumerate(arms(given.variants, given.target_sizes)):
        rows = given.of(arm)
        # Repeats that are not paired share nothing, as if all had other numbers.
        apart = 0 if settings["paired"] else place * len(given.rows)
        numbers = rows["number"] + apart
        columns = dict.fromkeys(Final._fields, np.full(len(rows), np.nan, np.float32))
        columns |= {
            "failed": rows["failed"],
            "metrics/score": rows["score"],
            "addresses": np.column_stack([rows["model"].clip(0), numbers]),
        }
        if (rows["model"] >= 0).any():
            columns["source_model"] = rows["model"]
        arrays |= {f"{arm.name}/{name}": values for name, values in columns.items()}
    return arrays
