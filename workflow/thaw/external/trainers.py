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
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from thaw.data.problem import Description, Pool, Problem
from thaw.errors import ThawError
from thaw.keys import check_unchanged, digest_of_file
from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.learning.tasks import TASKS
from thaw.learning.trainer import rows_of, scored, seeds_of, with_group_names
from thaw.output.job import Job
from thaw.output.records import (
    content_digest,
    load_arrays,
    reading,
    require,
    save_arrays,
)
from thaw.output.tiles import Tile
from thaw.output.weights import check_all_there, tile_of

# The largest error in the sum of a row's probabilities.
ROUNDING = 1e-3


class TrainerError(ThawError):
    """A trainer failed; its job file is kept, so that it can be run by hand."""


class Given(NamedTuple):
    """A problem as a trainer gets it; `shape` is how a row's features are arranged."""

    file: Path
    problem: Problem
    shape: Sequence[int]


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
    given = Given(job.input("problem"), problem, described.shape)
    rows = rows_of(problem, whose, settings.get("target_size"))
    networks: list[dict[str, Any]] = [
        {"seed": seed, "rows": numbers}
        for seed, numbers in zip(seeds_of(whose), rows, strict=True)
    ]
    with folder_for_trainer() as folder:
        models, variant = folder / "source-models", None
        if tile.repeats is None:
            for network, number in zip(networks, tile.models, strict=True):
                network |= {"source_model": number, "save": str(models / str(number))}
        else:
            groups = settings["network"].get("groups", [])
            variant = with_group_names(settings["variant"], groups)
            for network, label, address in zip(
                networks, tile.labels, tile.addresses, strict=True
            ):
                network |= {"repeat": label, "source_model": address.source_model}
                if variant["pretrained"]:
                    network["start"] = str(models / str(address.source_model))
            if variant["pretrained"]:
                saw["source_models"] = unpack_models(
                    job.inputs["source_models"],
                    job.keys["source_models"],
                    tile.models,
                    models,
                )
        predictions = train(folder, settings, given, networks, variant)
        if tile.repeats is None:
            save_models(job.output("weights"), models, tile, job.recipe, saw)
    rate = settings["training"]["learning_rate"]
    return scored(predictions, problem, rate), predictions


def given_problem(job: Job, name: str) -> tuple[Given, str]:
    """Return a problem of a job as a trainer gets it, and its digest."""
    problem, description, digest = job.load_problem(name)
    assert isinstance(problem, Problem)  # the config allows nothing else
    return Given(job.input(name), problem, description.shape), digest


def check_files(files: Sequence[Path], network: Mapping[str, Any]) -> None:
    """Raise `ThawError` unless a trainer's files are those with which the run began."""
    for file, digest in zip(files, network["trainer"]["files"], strict=True):
        check_unchanged(file, digest_of_file(file), digest)


def train(
    folder: Path,
    settings: Mapping[str, Any],
    given: Given,
    networks: Sequence[Mapping[str, Any]],
    variant: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Have a trainer train networks; return their predictions as the task keeps them.

    `settings` are a recipe's, `networks` as they stand in the job's file, which is
    written into `folder`. Without a `variant` they are source models, and each has a
    folder to `save` to.
    Raises `TrainerError` if the trainer fails, or what it wrote cannot be right.
    """
    network, training = settings["network"], settings["training"]
    command, problem = network["trainer"]["command"], given.problem
    file, predictions = folder / "job.json", folder / "predictions.npy"
    job = {
        "stage": "train" if variant else "pretrain",
        "problem": {
            "file": str(given.file.absolute()),
            "task": problem.task,
            "classes": problem.classes,
            "shape": list(given.shape) or [problem.train_x.shape[1]],
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
    paths: Sequence[Path], key: str, numbers: Collection[int], into: Path
) -> dict[str, str]:
    """Unpack the files of the source models of these numbers into folders below `into`.

    A folder's name is the number. Returns the digest of each of our files by its name.
    Raises `ThawError` if one is damaged or holds other source models.
    """
    unpacked: set[int] = set()
    digests: dict[str, str] = {}
    for path in paths:
        entries, record = load_arrays(path, key, tile_of(path))
        with reading(path):
            for name, values in entries.items():
                number, *within = PurePosixPath(name).parts
                # An edited result may name a place outside the folder.
                is_safe = number.isdecimal() and within and ".." not in within
                require(bool(is_safe), "an entry is not a file of a source model")
                if int(number) in numbers:
                    unpacked.add(int(number))
                    target = into.joinpath(number, *within)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(values.tobytes())
                    # Several repeats start from it, so none may change it.
                    target.chmod(0o444)
        digests[path.name] = content_digest(record)
    check_all_there(paths, sorted(unpacked), sorted(numbers))
    return digests


@contextmanager
def folder_for_trainer() -> Iterator[Path]:
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
