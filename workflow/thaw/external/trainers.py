"""Trainers: user-supplied commands that replace Thaw's learners.

A stage passes the command a JSON file with its instructions, and reads the predictions
that it writes into a temporary folder: a saved NumPy array. All scores follow from it.

Source models of trainers are opaque files. Like the weights of Thaw's own networks, a
job's are kept as entries of one file: each holds the bytes of one file, and is named by
the source model's number and the file's path within its folder.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from thaw.data.problem import Description, Pool, Problem
from thaw.errors import ThawError
from thaw.keys import check_unchanged, digest_of_file
from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.learning.tasks import TASKS
from thaw.learning.trainer import rows_of, scored, seeds_of, with_group_names
from thaw.output.job import Job
from thaw.output.records import content_digest, reading, require, save_arrays
from thaw.output.tiles import Tile
from thaw.output.weights import load_models

# The largest error in the sum of a row's probabilities.
ROUNDING = 1e-3


class TrainerError(ThawError):
    """A trainer failed; its job file is kept, so that it can be run by hand."""


def fit(
    job: Job,
    problem: Problem | Pool,
    described: Description,
    whose: Whose,
    kind: str,
    saw: dict[str, Any],
) -> tuple[Reached, np.ndarray]:
    """Run a trainer on a tile's networks, and write its source models.

    See `thaw.stages.train`.
    """
    settings, tile = job.settings, job.tile
    check_files(job.inputs["trainer"], settings["network"])
    assert isinstance(problem, Problem)  # the config allows nothing else
    groups, variant = settings["network"].get("groups", []), None
    numbers: Sequence[int] = tile.models
    if tile.repeats is not None:
        numbers = [address.source_model for address in tile.addresses]
        variant = with_group_names(settings["variant"], groups)
    with folder_for_trainer() as folder:
        networks, models = [], folder / "source-models"
        for seed, rows, number, label in zip(
            seeds_of(whose),
            rows_of(problem, whose, settings.get("target_size")),
            numbers,
            tile.labels,
            strict=True,
        ):
            network = {"seed": seed, "rows": rows, "source_model": number}
            if variant:
                network["repeat"] = label
            if not variant or variant["pretrained"]:
                network["start" if variant else "save"] = str(models / str(number))
            networks.append(network)
        if variant and variant["pretrained"]:
            path, key = job.input("source_models"), job.keys["source_models"]
            saw["source_models"] = unpack_models(path, key, tile.models, models)
        file = job.input("problem")
        predictions = train(
            folder, settings, file, problem, described, networks, variant
        )
        if not variant:
            save_models(job.output("weights"), models, tile, job.recipe, saw)
    rate = settings["training"]["learning_rate"]
    return scored(predictions, problem, rate), predictions


def check_files(files: Sequence[Path], network: Mapping[str, Any]) -> None:
    """Raise `ThawError` unless a trainer's files are those with which the run began."""
    for file, digest in zip(files, network["trainer"]["files"], strict=True):
        check_unchanged(file, digest_of_file(file), digest)


