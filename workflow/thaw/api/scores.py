"""Write scores that are given where `gather` writes those of trained networks.

So all that is made of a study's scores can be made of these. What only training knows
(losses, epochs, what was predicted of each row) is not there.

Settings: `study` (its name), the `metric`, what the `constant` prediction reaches (None
where it is not known), and whether repeats are `paired`. The recipe's only input is the
digest of the `scores`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd

from thaw.findings.arms import Arm, TargetSize, arms
from thaw.learning.history import METRICS, Final, History, Reached
from thaw.learning.tasks import Constant
from thaw.output.histories import add_networks
from thaw.output.records import ArchiveWriter, Content, publish
from thaw.output.tables import frame, plain

NONE = -1


class Given(NamedTuple):
    """Scores that are given: as many of each variant at each target size.

    `rows` has the columns variant, target_size, source_model and repeat, as they were
    given, `model` and `number`, which number these (`NONE` is no source model), score
    and failed; it is sorted by model and number.
    """

    variants: list[str]
    target_sizes: list[TargetSize]
    rows: pd.DataFrame

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


def write(given: Given, folder: Path, record: Path, recipe: Mapping[str, Any]) -> None:
    """Write histories and scores into a folder, and their record."""
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
        add_networks(writer, arm.name, _reached(rows["failed"].to_numpy()), more)
    constant = settings["constant"]
    of_all: dict[str, Any] = {"positive": "", "has_splits": False, "tested": 0}
    if constant is not None:
        of_all["constant/metrics/score"] = constant
    for name, value in of_all.items():
        writer.add(name, value)
    writer.close(recipe, recipe["inputs"])


def _reached(failed: np.ndarray) -> Reached:
    """Return what is known of networks: which failed."""
    nothing = np.full(len(failed), np.nan, np.float32)
    history = History(*(nothing[:, None] for _ in METRICS))
    final = Final(failed, nothing, nothing, nothing)
    return Reached(history, final, Constant(np.nan, np.nan), np.zeros(1, int), "")
