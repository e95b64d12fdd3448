"""Train some networks again from their records, and compare them with what is stored.

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
from thaw.findings.arms import Arm
from thaw.output.job import Job
from thaw.output.paths import HISTORY_NPZ, PREDICTIONS_NPZ, SCORES_CSV, WEIGHTS
from thaw.output.records import digests_of, load_arrays
from thaw.output.scores import load_scores
from thaw.output.tiles import Tile
from thaw.stages import train

# Where processors, versions or code differ, numbers may differ by this share of the
# largest one of their kind. Rounding that training has amplified stays far below, and
# so does one of a hundred test rows that changes its class.
TOLERANCE = 0.01

# The results of a comparison.
EQUAL, NEAR, WRONG = "equal", "near", "wrong"

# The arrays of a job that are not by network.
OF_JOB = ("constant", "steps", "task")


class Fit(NamedTuple):
    """A repeat or source model, and the job that trained it.

    name: in messages. label: a source model's number, a repeat's address. stem: the
    beginning of the paths of the job's files. results: the folder of all results.
    module: the file with the function that builds the network, if there is one.
    """

    name: str
    label: str
    key: str
    tile: Tile
    stem: str
    results: Path
    module: Path | None

    def file(self, suffix: str) -> Path:
        """Return one of the job's files."""
        return Path(f"{self.stem}{suffix}")


def fits_of(folder: Path) -> tuple[list[Fit], list[str]]:
    """Return the repeats and source models of a study, or of all studies in `results/`.

    With them come lines that say what cannot be trained again, and why.
    Raises `ThawError` if there is no study, or if one is damaged.
    """
    fits: dict[tuple[str, str], Fit] = {}
    skipped = []
    for study in map(Results, studies_in(folder) or [folder]):
        if not study.target:
            skipped.append(f"{study.name}: skipped, made from scores")
            continue
        results, described = study.folder.parent, study.description
        network = described["settings"]["network"]
        *_, file = parts_of_function(network.get("module", ""))
        groups: dict[str, Arm | None] = {
            f"{study.name}, {arm.name}, repeat": arm for arm in study.arms
        }
        groups[f"{described['settings']['source']}, source model"] = None
        for name, arm in groups.items():
            variant = described["variants"][arm.variant] if arm else {}
            has_trainer = "trainer" in network and "estimator" not in variant
            jobs = [] if has_trainer else [*study.jobs(HISTORY_NPZ, arm)]
            if not jobs:
                skipped.append(
                    f"{name}s: skipped; they are not in {results}, or a trainer made "
                    "them"
                )
            for key, tile, path in jobs:
                for label in tile.labels:
                    fits[key, label] = Fit(
                        name=f"{name} {label}",
                        label=label,
                        key=key,
                        tile=tile,
                        stem=str(path).removesuffix(HISTORY_NPZ),
                        results=results,
                        module=file and results.parent / file,
                    )
    return [*fits.values()], skipped


def compared(fits: list[Fit], number: int, seed: int) -> Iterator[tuple[str, str]]:
    """Train so many again, which `seed` draws; yield each result and what it is.

    A result is `EQUAL`, `NEAR` or `WRONG`: it differs by more than rounding, or could
    not be compared. Lines that are nothing, "", say how versions and code here differ
    from those that made it.
    """
    places = np.random.default_rng(seed).permutation(len(fits))[:number]
    differences: set[str] = set()
    for fit in (fits[place] for place in sorted(places)):
        try:
            files = fit.file(SCORES_CSV), fit.file(HISTORY_NPZ)
            recipe = load_scores(*files, fit.tile, fit.key)[1]["recipe"]
            here = keys.recipe(recipe["stage"], recipe["settings"], recipe["inputs"])
            for line in {*keys.differences(recipe, here)} - differences:
                differences.add(line)
                yield line, ""
            yield _compared(fit, recipe)
        # A record of another version may have settings that are unknown here.
        except (ThawError, OSError, TypeError) as error:
            yield f"{fit.name}: not compared: {error}", WRONG


