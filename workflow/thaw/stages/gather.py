"""Gather the results of a study's jobs: only this stage knows how jobs are cut.

It writes all scores and histories into one archive, which the later stages read, and
the scores as CSV for people. Only the jobs that the settings declare are read and each
is checked, so neither leftovers nor damage slip in.

Settings: `study` (its name), `source`, `target`, `variants` (names, in order), those of
them that are `pretrained`, `target_sizes`, `repeats` of each of so many
`source_models`, the `metric`s with the `positive` class, and whether the study
`keeps_predictions`.
Reads: below the folder of `results`, the target (its key is in `problems`), the scores,
histories and predictions of repeats (`arms`) and of `source_models`, which have one key
each or, where source models are files, one a file; and users' `functions`.
Writes: `files` (histories, scores, scores of source models), and their `record`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from thaw.data.problem import Pool
from thaw.errors import ThawError
from thaw.external.functions import errors_in_a_line, load
from thaw.findings.arms import CHECKPOINTS, Arm, arms
from thaw.findings.measured import Metrics
from thaw.learning.history import (
    METRICS,
    Final,
    History,
    Reached,
    columns_of,
    final_scores,
)
from thaw.learning.tasks import TASKS
from thaw.output.histories import SOURCE_MODELS
from thaw.output.job import Job
from thaw.output.paths import (
    HISTORY_NPZ,
    PREDICTIONS_NPZ,
    SCORES_CSV,
    models_begin,
    problem_file,
    repeats_jobs,
)
from thaw.output.problems import load_described
from thaw.output.records import load_arrays, publish, write_archive
from thaw.output.scores import csv_file, load_scores, named_arrays
from thaw.output.tiles import Tile, tiles_of_models

# A job's record of its source models: the layers that they do not give it.
FRESH = "fresh"


class Joined:
    """The results of jobs that make up one tile, filled in job by job.

    Joined at the end, they would be in memory twice.
    """

    def __init__(self, tile: Tile) -> None:
        shape = len(tile.models), len(tile.repeats or [0])
        self._places = np.arange(tile.fits).reshape(shape)
        self._parts: list[np.ndarray] = []
        self._finals: list[Final] = []
        self._history: list[np.ndarray] = []

    def add(self, tile: Tile, reached: Reached) -> None:
        """Add the results of a job."""
        if not self._finals:
            shape = self._places.size, reached.history.test_loss.shape[1]
            self._history = [np.empty(shape, np.float32) for _ in METRICS]
            self._first = reached
        places = self._places[np.ix_(tile.models, tile.repeats or [0])].ravel()
        for column, values in zip(self._history, reached.history, strict=True):
            column[places] = values
        self._finals.append(reached.final)
        self._parts.append(places)

    def in_order(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Return an array of each job as one, in the order of the tile."""
        order = np.argsort(np.concatenate(self._parts))
        return np.concatenate(parts)[order]

    def reached(self) -> Reached:
        """Return all results."""
        columns = zip(*self._finals, strict=True)
        final = Final(*(self.in_order(column) for column in columns))
        return self._first._replace(history=History(*self._history), final=final)


