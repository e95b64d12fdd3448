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
from thaw.learning import settings as known
from thaw.learning.history import METRICS, Final
from thaw.output.job import Job
from thaw.output.paths import (
    HISTORY_NPZ,
    PREDICTIONS_NPZ,
    SCORES_CSV,
    WEIGHTS,
    find_jobs,
    models_begin,
)
from thaw.output.predictions import load_predictions
from thaw.output.records import digests_of, load_arrays
from thaw.output.scores import Scores, load_scores, named_arrays
from thaw.output.tiles import Tile
from thaw.stages import train

# Where processors, versions or code differ, numbers may differ by this share of the
# largest one of their kind. Rounding that training has amplified stays far below, and
# so does one of a hundred test rows that changes its class.
TOLERANCE = 0.01


class Fit(NamedTuple):
    """A repeat or source model, and the job that trained it.

    name: in messages. place: in the job's `tile`. stem: the beginning of the paths of
    the job's files. results: the folder of all results. module: the file with the
    function that builds the network, if there is one.
    """

    name: str
    key: str
    tile: Tile
    place: int
    stem: str
    results: Path
    module: Path | None

    def file(self, suffix: str) -> Path:
        """Return one of the job's files."""
        return Path(f"{self.stem}{suffix}")

    def alone(self, stem: str) -> "Fit":
        """Return it as the only network of a job, with other files."""
        tile = Tile(*(range(n, n + 1) for n in map(int, self.label.split("-"))))
        return self._replace(tile=tile, place=0, stem=stem)

    @property
    def label(self) -> str:
        """The network's label: a source model's number, a repeat's address."""
        return self.tile.labels[self.place]


class Compared(NamedTuple):
    """The result of training one again, in words.

    is_equal: to the byte. is_wrong: it differs by more than rounding, or could not be
    compared.
    """

    words: str
    is_equal: bool = False
    is_wrong: bool = False


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
        settings, results = study.description["settings"], study.folder.parent
        *_, file = parts_of_function(settings["network"].get("module", ""))
        models, repeats = (range(settings[k]) for k in ("source_models", "repeats"))
        labels = {*Tile(models).labels, *Tile(models, repeats).labels}
        for name, jobs in _jobs_of(study):
            if not jobs:
                skipped.append(
                    f"{name.format('s')}: skipped; they are not in {results}, or a "
                    "trainer made them"
                )
            for key, tile, path in jobs:
                for place, label in enumerate(tile.labels):
                    fit = Fit(
                        name=name.format(f" {label}"),
                        key=key,
                        tile=tile,
                        place=place,
                        stem=str(path).removesuffix(HISTORY_NPZ),
                        results=results,
                        module=file and results.parent / file,
                    )
                    if label in labels:
                        fits.setdefault((key, label), fit)
    return [*fits.values()], skipped


def _jobs_of(study: Results) -> Iterator[tuple[str, list[tuple[str, Tile, Path]]]]:
    """Yield what each arm's repeats, and source models, are called, and their jobs.

    A job is a key, a tile and a history; `{}` in a name stands for the label. There are
    none that a trainer made.
    """
    description, results = study.description, study.folder.parent
    settings, stored = description["settings"], description["keys"]
    has_trainer, target = "trainer" in settings["network"], settings["target"]
    for arm in study.arms:
        is_estimator = "estimator" in description["variants"][arm.variant]
        known = stored["arms"][arm.name] if is_estimator or not has_trainer else []
        jobs = find_jobs(results, target, arm.name, known, HISTORY_NPZ)
        yield f"{study.name}, {arm.name}, repeat{{}}", [*jobs]
    # Those that were read from files have no history.
    for key in (
        [] if has_trainer or settings.get("checkpoints") else stored["source_models"]
    ):
        begin = models_begin(settings["source"], key)
        paths = sorted(results.glob(f"{begin}*{HISTORY_NPZ}"))
        yield (
            f"source model{{}} of {settings['source']}",
            [(key, Tile.named(p.name.removesuffix(HISTORY_NPZ)), p) for p in paths],
        )


def compared(fits: list[Fit], number: int, seed: int) -> Iterator[Compared | str]:
    """Train so many again, which `seed` draws.

    Yields the result of each and, as text, how versions and code here differ from those
    that made it.
    """
    places = np.random.default_rng(seed).permutation(len(fits))[:number]
    differences: set[str] = set()
    for fit in (fits[place] for place in sorted(places)):
        try:
            stored = load_scores(
                fit.file(SCORES_CSV), fit.file(HISTORY_NPZ), fit.tile, fit.key
            )
            recipe = stored.recipe
            here = keys.recipe(recipe["stage"], recipe["settings"], recipe["inputs"])
            for line in {*keys.differences(recipe, here)} - differences:
                differences.add(line)
                yield line
            yield _compared(fit, stored)
        except (ThawError, OSError) as error:
            yield Compared(f"{fit.name}: not compared: {error}", is_wrong=True)


def _compared(fit: Fit, stored: Scores) -> Compared:
    """Train a repeat or source model again, and compare all that is stored of it."""
    before = _numbers(fit, stored)
    with tempfile.TemporaryDirectory(prefix="thaw-") as folder:
        again = fit.alone(f"{folder}/again")
        with redirect_stderr(io.StringIO()):
            _train(fit, again, stored.recipe)
        scores = load_scores(
            again.file(SCORES_CSV), again.file(HISTORY_NPZ), again.tile, fit.key
        )
        now = _numbers(again, scores)
    if digests_of(now) == digests_of(before):
        return Compared(f"{fit.name}: equal to the byte", is_equal=True)
    if names := now.keys() ^ before.keys():
        raise ThawError(
            "it holds other entries than training again gives; in one of the two only: "
            f"{listed(sorted(names))}"
        )
    shares = ((_difference(now[name], before[name]), name) for name in before)
    share, name = max(shares)
    is_wrong = share > TOLERANCE
    beyond = f", more than {TOLERANCE:.0%}" if is_wrong else ""
    words = f"{fit.name}: {name} differ by {share:.2g}{beyond}"
    return Compared(words, is_wrong=is_wrong)


def _train(fit: Fit, again: Fit, recipe: dict[str, Any]) -> None:
    """Train a network alone, as its job did, and write the files of `again`.

    Raises `ThawError` if its record is another version's, or names a trainer, or if a
    file that it starts from is lost.
    """
    settings, inputs = recipe["settings"], recipe["inputs"]
    if "trainer" in settings.get("network", {}):
        raise ThawError("its record names a trainer, which is not run")
    for name, kind in (("training", known.Training), ("variant", known.Variant)):
        if unknown := settings.get(name, {}).keys() - {*kind._fields}:
            raise ThawError(
                f"this version does not know the settings {listed(sorted(unknown))}"
            )
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


def _numbers(fit: Fit, scores: Scores) -> dict[str, np.ndarray]:
    """Return all that a job's files hold of a network, by name."""
    place, by_network = fit.place, (*METRICS, *Final._fields)
    numbers = {
        name: np.asarray(values)[place] if name in by_network else np.asarray(values)
        for name, values in named_arrays(scores.reached).items()
    }
    if (path := fit.file(PREDICTIONS_NPZ)).exists():
        kept = load_predictions(path, fit.tile, fit.key, scores.reached.task)
        numbers["predictions"] = kept.outputs[place]
        numbers["test rows"] = kept.rows if kept.rows.ndim == 1 else kept.rows[place]
    if (path := fit.file(WEIGHTS)).exists():
        entries, _ = load_arrays(path, fit.key, fit.tile)
        numbers |= {f"weights {name}": v[place] for name, v in entries.items()}
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
