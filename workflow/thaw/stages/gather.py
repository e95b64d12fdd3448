"""Gather what a study's jobs reached: the only stage that knows how jobs are cut.

It writes all scores and histories into one archive, which the later stages read, and
the scores as CSV for people. Only the jobs that the settings declare are read and each
is checked, so neither leftovers nor damage slip in. The settings are `study` (its
name), `source`, `target`, `variants` (names, in order), those of them that are
`pretrained`, `target_sizes`, `repeats` and `source_models`; the recipe's inputs are the
keys of `arms` and of `source_models`.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from thaw.errors import ThawError
from thaw.findings.arms import Arm, arms
from thaw.learning.history import (
    METRICS,
    SCORES,
    Final,
    History,
    Reached,
    final_scores,
)
from thaw.learning.seeds import source_model_of
from thaw.output.histories import SOURCE_MODELS, HistoriesWriter
from thaw.output.paths import CHECKPOINTS, jobs
from thaw.output.scores import Scores, csv_file, load_scores
from thaw.output.settings import Writer
from thaw.stages.command import Made, add_settings, make, stage_parser


class Gathering:
    """A study's jobs, read once, arm by arm, as the archive is written."""

    def __init__(self, recipe: Mapping[str, Any], args: argparse.Namespace) -> None:
        """Gather what `recipe` declares."""
        self._recipe, self._settings = recipe, recipe["settings"]
        self._keys = recipe["inputs"]
        self._arms = arms(self._settings["variants"], self._settings["target_sizes"])
        self._results, self._repeats_per_job = args.results, args.repeats_per_job
        # The scores after the last epoch, for the tables that people read.
        self._final: dict[str, list[tuple]] = {}
        self.saw: dict[str, Any] = {}

    def write_histories(self, file: BinaryIO) -> None:
        """Write the archive; at any time no more than one arm is in memory."""
        writer = HistoriesWriter(file)
        if self._settings["pretrained"] and self._settings["source"] != CHECKPOINTS:
            writer.add(SOURCE_MODELS, self._source_models(), None)
        for arm in self._arms:
            writer.add(arm.name, self._repeats_of(arm), self._models(arm))
        writer.close(self._recipe, self.saw)

    def write_scores(self, file: BinaryIO) -> None:
        """Write the scores of all repeats, in the order of the arms."""
        names = ("study", "variant", "target_size", "source_model", "repeat")

        def rows() -> Iterator[tuple]:
            for arm in self._arms:
                models = self._models(arm)
                for repeat, scores in enumerate(self._final[arm.name]):
                    model = "" if models is None else models[repeat]
                    yield self._settings["study"], *arm, model, repeat, *scores

        csv_file((*names, *SCORES), rows())(file)

    def write_source_models(self, file: BinaryIO) -> None:
        """Write the scores of all source models; of files nothing is known."""
        scores = self._final.get(SOURCE_MODELS, [])
        rows = ((number, *score) for number, score in enumerate(scores))
        csv_file(("source_model", *SCORES), rows)(file)

    def _models(self, arm: Arm) -> np.ndarray | None:
        """Return the source model of each repeat of an arm, `[repeats]`."""
        if arm.variant not in self._settings["pretrained"]:
            return None
        total = self._settings["source_models"]
        repeats = range(self._settings["repeats"])
        return np.array([source_model_of(repeat, total) for repeat in repeats])

    def _source_models(self) -> Reached:
        key, total = self._keys["source_models"], self._settings["source_models"]
        folder = self._results / "source-models" / f"{self._settings['source']}-{key}"

        def load(stem: str, numbers: range) -> Scores:
            names = {"source_model": numbers}
            return _load(folder / f"models-{stem}", names, key)

        return self._gathered(SOURCE_MODELS, folder, total, load)

    def _repeats_of(self, arm: Arm) -> Reached:
        key, models = self._keys["arms"][arm.name], self._models(arm)
        folder = self._results / "repeats" / self._settings["target"]
        folder /= f"{arm.name}-{key}"

        def load(stem: str, numbers: range) -> Scores:
            own = [""] * len(numbers) if models is None else list(models[numbers])
            names = {"repeat": numbers, "source_model": own}
            return _load(folder / f"repeats-{stem}", names, key)

        return self._gathered(arm.name, folder, self._settings["repeats"], load)

    def _gathered(self, name: str, folder: Path, total: int, load: Any) -> Reached:
        """Return what the jobs in a folder reached as one.

        Raises `ThawError` unless all of them saw the same data and source models.
        """
        columns: list[np.ndarray] = []
        finals: list[Final] = []
        saw: dict[str, str] = {}
        for job in jobs(total, self._repeats_per_job):
            scores = load(job.stem, job.numbers)
            for what, digest in _flat(scores.saw):
                if saw.setdefault(what, digest) != digest:
                    raise ThawError(
                        f"the jobs in {folder} did not all see the same {what}; delete "
                        "the folder and run again"
                    )
            history, final, constant, steps = scores.reached
            if not columns:
                # Filled job by job: joined at the end, they would be held twice.
                epochs = history.test_loss.shape[1]
                columns = [np.empty((total, epochs), np.float32) for _ in METRICS]
            for column, values in zip(columns, history, strict=True):
                column[job.first : job.last + 1] = values
            finals.append(final)
        final = Final(*map(np.concatenate, zip(*finals, strict=True)))
        reached = Reached(History(*columns), final, constant, steps)
        self._final[name] = list(final_scores(reached))
        # Not the files with source models: they depend on how jobs were cut.
        self.saw[name] = {"problem": saw["problem"]}
        return reached


def _load(stem: Path, names: Mapping[str, Sequence], key: str) -> Scores:
    csv_path = stem.with_name(f"{stem.name}.csv")
    return load_scores(csv_path, stem.with_name(f"{stem.name}.history.npz"), names, key)


def _flat(saw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a job saw; source models are several files."""
    for name, value in saw.items():
        yield from value.items() if isinstance(value, Mapping) else [(name, value)]


def main(recipe: Mapping[str, Any], args: argparse.Namespace) -> Made:
    """Gather the study's source models and repeats."""
    gathering = Gathering(recipe, args)
    outputs: dict[Path, Writer] = {
        args.histories: gathering.write_histories,
        args.scores: gathering.write_scores,
        args.source_models: gathering.write_source_models,
    }
    return Made(outputs, gathering.saw)


def _jobs_size(text: str) -> int | str:
    return text if text == "auto" else int(text)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_settings(parser)
    parser.add_argument(
        "--repeats-per-job",
        type=_jobs_size,
        required=True,
        help="how the jobs are cut: a number or auto",
    )
    for name, what in (
        ("results", "the folder with source-models/ and repeats/"),
        ("histories", "the archive to write"),
        ("scores", "the CSV of all repeats to write"),
        ("source-models", "the CSV of all source models to write"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=what)
    make("gather", main, parser.parse_args())
