"""Scores that anyone made: read, checked, and written as those of a study.

`write` writes them where `gather` writes those of trained networks, so that all that is
made of a study's scores can be made of these. Losses, epochs and predictions, which
only training knows, are not there.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd

from thaw.config.fields import LONGEST_NAME
from thaw.data.checks import wrong_values
from thaw.data.tables import read_rows
from thaw.errors import listed, refuse
from thaw.findings.arms import Arm, TargetSize, arms, in_order
from thaw.learning.history import METRICS, Final, History, Reached
from thaw.learning.tasks import Constant
from thaw.output.histories import add_networks
from thaw.output.records import ArchiveWriter, Content, publish
from thaw.output.tables import frame, plain

# The columns that must be there, and those that may be, with what they then hold.
NEEDED = ("variant", "repeat", "score")
OPTIONAL = {"source_model": "", "target_size": "all"}
ADDRESS = ["variant", "target_size", "source_model", "repeat"]

# Beyond this, sums and squares of scores leave the range of numbers.
LARGEST = 1e30

# The number of no source model.
NONE = -1


class Given(NamedTuple):
    """Scores that are given: as many of each variant at each target size.

    `rows` has the columns variant, target_size, source_model and repeat, as they were
    given, `model` and `number`, which number these (`NONE` is no source model), score
    and failed; it is sorted by model and number, and its index counts rows from 1.
    `place` is what messages call it.
    """

    variants: list[str]
    target_sizes: list[TargetSize]
    rows: pd.DataFrame
    place: str

    def of(self, arm: Arm) -> pd.DataFrame:
        """Return the rows of a variant at a target size."""
        rows = self.rows
        variant, size = rows["variant"], rows["target_size"]
        return rows[variant.eq(arm.variant) & size.eq(arm.target_size)]

    @property
    def pretrained(self) -> list[str]:
        """The variants that start from source models."""
        started = {*self.rows["variant"][self.rows["model"] != NONE]}
        return [name for name in self.variants if name in started]

    @property
    def models(self) -> int:
        """From how many source models a variant starts; 1 where none does."""
        started = self.rows[self.rows["model"] != NONE].groupby("variant")
        return int(started["model"].nunique().max()) if self.pretrained else 1

    @property
    def repeats(self) -> int:
        """How many scores each variant has at each size from each source model."""
        arms = len(self.variants) * len(self.target_sizes)
        return len(self.rows) // (arms * self.models)

    def wrong(
        self, column: str, is_wrong: pd.Series, words: str, remedy: str
    ) -> Iterator[str]:
        """Yield that values of a column are wrong, if any are."""
        values, count = self.rows[column].sort_index(), len(self.rows)
        yield from wrong_values(
            self.place, count, values, is_wrong.sort_index(), words, remedy
        )


def read(scores: pd.DataFrame | Path, columns: Mapping[str, str]) -> Given:
    """Return the scores of a frame or a CSV, checked.

    `columns` holds the names of those of `NEEDED` that are called otherwise.
    Raises `ThawError` with all that is wrong in values or, if they are right, in which
    scores there are; it names columns, and rows from 1.
    """
    names = {name: columns.get(name, name) for name in (*NEEDED, *OPTIONAL)}
    if isinstance(scores, Path):
        place, table = str(scores), read_rows(scores, {*names.values()}, {})
    else:
        place, table = "the frame", scores
    refuse(
        f"{place}: there is no column {names[name]!r}. Its columns are "
        f"{listed(table.columns)}; needed are "
        f"{', '.join(names[needed] for needed in NEEDED)}, and "
        f"{' and '.join(OPTIONAL)} may be there"
        for name in NEEDED
        if names[name] not in table
    )
    rows = pd.DataFrame(
        {name: table[column] for name, column in names.items() if column in table},
        dtype=object,
    )
    rows = rows.where(rows.notna(), "").map(lambda value: str(value).strip())
    rows = rows.assign(**{k: v for k, v in OPTIONAL.items() if k not in rows})
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    given = Given([], [], rows.assign(model=NONE), place)
    values, counts = (
        pd.to_numeric(rows[name], errors="coerce") for name in ("score", "target_size")
    )
    is_failed = rows["score"].str.lower().isin(["", "nan"])
    is_count = (counts >= 1) & (counts % 1 == 0)
    sizes = counts.where(is_count, 0).astype("int64").astype(object)
    sizes = sizes.where(is_count, rows["target_size"])
    variants = pd.Series([*map(name_of, rows["variant"])], rows.index, object)
    is_size = sizes.eq("all") | is_count
    in_range = f"numbers within ±{LARGEST:g}"
    letters = "a name has at least a letter or a digit"
    unit = "correct them, or choose another unit; a failed network's score is empty"
    wrong_scores = ~(values.abs() <= LARGEST) & ~is_failed
    refuse(
        [
            *given.wrong("variant", variants == "", "no names", letters),
            *given.wrong(
                "repeat", rows["repeat"] == "", "empty", "name or number them"
            ),
            *given.wrong("score", wrong_scores, f"not {in_range}", unit),
            *given.wrong(
                "target_size",
                ~is_size,
                "no numbers of rows",
                "write whole numbers, or all",
            ),
        ]
    )
    spellings = rows["variant"].groupby(variants).unique()
    refuse(
        f"{place}: column variant: {listed(texts)} would all be called {name}; rename "
        "one"
        for name, texts in spellings.items()
        if len(texts) > 1
    )
    rows = rows.assign(
        variant=variants, score=values, failed=is_failed, target_size=sizes
    )
    for name, number in (("source_model", "model"), ("repeat", "number")):
        # Empty cells have the number `NONE`.
        rows[number] = pd.factorize(rows[name].where(rows[name] != ""))[0]
    given = Given(
        variants=[*dict.fromkeys(variants)],
        target_sizes=in_order([*dict.fromkeys(sizes)]),
        rows=rows.sort_values(["model", "number"]),
        place=place,
    )
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
    rows = given.rows.sort_index()
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
    for name in given.pretrained:
        yield from given.wrong(
            "source_model",
            (rows["variant"] == name) & (rows["model"] == NONE),
            f"empty, and other rows of {name} have one",
            "a variant starts from source models, or does not",
        )
    counts = rows.groupby(["variant", "target_size"], sort=False).size()
    wanted = pd.MultiIndex.from_tuples(arms(given.variants, given.target_sizes))
    yield from _uneven(given, "variant", counts.reindex(wanted, fill_value=0))
    of_models = ["variant", "target_size", "source_model"]
    started = rows[rows["model"] != NONE].groupby(of_models, sort=False)
    yield from _uneven(given, "source_model", started.size())


def _uneven(given: Given, column: str, counts: pd.Series) -> Iterator[str]:
    """Yield that counts of scores differ, if they do."""
    if counts.nunique() > 1:
        few, many = counts.idxmin(), counts.idxmax()
        yield (
            f"{given.place}: column {column}: {_in_words(few)} has {counts.min()} "
            f"scores, and {_in_words(many)} has {counts.max()}; give all as many. An "
            "empty score stands for a network that failed"
        )


def _in_words(address: tuple) -> str:
    variant, size, *model = address
    place = "" if size == "all" else f" with {size} rows"
    return f"{variant}{place}{''.join(f', source model {name!r},' for name in model)}"


def unpaired(given: Given, baseline: str) -> Iterator[str]:
    """Yield why variants cannot be paired with the baseline by repeat, if they cannot.

    Those with several source models are not: with each other they are compared source
    model by source model.
    """
    models = given.rows.groupby("variant")["model"].nunique()
    single = [name for name in given.variants if models[name] == 1]
    if baseline not in single or len(single) < 2:
        yield (
            f"paired: no variant can be paired with {baseline} repeat by repeat, "
            "because those with several source models are compared source model by "
            "source model, or not matched; leave --paired out"
        )
        return
    rows = given.rows[given.rows["variant"].isin(single)]
    alike = rows.groupby(["target_size", "repeat"])["variant"].transform("nunique")
    yield from given.wrong(
        "repeat",
        (alike < len(single)).reindex(given.rows.index, fill_value=False),
        f"not there for each of {listed(single)}",
        "give them the same repeats, or leave --paired out",
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
    outputs: dict[Path, Content] = {
        folder / "histories.npz": lambda file: _write(given, file, recipe),
        folder / "scores.csv": frame(table),
    }
    publish(record, recipe, recipe["inputs"], outputs)


def _write(given: Given, file: BinaryIO, recipe: Mapping[str, Any]) -> None:
    writer, settings = ArchiveWriter(file), recipe["settings"]
    for place, arm in enumerate(arms(given.variants, given.target_sizes)):
        rows = given.of(arm)
        # Repeats that are not paired share nothing, as if all had other numbers.
        apart = 0 if settings["paired"] else place * len(given.rows)
        model, number = rows["model"].to_numpy(), rows["number"].to_numpy()
        more = {
            "metrics/score": rows["score"].to_numpy(),
            "addresses": np.column_stack([np.maximum(model, 0), number + apart]),
        }
        if arm.variant in given.pretrained:
            more["source_model"] = model
        failed = rows["failed"].to_numpy()
        nothing = np.full(len(rows), np.nan, np.float32)
        reached = Reached(
            history=History(*(nothing[:, None] for _ in METRICS)),
            final=Final(failed, nothing, nothing, nothing),
            constant=Constant(np.nan, np.nan),
            steps=np.zeros(1, int),
            task="",
        )
        add_networks(writer, arm.name, reached, more)
    constant = settings["constant"]
    of_all: dict[str, Any] = {"positive": "", "has_splits": False}
    of_all |= {"tested": 0, "rarest": 0}
    if constant is not None:
        of_all["constant/metrics/score"] = constant
    for name, value in of_all.items():
        writer.add(name, value)
    writer.close(recipe, recipe["inputs"])