class Gathering:
    """A study's jobs, read once, arm by arm, as the archive is written.

    saw: the digests of what was read.
    """

    def __init__(self, job: Job) -> None:
        """Read the target, and the study's metrics on it.

        How jobs are cut is no part of the recipe, because it changes no number.
        """
        self._recipe, self._settings, self._keys = job.recipe, job.settings, job.keys
        self._results, self._job_size = job.input("results"), job.more["job_size"]
        self._arms = arms(job.settings["variants"], job.settings["target_sizes"])
        ((name, key),) = job.keys["problems"].items()
        path = self._results / problem_file(name, key)
        problem, description, digest = load_described(path, key)
        self._metrics = Metrics(
            job.settings["metric"],
            _functions(job),
            job.settings["positive"],
            problem.whole,
            description.classes,
        )
        self._has_splits = isinstance(problem, Pool)
        models, repeats = (
            range(job.settings[name]) for name in ("source_models", "repeats")
        )
        self._models, self._repeats = Tile(models), Tile(models, repeats)
        # The final scores, and their names, for the tables that people read.
        self._rows: dict[str, list[tuple]] = {}
        self._columns: dict[str, list[str]] = {}
        self.saw: dict[str, Any] = {"target": digest}
        # Digests of the source models' files, as repeats read them.
        self._models_seen: dict[str, str] = {}

    def write_histories(self, file: BinaryIO) -> None:
        """Write the archive; at any time no more than one arm is in memory."""
        write_archive(file, self._arrays(), self._recipe, self.saw)

    def _arrays(self) -> Iterator[tuple[str, Any]]:
        settings = self._settings
        if settings["pretrained"] and settings["source"] != CHECKPOINTS:
            yield from _below(SOURCE_MODELS, named_arrays(self._gather_source_models()))
        for arm in self._arms:
            reached, parts = self._gather_repeats(arm)
            yield from _below(arm.name, named_arrays(reached) | parts)
        yield "addresses", self._repeats.addresses
        yield "positive", self._metrics.positive
        yield "has_splits", self._has_splits
        yield from self._metrics.of_constant.items()

    def write_scores(self, file: BinaryIO) -> None:
        """Write the scores of all repeats, in the order of the arms."""
        names = ("study", "variant", "target_size", "source_model", "repeat")
        rows = (
            (self._settings["study"], *arm, *address, *scores)
            for arm in self._arms
            for address, scores in zip(
                self._repeats.addresses, self._rows[arm.name], strict=True
            )
        )
        file.write(csv_file((*names, *self._columns[self._arms[0].name]), rows))

    def write_source_models(self, file: BinaryIO) -> None:
        """Write the scores of all source models; files have none."""
        scores = self._rows.get(SOURCE_MODELS, [])
        rows = ((number, *score) for number, score in enumerate(scores))
        columns = self._columns.get(SOURCE_MODELS, [])
        file.write(csv_file(("source_model", *columns), rows))

    def _gather_source_models(self) -> Reached:
        (key,) = self._keys["source_models"]
        begin = models_begin(self._settings["source"], key)
        tiles = tiles_of_models(self._models.fits, self._job_size)
        jobs = ((tile, f"{begin}{tile.name}", key) for tile in tiles)
        reached = self._join(SOURCE_MODELS, jobs, self._models).reached()
        self._tell(SOURCE_MODELS, reached, {})
        return reached

    def _gather_repeats(self, arm: Arm) -> tuple[Reached, dict[str, np.ndarray]]:
        """Return an arm's results and, by name, further arrays of its repeats.

        They are what its predictions measure, and the source models. If each of these
        has its own split, repeats that do not start from one have one, too.
        """
        name, target, keys = arm.name, self._settings["target"], self._keys["arms"]
        models, repeats = (self._settings[n] for n in ("source_models", "repeats"))
        jobs = repeats_jobs(target, name, keys[name], models, repeats, self._job_size)
        measured: dict[str, list[np.ndarray]] = {}
        joined = self._join(name, jobs, self._repeats, measured)
        if self.saw[name]["problem"] != self.saw["target"]:
            raise ThawError(
                f"the jobs of {name} saw other data than {target} has now; delete the "
                "folders of its repeats and run again"
            )
        arrays: dict[str, np.ndarray] = {}
        if self._has_splits or arm.variant in self._settings["pretrained"]:
            models = [address.source_model for address in self._repeats.addresses]
            arrays["source_model"] = np.array(models)
        arrays |= {name: joined.in_order(each) for name, each in measured.items()}
        reached = joined.reached()
        self._tell(name, reached, arrays)
        return reached, arrays

    def _join(
        self,
        name: str,
        jobs: Iterable[tuple[Tile, str, str]],
        tile: Tile,
        measured: dict[str, list[np.ndarray]] | None = None,
    ) -> Joined:
        """Return the results of the jobs that make up a tile.

        Each job is a tile, the beginning of its files, and its key. Values of its
        predictions are added to `measured`.
        Raises `ThawError` unless all of them saw the same data, and the source models
        that other arms saw.
        """
        joined, saw = Joined(tile), {**self._models_seen}
        for part, begin, key in jobs:
            table, archive, predictions = (
                self._results / f"{begin}{end}"
                for end in (SCORES_CSV, HISTORY_NPZ, PREDICTIONS_NPZ)
            )
            reached, record = load_scores(table, archive, part, key)
            _check_alike(name, table.parent, saw, record["saw"])
            joined.add(part, reached)
            if measured is not None and self._settings["keeps_predictions"]:
                task, failed = reached.task, reached.final.failed
                kept, record = load_arrays(predictions, key, part)
                _check_alike(name, table.parent, saw, record["saw"])
                outputs = kept[TASKS[task].kept]
                values = self._metrics.of_networks(outputs, kept["rows"], failed)
                for metric, of_networks in values.items():
                    measured.setdefault(metric, []).append(of_networks)
        # Not the files with source models: they depend on how jobs were cut.
        self.saw[name] = {"problem": saw.pop("problem")}
        self._models_seen = {file: saw[file] for file in saw if file != FRESH}
        return joined

    def _tell(
        self, name: str, reached: Reached, measures: Mapping[str, np.ndarray]
    ) -> None:
        """Keep the final scores for the tables that people read."""
        self._columns[name], rows = columns_of(reached.task), [*final_scores(reached)]
        if name != SOURCE_MODELS:
            metrics = [m.name for m in self._metrics.metrics if not m.history]
            self._columns[name] += [f"test_{metric}" for metric in metrics]
            nothing = np.full(len(rows), "")
            added = [measures.get(f"metrics/{m}", nothing).tolist() for m in metrics]
            rows = [(*row, *more) for row, *more in zip(rows, *added, strict=True)]
        self._rows[name] = rows


