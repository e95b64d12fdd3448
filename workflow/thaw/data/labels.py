"""Labels: classes, numbers, or numbers that are binned into classes.

Each kind reads the labels of a problem's tables, says by what rows are drawn, and
returns what is learned once it is known which rows are the train set.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

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
from thaw.data.table import Table
from thaw.errors import ThawError, refuse


class Labels(Protocol):
    """The labels of tables: one with all rows, or a train and a test set.

    task: the name of the task. names: the classes' names, by label, once `parts` was
    called. strata: of each table, by what its rows are drawn, int64 `[rows]`.
    """

    task: str
    names: Sequence[str]
    strata: Sequence[np.ndarray]

    def parts(
        self, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels of the first table's train rows, the last one's test rows.

        Raises `ThawError` if a part lacks a class.
        """


class Classes:
    """Labels that name classes."""

    task = "classification"

    def __init__(self, tables: Sequence[Table], settings: Mapping[str, Any]) -> None:
        asked = [*map(str, settings.get("classes", []))]
        refuse(wrong_classes(tables, asked))
        self.names = class_names(tables, asked)
        self._place = tables[0].place
        self.strata: Sequence[np.ndarray] = [
            pd.Categorical(table.labels, self.names).codes.astype(np.int64)
            for table in tables
        ]

    def parts(
        self, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of classes."""
        learned, unseen = self.strata[0][train], self.strata[-1][test]
        check_parts(self._place, self.names, learned, unseen)
        return learned, unseen


class Numbers:
    """Labels that are numbers, in their own units."""

    task = "regression"

    def __init__(self, tables: Sequence[Table], settings: Mapping[str, Any]) -> None:
        refuse(wrong for table in tables for wrong in wrong_numbers(table))
        self.names: Sequence[str] = []
        self._place = tables[0].place
        self._values = [numbers_of(table) for table in tables]
        # Each side of the split must be able to hold a row of each.
        most = [MOST_QUANTILES]
        for size in (settings.get("train_size"), settings.get("test_size")):
            for values in self._values:
                if size is not None:
                    rows = size if isinstance(size, int) else int(size * len(values))
                    most += [rows, len(values) - rows]
        fewest = max(1, min(number for number in most if number > 0))
        self.strata: Sequence[np.ndarray] = [
            quantiles(values, fewest) for values in self._values
        ]

    def parts(
        self, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers."""
        learned, unseen = self._values[0][train], self._values[-1][test]
        if np.ptp(learned) == 0:
            raise ThawError(
                f"{self._place}: the label is {learned[0]:g} in every train row; there "
                "is nothing to learn"
            )
        return learned, unseen


class Binned(Numbers):
    """Numbers that are made classes by quantiles of the train rows."""

    task = "classification"

    def __init__(self, tables: Sequence[Table], settings: Mapping[str, Any]) -> None:
        super().__init__(tables, settings)
        self._bins = settings["bins"]

    def parts(
        self, train: np.ndarray, test: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of classes, from the smallest labels to the largest.

        Raises `ThawError` if too many labels are equal for so many classes.
        """
        parts = super().parts(train, test)
        cuts = np.quantile(parts[0], np.arange(1, self._bins) / self._bins)
        learned, unseen = (np.searchsorted(cuts, y, side="right") for y in parts)
        if len(np.unique(learned)) < self._bins:
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
        check_parts(self._place, self.names, learned, unseen)
        return learned, unseen


def labels_of(tables: Sequence[Table], settings: Mapping[str, Any]) -> Labels:
    """Return the labels of a problem's tables, of the kind that its settings say.

    Raises `ThawError` with all that keeps them from being of that kind.
    """
    if "bins" in settings:
        return Binned(tables, settings)
    # Its keys are those of `thaw.learning.tasks`.
    kinds: dict[str, Any] = {kind.task: kind for kind in (Classes, Numbers)}
    return kinds[settings.get("task", Classes.task)](tables, settings)