def _compared(fit: Fit, recipe: dict[str, Any]) -> tuple[str, str]:
    """Train a repeat or source model again, and compare all that is stored of it."""
    before = _numbers(fit)
    with tempfile.TemporaryDirectory(prefix="thaw-") as folder:
        alone = Tile(*(range(n, n + 1) for n in map(int, fit.label.split("-"))))
        again = fit._replace(tile=alone, stem=f"{folder}/again")
        with redirect_stderr(io.StringIO()):
            _train(fit, again, recipe)
        now = _numbers(again)
    if digests_of(now) == digests_of(before):
        return f"{fit.name}: equal to the byte", EQUAL
    if names := now.keys() ^ before.keys():
        raise ThawError(
            "it holds other entries than training again gives; in one of the two only: "
            f"{listed(sorted(names))}"
        )
    share, name = max((_difference(now[name], before[name]), name) for name in before)
    words = f"{fit.name}: {name} differ by {share:.2g}"
    if share > TOLERANCE:
        return f"{words}, more than {TOLERANCE:.0%}", WRONG
    return words, NEAR


def _train(fit: Fit, again: Fit, recipe: dict[str, Any]) -> None:
    """Train a network alone, as its job did, and write the files of `again`.

    Raises `ThawError` if a file that it starts from is lost.
    """
    inputs = recipe["inputs"]
    key = inputs["problem"]
    problems = [*fit.results.glob(f"problems/*-{key}.npz")]
    if not problems:
        raise ThawError(f"the problem (key {key}) is not in {fit.results}/problems")
    suffixes = {
        "scores": SCORES_CSV,
        "history": HISTORY_NPZ,
        "predictions": PREDICTIONS_NPZ,
        "weights": WEIGHTS,
    }
    job = Job(
        stage=recipe["stage"],
        key=fit.key,
        recipe=recipe,
        inputs={
            "problem": problems,
            "network": [fit.module] if fit.module else [],
            "source_models": _source_models(fit, inputs),
        },
        outputs={
            name: [again.file(suffix)] if fit.file(suffix).exists() else []
            for name, suffix in suffixes.items()
        },
        tile=again.tile,
    )
    train.main(job)


def _source_models(fit: Fit, inputs: Mapping[str, Any]) -> list[Path]:
    """Return the file with the source model from which a repeat starts, if any."""
    key, model = inputs.get("source_models"), int(fit.label.partition("-")[0])
    if key is None:
        return []
    for path in sorted(fit.results.glob(f"source-models/*-{key}/*{WEIGHTS}")):
        if model in Tile.named(path.stem).models:
            return [path]
    raise ThawError(f"source model {model} (key {key}) is not in {fit.results}")


def _numbers(fit: Fit) -> dict[str, np.ndarray]:
    """Return all that a job's files hold of a network, by name."""
    numbers, place = {}, fit.tile.labels.index(fit.label)
    for suffix in (HISTORY_NPZ, PREDICTIONS_NPZ, WEIGHTS):
        if fit.file(suffix).exists():
            arrays, _ = load_arrays(fit.file(suffix), fit.key, fit.tile)
            kind = "weights " * (suffix == WEIGHTS)
            for name, values in arrays.items():
                # All networks have the same test rows, unless each has its own split.
                shared = name in OF_JOB or (name == "rows" and values.ndim == 1)
                each = values if shared and not kind else values[place]
                numbers[f"{kind}{name}"] = each
    return {name: np.asarray(values) for name, values in numbers.items()}


def _difference(now: np.ndarray, before: np.ndarray) -> float:
    """Return the largest difference, as a share of the largest number before.

    It is infinite between what is a number and what is not.
    """
    if now.dtype.kind not in "fiub" or now.shape != before.shape:
        return 0.0 if np.array_equal(now, before) else math.inf
    new, old = now.astype(np.float64), before.astype(np.float64)
    differs = (new != old) & ~(np.isnan(new) & np.isnan(old))
    if not differs.any():
        return 0.0
    apart = abs(new[differs] - old[differs]).max()
    largest = abs(old[np.isfinite(old)]).max(initial=0)
    # Where only one of the two is finite, nan is no share.
    return float(apart / largest) if np.isfinite(apart) and largest else math.inf