def _below(name: str, parts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the arrays of an arm or the source models by their names in the archive."""
    for part, values in parts.items():
        yield f"{name}/{part}", values


def _check_alike(
    name: str, folder: Path, saw: dict[str, str], seen: Mapping[str, Any]
) -> None:
    """Raise `ThawError` unless a job saw the same as those before, kept in `saw`."""
    for source, digest in _flat(seen):
        before = saw.setdefault(source, digest)
        if before != digest and source == FRESH:
            raise ThawError(
                f"{name}: the files with source models differ in their output: drawn "
                f"anew is {digest or 'nothing'} for one and {before or 'nothing'} for "
                "others; give a study files that are alike"
            )
        if before != digest:
            raise ThawError(
                f"the jobs in {folder} did not all see the same {source}, or not that "
                "of other variants; delete the folders of both and run again"
            )


def _flat(saw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a job saw; source models are several files."""
    for name, value in saw.items():
        yield from value.items() if isinstance(value, Mapping) else [(name, value)]


def _functions(job: Job) -> dict[str, Any]:
    """Return the users' functions among a study's metrics, by the metric's name."""
    files, functions = iter(job.inputs.get("functions", [])), {}
    for metric in job.settings["metric"]:
        if described := metric.get("function"):
            file = next(files) if "code" in described else None
            place = str(file or described["import"])
            function = load(described, file)
            functions[metric["name"]] = errors_in_a_line(place)(function)
    return functions


def main(job: Job) -> None:
    """Gather the study's source models and repeats."""
    gathering = Gathering(job)
    # In this order, because writing the archive determines the tables.
    writers = (
        gathering.write_histories,
        gathering.write_scores,
        gathering.write_source_models,
    )
    outputs = dict(zip(job.outputs["files"], writers, strict=True))
    publish(job.output("record"), job.recipe, gathering.saw, outputs)
