"""Train some repeats again from their records, and compare them with what is stored.

Each is trained alone, because its numbers do not depend on the others of its job.
"""

import io
import math
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from thaw import keys
from thaw.api.results import Results, studies_in
from thaw.config.users import parts_of_function
from thaw.errors import ThawError, listed
from thaw.learning.history import METRICS, Final
from thaw.output.paths import (
    HISTORY_NPZ,
    PREDICTIONS_NPZ,
    SCORES_CSV,
    WEIGHTS,
    find_jobs,
)
from thaw.output.predictions import load_predictions
from thaw.output.records import digests_of, load_arrays
from thaw.output.scores import Scores, load_scores, named_arrays
from thaw.output.tiles import Tile
from thaw.stages import command as stages
from thaw.stages import pretrain, train
from thaw.stages.fit import fit

# Where processors, versions or code differ, numbers may differ by this share of the
# largest one of their kind. Rounding that training has amplified stays far below, and
# so does one of a hundred test rows that changes its class.
TOLERANCE = 0.01


class Job(NamedTuple):
    """A job that trained: its key, its tile and the beginning of its files' paths.

    results: the folder of all results. module: the file with the function that builds
    the network, if there is one.
    """

    key: str
    tile: Tile
    stem: str
    results: Path
    module: Path | None

    def file(self, suffix: str) -> Path:
        """Return one of its files."""
        return Path(f"{self.stem}{suffix}")


class Fit(NamedTuple):
    """A repeat or source model: its name in messages, job and place in its tile."""

    what: str
    job: Job
    number: int

    @property
    def tile(self) -> Tile:
        """The tile that holds nothing else."""
        if self.job.tile.repeats is None:
            model = self.job.tile.models[self.number]
            return Tile(range(model, model + 1))
        model, repeat = self.job.tile.addresses[self.number]
        return Tile(range(model, model + 1), range(repeat, repeat + 1))


class Compared(NamedTuple):
    """The result of training one again: which numbers differ most, or an `error`.

    difference: by how much, as a share of the largest number of their kind.
    """

    what: str
    difference: float = 0.0
    numbers: str = ""
    error: str = ""

    @property
    def is_equal(self) -> bool:
        """Whether all bytes are equal."""
        return not self.numbers and not self.error

    @property
    def is_wrong(self) -> bool:
        """Whether it differs by more than rounding, or could not be compared."""
        return bool(self.error) or self.difference > TOLERANCE

    def __str__(self) -> str:
        """Return it in words."""
        if self.error:
            return f"{self.what}: not compared: {self.error}"
        if self.is_equal:
            return f"{self.what}: equal to the byte"
        beyond = f", more than {TOLERANCE:.0%}" if self.is_wrong else ""
        return f"{self.what}: {self.numbers} differ by {self.difference:.2g}{beyond}"


def fits_of(folder: Path) -> tuple[list[Fit], list[str]]:
    """Return the repeats of a study, or of all studies in `results/`; and what is left.

    The latter are lines that say what cannot be trained again, and why. Raises
    `ThawError` if there is no study, or if one is damaged.
    """
    found: dict[tuple[str, str], Fit] = {}
    skipped = []
    for study in map(Results, studies_in(folder) or [folder]):
        told, results = study.description, study.folder.parent
        settings = told["settings"]
        if "network" not in settings:
            skipped.append(f"{study.name}: skipped, made from scores")
            continue
        network = settings["network"]
        _, _, file = parts_of_function(network.get("module", ""))
        module = file and results.parent / file
        labels = {
            *Tile(range(settings["source_models"]), range(settings["repeats"])).labels
        }
        for arm in study.arms:
            what = f"{study.name}, {arm.name}"
            if (
                "trainer" in network
                and "estimator" not in told["variants"][arm.variant]
            ):
                skipped.append(f"{what}: skipped, made by a trainer")
                continue
            own = told["keys"]["arms"][arm.name]
            jobs = [
                Job(key, tile, str(path).removesuffix(HISTORY_NPZ), results, module)
                for key, tile, path in find_jobs(
                    results, settings["target"], arm.name, own, HISTORY_NPZ
                )
            ]
            if not jobs:
                skipped.append(f"{what}: skipped, its repeats are not in {results}")
            for job in jobs:
                for number, label in enumerate(job.tile.labels):
                    if label in labels:
                        one = Fit(f"{what}, repeat {label}", job, number)
                        found.setdefault((job.key, label), one)
    return [*found.values()], skipped


def compared(fits: list[Fit], repeats: int, seed: int) -> Iterator[Compared | str]:
    """Train some drawn by `seed`, and the source models from which they start.

    Yields the result of each and, as text, how versions and code here differ from those
    that made it.
    """
    places = np.random.default_rng(seed).permutation(len(fits))[:repeats]
    waiting, told = [fits[place] for place in sorted(places)], set[str]()
    done = set[tuple[str, str]]()
    while waiting:
        one = waiting.pop(0)
        job = one.job
        if (job.key, one.tile.name) in done:
            continue
        done.add((job.key, one.tile.name))
        try:
            stored = load_scores(
                *(job.file(SCORES_CSV), job.file(HISTORY_NPZ), job.tile, job.key)
            )
            recipe = stored.recipe
            here = keys.recipe(recipe["stage"], recipe["settings"], recipe["inputs"])
            for line in {*keys.differences(recipe, here)} - told:
                told.add(line)
                yield line
            source_models = _source_models(one, recipe)
            # Source models that were read from files have no history.
            waiting += [
                fit for fit in source_models if fit.job.file(HISTORY_NPZ).exists()
            ]
            yield _compared(one, stored, source_models)
        except (ThawError, OSError) as error:
            yield Compared(one.what, error=str(error))


