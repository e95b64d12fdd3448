"""Gather the results of a study's jobs: only this stage knows how jobs are cut.

It writes all scores and histories into one archive, which the later stages read, and
the scores as CSV for people. Only the jobs that the settings declare are read and each
is checked, so neither leftovers nor damage slip in. The settings are `study` (its
name), `source`, `target`, `variants` (names, in order), those of them that are
`pretrained`, `target_sizes`, `repeats` of each of so many `source_models`, the
`metric`s with the `positive` class, and whether the study `keeps_predictions`. The
recipe's inputs are the keys of the target (`problems`), of `arms` and of
`source_models`, one each or, where source models are files, one a file.
"""

import argparse
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from thaw import keys
from thaw.data.problem import Pool
from thaw.errors import ThawError
from thaw.external.functions import in_their_words, load
from thaw.findings.arms import CHECKPOINTS, Arm, arms
from thaw.findings.measured import Measured, Metrics
from thaw.learning.history import (
    METRICS,
    Final,
    History,
    Reached,
    columns_of,
    final_scores,
)
from thaw.output.histories import SOURCE_MODELS, HistoriesWriter
from thaw.output.paths import (
    HISTORY_NPZ,
    PREDICTIONS_NPZ,
    SCORES_CSV,
    models_begin,
    repeats_jobs,
)
from thaw.output.predictions import load_predictions
from thaw.output.problems import load_described
from thaw.output.records import Content, claimed
from thaw.output.scores import csv_file, load_scores
from thaw.output.tiles import JobSize, Tile, tiles_of_models
from thaw.stages.command import add_recipe, leave, run, stage_parser

# A job's record of its source models: the layers that they do not give it.
FRESH = "fresh"


