"""Scores that anyone made: read from a file or a frame, and checked."""

import itertools
import math
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from thaw.config.values import NAME, NAME_IN_WORDS
from thaw.errors import ThawError, listed
from thaw.findings.arms import Arm, TargetSize, arms, in_order
from thaw.stages.given import NONE, Given

NEEDED = ("variant", "repeat", "score")
OPTIONAL = {"source_model": "", "target_size": "all"}
ADDRESS = ["variant", "target_size", "source_model", "repeat"]


def read(path: Path) -> pd.DataFrame:
    """Read a CSV, as text."""
    try:
        with warnings.catch_warnings():
            # pandas only warns that it leaves out fields beyond the header's.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
                index_col=False,
                encoding="utf-8-sig",
            )
    except (ValueError, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split())
        raise ThawError(f"{path}: cannot be read as CSV: {reason}") from error


def checked(table: pd.DataFrame, place: str) -> Given:
    """Return the scores of a table; `place` is what messages call it.

    Raises `ThawError` that names column and row, from 1, if something is wrong.
    """
    for name in NEEDED:
        if name not in table:
            raise ThawError(
                f"{place}: there is no column {name!r}. Its columns are "
                f"{listed(table.columns)}; needed are {', '.join(NEEDED)}, and "
                f"{' and '.join(OPTIONAL)} may be there"
            )
    names = [*NEEDED, *(name for name in OPTIONAL if name in table)]
    rows = table[names].astype(object)
    rows = rows.where(rows.notna(), "").map(lambda value: str(value).strip())
    rows = rows.assign(**{k: v for k, v in OPTIONAL.items() if k not in rows})
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    _each(place, rows["variant"], _name)
    _each(place, rows["repeat"], _there)
    rows["score"] = _each(place, rows["score"], _score)
    rows["failed"] = rows["score"].isna()
    rows["target_size"] = _each(place, rows["target_size"], _size).astype(object)
    for name, number in (("source_model", "model"), ("repeat", "number")):
        # What is empty has the number `NONE`.
        rows[number] = pd.factorize(rows[name].where(rows[name] != ""))[0]
    for row in rows.index[rows.duplicated(ADDRESS)]:
        first = (rows[ADDRESS] == rows.loc[row, ADDRESS]).all(axis=1).idxmax()
        raise ThawError(
            f"{place}: column repeat, row {row}: {rows['repeat'][row]!r} stands in row "
            f"{first}, too, with the same {', '.join(ADDRESS[:-1])}; number the repeats"
        )
    variants = [*dict.fromkeys(rows["variant"])]
    if len(variants) < 2:
        raise ThawError(
            f"{place}: column variant names {listed(variants) or 'nothing'}; it takes "
            "two variants to compare"
        )
    sizes = in_order([*dict.fromkeys(rows["target_size"])])
    given = Given(variants, sizes, rows.sort_values(["model", "number"]))
    _check_balance(given, place)
    return given


def _check_balance(given: Given, place: str) -> None:
    """Raise `ThawError` unless each variant has as many scores at each size, all or
    none of them from source models, and as many of each source model.
    """
    rows = given.rows
    for name in given.pretrained:
        own = rows[rows["variant"] == name]
        if (own["model"] == NONE).any():
            row = own.index[own["model"] == NONE].min()
            raise ThawError(
                f"{place}: column source_model, row {row}: it is empty, and other rows "
                f"of {name} have one; a variant starts from source models, or does not"
            )
    for what, columns in (
        ("", ["variant", "target_size"]),
        (" of a source model", ["variant", "target_size", "source_model"]),
    ):
        some = rows if not what else rows[rows["model"] != NONE]
        counts = some.groupby(columns, sort=False).size()
        if not what:
            wanted = arms(given.variants, given.target_sizes)
            counts = counts.reindex(pd.MultiIndex.from_tuples(wanted), fill_value=0)
        if counts.nunique() > 1:
            few, many = counts.idxmin(), counts.idxmax()
            raise ThawError(
                f"{place}: column {columns[-1] if what else 'variant'}: "
                f"{_named(few)} has {counts.min()} scores, and {_named(many)} has "
                f"{counts.max()}; give all as many. An empty score stands for a "
                "network that failed"
            )


def check_pairs(given: Given, baseline: str, place: str) -> None:
    """Raise `ThawError` unless variants can be paired with the baseline by repeat.

    Those with several source models are not: with each other they are compared source
    model by source model.
    """
    models = given.rows.groupby("variant")["model"].nunique()
    single = [name for name in given.variants if models[name] == 1]
    if baseline not in single or len(single) < 2:
        raise ThawError(
            f"paired: no variant can be paired with {baseline} repeat by repeat, "
            "because those with several source models are compared source model by "
            "source model, or not matched; leave --paired out"
        )
    for size in given.target_sizes:
        arms_here = {name: given.of(Arm(name, size))["repeat"] for name in single}
        for name, other in itertools.permutations(single, 2):
            alone = ~arms_here[name].isin(arms_here[other])
            for row, repeat in arms_here[name][alone].items():
                raise ThawError(
                    f"{place}: column repeat, row {row}: {name} has a repeat "
                    f"{repeat!r}, and {other} has none, so that they cannot be paired"
                )


def _named(arm: tuple) -> str:
    variant, size, *model = arm
    place = "" if size == "all" else f" with {size} rows"
    return f"{variant}{place}{''.join(f', source model {one!r},' for one in model)}"


def _each(place: str, column: pd.Series, of: Callable[[str], Any]) -> pd.Series:
    """Return what a column's texts mean; raises `ThawError` at the first wrong one."""
    found = []
    for row, text in column.items():
        try:
            found.append(of(text))
        except ValueError as error:
            where = f"{place}: column {column.name}, row {row}"
            raise ThawError(f"{where}: {error}") from None
    return pd.Series(found, column.index)


def _name(text: str) -> str:
    if not re.match(NAME, text) or len(text) > 100:
        raise ValueError(f"{text!r} is no name. Allowed: {NAME_IN_WORDS}")
    return text


def _there(text: str) -> str:
    if not text:
        raise ValueError("it is empty; name or number the repeat")
    return text


def _score(text: str) -> float:
    if text.lower() in ("", "nan"):
        return math.nan
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a number") from None
    if math.isinf(value):
        raise ValueError(f"{text} is no score; leave it empty if the network failed")
    return value


def _size(text: str) -> TargetSize:
    if text == "all":
        return "all"
    try:
        value = float(text)
        if value >= 1 and value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise ValueError(f"{text!r} is no number of rows; make it a whole number, or all")