def train(
    folder: Path,
    settings: Mapping[str, Any],
    data: Path,
    problem: Problem | Pool,
    described: Description,
    networks: Sequence[Mapping[str, Any]],
    variant: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Have a trainer train networks; return their predictions as the task keeps them.

    `settings` are a recipe's, `data` is the file of the problem; `networks` are as they
    stand in the job's file, which is written into `folder`. Without a `variant` they
    are source models, and each has a folder to `save` to.
    Raises `TrainerError` if the trainer fails, or what it wrote cannot be right.
    """
    network, training = settings["network"], settings["training"]
    command = network["trainer"]["command"]
    assert isinstance(problem, Problem)  # the config allows nothing else
    file, predictions = folder / "job.json", folder / "predictions.npy"
    job = {
        "stage": "train" if variant else "pretrain",
        "problem": {
            "file": str(data.absolute()),
            "task": problem.task,
            "classes": problem.classes,
            "shape": list(described.shape) or [problem.train_x.shape[1]],
        },
        "groups": network.get("groups", []),
        **({"variant": variant} if variant else {}),
        "training": {k: v for k, v in training.items() if k != "arguments"},
        "arguments": network.get("arguments", {}) | training.get("arguments", {}),
        "networks": networks,
        "predictions": str(predictions),
    }
    folder.mkdir(exist_ok=True)
    saved = [Path(network["save"]) for network in networks if "save" in network]
    for save in saved:
        save.mkdir(parents=True)
    file.write_text(json.dumps(job), encoding="utf-8")
    try:
        _call([*shlex.split(command), str(file)])
        for save in saved:
            if not any(path.is_file() for path in save.rglob("*")):
                raise ThawError(f"it wrote no file of its source model into {save}")
        return read_predictions(predictions, len(networks), problem)
    except ThawError as error:
        raise TrainerError(
            f"{command}: {error}. Nothing was written. To try it by hand, in "
            f"{Path.cwd()}: {command} {shlex.quote(str(file))}"
        ) from None


def read_predictions(path: Path, networks: int, problem: Problem) -> np.ndarray:
    """Read the predictions of so many networks for the problem's test rows, in order.

    Log-probabilities, float32 `[networks, rows, classes]`, whose sums are corrected
    within `ROUNDING`; or numbers in the label's units, float64 `[networks, rows]`. A
    network failed if any is nan; all of its predictions are then nan.
    Raises `ThawError` that names the file, the place and the remedy.
    """
    has_classes = TASKS[problem.task].has_classes
    shape = [networks, len(problem.test_y), *([problem.classes] * has_classes)]
    try:
        return _checked(np.load(path, allow_pickle=False), shape, has_classes)
    # Reading a damaged file can fail in any way.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        # NumPy's words advise to load it all the same.
        reason = "it is not an array of numbers" if "pickle" in reason else reason
        raise ThawError(
            f"{path}: {reason}; write one array, of networks, test rows and, of "
            "classes, their natural log-probabilities (log_softmax), nan for a network "
            "that failed: numpy.save(job['predictions'], array)"
        ) from None


def _checked(array: Any, shape: Sequence[int], has_classes: bool) -> np.ndarray:
    """Return predictions as `read_predictions`; raises `ValueError` if they are not."""
    require(isinstance(array, np.ndarray), "it holds several arrays")
    require(array.dtype.kind == "f", f"its type is {array.dtype}, not floating-point")
    require([*array.shape] == shape, f"its shape is {[*array.shape]}, not {shape}")
    values = array.astype(np.float64)
    failed = np.isnan(values.reshape(len(values), -1)).any(1)
    # Log-probabilities must fit into float32, too.
    with np.errstate(over="ignore"):
        wrong = np.isinf(values.astype(np.float32) if has_classes else values)
        if has_classes:
            sums = np.exp(values).sum(2, keepdims=True)
            wrong |= abs(sums - 1) > ROUNDING
    wrong[failed] = False
    if wrong.any():
        network, row, *_ = np.argwhere(wrong)[0]
        or_sums = ", or its probabilities do not sum to 1" * has_classes
        place = f"networks[{network}], test row {row} (from 0)"
        raise ValueError(f"{place} is infinite{or_sums}")
    if has_classes:
        values = (values - np.log(sums)).astype(np.float32)
    values[failed] = np.nan
    return values


def _call(command: Sequence[str]) -> None:
    """Run a command without a shell; its output goes to the job's log."""
    environment = dict(os.environ)
    # The workflow sets it for its own jobs. It would hide the modules beside a
    # trainer's script.
    environment.pop("PYTHONSAFEPATH", None)
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            env=environment,
            # A group by itself, so that all that it starts can be ended.
            process_group=0,
        )
    except OSError as error:
        raise ThawError(
            f"{command[0]!r} cannot be run: {error.strerror}; there is no shell: name "
            "a program and its arguments, or bash -c '…'"
        ) from None
    try:
        status = process.wait()
    finally:
        # Also if the job itself is ended. If all are dead, macOS permits nothing.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if status == -signal.SIGKILL:
        raise ThawError(
            "it was killed, most likely because memory ran out; lower "
            "repeats_per_job, or run fewer jobs at once (--cores)"
        )
    if status:
        raise ThawError(f"it ended with status {status}; see its output above")


def save_models(
    path: Path,
    folders: Path,
    tile: Tile,
    recipe: Mapping[str, Any],
    saw: Mapping[str, Any],
) -> None:
    """Write a tile's source models: all files in each one's folder below `folders`."""
    entries = {
        file.relative_to(folders).as_posix(): np.frombuffer(file.read_bytes(), np.uint8)
        for file in sorted(folders.rglob("*"))
        if file.is_file()
    }
    save_arrays(path, entries, recipe, saw, tile)


def unpack_models(
    path: Path, key: str, numbers: Sequence[int], into: Path
) -> dict[str, str]:
    """Unpack the files of the source models of these numbers into folders below `into`.

    A folder's name is the number. Returns the digest of our file by its name.
    Raises `ThawError` if it is damaged or holds other source models.
    """
    entries, record, _ = load_models(path, key, numbers)
    with reading(path):
        for name, values in entries.items():
            number, *within = PurePosixPath(name).parts
            # An edited result may name a place outside the folder.
            is_safe = number.isdecimal() and within and ".." not in within
            require(bool(is_safe), "an entry is not a file of a source model")
            if int(number) in numbers:
                target = into.joinpath(number, *within)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(values.tobytes())
                # Several repeats start from it, so none may change it.
                target.chmod(0o444)
    return {path.name: content_digest(record)}


@contextmanager
def folder_for_trainer() -> Iterator[Path]:
    """Yield a temporary folder; it stays if the trainer failed, to be run by hand."""
    folder, is_kept = Path(tempfile.mkdtemp(prefix="thaw-")), False
    try:
        yield folder
    except TrainerError:
        is_kept = True
        raise
    finally:
        if not is_kept:
            shutil.rmtree(folder)
