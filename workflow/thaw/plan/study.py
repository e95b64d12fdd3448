"""The plan of a study: its results with their keys, and its jobs."""

import bisect
import functools
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from thaw.config.config import Study
from thaw.config.training import Estimator, Training, Variant
from thaw.config.users import parts_of_function
from thaw.findings.arms import (
    TargetSize,
    alpha_of_each,
    arms,
    beside_networks,
    pairs_compared,
)
from thaw.findings.metrics import metric_of
from thaw.findings.pairs import units_needed
from thaw.keys import Result
from thaw.output.paths import (
    HISTORY_NPZ,
    PREDICTIONS_NPZ,
    SCORES_CSV,
    WEIGHTS,
    check_file,
    models_begin,
    problem_file,
    repeats_jobs,
)
from thaw.output.tiles import JobSize, Tile, tiles_of_models
from thaw.plan.recipes import recipe_in_words, variant_in_words

# Files by the name that a rule has for them.
Files = dict[str, list[str]]


# The settings in a study's description as the config has them.
DESCRIBED = (
    *("source", "target", "variants", "repeats", "target_sizes", "source_models"),
    *("positive", "baseline", "pairs", "seed", "margin"),
)


@functools.cache
def known_tiles_of_models(total: int, job_size: JobSize, alone: bool) -> list[Tile]:
    """Return the tiles of source models that a study's jobs use."""
    return [*tiles_of_models(total, job_size, alone)] if total else []


