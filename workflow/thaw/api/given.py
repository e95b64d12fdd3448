"""Scores that anyone made: from a file or a frame, checked."""

import math
import re
from collections.abc import Iterator

import numpy as np
import pandas as pd

from thaw.api.scores import NONE, Given
from thaw.config.fields import NAME, NAME_IN_WORDS
from thaw.data.checks import wrong_values
from thaw.errors import listed, refuse
from thaw.findings.arms import TargetSize, arms, in_order

NEEDED = ("variant", "repeat", "score")
OPTIONAL = {"source_model": "", "target_size": "all"}
ADDRESS = ["variant", "target_size", "source_model", "repeat"]


def checked(table: pd.DataFrame, place: str) -> Given:
    """Return the scores of a table; `place` is what messages call it.

    Raises `ThawError` with all that is wrong in values or, if they are right, in which
    scores there are; it names columns, and rows from 1.
    """
    refuse(
        f"{place}: there is no column {name!r}. Its columns are "
        f"{listed(table.columns)}; needed are {', '.join(NEEDED)}, and "
        f"{' and '.join(OPTIONAL)} may be there"
        for name in NEEDED
        if name not in table
    )
    names = [*NEEDED, *(name for name in OPTIONAL if name in table)]
    rows = table[names].astype(object)
    rows = rows.where(rows.notna(), "").map(lambda value: str(value).strip())
    rows = rows.assign(**{k: v for k, v in OPTIONAL.items() if k not in rows})
    rows.index = pd.RangeIndex(1, len(rows) + 1)
    scores = pd.Series([*map(_score, rows["score"])], rows.index, float)
    sizes = pd.Series([*map(_size, rows["target_size"])], rows.index, object)
    named = pd.Series([*map(_is_name, rows["variant"])], rows.index, bool)
    refuse(
        line
        for name, wrong, what, remedy in (
            ("variant", ~named, "no names", f"allowed are {NAME_IN_WORDS}"),
            ("repeat", rows["repeat"] == "", "empty", "name or number the repeats"),
            (
                *("score", np.isinf(scores), "not finite numbers"),
                "correct them; empty is the score of a network that failed",
            ),
            (
                *("target_size", sizes.isna(), "no numbers of rows"),
                "make them whole numbers, or all",
            ),
        )
        for line in wrong_values(place, len(rows), rows[name], wrong, what, remedy)
    )
    rows["score"], rows["failed"], rows["target_size"] = scores, scores.isna(), sizes
    for name, number in (("source_model", "model"), ("repeat", "number")):
        # Empty cells have the number `NONE`.
        rows[number] = pd.factorize(rows[name].where(rows[name] != ""))[0]
    variants = [*dict.fromkeys(rows["variant"])]
    sizes_in_order = in_order([*dict.fromkeys(rows["target_size"])])
    given = Given(variants, sizes_in_order, rows.sort_values(["model", "number"]))
    refuse(_wrong_rows(given, place))
    return given


def _wrong_rows(given: Given, place: str) -> Iterator[str]:
    """Yield what is wrong unless there are two variants or more, with each address once
    and as many scores at each size, all or none of them from source models, and as many
    of each source model.
    """
    rows = given.rows.sort_index()
    if len(given.variants) < 2:
        yield (
            f"{place}: column variant names {listed(given.variants) or 'nothing'}; it "
            "takes two variants to compare"
        )
        return
    twice, others = rows.duplicated(ADDRESS), ", ".join(ADDRESS[:-1])
    yield from wrong_values(
        *(place, len(rows), rows["repeat"], twice),
        *(f"there before with the same {others}", "number the repeats"),
    )
    for name in given.pretrained:
        without = (rows["variant"] == name) & (rows["model"] == NONE)
        yield from wrong_values(
            *(place, len(rows), rows["source_model"], without),
            f"empty, and other rows of {name} have one",
            "a variant starts from source models, or does not",
        )
    counts = rows.groupby(["variant", "target_size"], sort=False).size()
    wanted = pd.MultiIndex.from_tuples(arms(given.variants, given.target_sizes))
    yield from _uneven(place, "variant", counts.reindex(wanted, fill_value=0))
    of_models = ["variant", "target_size", "source_model"]
    started = rows[rows["model"] != NONE].groupby(of_models, sort=False)
    yield from _uneven(place, "source_model", started.size())


def _uneven(place: str, column: str, counts: pd.Series) -> Iterator[str]:
    """Yield that counts of scores differ, if they do."""
    if counts.nunique() > 1:
        few, many = counts.idxmin(), counts.idxmax()
        yield (
            f"{place}: column {column}: {_named(few)} has {counts.min()} scores, and "
            f"{_named(many)} has {counts.max()}; give all as many. An empty score "
            "stands for a network that failed"
        )


def unpaired(given: Given, baseline: str, place: str) -> Iterator[str]:
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
    rows = given.rows[given.rows["variant"].isin(single)].sort_index()
    alike = rows.groupby(["target_size", "repeat"], sort=False)["variant"]
    alone = alike.transform("nunique") < len(single)
    yield from wrong_values(
        *(place, len(given.rows), rows["repeat"], alone),
        f"not there for each of {listed(single)}",
        "give them the same repeats, or leave --paired out",
    )


def _named(arm: tuple) -> str:
    variant, size, *model = arm
    place = "" if size == "all" else f" with {size} rows"
    return f"{variant}{place}{''.join(f', source model {one!r},' for one in model)}"


def _is_name(text: str) -> bool:
    return bool(re.match(NAME, text)) and len(text) <= 100


def _score(text: str) -> float:
    """Return a score: nan if it is empty, and infinite if it is no number."""
    if text.lower() in ("", "nan"):
        return math.nan
    try:
        return float(text)
    except ValueError:
        return math.inf


def _size(text: str) -> TargetSize | None:
    """Return a target size, if it is one."""
    if text == "all":
        return "all"
    try:
        value = float(text)
        return int(value) if value >= 1 and value == int(value) else None
    except (ValueError, OverflowError):
        return None