class Gathering:
    """A study's jobs, read once, arm by arm, as the archive is written.

    They lie in `results`, and `repeats_per_job` says how they are cut. `metrics` are
    those of the study.
    """

    def __init__(
        self,
        recipe: Mapping[str, Any],
        results: Path,
        repeats_per_job: JobSize,
        metrics: Metrics,
        target: str,
        has_splits: bool,
    ) -> None:
        """Gather what `recipe` declares.

        `target` is the digest of the problem; `has_splits` says whether each source
        model has a split of its own of it.
        """
        self._recipe, self._settings = recipe, recipe["settings"]
        self._keys = recipe["inputs"]
        self._arms = arms(self._settings["variants"], self._settings["target_sizes"])
        self._results, self._repeats_per_job = results, repeats_per_job
        self._metrics, self._has_splits = metrics, has_splits
        # The final scores, and their names, for the tables that people read.
        self._final: dict[str, list[tuple]] = {}
        self._columns: dict[str, list[str]] = {}
        self.saw: dict[str, Any] = {"target": target}

    def write_histories(self, file: BinaryIO) -> None:
        """Write the archive; at any time no more than one arm is in memory."""
        writer = HistoriesWriter(file)
        if self._settings["pretrained"] and self._settings["source"] != CHECKPOINTS:
            writer.add(SOURCE_MODELS, *self._source_models())
        for arm in self._arms:
            reached, more = self._repeats_of(arm)
            writer.add(arm.name, reached, self._models(arm) | more)
        metrics = self._metrics
        of_all: dict[str, Any] = {"addresses": self._all.addresses}
        of_all |= {"positive": metrics.positive, "has_splits": self._has_splits}
        writer.close(self._recipe, self.saw, of_all | metrics.of_constant)

    def write_scores(self, file: BinaryIO) -> None:
        """Write the scores of all repeats, in the order of the arms."""
        names = ("study", "variant", "target_size", "source_model", "repeat")

        def rows() -> Iterator[tuple]:
            for arm in self._arms:
                found = zip(self._all.addresses, self._final[arm.name], strict=True)
                for address, scores in found:
                    yield self._settings["study"], *arm, *address, *scores

        columns = self._columns[self._arms[0].name]
        file.write(csv_file((*names, *columns), rows()))

    def write_source_models(self, file: BinaryIO) -> None:
        """Write the scores of all source models; files have none."""
        scores = self._final.get(SOURCE_MODELS, [])
        rows = ((number, *score) for number, score in enumerate(scores))
        columns = self._columns.get(SOURCE_MODELS, [])
        file.write(csv_file(("source_model", *columns), rows))

    @property
    def _all(self) -> Tile:
        """All repeats of an arm."""
        models, repeats = (self._settings[n] for n in ("source_models", "repeats"))
        return Tile(range(models), range(repeats))

    def _models(self, arm: Arm) -> dict[str, np.ndarray]:
        """Return the source model of each repeat of an arm, `[repeats]`, if any.

        If each has its own split, repeats that do not start from one have one, too.
        """
        if not (self._has_splits or arm.variant in self._settings["pretrained"]):
            return {}
        models = [address.source_model for address in self._all.addresses]
        return {"source_model": np.array(models)}

    def _source_models(self) -> tuple[Reached, dict[str, np.ndarray]]:
        (key,), total = self._keys["source_models"], self._settings["source_models"]
        begin = models_begin(self._settings["source"], key)
        tiles = tiles_of_models(total, self._repeats_per_job)
        jobs = ((tile, f"{begin}{tile.name}", key) for tile in tiles)
        return self._gathered(SOURCE_MODELS, jobs, Tile(range(total)))

    def _repeats_of(self, arm: Arm) -> tuple[Reached, dict[str, np.ndarray]]:
        keys, target = self._keys["arms"][arm.name], self._settings["target"]
        models, repeats = (self._settings[n] for n in ("source_models", "repeats"))
        size = (models, repeats, self._repeats_per_job)
        jobs = repeats_jobs(target, arm.name, keys, *size)
        measured = Measured(self._metrics)
        return self._gathered(arm.name, jobs, self._all, measured)

    def _gathered(
        self,
        name: str,
        jobs: Iterable[tuple[Tile, str, str]],
        together: Tile,
        measured: Measured | None = None,
    ) -> tuple[Reached, dict[str, np.ndarray]]:
        """Return the results of jobs, which make up a tile `together`, as one.

        Each job is a tile, the beginning of its files, and its key. The further arrays
        come from predictions, and are `measured`.
        Raises `ThawError` unless all of them saw the same data and source models.
        """
        shape = len(together.models), len(together.repeats or [0])
        places = np.arange(together.fits).reshape(shape)
        order: list[np.ndarray] = []
        columns: list[np.ndarray] = []
        finals: list[Final] = []
        saw: dict[str, str] = {}
        for tile, begin, key in jobs:
            stem = self._results / begin
            table, archive = (Path(f"{stem}{end}") for end in (SCORES_CSV, HISTORY_NPZ))
            scores = load_scores(table, archive, tile, key)
            for what, digest in _flat(scores.saw):
                if saw.setdefault(what, digest) != digest and what == FRESH:
                    raise ThawError(
                        f"{name}: the files with source models differ in their output: "
                        f"drawn anew is {digest or 'nothing'} for one and "
                        f"{saw[what] or 'nothing'} for others; give a study files that "
                        "are alike"
                    )
                if saw[what] != digest:
                    raise ThawError(
                        f"the jobs in {stem.parent} did not all see the same {what}; "
                        "delete the folder and run again"
                    )
            history, final, constant, steps, task = scores.reached
            if measured and self._settings["keeps_predictions"]:
                path = Path(f"{stem}{PREDICTIONS_NPZ}")
                found = load_predictions(path, tile, key, task)
                if len(found.said):
                    measured.add(found.said, found.rows, final.failed, task)
            if not columns:
                # Filled job by job: joined at the end, they would be held twice.
                epochs = history.test_loss.shape[1]
                columns = [
                    np.empty((together.fits, epochs), np.float32) for _ in METRICS
                ]
            own = places[np.ix_(tile.models, tile.repeats or [0])].ravel()
            for column, values in zip(columns, history, strict=True):
                column[own] = values
            finals.append(final)
            order.append(own)
        if measured and saw["problem"] != self.saw["target"]:
            raise ThawError(
                f"the jobs of {name} saw other data than {self._settings['target']} "
                "has now; delete the folders of its repeats and run again"
            )
        back = np.argsort(np.concatenate(order))
        final = Final(*(np.concatenate(c)[back] for c in zip(*finals, strict=True)))
        reached = Reached(History(*columns), final, constant, steps, task)
        more: dict[str, np.ndarray] = {}
        # A trainer may write none; those of some jobs would pass for those of all.
        if measured and measured.jobs == len(order):
            networks = measured.networks.items()
            more = {name: np.concatenate(parts)[back] for name, parts in networks}
            more |= measured.of_rows
        self._columns[name], rows = columns_of(task), [*final_scores(reached)]
        if measured:
            names = [m.name for m in self._metrics.metrics if not m.history]
            self._columns[name] += [f"test_{metric}" for metric in names]
            nothing = np.full(len(back), "")
            added = [more.get(f"metrics/{m}", nothing).tolist() for m in names]
            rows = [(*row, *own) for row, *own in zip(rows, *added, strict=True)]
        self._final[name] = rows
        # Not the files with source models: they depend on how jobs were cut.
        self.saw[name] = {"problem": saw["problem"]}
        return reached, more


