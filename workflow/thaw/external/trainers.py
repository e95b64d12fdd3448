"""Trainers: user-supplied commands that train in the place of Thaw's learners.

A stage tells the command in a JSON file what to train on what, and reads the CSV of
scores that it writes. The command writes into a temporary folder only; the stage checks
what it wrote and writes it like results of its own.
"""

import argparse
import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import Any

from thaw.errors import ThawError
from thaw.external.trainer_models import save_models, unpack_models
from thaw.external.trainer_scores import read_scores
from thaw.keys import check_unchanged, digest_of_file
from thaw.learning import seeds
from thaw.learning.history import Reached
from thaw.learning.seeds import source_model_of
from thaw.learning.trainer import groups_told, reached, rows_of, seeds_of
from thaw.output.problems import load_described
from thaw.output.scores import save_scores
from thaw.progress import warn_of_failures

# The workflow sets it for its own jobs. With it, Python would not find modules beside a
# trainer's script.
OURS = "PYTHONSAFEPATH"


class TrainerError(ThawError):
    """A trainer failed; its job's file stays, so that it can be tried by hand."""


def pretrain(args: argparse.Namespace) -> None:
    """Let a trainer pretrain source models; write them, their scores and histories."""
    numbers = range(args.first, args.last + 1)
    with _folder() as folder:
        job = _Job(args, "source_model", seeds.SOURCE_MODEL, numbers, folder)
        folders = {number: folder / "source-models" / str(number) for number in numbers}
        for network, own in zip(job.networks, folders.values(), strict=True):
            own.mkdir(parents=True)
            network["save"] = str(own)
        found = job.run("pretrain", {})
        with job.blamed():
            save_models(args.output, folders, args.recipe, job.saw)
    warn_of_failures("source models", args.first, found.final.failed)
    names = {"source_model": numbers}
    save_scores(args.scores, args.history, names, found, args.recipe, job.saw)


def train(args: argparse.Namespace) -> None:
    """Let a trainer train repeats of a variant; write their scores and histories."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    repeats = range(args.first, args.last + 1)
    groups = settings["network"].get("groups", [])
    variant = groups_told(settings["variant"], groups)
    names: dict[str, Sequence] = {"repeat": repeats}
    names["source_model"] = [""] * len(repeats)
    with _folder() as folder:
        job = _Job(args, "repeat", seeds.REPEAT, repeats, folder)
        if variant["pretrained"]:
            models = [source_model_of(r, settings["source_models"]) for r in repeats]
            names["source_model"] = models
            key = inputs["source_models"]
            folders, job.saw["source_models"] = unpack_models(
                args.source_models, key, sorted({*models}), folder / "source-models"
            )
            for network, model in zip(job.networks, models, strict=True):
                network |= {"source_model": model, "start": str(folders[model])}
        found = job.run("train", {"variant": variant})
    warn_of_failures("repeats", args.first, found.final.failed)
    save_scores(args.scores, args.history, names, found, args.recipe, job.saw)


class _Job:
    """A trainer's job; `networks` holds a group of keys for each network."""

    def __init__(
        self,
        args: argparse.Namespace,
        column: str,
        kind: int,
        numbers: Sequence[int],
        folder: Path,
    ) -> None:
        self._settings, inputs = args.recipe["settings"], args.recipe["inputs"]
        self._command = self._settings["network"]["trainer"]["command"]
        self._column, self._numbers = column, numbers
        self._file, self._scores = folder / "job.json", folder / "scores.csv"
        self._check_files(args.trainer)
        self._path = args.problem.absolute()
        self._problem, self._described, digest = load_described(
            args.problem, inputs["problem"]
        )
        self.saw: dict[str, Any] = {"problem": digest}
        whose = seeds.Whose(self._settings["seed"], kind, numbers)
        rows = rows_of(self._problem, whose, self._settings.get("target_size"))
        self.networks: list[dict[str, Any]] = [
            {column: number, "seed": seed, "rows": own}
            for number, seed, own in zip(numbers, seeds_of(whose), rows, strict=True)
        ]

    def run(self, stage: str, more: Mapping[str, Any]) -> Reached:
        """Run the command; return what it says the networks reached."""
        network, training = self._settings["network"], self._settings["training"]
        arguments = training.get("arguments", {})
        features = self._problem.train_x.shape[1]
        told = {
            "stage": stage,
            "problem": {
                "file": str(self._path),
                "classes": self._problem.classes,
                "shape": list(self._described.shape) or [features],
            },
            "groups": network.get("groups", []),
            **more,
            "training": {k: v for k, v in training.items() if k != "arguments"},
            "arguments": network.get("arguments", {}) | arguments,
            "networks": self.networks,
            "scores": str(self._scores),
        }
        self._file.write_text(json.dumps(told), encoding="utf-8")
        with self.blamed():
            _call(shlex.split(self._command), self._file)
            scores, failed = read_scores(self._scores, self._column, self._numbers)
        rate = training["learning_rate"]
        return reached(scores, failed, self._problem, rate)

    @contextmanager
    def blamed(self) -> Iterator[None]:
        """Say that an error is the command's, and how to reproduce it."""
        try:
            yield
        except ThawError as error:
            raise TrainerError(
                f"{self._command}: {error}. Nothing was written. To try it by hand, in "
                f"{Path.cwd()}: {self._command} {self._file}"
            ) from None

    def _check_files(self, files: Sequence[Path]) -> None:
        told = self._settings["network"]["trainer"]["files"]
        for file, digest in zip(files, told, strict=True):
            check_unchanged(file, digest_of_file(file), digest)


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a temporary folder, which stays only where the trainer failed."""
    folder = Path(tempfile.mkdtemp(prefix="thaw-"))
    try:
        yield folder
    except TrainerError:
        raise
    except BaseException:
        shutil.rmtree(folder)
        raise
    shutil.rmtree(folder)


def _call(words: Sequence[str], job: Path) -> None:
    """Run a command without a shell; its output goes into the job's log."""
    environment = {name: value for name, value in environ.items() if name != OURS}
    # A job that is told to end takes its trainer with it.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = subprocess.run(
            [*words, job], stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment
        ).returncode
    except OSError as error:
        raise ThawError(f"{words[0]!r} cannot be run: {error.strerror}") from None
    finally:
        signal.signal(signal.SIGTERM, before)
    if status == -signal.SIGKILL:
        raise ThawError(
            "it was killed, most likely because memory ran out; lower "
            "repeats_per_job, or run fewer jobs at once (--cores)"
        )
    if status < 0:
        raise ThawError(f"it was ended by {signal.Signals(-status).name}")
    if status:
        raise ThawError(f"it ended with status {status}; see its output above")
