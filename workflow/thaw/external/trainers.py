"""Trainers: user-supplied commands that replace Thaw's learners.

A stage passes the command a JSON file with its instructions, and reads the CSV of
scores that it writes. The command writes only into a temporary folder; the stage checks
the files and stores them like its own results.

Source models of trainers are opaque files. Like the weights of Thaw's own networks, a
job's are kept as entries of one file: each holds the bytes of one file, and is named by
the source model's number and the file's path within its folder.
"""

import argparse
import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import environ
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.external.trainer_predictions import read_predictions
from thaw.external.trainer_scores import read_scores
from thaw.keys import check_unchanged, digest_of_file
from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.learning.trainer import (
    completed,
    failed_in,
    groups_told,
    reached,
    rows_of,
    seeds_of,
    written_by,
)
from thaw.output.predictions import Predictions
from thaw.output.problems import load_described
from thaw.output.records import reading, require
from thaw.output.tiles import Tile
from thaw.output.weights import WHAT, check_all_there, load_entries, save_entries

# The workflow sets it for its own jobs. It would hide the modules beside a trainer's
# script.
OURS = "PYTHONSAFEPATH"


class TrainerError(ThawError):
    """A trainer failed; its job file is kept, so that it can be run by hand."""


def fit(
    args: argparse.Namespace, whose: Whose, what: str
) -> tuple[Reached, Predictions]:
    """Run a trainer on a tile's networks, and write its source models.

    Returns their scores and predictions; see `thaw.stages.fit`.
    """
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    command = settings["network"]["trainer"]["command"]
    told = settings["network"]["trainer"]["files"]
    for file, digest in zip(args.trainer, told, strict=True):
        check_unchanged(file, digest_of_file(file), digest)
    problem, described, digest = load_described(args.problem, inputs["problem"])
    assert isinstance(problem, Problem)  # the config allows nothing else
    saw: dict[str, Any] = {"problem": digest}
    tile: Tile = args.tile
    rows = rows_of(problem, whose, settings.get("target_size"))
    networks: list[dict[str, Any]] = [
        {"seed": seed, "rows": own}
        for seed, own in zip(seeds_of(whose), rows, strict=True)
    ]
    groups = settings["network"].get("groups", [])
    training, more = settings["training"], {}
    with _folder() as folder:
        file, scores = folder / "job.json", folder / "scores.csv"
        models, predictions = folder / "source-models", folder / "predictions.npy"
        if tile.repeats is None:
            for network, number in zip(networks, tile.models, strict=True):
                save = models / str(number)
                network |= {"source_model": number, "save": str(save)}
                save.mkdir(parents=True)
        else:
            more["variant"] = groups_told(settings["variant"], groups)
            for network, label, address in zip(
                networks, tile.labels, tile.addresses, strict=True
            ):
                network |= {"repeat": label, "source_model": address.source_model}
            if more["variant"]["pretrained"]:
                folders, saw["source_models"] = unpack_models(
                    args.source_models, inputs["source_models"], tile.models, models
                )
                for network in networks:
                    network["start"] = str(folders[network["source_model"]])
        job = {
            "stage": "pretrain" if tile.repeats is None else "train",
            "problem": {
                "file": str(args.problem.absolute()),
                "task": problem.task,
                "classes": problem.classes,
                "shape": list(described.shape) or [problem.train_x.shape[1]],
            },
            "groups": groups,
            **more,
            "training": {k: v for k, v in training.items() if k != "arguments"},
            "arguments": settings["network"].get("arguments", {})
            | training.get("arguments", {}),
            "networks": networks,
            "scores": str(scores),
            "predictions": str(predictions),
        }
        file.write_text(json.dumps(job), encoding="utf-8")
        try:
            _call(shlex.split(command), file)
            column = "source_model" if tile.repeats is None else "repeat"
            known = written_by(problem)
            found, failed = read_scores(scores, column, tile.labels, known)
            said = read_predictions(predictions, len(networks), problem)
            if len(said):
                found = completed(found, said, problem)
                failed = failed | failed_in(said, problem)
            if tile.repeats is None:
                save_models(args.weights, models, tile, args.recipe, saw)
        except ThawError as error:
            raise TrainerError(
                f"{command}: {error}. Nothing was written. To try it by hand, in "
                f"{Path.cwd()}: {command} {file}"
            ) from None
    ended = reached(found, failed, problem, training["learning_rate"])
    return ended, Predictions(problem.task, said, problem.test_rows, saw)


def save_models(
    path: Path,
    folders: Path,
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write a tile's source models: all files in each one's folder below `folders`.

    Raises `ThawError` if one of the folders is empty.
    """
    entries: dict[str, np.ndarray] = {}
    for number in tile.models:
        folder = folders / str(number)
        files = sorted(file for file in folder.rglob("*") if file.is_file())
        if not files:
            raise ThawError(
                f"it wrote no file for source model {number}; write into {folder}"
            )
        for file in files:
            name = f"{number}/{file.relative_to(folder).as_posix()}"
            entries[name] = np.frombuffer(file.read_bytes(), np.uint8)
    save_entries(path, entries, tile, recipe, saw)


def unpack_models(
    paths: Sequence[Path], key: str, numbers: Collection[int], into: Path
) -> tuple[dict[int, Path], dict[str, str]]:
    """Unpack the files of the source models of these numbers into folders below `into`.

    Returns the folder of each, and the digest of each of our files by its name.
    Raises `ThawError` if one is damaged or holds other source models.
    """
    folders: dict[int, Path] = {}
    digests: dict[str, str] = {}
    for path in paths:
        with reading(path, WHAT):
            entries, found = load_entries(path, key)
            for name, values in entries.items():
                number, *within = PurePosixPath(name).parts
                # An edited result may name a place outside the folder.
                require(number.isdecimal() and bool(within), "an entry is not a file")
                require(".." not in within, "a file would lie elsewhere")
                if int(number) in numbers:
                    folders[int(number)] = into / number
                    target = into.joinpath(number, *within)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(values.tobytes())
                    # Several repeats start from it, so none may change it.
                    target.chmod(0o444)
        digests[path.name] = found["content"]
    check_all_there(paths, sorted(folders), sorted(numbers))
    return folders, digests


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a temporary folder, which is kept only if the trainer failed."""
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
    """Run a command without a shell; its output goes to the job's log."""
    environment = {name: value for name, value in environ.items() if name != OURS}
    # A job that is ended takes its trainer with it.
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