class StudyPlan(NamedTuple):
    """A study's results.

    `variants` are its networks, with layers as recipes name them, and estimators. The
    `metrics` are as `thaw.findings.metrics.metric_of` takes them. `source` is None if
    source models are files. `source_models` are one result or, if they are files, one
    for each file; none if no variant is pretrained. `arms` are by name: one result each
    or, if they start from files, one for each file. `overlap` is the check for test
    rows among train rows, `check` that of a network that users supply;
    `transferability` are the scores of its source models without training, if it is one
    of several sources.
    `keeps_predictions` says whether predictions are kept, `has_splits` whether each
    source model has its own split of the target, `draws_output` whether variants draw
    the output layer anew unless they say otherwise. `source_unit` is that of the
    source's labels, "" if they have none.
    """

    name: str
    settings: Study
    variants: dict[str, Variant | Estimator]
    metrics: list[dict[str, Any]]
    source: Result | None
    target: Result
    source_models: list[Result]
    arms: dict[str, list[Result]]
    overlap: Result
    keeps_predictions: bool
    has_splits: bool
    draws_output: bool
    source_unit: str
    check: Result | None = None
    transferability: Result | None = None

    def facts(self, names: Iterable[str]) -> dict[str, Any]:
        """Return what tables and figures know of the study by these names."""
        special = {
            "study": self.name,
            "source": self.settings.source,
            "target": self.settings.target,
            "variants": [*self.variants],
            "networks": [*self.networks],
            "metric": self.metrics,
            "source_models": self.settings.models,
        }
        return {
            name: special[name]
            if name in special
            else getattr(self if hasattr(self, name) else self.settings, name)
            for name in names
        }

    # The results with keys, and the files from which they are made

    def inputs(self) -> Iterator[tuple[Result, Files]]:
        """Yield keyed results, in the order in which they are made, and their files.

        Problems are left out; of repeats, the files with source models, too, which
        follow from the job.
        """
        code: Files = self.settings.network.user_files
        files_of, refusal = self.files, self.refusal
        problems = {role: files_of[role] for role in ("target", "source")}
        target = {"problem": files_of["target"]}
        roles = self.overlap.recipe["inputs"]
        yield self.overlap, {role: problems[role] for role in roles}
        if self.check:
            files = problems if self.source_models else {"target": files_of["target"]}
            models = {"source_models": self.model_files if self.settings.files else []}
            yield self.check, code | files | models
        must_pass = [*refusal, *files_of["check"]]
        for number, keyed in enumerate(self.source_models):
            if self.source:
                checked = {"checked": [*files_of["target"], *must_pass]}
                yield keyed, code | {"problem": files_of["source"]} | checked
            else:
                weights = {"weights": [self.settings.files[number]]}
                yield keyed, code | target | weights
        if self.transferability:
            models = {"source_models": self.model_files, "checked": files_of["check"]}
            yield self.transferability, code | problems | models
        for keyed in itertools.chain(*self.arms.values()):
            files = target | {"checked": refusal}
            if "estimator" not in keyed.recipe["settings"]:
                files |= code | {"checked": must_pass}
            yield keyed, files

    @property
    def problems(self) -> dict[str, Result]:
        """The source, if it is a problem, and the target, by name."""
        source = {self.settings.source: self.source} if self.source else {}
        return source | {self.settings.target: self.target}

    @property
    def files(self) -> Files:
        """The files below `results/` of all that is no network, if there are any.

        They are the problems, `source` and `target`, the `overlap` of their rows, the
        `check` of the network, and the scores of `transferability`.
        """
        source, target = self.settings.source, self.settings.target
        files: Files = {name: [] for name in ("source", "check", "transferability")}
        files["target"] = [problem_file(target, self.target.key)]
        files["overlap"] = [check_file("overlaps", target, self.overlap.key)]
        if self.source:
            files["source"] = [problem_file(source, self.source.key)]
        if self.check:
            files["check"] = [check_file("networks", self.name, self.check.key)]
        if scores := self.transferability:
            path = check_file("transferability", target, scores.key)
            files["transferability"] = [path]
        return files

    @property
    def refusal(self) -> list[str]:
        """The check for equal rows, if it may refuse any: training waits for it."""
        settings = self.overlap.recipe["settings"]
        may_refuse = settings["refuse"] or "columns" in settings
        return self.files["overlap"] if may_refuse else []

    def requirements(self, key: str) -> Iterator[dict[str, Any]]:
        """Yield the study's requirements on the problem of this key.

        They are its classes, rows and splits, and that its estimators can be fitted.
        """
        shared: dict[str, Any] = self.facts(("study", "seed", "source_models"))
        shared |= {"positive": None, "two_classes": [], "estimators": {}}
        shared["target_sizes"] = []
        if self.source and key == self.source.key:
            weights = _weighted("pretraining", self.settings.pretraining)
            yield shared | {"weights": weights}
        if key == self.target.key:
            metrics = map(metric_of, self.metrics)
            shared["two_classes"] = [m.name for m in metrics if m.two_classes]
            weights = _weighted("training", self.settings.training)
            estimators = {
                name: variant.content
                for name, variant in self.variants.items()
                if isinstance(variant, Estimator)
            }
            yield shared | {
                "positive": self.settings.positive,
                "weights": weights,
                "estimators": estimators,
                "target_sizes": self.sizes_in_rows,
            }

    # Jobs, and the files below `results/` that they leave

    @property
    def saved(self) -> list[str]:
        """The arms whose trained weights are kept."""
        sizes = self.settings.target_sizes
        names = [name for name, variant in self.variants.items() if variant.save]
        return [arm.name for arm in arms(names, sizes)]

    @property
    def arm_keys(self) -> dict[str, list[str]]:
        """The keys of each arm."""
        return {name: [keyed.key for keyed in arm] for name, arm in self.arms.items()}

    @property
    def training_jobs(self) -> list[tuple[Tile, str]]:
        """The training jobs, and the beginning of each one's files."""
        return self._jobs_of(self.arms)

    @property
    def pretraining_jobs(self) -> list[tuple[Tile, str]]:
        """The pretraining jobs, and the beginning of each one's files."""
        if self.settings.files:
            return []
        return [(tile, self._model_stem(tile)) for tile in self._model_tiles]

    @property
    def model_files(self) -> list[str]:
        """The files with source models."""
        return [f"{self._model_stem(tile)}{WEIGHTS}" for tile in self._model_tiles]

    @property
    def weights(self) -> list[str]:
        """The files with the weights of trained repeats."""
        return [f"{stem}{WEIGHTS}" for _, stem in self._jobs_of(self.saved)]

    @property
    def written(self) -> list[str]:
        """The files that all training jobs leave, but for weights."""
        jobs = [*self.pretraining_jobs, *self.training_jobs]
        predictions = [PREDICTIONS_NPZ] if self.keeps_predictions else []
        suffixes = [SCORES_CSV, HISTORY_NPZ, *predictions]
        return [f"{stem}{suffix}" for suffix in suffixes for _, stem in jobs]

    @property
    def metric_files(self) -> list[str]:
        """The files with the functions of users' metrics, in order."""
        functions = (metric.get("function", "") for metric in self.metrics)
        return [str(file) for *_, file in map(parts_of_function, functions) if file]

    @property
    def _model_tiles(self) -> Sequence[Tile]:
        """The tiles of source models; if they are files, one each."""
        total = self.settings.models if self.source_models else 0
        alone = bool(self.settings.files)
        return known_tiles_of_models(total, self.settings.job_size, alone)

    def _model_stem(self, tile: Tile) -> str:
        alone = len(self.source_models) > 1
        keyed = self.source_models[tile.models[0] if alone else 0]
        return f"{models_begin(self.settings.source, keyed.key)}{tile.name}"

    def _jobs_of(self, names: Iterable[str]) -> list[tuple[Tile, str]]:
        """Return the training jobs of some arms, as `training_jobs`."""
        study, keys = self.settings, self.arm_keys
        size = (study.models, study.repeats, study.job_size)
        return [
            (tile, stem)
            for name in names
            for tile, stem, _ in repeats_jobs(study.target, name, keys[name], *size)
        ]

    @property
    def models_of_jobs(self) -> Files:
        """The file with the source models that each training job needs, if any.

        By the beginning of the job's files. One is enough, because tiles of both kinds
        end at the same source models.
        """
        tiles, files = self._model_tiles, self.model_files
        firsts = [tile.models[0] for tile in tiles]
        keyed = {
            name: results[0].recipe["inputs"] for name, results in self.arms.items()
        }
        pretrained = [name for name, keys in keyed.items() if "source_models" in keys]
        return {
            stem: [files[bisect.bisect(firsts, tile.models[0]) - 1]]
            for tile, stem in self._jobs_of(pretrained)
        }

    # Facts of the study, for tables, figures and messages

    @property
    def networks(self) -> dict[str, Variant]:
        """The variants that are networks, which learn epoch by epoch."""
        variants = self.variants.items()
        return {name: v for name, v in variants if isinstance(v, Variant)}

    @property
    def pretrained(self) -> list[str]:
        """The variants that start from source models."""
        return [name for name, variant in self.variants.items() if variant.pretrained]

    @property
    def described(self) -> dict[str, dict[str, Any]]:
        """The settings of each variant, without defaults and training."""
        return {name: variant.described for name, variant in self.variants.items()}

    @property
    def size(self) -> str:
        """The number of repeats, in words."""
        models, repeats = self.settings.models, self.settings.repeats
        arm = "variant and size" if self.is_swept else "variant"
        of_each = f"{repeats:,} repeat{'' if repeats == 1 else 's'} of each"
        if models == 1:
            return f"{of_each} {arm}"
        total = f"{models * repeats:,} of each {arm}"
        return f"{models:,} source models × {of_each} = {total}"

    @property
    def sizes_in_rows(self) -> list[int]:
        """The target sizes that are numbers of rows."""
        return [size for size in self.settings.target_sizes if size != "all"]

    @property
    def is_swept(self) -> bool:
        """Whether variants learn from several numbers of rows."""
        return len(self.settings.target_sizes) > 1

    @property
    def other_studies(self) -> list[str]:
        """The other studies with variants in pairs, as in `selfer/fixed-2`."""
        names = [name for pair in self.settings.pairs for name in pair if "/" in name]
        return sorted({name.partition("/")[0] for name in names})

    @property
    def tuned(self) -> list[str]:
        """The variants for which something is chosen on validation rows."""
        return [n for n, v in self.networks.items() if v.training.validation_size]

    @property
    def rates(self) -> dict[str, list[float]]:
        """The learning rates among which each network of a variant chooses."""
        networks = self.networks.items()
        return {
            name: v.training.rate_choices
            for name, v in networks
            if v.training.rate_choices
        }

    @property
    def learning(self) -> dict[str, Any]:
        """How the baseline's networks start, and by which optimizer they learn."""
        training = self.networks[self.settings.baseline].training
        start = getattr(self.settings.network, "initial", None)
        return {"initial": start, "optimizer": training.optimizer}

    @property
    def comparisons(self) -> int:
        """The number of comparisons, at all target sizes together."""
        study = self.settings
        pairs = pairs_compared([*self.variants], study.baseline, study.pairs)
        references = beside_networks(self.described, study.baseline)
        return (len(pairs) + len(references)) * len(study.target_sizes)

    @property
    def too_few(self) -> list[str]:
        """A warning that no verdict can come, however its networks learn, if it is so.

        None for a single source model: what is said then holds for that one.
        """
        models, count = self.settings.models, self.comparisons
        needed = units_needed(alpha_of_each(count))
        if not 1 < models < needed or not (self.pretrained and count):
            return []
        comparisons = f"{count} comparison{'s' * (count > 1)}"
        return [
            f"{models} source models allow no verdict: it takes {needed} for "
            f"{comparisons}"
        ]

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
        names: dict[int, str] = {}
        for name, variant in self.networks.items():
            if variant.pretrained and variant.depth is not None:
                names.setdefault(variant.depth, name)
        return {name: depth for depth, name in names.items()}

    @property
    def ladder(self) -> dict[str, int]:
        """The depths of variants with no training of their own; -1 is from scratch."""
        scratch = {
            name: -1
            for name, variant in self.networks.items()
            if variant.described == {"pretrained": False}
        }
        return {
            name: depth
            for name, depth in (scratch | self.depths).items()
            if self.networks[name].training == self.settings.training
        }

    @property
    def training_changes(self) -> dict[str, dict[str, Any]]:
        """The training settings in which variants differ from the study, by variant."""
        differences = {}
        for name, variant in self.networks.items():
            usual, training = (
                whole.training.minimal() for whole in (self.settings, variant)
            )
            keys = [k for k in {**usual, **training} if usual.get(k) != training.get(k)]
            differences[name] = {key: training.get(key, "default") for key in keys}
        return differences

    @property
    def words(self) -> dict[str, str]:
        """The plain names of variants, by the names that the config gives them.

        Of another study's variants in pairs, depths have one, too.
        """
        names, usual = self.settings.network.names, self.settings.training.epochs
        words = {}
        for name, variant in self.described.items():
            changes = self.training_changes.get(name, {})
            recipe = recipe_in_words(variant, names)
            epochs = changes.get("epochs")
            if epochs and "phases" in variant:
                recipe += f" ({epochs:,} epochs in all, not {usual:,})"
            words[name] = variant_in_words(variant, changes, recipe)
        for name in itertools.chain(*self.settings.pairs):
            other, _, depth = name.rpartition("/")
            if other and depth in self.depths:
                words[name] = f"{words[depth]} in the study {other}"
        return words

    @property
    def is_about_pairs(self) -> bool:
        """Whether its pairs are its question, and not only steps between depths."""
        return any(not {*pair} <= {*self.depths} for pair in self.settings.pairs)

    @property
    def question(self) -> str:
        """The question that the study answers, its own or one that fits it."""
        study, target = self.settings, self.settings.target
        if study.question and not study.sources:
            return study.question
        if not self.pretrained:
            return f"Which variant predicts {target} best?"
        if study.baseline in self.pretrained:
            return f"Which use of a network that learned {study.source} fits {target}?"
        if study.source == target:
            return (
                f"Control: does a network that learned {target} gain by it once more?"
            )
        learner = f"a network that learned {study.source}"
        if study.files:
            learner = "a network with pretrained weights"
        given = ", given one source model" * (study.models == 1)
        sizes = ", and up to how many train rows" * self.is_swept
        return f"Does {learner} learn {target} better{given}{sizes}?"

    @property
    def maps(self) -> list[dict[str, Any]]:
        """The settings that a freeze map gets of the study."""
        names = ("study", "source", "target", "baseline", "target_sizes")
        return [self.facts((*names, "metric", "margin")) | {"depths": self.mapped}]

    @property
    def description(self) -> dict[str, Any]:
        """Everything behind the results: settings, keys, code, library versions."""
        study, training = self.settings, self.settings.training.model_dump()
        # How jobs are cut changes no result.
        settings = self.facts(DESCRIBED) | {
            "metric": [*map(_metric_in_words, self.metrics)],
            "network": study.network.written,
            "training": training,
            # Only differences, so that a change of training is not reported twice.
            "pretraining": {
                key: value
                for key, value in study.pretraining.model_dump().items()
                if value != training[key]
            },
            "predictions": self.keeps_predictions,
            **({"checkpoints": study.files} if study.files else {}),
        }
        problems = self.problems
        arms = (arm[0] for arm in self.arms.values())
        code: dict[str, str] = {}
        versions: dict[str, str] = {}
        for recipe, _ in (*problems.values(), *arms, *self.source_models[:1]):
            # Two kinds of code train.
            is_estimator = "estimator" in recipe["settings"]
            code["estimators" if is_estimator else recipe["stage"]] = recipe["code"]
            versions |= recipe["versions"]
        return {
            "settings": settings,
            "problems": {n: p.recipe["settings"] for n, p in problems.items()},
            "variants": self.described,
            "keys": {
                "problems": {name: keyed.key for name, keyed in problems.items()},
                "source_models": [keyed.key for keyed in self.source_models],
                "arms": self.arm_keys,
            },
            "code": code,
            "versions": versions,
        }


def _weighted(key: str, training: Training) -> dict[str, list[str]]:
    """Return the classes to which training settings give weights, by their place."""
    weights = training.class_weight
    return {f"{key}.class_weight": [*weights]} if isinstance(weights, dict) else {}


def _metric_in_words(metric: Mapping[str, Any]) -> Any:
    """Return a metric as a run's first lines name it."""
    if "function" in metric:
        return {key: metric[key] for key in ("function", "greater_is_better")}
    return metric["name"] + (f" ({metric['unit']})" if "unit" in metric else "")
