"""Labels: classes, numbers, or numbers that are binned into classes.

Each kind reads the labels of a problem's tables, says by what rows are drawn, and
returns what is learned once it is known which rows are the train set.
"""

# ruff: noqa: D102 (`Labels` explains these)

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.data.checks import (
    check_parts,
    class_names,
    numbers_of,
    wrong_classes,
    wrong_numbers,
)
from thaw.data.strata import MOST_QUANTILES, quantiles
from thaw.data.tables import Table
from thaw.errors import ThawError, refuse


class Labels:
    """The labels of tables: one with all rows, or a train and a test set.

    task: the name of the task. names: the classes' names, by label, once `learned` was
    called. strata: of each table, by what its rows are drawn, int64 `[rows]`.
    """

    task: str
    names: Sequence[str]
    strata: Sequence[np.ndarray]

    def __init__(self, tables: Sequence[Table], settings: Mapping[str, Any]) -> None:
        """Take the tables; raises `ThawError` with all that is wrong with labels."""
        raise NotImplementedError

    def learned(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Return the labels of all rows of all tables, `[rows]`, as they are learned.

        `train` and `test` are the places of train and test rows among them.
        Raises `ThawError` if one of the two lacks a class, or the labels teach nothing.
        """
        raise NotImplementedError


class Classes(Labels):
    """Labels that name classes."""

    task = "classification"

    def __init__(self, tables: Sequence[Table], settings: Mapping[str, Any]) -> None:
        wanted = [*map(str, settings.get("classes", []))]
        refuse(wrong_classes(tables, wanted))
        self.names = class_names(tables, wanted)
        self._place = tables[0].place
        self.strata = [
            pd.Categorical(table.labels, self.names).codes.astype(np.int64)
            for table in tables
        ]

    def learned(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        labels = np.concatenate(self.strata)
        check_parts(self._place, self.names, labels[train], labels[test])
        return labels


class Numbers(Labels):
    """Labels that are numbers, in their own units."""

    task = "regression"

    def __init__(self, tables: Sequence[Table], settings: Mapping[str, Any]) -> None:
        refuse(wrong for table in tables for wrong in wrong_numbers(table))
        self.names = []
        self._place = tables[0].place
        values = [numbers_of(table) for table in tables]
        self._values = np.concatenate(values)
        # Each side of the split must be able to hold a row of each.
        most = [MOST_QUANTILES]
        for size in (settings.get("train_size"), settings.get("test_size")):
            for table in values:
                if size is not None:
                    rows = size if isinstance(size, int) else int(size * len(table))
                    most += [rows, len(table) - rows]
        fewest = max(1, min(number for number in most if number > 0))
        self.strata = [quantiles(table, fewest) for table in values]

    def learned(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        labels = self._values[train]
        if np.ptp(labels) == 0:
            raise ThawError(
                f"{self._place}: the label is {labels[0]:g} in every train row; there "
                "is nothing to learn"
            )
        return self._values


class Binned(Numbers):
    """Numbers that become classes by quantiles of the train rows."""

    task = "classification"

    def __init__(self, tables: Sequence[Table], settings: Mapping[str, Any]) -> None:
        super().__init__(tables, settings)
        self._bins = settings["bins"]

    def learned(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Return the numbers of classes, from the smallest labels to the largest."""
        numbers = super().learned(train, test)
        cuts = np.quantile(numbers[train], np.arange(1, self._bins) / self._bins)
        labels = np.searchsorted(cuts, numbers, side="right")
        if len(np.unique(labels[train])) < self._bins:
            raise ThawError(
                f"{self._place}: too many labels are equal for {self._bins} bins; ask "
                "for fewer"
            )
        ends = [f"{cut:.6g}" for cut in cuts]
        if len({*ends}) < len(ends):  # six digits do not tell them apart
            ends = [str(cut) for cut in cuts]
        self.names = [
            f"below {ends[0]}",
            *(f"{low} to {high}" for low, high in itertools.pairwise(ends)),
            f"{ends[-1]} or more",
        ]
        check_parts(self._place, self.names, labels[train], labels[test])
        return labels


def labels_of(tables: Sequence[Table], settings: Mapping[str, Any]) -> Labels:
    """Return the labels of a problem's tables, of the kind that its settings say.

    Raises `ThawError` with all that keeps them from being of that kind.
    """
    if "bins" in settings:
        return Binned(tables, settings)
    # Its keys are those of `thaw.learning.tasks`.
    kinds: dict[str, Any] = {kind.task: kind for kind in (Classes, Numbers)}
    return kinds[settings.get("task", Classes.task)](tables, settings)