def _flat(saw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a job saw; source models are several files."""
    for name, value in saw.items():
        yield from value.items() if isinstance(value, Mapping) else [(name, value)]


def main(args: argparse.Namespace) -> None:
    """Gather the study's source models and repeats."""
    keys.check("gather", args.recipe, keys.key(args.recipe))
    with claimed(args.record, args.recipe) as claim:
        size = args.repeats_per_job
        gathering = Gathering(args.recipe, args.results, size, *_metrics(args))
        # In this order, because writing the archive determines the tables.
        outputs: dict[Path, Content] = {
            args.histories: gathering.write_histories,
            args.scores: gathering.write_scores,
            args.source_models: gathering.write_source_models,
        }
        claim.publish(gathering.saw, outputs)


def _metrics(args: argparse.Namespace) -> tuple[Metrics, str, bool]:
    """Return the study's metrics, the digest of the target that they are of, and
    whether each source model has a split of its own of it.
    """
    settings = args.recipe["settings"]
    (key,) = args.recipe["inputs"]["problems"].values()
    problem, description, digest = load_described(args.target, key)
    files, functions = iter(args.functions), {}
    for told in settings["metric"]:
        if described := told.get("function"):
            file = next(files) if "code" in described else None
            place = str(file or described["import"])
            functions[told["name"]] = in_their_words(load(described, file), place)
    told, positive = settings["metric"], settings["positive"]
    known = told, functions, positive, problem.whole, description.classes
    return Metrics(*known), digest, isinstance(problem, Pool)


def _jobs_size(text: str) -> JobSize:
    return "auto" if text == "auto" else int(text)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_recipe(parser)
    parser.add_argument(
        "--functions",
        type=Path,
        nargs="*",
        default=[],
        help="the files with users' metrics, in order",
    )
    parser.add_argument(
        "--repeats-per-job",
        type=_jobs_size,
        required=True,
        help="how the jobs are cut: a number or auto",
    )
    for name, what in (
        ("results", "the folder with source-models/ and repeats/"),
        ("target", "the target problem"),
        ("histories", "the archive to write"),
        ("scores", "the CSV of all repeats to write"),
        ("source-models", "the CSV of all source models to write"),
        ("record", "the record to write"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=what)
    args = parser.parse_args()
    run(lambda: main(args))
    leave()
