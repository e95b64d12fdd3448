"""A study's scores and histories, gathered in one NumPy archive.

Its arrays are `source-models/{metric}` `[source models, epochs + 1]` and, for each arm
(a variant at a target size), `{arm}/{metric}` `[repeats, epochs + 1]` and, if it is
pretrained, `{arm}/source_model` `[repeats]`; both also have the final scores,
`{arm}/{score}` `[repeats]`, those of the best `constant` prediction, and the `steps` of
gradient descent by the end of each epoch, `[epochs + 1]`. If predictions are kept,
`{arm}/predicted` `[test rows, classes]` counts the sound networks that predict each
class, `{arm}/metrics/{metric}` `[repeats]` is a metric outside the histories, and
`{arm}/rows/{metric}` `[repeats, units]` the part of each unit of test rows in a metric
(see `thaw.findings.rows_luck`), nan for failed networks. `constant/metrics/{metric}` is
the score of the best constant prediction, `constant/rows/{metric}` `[units]` the rows'
part in it, `positive` the name of the positive class if a metric has one, `addresses`
`[repeats, 2]` those of all arms, or `{arm}/addresses` those of one. `tested` is the
number of test rows, or groups of them, `has_splits` says whether each source model has
its own split of the target. Then all arms have a `source_model`, test rows are all
rows, and `rows/{metric}` is nan for units in which a network has no test row. Each
array is read by itself, so that a stage holds only those that it needs.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from thaw.errors import ThawError
from thaw.findings.metrics import Metric
from thaw.learning.history import METRICS, Reached, kept
from thaw.learning.tasks import Constant
from thaw.output.records import check_record, digest_of_arrays, reading, record, require
from thaw.output.scores import named_arrays

SOURCE_MODELS = "source-models"


class HistoriesWriter:
    """Write the archive, one group of arrays after the other."""

    def __init__(self, file: BinaryIO) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_STORED)
        self._digests: dict[str, str] = {}

    def add(
        self,
        name: str,
        reached: Reached,
        more: Mapping[str, np.ndarray],
    ) -> None:
        """Add the results of an arm or the source models, and more arrays of theirs."""
        for part, values in (named_arrays(reached) | dict(more)).items():
            self._write(f"{name}/{part}", values)

    def close(
        self,
        recipe: Mapping[str, Any],
        saw: Mapping[str, Any],
        more: Mapping[str, Any],
    ) -> None:
        """Add the arrays shared by all arms and the record, and end the archive."""
        for name, values in more.items():
            self._write(name, np.asarray(values))
        text = json.dumps(record(recipe, saw, self._digests))
        self._write("record", np.array(text))
        self._archive.close()

    def _write(self, name: str, values: np.ndarray) -> None:
        # A fresh ZipInfo has a fixed date, so the bytes are the same in every run.
        entry = zipfile.ZipInfo(f"{name}.npy")
        with self._archive.open(entry, "w", force_zip64=True) as file:
            np.lib.format.write_array(file, values, allow_pickle=False)
        self._digests[name] = digest_of_arrays({name: values})


class Histories:
    """Read a study's gathered histories, one array at a time."""

    def __init__(self, path: Path, key: str) -> None:
        """Open the archive of that key.

        Raises `ThawError` if the file is damaged or belongs to another study.
        """
        self._path = path
        with reading(path, "the histories it should be"):
            self._archive = np.load(path)
            text = str(self._archive["record"])
            self._record = check_record(text, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    @property
    def saw(self) -> dict[str, str]:
        """The digest of the whole content, for the records of readers."""
        text = json.dumps(self._record["content"], sort_keys=True)
        return {self._path.name: digest_of_arrays({"content": np.array(text)})}

    def metric(self, name: str, metric: str) -> np.ndarray:
        """Return a metric of an arm's repeats, float32 `[repeats, epochs + 1]`.

        `name` may also be `SOURCE_MODELS`. Raises `ThawError` if it was changed.
        """
        return self._read(f"{name}/{metric}")

    def source_models(self, arm: str) -> np.ndarray | None:
        """Return each repeat's source model `[repeats]`; None if it has none."""
        name = f"{arm}/source_model"
        return self._read(name) if name in self._record["content"] else None

    def has_splits(self) -> bool:
        """Whether each source model has its own split of the target."""
        return bool(self._read("has_splits"))

    def addresses(self, arm: str = "") -> np.ndarray:
        """Return the address of each repeat of an arm, int64 `[repeats, 2]`.

        All arms of a study have the same; where scores are given, each has its own.
        """
        own = f"{arm}/addresses"
        return self._read(own if own in self._record["content"] else "addresses")

    def predicted(self, arm: str) -> np.ndarray | None:
        """Return how many networks predict each class, int64 `[test rows, classes]`.

        None if nothing is known about an arm's predictions.
        """
        name = f"{arm}/predicted"
        return self._read(name) if name in self._record["content"] else None

    def final(self, name: str, metric: str) -> np.ndarray:
        """Return a final score, float64 `[repeats]`.

        The numbers are those of `scores.csv`: the shortest decimals that give these
        float32.
        """
        values = self.metric(name, metric)
        if values.ndim == 2:
            values = kept(values, self._read(f"{name}/epoch"))
        return as_read(values)

    def score(self, name: str, metric: Metric) -> np.ndarray:
        """Return a metric of each repeat on the test rows, as `final`.

        Raises `ThawError`, too, if the study's trainer did not write it.
        """
        column = f"{name}/metrics/{metric.name}"
        if metric.history:
            values = self.final(name, f"test_{metric.history}")
        elif column in self._record["content"]:
            values = self._read(column)
        else:
            raise ThawError(
                f"{metric.name} is computed from predictions, and the study's trainer "
                f"wrote none of {name}; choose another metric for the study, or let "
                "the trainer write predictions (docs/trainer.md)"
            )
        if not (np.isfinite(values) | self.failed(name)).all():
            raise ThawError(
                f"some networks of {name} have no finite value of {metric.name}; "
                "choose another metric for the study or, where a trainer writes the "
                "scores, let it write that column"
            )
        return values

    def rows(self, name: str, metric: Metric) -> np.ndarray | None:
        """Return the part of each unit of test rows in a metric, if known.

        It is `[repeats, units]` or, of the "constant", `[units]`.
        """
        column = f"{name}/rows/{metric.name}"
        return self._read(column) if column in self._record["content"] else None

    def failed(self, name: str) -> np.ndarray:
        """Return which networks failed, bool `[repeats]`; `name` is as for `metric`."""
        return self._read(f"{name}/failed")

    def is_known(self, name: str) -> bool:
        """Whether an estimator, which has no learning rate, gives one result only.

        That is if all scores and losses of several repeats are equal.
        """
        if not np.isnan(self.metric(name, "learning_rate")).all():
            return False
        columns = [self.metric(name, metric) for metric in METRICS]
        return len(columns[0]) > 1 and not any(np.ptp(c) for c in columns)

    def failed_source_models(self) -> np.ndarray | None:
        """Return which source models failed; None if there are no results of any."""
        known = f"{SOURCE_MODELS}/failed" in self._record["content"]
        return self.failed(SOURCE_MODELS) if known else None

    def steps(self, name: str) -> np.ndarray:
        """Return the steps by the end of each epoch, int64 `[epochs + 1]`."""
        return self._read(f"{name}/steps")

    def constant(self, metric: Metric) -> float:
        """Return the score of the best constant prediction on the target."""
        name = f"constant/metrics/{metric.name}"
        return float(self._read(name)) if name in self._record["content"] else np.nan

    def own_constants(self, name: str) -> dict[str, float]:
        """Return its scores by the metrics of histories; `name` is as for `metric`.

        They are named `test_score` and `test_loss`.
        """
        return Constant(*self._read(f"{name}/constant").tolist())._asdict()

    def task(self, name: str) -> str:
        """Return the name of the task; `name` is as for `metric`."""
        return str(self._read(f"{name}/task"))

    def tested(self) -> int:
        """Return the number of test rows, or groups of them."""
        return int(self._read("tested"))

    def positive(self) -> str:
        """Return the name of the positive class; "" if no metric has one."""
        return str(self._read("positive"))

    def _read(self, name: str) -> np.ndarray:
        with reading(self._path, "the histories it should be"):
            values = self._archive[name]
            require(
                digest_of_arrays({name: values}) == self._record["content"][name],
                f"{name} was changed",
            )
        return values


def as_read(values: np.ndarray) -> np.ndarray:
    """Return float32 as a CSV gives them back: the shortest decimals, as float64."""
    return values.astype(str).astype(float)
