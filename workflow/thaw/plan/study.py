"""The plan of a study: its results with their keys, and its jobs."""

import bisect
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from thaw.config.network import Kind, kind_of, named
from thaw.config.resolved import ResolvedStudy, is_depth, minimal_training
from thaw.findings.arms import Arm, TargetSize, pairs_asked
from thaw.findings.metrics import metric_of
from thaw.keys import Result, result
from thaw.learning.tasks import TASKS, Task
from thaw.output.paths import (
    HISTORY_NPZ,
    PREDICTIONS_NPZ,
    SCORES_CSV,
    WEIGHTS,
    models_begin,
    problem_file,
    repeats_jobs,
)
from thaw.output.tiles import JobSize, Tile, tiles_of_models
from thaw.plan.recipes import recipe_in_words


@functools.cache
def known_tiles_of_models(
    total: int, repeats_per_job: JobSize, alone: bool
) -> list[Tile]:
    """Return the tiles of source models that a study's jobs use."""
    return [*tiles_of_models(total, repeats_per_job, alone)] if total else []


def _weighted(place: str, training: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the classes to which training settings give weights, by their place."""
    weights = training["class_weight"]
    return {f"{place}.class_weight": [*weights]} if isinstance(weights, dict) else {}


def _as_told(metric: Mapping[str, Any]) -> Any:
    """Return a metric as a run's first lines name it."""
    if "function" in metric:
        return {key: metric[key] for key in ("function", "greater_is_better")}
    return metric["name"] + (f" ({metric['unit']})" if "unit" in metric else "")


class StudyPlan(NamedTuple):
    """A study's results.

    `source` is None if source models are files. `source_models` are one result or, if
    they are files, one for each file; none if no variant is pretrained. `arms` are by
    name: one result each or, if they start from files, one for each file. `described`
    holds the config's settings of each variant, without defaults. The weights of those
    `saved` are kept; `keeps_predictions` says whether the predictions of all are.
    `overlap` is the check for test rows among train rows, `check` that of a network
    that users supply. `source_unit` is that of the source's labels, "" if they have
    none. `has_splits` says whether each source model has its own split of the target.
    `transferability` are its source models' scores without training; None unless it is
    `scored`, as one of several sources.
    """

    name: str
    settings: ResolvedStudy
    source: Result | None
    target: Result
    source_models: list[Result]
    arms: dict[str, list[Result]]
    described: dict[str, dict[str, Any]]
    saved: list[str]
    keeps_predictions: bool
    overlap: Result
    check: Result | None
    source_unit: str
    has_splits: bool
    transferability: Result | None = None

    def scored(self) -> "StudyPlan":
        """Return the study with scores of its source models that need no training.

        There are none if no variant is pretrained, and of a trainer's networks, which
        only the trainer can run.
        """
        if not (self.source and self.source_models) or self.kind.trained_by:
            return self
        (models,) = self.source_models
        settings = self.told(("seed", "source_models", "target_sizes"))
        settings["network"] = models.recipe["settings"]["network"]
        if validation_size := self.settings.training["validation_size"]:
            settings["validation_size"] = validation_size
        inputs = {
            "target": self.target.key,
            "source": self.source.key,
            "source_models": models.key,
        }
        found = result("transferability", settings, inputs)
        return self._replace(transferability=found)

    def told(self, names: Iterable[str]) -> dict[str, Any]:
        """Return settings of these names, from the config or derived from it."""
        known = self.settings._asdict() | {"study": self.name}
        return {
            name: known[name] if name in known else getattr(self, name)
            for name in names
        }

    @property
    def pretrained(self) -> list[str]:
        """The variants that start from source models."""
        return [
            variant
            for variant in self.settings.variants
            if "source_models" in self._recipe(variant)["inputs"]
        ]

    @property
    def variants_as_trained(self) -> list[tuple[str, dict[str, Any]]]:
        """The networks among the variants as jobs get them, in the config's order."""
        return [(v, self._recipe(v)["settings"]["variant"]) for v in self.networks]

    @property
    def networks(self) -> list[str]:
        """The variants that are networks, which learn epoch by epoch."""
        return [v for v in self.described if "estimator" not in self.described[v]]

    @property
    def task(self) -> Task:
        """The target's task."""
        return TASKS[self.settings.metric[0]["task"]]

    def asks(self, key: str) -> Iterator[dict[str, Any]]:
        """Yield the study's requirements on the classes of the problem of this key."""
        told: dict[str, Any] = self.told(("study", "seed", "source_models"))
        told |= {"positive": None, "two_classes": []}
        if self.source and key == self.source.key:
            own = _weighted("pretraining", self.settings.pretraining)
            yield told | {"weights": own}
        if key == self.target.key:
            metrics = map(metric_of, self.settings.metric)
            told["two_classes"] = [one.name for one in metrics if one.two_classes]
            own = _weighted("training", self.settings.training)
            yield told | {"positive": self.settings.positive, "weights": own}

    @property
    def confuses(self) -> bool:
        """Whether it is known which classes are mistaken for which."""
        return self.keeps_predictions and self.task.has_classes

    @property
    def has_rows(self) -> bool:
        """Whether the rows of its problems are known."""
        return True

    @property
    def has_several_metrics(self) -> bool:
        """Whether there are metrics other than that of the verdicts."""
        return len(self.settings.metric) > 1

    def _recipe(self, variant: str) -> dict[str, Any]:
        """Return the recipe of a variant at the first target size."""
        size = self.settings.target_sizes[0]
        return self.arms[Arm(variant, size).name][0].recipe

    @property
    def problems(self) -> dict[str, Result]:
        """The source, if it is a problem, and the target, by name."""
        target = {self.settings.target: self.target}
        return (
            {} if self.source is None else {self.settings.source: self.source}
        ) | target

    @property
    def source_file(self) -> list[str]:
        """The source problem's file below `results/`, if any."""
        return (
            [problem_file(self.settings.source, self.source.key)] if self.source else []
        )

    @property
    def checkpoint_files(self) -> list[str]:
        """The files below `results/` with source models read from users' files."""
        return self.model_files if self.settings.checkpoints else []

    @property
    def target_file(self) -> list[str]:
        """The target problem's file below `results/`."""
        return [problem_file(self.settings.target, self.target.key)]

    @property
    def check_file(self) -> list[str]:
        """The file below `results/` that says that the network passed its check."""
        return [f"networks/{self.name}-{self.check.key}.json"] if self.check else []

    @property
    def overlap_file(self) -> list[str]:
        """The file below `results/` that says which test rows are among train rows."""
        return [f"overlaps/{self.settings.target}-{self.overlap.key}.json"]

    @property
    def transferability_file(self) -> list[str]:
        """The file below `results/` with the scores that need no training, if any."""
        found = self.transferability
        target = self.settings.target
        return [f"transferability/{target}-{found.key}.json"] if found else []

    @property
    def refusal(self) -> list[str]:
        """That file, if its check may refuse something; training then waits for it."""
        asked = self.overlap.recipe["settings"]
        return self.overlap_file if asked["refuse"] or "columns" in asked else []

    @property
    def kind(self) -> Kind:
        """The kind of network."""
        return kind_of(self.settings.network)

    @property
    def has_histories(self) -> bool:
        """Whether networks have scores epoch by epoch."""
        return self.kind.has_histories

    @property
    def follows(self) -> bool:
        """Whether networks are compared with the baseline as training goes on."""
        return self.has_histories and len(self.networks) > 1

    @property
    def has_shares(self) -> bool:
        """Whether a job says which parts of the network learn."""
        return self.kind.calls_users_code

    @property
    def size(self) -> str:
        """The number of repeats, in words."""
        models, repeats = self.settings.source_models, self.settings.repeats
        arm = "variant and size" if self.is_swept else "variant"
        own = f"{repeats:,} repeat{'' if repeats == 1 else 's'} of each"
        if models == 1:
            return f"{own} {arm}"
        return f"{models:,} source models × {own} = {models * repeats:,} of each {arm}"

    @property
    def compares(self) -> bool:
        """Whether there is anything to compare with the baseline."""
        return len(self.settings.variants) > 1

    @property
    def pretrains(self) -> bool:
        """Whether its source models are pretrained here."""
        return bool(self.pretraining_jobs)

    @property
    def has_several_models(self) -> bool:
        """Whether repeats start from several source models."""
        return self.settings.source_models > 1 and bool(self.pretrained)

    @property
    def is_swept(self) -> bool:
        """Whether variants learn from several numbers of rows."""
        return len(self.settings.target_sizes) > 1

    @property
    def maps_depths(self) -> bool:
        """Whether it has depths that are compared with the baseline."""
        return bool(self.mapped)

    @property
    def network_files(self) -> list[str]:
        """The file whose function builds the network, if any."""
        file = self.kind.module_file
        return [str(file)] if file else []

    @property
    def trainer_files(self) -> list[str]:
        """The files of the trainer, if any."""
        return self.kind.trainer_files

    @property
    def metric_files(self) -> list[str]:
        """The files with the functions of users' metrics, in order."""
        told = [metric.get("function", "") for metric in self.settings.metric]
        return [str(file) for _, _, file in map(named, told) if file]

    @property
    def checkpoints(self) -> list[str]:
        """The files from which source models are read, if any."""
        return self.settings.checkpoints

    @property
    def weights(self) -> list[str]:
        """The files below `results/` with the weights of trained repeats."""
        return [f"{stem}{WEIGHTS}" for _, stem in self._jobs_of(self.saved)]

    @property
    def others(self) -> list[str]:
        """The other studies with variants in pairs, as in `selfer/fixed-2`."""
        named = [name for pair in self.settings.pairs for name in pair if "/" in name]
        return sorted({name.partition("/")[0] for name in named})

    @property
    def tuned(self) -> list[str]:
        """The variants for which something is chosen on validation rows."""
        return [
            variant
            for variant in self.networks
            if "validation_size" in self._recipe(variant)["settings"]["training"]
        ]

    @property
    def validates(self) -> bool:
        """Whether networks are measured on validation rows."""
        return bool(self.tuned)

    @property
    def chooses_models(self) -> bool:
        """Whether source models are compared by their networks' validation rows.

        With splits of their own, the best may be the one with the easiest rows.
        """
        return self.has_several_models and self.validates and not self.has_splits

    @property
    def rates(self) -> dict[str, list[float]]:
        """The learning rates among which each network of a variant chooses."""
        asked = {
            v: self._recipe(v)["settings"]["training"]["learning_rate"]
            for v in self.networks
        }
        return {v: rates for v, rates in asked.items() if isinstance(rates, list)}

    @property
    def comparisons(self) -> int:
        """The number of comparisons, at all target sizes together."""
        asked = self.settings
        pairs = pairs_asked(asked.variants, asked.baseline, asked.pairs)
        return len(pairs) * len(asked.target_sizes)

    @property
    def shown_size(self) -> TargetSize:
        """The largest target size, which figures of a single size show."""
        sizes = self.settings.target_sizes
        return "all" if "all" in sizes else max(sizes)

    @property
    def mapped(self) -> dict[str, int]:
        """The depths that are compared with the baseline."""
        baseline = self.settings.baseline
        return {name: depth for name, depth in self.depths.items() if name != baseline}

    @property
    def depths(self) -> dict[str, int]:
        """The number of layers frozen by pretrained variants that do nothing else.

        Each depth has one variant, the first: inheriting the output is another question
        than how many layers to freeze.
        """
        found: dict[int, str] = {}
        for name in self.pretrained:
            variant = self.described[name]
            if is_depth(variant):
                found.setdefault(variant.get("freeze", 0), name)
        return {name: depth for depth, name in found.items()}

    @property
    def ladder(self) -> dict[str, int]:
        """The depths of variants with no training of their own; -1 is from scratch."""
        usual = minimal_training(self.settings.training)
        found = {
            variant: -1
            for variant, described in self.described.items()
            if described == {"pretrained": False}
        } | self.depths
        return {
            variant: depth
            for variant, depth in found.items()
            if self._recipe(variant)["settings"]["training"] == usual
        }

    @property
    def own_training(self) -> dict[str, dict[str, Any]]:
        """The training settings in which variants differ from the study, by variant."""
        usual = minimal_training(self.settings.training)
        found = {}
        for variant in self.networks:
            own = self._recipe(variant)["settings"]["training"]
            names = [k for k in {**usual, **own} if usual.get(k) != own.get(k)]
            found[variant] = {name: own.get(name, "default") for name in names}
        return found

    @property
    def recipes(self) -> dict[str, str]:
        """What variants do, in words, where it is more than freezing first layers."""
        names, usual = self.kind.names, self.settings.training["epochs"]
        found = {}
        for variant, described in self.described.items():
            if words := recipe_in_words(described, names):
                epochs = self.own_training[variant].get("epochs")
                if epochs and "phases" in described:
                    words += f" ({epochs:,} epochs in all, not {usual:,})"
                found[variant] = words
        return found

    @property
    def maps(self) -> list[dict[str, Any]]:
        """The settings that a freeze map gets of the study."""
        names = ("study", "source", "target", "baseline", "target_sizes")
        told = self.told((*names, "metric", "margin"))
        return [told | {"depths": self.mapped}]

    @property
    def description(self) -> dict[str, Any]:
        """Everything behind the results: settings, keys, code, library versions."""
        training = self.settings.training
        # How jobs are cut changes no result.
        apart = {
            "repeats_per_job",
            *(() if self.settings.checkpoints else ("checkpoints",)),
        }
        settings = {k: v for k, v in self.settings._asdict().items() if k not in apart}
        # Only differences, so that a change of training is not reported twice.
        settings["pretraining"] = {
            key: value
            for key, value in self.settings.pretraining.items()
            if value != training[key]
        }
        settings["metric"] = [*map(_as_told, self.settings.metric)]
        settings["predictions"] = self.keeps_predictions
        # To report an edit of a trainer's file.
        settings["network"] = self.kind.with_digests()
        recipes = [
            *(problem.recipe for problem in self.problems.values()),
            *(arm[0].recipe for arm in self.arms.values()),
            *(made.recipe for made in self.source_models[:1]),
        ]
        # Two kinds of code train.
        names = [
            "estimators" if "estimator" in recipe["settings"] else recipe["stage"]
            for recipe in recipes
        ]
        return {
            "settings": settings,
            "problems": {n: p.recipe["settings"] for n, p in self.problems.items()},
            "variants": self.described,
            "keys": {
                "problems": {name: made.key for name, made in self.problems.items()},
                "source_models": [made.key for made in self.source_models],
                "arms": self.arm_keys,
            },
            "code": {n: r["code"] for n, r in zip(names, recipes, strict=True)},
            "versions": {
                k: v for recipe in recipes for k, v in recipe["versions"].items()
            },
        }

    @property
    def arm_keys(self) -> dict[str, list[str]]:
        """The keys of each arm."""
        return {name: [made.key for made in arm] for name, arm in self.arms.items()}

    @property
    def training_jobs(self) -> list[tuple[Tile, str]]:
        """The training jobs, and the beginning of each one's files in `results/`."""
        return self._jobs_of(self.arms)

    @property
    def pretraining_jobs(self) -> list[tuple[Tile, str]]:
        """The pretraining jobs, and the beginning of each one's files."""
        if self.settings.checkpoints:
            return []
        return [(tile, self._model_stem(tile)) for tile in self._model_tiles]

    @property
    def model_files(self) -> list[str]:
        """The files below `results/` with source models."""
        return [f"{self._model_stem(tile)}{WEIGHTS}" for tile in self._model_tiles]

    @property
    def _model_tiles(self) -> Sequence[Tile]:
        """The tiles of source models; if they are files, one each."""
        settings = self.settings
        total = settings.source_models if self.source_models else 0
        alone = bool(settings.checkpoints)
        return known_tiles_of_models(total, settings.repeats_per_job, alone)

    def _model_stem(self, tile: Tile) -> str:
        alone = len(self.source_models) > 1
        made = self.source_models[tile.models[0] if alone else 0]
        return f"{models_begin(self.settings.source, made.key)}{tile.name}"

    @property
    def suffixes(self) -> list[str]:
        """The suffixes of the files that every training job leaves."""
        return [
            SCORES_CSV,
            HISTORY_NPZ,
            *([PREDICTIONS_NPZ] if self.keeps_predictions else []),
        ]

    @property
    def written(self) -> list[str]:
        """The files below `results/` that all training jobs leave."""
        jobs = [*self.pretraining_jobs, *self.training_jobs]
        return [f"{stem}{suffix}" for suffix in self.suffixes for _, stem in jobs]

    @property
    def gathered(self) -> list[str]:
        """The files to gather: all but the predictions of source models."""
        apart = {f"{stem}{PREDICTIONS_NPZ}" for _, stem in self.pretraining_jobs}
        return [path for path in self.written if path not in apart]

    def _jobs_of(self, names: Iterable[str]) -> list[tuple[Tile, str]]:
        """Return the training jobs of some arms, as `training_jobs`."""
        settings, keys = self.settings, self.arm_keys
        size = (settings.source_models, settings.repeats, settings.repeats_per_job)
        return [
            (tile, stem)
            for name in names
            for tile, stem, _ in repeats_jobs(settings.target, name, keys[name], *size)
        ]

    def model_files_of(self, tile: Tile) -> list[str]:
        """Return the file with the source models that the repeats of a tile need.

        One is enough, because tiles of both kinds end at the same source models.
        """
        tiles = self._model_tiles
        place = bisect.bisect(tiles, tile.models[0], key=lambda own: own.models[0])
        return [f"{self._model_stem(tiles[place - 1])}{WEIGHTS}"]