def _source_models(one: Fit, recipe: Mapping[str, Any]) -> list[Fit]:
    """Return the source model from which a repeat starts, if it starts from one."""
    key = recipe["inputs"].get("source_models")
    if key is None:
        return []
    model = one.tile.models[0]
    for path in sorted(one.job.results.glob(f"source-models/*-{key}/*{WEIGHTS}")):
        tile = Tile.named(path.stem)
        if model in tile.models:
            job = one.job._replace(
                key=key, tile=tile, stem=str(path).removesuffix(WEIGHTS)
            )
            what = f"source model {model} of {path.parent.name.removesuffix(f'-{key}')}"
            return [Fit(what, job, tile.models.index(model))]
    raise ThawError(f"source model {model} (key {key}) is not in {one.job.results}")


def _compared(one: Fit, stored: Scores, source_models: list[Fit]) -> Compared:
    """Train a repeat or source model again, and compare all that is stored of it."""
    job, recipe = one.job, stored.recipe
    if "trainer" in recipe["settings"].get("network", {}):
        raise ThawError("its record names a trainer, which is not run")
    key = recipe["inputs"]["problem"]
    problems = [*job.results.glob(f"problems/*-{key}.npz")]
    if not problems:
        raise ThawError(f"the problem (key {key}) is not in {job.results}/problems")
    with tempfile.TemporaryDirectory(prefix="thaw-") as folder:
        again = job._replace(tile=one.tile, stem=f"{folder}/again")
        named = {"predictions": PREDICTIONS_NPZ, "weights": WEIGHTS}
        outputs = {
            "scores": [again.file(SCORES_CSV)],
            "history": [again.file(HISTORY_NPZ)],
        }
        for name, suffix in named.items():
            outputs[name] = [again.file(suffix)] if job.file(suffix).exists() else []
        inputs = {
            "problem": problems,
            "network": [job.module] if job.module else [],
            "source_models": [model.job.file(WEIGHTS) for model in source_models],
        }
        planned_job = stages.Job(
            recipe["stage"], keys.key(recipe), recipe, inputs, outputs, one.tile
        )
        stage = {"pretrain": pretrain, "train": train}[recipe["stage"]]
        try:
            with redirect_stderr(io.StringIO()):
                fit(planned_job, stage.learn)
        except TypeError as error:  # another version's settings are unknown arguments
            raise ThawError(f"its settings are not this version's: {error}") from error
        made = load_scores(
            again.file(SCORES_CSV), again.file(HISTORY_NPZ), one.tile, job.key
        )
        ours = _numbers(again, made, 0)
    theirs = _numbers(job, stored, one.number)
    if digests_of(ours) == digests_of(theirs):
        return Compared(one.what)
    if others := ours.keys() ^ theirs.keys():
        raise ThawError(
            "it holds other entries than training again gives; in one of the two only: "
            f"{listed(sorted(others))}"
        )
    found = {name: _difference(ours[name], theirs[name]) for name in theirs}
    worst = max(found, key=lambda name: found[name])
    return Compared(one.what, found[worst], worst)


def _numbers(job: Job, scores: Scores, place: int) -> dict[str, np.ndarray]:
    """Return all that a job's files hold of the network at a place, by name."""
    own = (*METRICS, *Final._fields)
    found = {
        name: np.asarray(values)[place] if name in own else np.asarray(values)
        for name, values in named_arrays(scores.reached).items()
    }
    if (path := job.file(PREDICTIONS_NPZ)).exists():
        task = scores.reached.task
        told = load_predictions(path, job.tile, job.key, task)
        found["predictions"] = told.outputs[place]
        found["test rows"] = np.atleast_2d(told.rows)[
            place if told.rows.ndim > 1 else 0
        ]
    if (path := job.file(WEIGHTS)).exists():
        entries, _ = load_arrays(path, job.key, job.tile)
        found |= {f"weights {name}": values[place] for name, values in entries.items()}
    return {name: np.asarray(values) for name, values in found.items()}


def _difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference, as a share of the largest of their numbers.

    It is infinite between what is a number and what is not.
    """
    if ours.dtype.kind not in "fiub" or ours.shape != theirs.shape:
        return 0.0 if np.array_equal(ours, theirs) else math.inf
    one, other = ours.astype(np.float64), theirs.astype(np.float64)
    same = (one == other) | (np.isnan(one) & np.isnan(other))
    if same.all():
        return 0.0
    with np.errstate(invalid="ignore"):  # of infinite numbers, told below
        apart = abs(one - other)[~same].max()
    largest = abs(other[np.isfinite(other)]).max(initial=0)
    return float(apart / largest) if np.isfinite(apart) and largest else math.inf
