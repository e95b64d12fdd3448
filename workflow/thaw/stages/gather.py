"""Gather what a study's jobs reached: the only stage that knows how jobs are cut.

It writes all scores and histories into one archive, which the later stages read, and
the scores as CSV for people. Only the jobs that the settings declare are read and each
is checked, so neither leftovers nor damage slip in. The settings are `study` (its
name), `source`, `target`, `variants` (names, in order), those of them that are
`pretrained`, `target_sizes`, `repeats` and `source_models`; the recipe's inputs are the
keys of `arms` and of `source_models`.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from thaw import keys
from thaw.errors import ThawError
from thaw.findings.arms import CHECKPOINTS, Arm, arms
from thaw.learning.history import METRICS, SCORES, Final, History, Reached, final_scores
from thaw.learning.seeds import source_model_of
from thaw.output.histories import SOURCE_MODELS, HistoriesWriter
from thaw.output.paths import SUFFIXES, JobSize, jobs, models_begin, repeats_begin
from thaw.output.records import Content, claimed
from thaw.output.scores import csv_file, load_scores
from thaw.stages.command import add_recipe, leave, run, stage_parser


class Gathering:
    """A study's jobs, read once, arm by arm, as the archive is written.

    They lie in `results`, and `repeats_per_job` says how they are cut.
    """

    def __init__(
        self, recipe: Mapping[str, Any], results: Path, repeats_per_job: JobSize
    ) -> None:
        """Gather what `recipe` declares."""
        self._recipe, self._settings = recipe, recipe["settings"]
        self._keys = recipe["inputs"]
        self._arms = arms(self._settings["variants"], self._settings["target_sizes"])
        self._results, self._repeats_per_job = results, repeats_per_job
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

        file.write(csv_file((*names, *SCORES), rows()))

    def write_source_models(self, file: BinaryIO) -> None:
        """Write the scores of all source models; of files nothing is known."""
        scores = self._final.get(SOURCE_MODELS, [])
        rows = ((number, *score) for number, score in enumerate(scores))
        file.write(csv_file(("source_model", *SCORES), rows))

    def _models(self, arm: Arm) -> np.ndarray | None:
        """Return the source model of each repeat of an arm, `[repeats]`."""
        if arm.variant not in self._settings["pretrained"]:
            return None
        total = self._settings["source_models"]
        repeats = range(self._settings["repeats"])
        return np.array([source_model_of(repeat, total) for repeat in repeats])

    def _source_models(self) -> Reached:
        key, total = self._keys["source_models"], self._settings["source_models"]
        begin = models_begin(self._settings["source"], key)

        def names(numbers: range) -> Mapping[str, Sequence]:
            return {"source_model": numbers}

        return self._gathered(SOURCE_MODELS, begin, key, total, names)

    def _repeats_of(self, arm: Arm) -> Reached:
        key, models = self._keys["arms"][arm.name], self._models(arm)
        begin = repeats_begin(self._settings["target"], arm.name, key)

        def names(numbers: range) -> Mapping[str, Sequence]:
            own = [""] * len(numbers) if models is None else list(models[numbers])
            return {"repeat": numbers, "source_model": own}

        return self._gathered(arm.name, begin, key, self._settings["repeats"], names)

    def _gathered(
        self,
        name: str,
        begin: str,
        key: str,
        total: int,
        names: Callable[[range], Mapping[str, Sequence]],
    ) -> Reached:
        """Return what the jobs of a key, whose paths `begin` alike, reached as one.

        `names` says of which networks some numbers are.
        Raises `ThawError` unless all of them saw the same data and source models.
        """
        columns: list[np.ndarray] = []
        finals: list[Final] = []
        saw: dict[str, str] = {}
        for job in jobs(total, self._repeats_per_job):
            stem = self._results / f"{begin}{job.stem}"
            table, archive = (Path(f"{stem}{suffix}") for suffix in SUFFIXES[:2])
            scores = load_scores(table, archive, names(job.numbers), key)
            for what, digest in _flat(scores.saw):
                if saw.setdefault(what, digest) != digest:
                    raise ThawError(
                        f"the jobs in {stem.parent} did not all see the same {what}; "
                        "delete the folder and run again"
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


def _flat(saw: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a job saw; source models are several files."""
    for name, value in saw.items():
        yield from value.items() if isinstance(value, Mapping) else [(name, value)]


def main(args: argparse.Namespace) -> None:
    """Gather the study's source models and repeats."""
    keys.check("gather", args.recipe, keys.key(args.recipe))
    with claimed(args.record, args.recipe) as claim:
        gathering = Gathering(args.recipe, args.results, args.repeats_per_job)
        # In this order: what the tables hold is known when the archive is written.
        outputs: dict[Path, Content] = {
            args.histories: gathering.write_histories,
            args.scores: gathering.write_scores,
            args.source_models: gathering.write_source_models,
        }
        claim.publish(gathering.saw, outputs)


def _jobs_size(text: str) -> JobSize:
    return "auto" if text == "auto" else int(text)


if __name__ == "__main__":
    parser = stage_parser(__doc__)
    add_recipe(parser)
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
        ("record", "the record to write"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=what)
    args = parser.parse_args()
    run(lambda: main(args))
    leave()
