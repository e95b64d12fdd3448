"""The plan of a study: its results with their keys, and its jobs."""

import bisect
import itertools
from collections import ChainMap
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from thaw.config.config import Study
from thaw.config.training import Estimator, Variant
from thaw.findings.arms import (
    TargetSize,
    alpha_of_each,
    arms,
    pairs_compared,
    rivals_of_estimators,
)
from thaw.findings.metrics import metric_of
from thaw.findings.pairs import units_needed
from thaw.output.paths import (
    HISTORY_NPZ,
    PREDICTIONS_NPZ,
    SCORES_CSV,
    WEIGHTS,
    repeats_jobs,
)
from thaw.output.tiles import Tile, tiles_of_models
from thaw.plan.planned import Planned
from thaw.plan.recipes import variant_in_words

# The facts of a study that are keys of its settings, and those that follow from them.
OF_SETTINGS = (
    *("source", "target", "positive", "margin", "baseline", "pairs", "repeats"),
    "target_sizes",
)
OF_PLAN = (
    *("question", "is_about_pairs", "source_unit", "pretrained", "described", "words"),
    *("depths", "ladder", "comparisons", "shown_size", "size", "has_splits"),
    *("keeps_predictions", "draws_output", "learning", "rates", "tuned"),
)

# The facts of a study that its description has as settings.
DESCRIBED = (
    *("source", "target", "variants", "repeats", "target_sizes", "source_models"),
    *("positive", "baseline", "pairs", "margin"),
)


class TrainingJob(NamedTuple):
    """A job that trains source models or repeats, or reads source models from a file.

    stem: how its files begin. scores: those with scores, histories and predictions;
    none if it trains nothing. weights: that with its networks, if it keeps them.
    source_models: that with the networks from which repeats start, if they do.
    """

    tile: Tile
    stem: str
    scores: list[str]
    weights: Sequence[str] = ()
    source_models: Sequence[str] = ()


class StudyPlan(NamedTuple):
    """A study's results.

    variants: its networks, with layers as recipes name them, and estimators.
    metrics: as `thaw.findings.metrics.metric_of` takes them. source: None if source
    models are files. source_models: one result or, if they are files, one for each;
    none if no variant is pretrained. arms: by name, one result each or one for each
    file. overlap: the check for test rows among train rows; check: that of a network
    that users supply; transferability: the scores of its source models without
    training, if it is one of several sources. has_splits: whether each source model has
    its own split of the target. draws_output: whether variants draw the output layer
    anew unless they say otherwise. source_unit: of the source's labels, or "".
    """

    name: str
    settings: Study
    variants: dict[str, Variant | Estimator]
    metrics: list[dict[str, Any]]
    source: Planned | None
    target: Planned
    source_models: list[Planned]
    arms: dict[str, list[Planned]]
    overlap: Planned
    keeps_predictions: bool
    has_splits: bool
    draws_output: bool
    source_unit: str
    check: Planned | None = None
    transferability: Planned | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """All that tables, figures and pages know of the study."""
        names = {
            "study": self.name,
            "metric": self.metrics,
            "variants": [*self.variants],
            "networks": [*self.networks],
            "source_models": self.settings.models,
        }
        settings = {name: getattr(self.settings, name) for name in OF_SETTINGS}
        return names | settings | {name: getattr(self, name) for name in OF_PLAN}

    # The results with keys

    @property
    def checks(self) -> list[Planned]:
        """The checks, each of which is a single file."""
        return [*filter(None, (self.overlap, self.check, self.transferability))]

    @property
    def results(self) -> list[Planned]:
        """The results with keys, but for the problems."""
        arms = itertools.chain(*self.arms.values())
        return [*self.checks, *self.source_models, *arms]

    @property
    def problems(self) -> dict[str, Planned]:
        """The source, if it is a problem, and the target, by name."""
        source = {self.settings.source: self.source} if self.source else {}
        return source | {self.settings.target: self.target}

    def requirements(self, key: str) -> Iterator[dict[str, Any]]:
        """Yield the study's requirements on the problem of this key.

        They are its classes, rows and splits.
        """
        study = self.settings
        for role, problem in (("pretraining", self.source), ("training", self.target)):
            if not problem or problem.key != key:
                continue
            weights = getattr(study, role).class_weight
            weighted = [*weights] if isinstance(weights, dict) else []
            is_target = role == "training"
            metrics = map(metric_of, self.metrics)
            yield {
                "study": self.name,
                "seed": study.seed,
                "source_models": study.models,
                "weights": {f"{role}.class_weight": weighted},
                "positive": study.positive if is_target else None,
                "two_classes": [m.name for m in metrics if m.two_classes and is_target],
                "target_sizes": self.sizes_in_rows if is_target else [],
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
    def jobs(self) -> list[TrainingJob]:
        """The jobs that train repeats, and those that make source models.

        Repeats need one file with source models, because tiles of both kinds end at the
        same source models.
        """
        study, keys, makers = self.settings, self.arm_keys, self.model_jobs
        firsts, jobs = [job.tile.models[0] for job in makers], []
        size = (study.models, study.repeats, study.job_size)
        models, saved = self.model_files, self.saved
        for name, arm in self.arms.items():
            for tile, stem, _ in repeats_jobs(study.target, name, keys[name], *size):
                job = TrainingJob(tile, stem, self._scores(stem))
                if name in saved:
                    job = job._replace(weights=[f"{stem}{WEIGHTS}"])
                if "source_models" in arm[0].files:
                    file = models[bisect.bisect(firsts, tile.models[0]) - 1]
                    job = job._replace(source_models=[file])
                jobs.append(job)
        return [*jobs, *makers]

    @property
    def model_jobs(self) -> list[TrainingJob]:
        """The jobs that make source models; if they are files, one each."""
        study, begins, jobs = self.settings, [m.path for m in self.source_models], []
        if not begins:
            return []
        for tile in tiles_of_models(study.models, study.job_size, bool(study.files)):
            stem = f"{begins[tile.models[0] if len(begins) > 1 else 0]}{tile.name}"
            scores = [] if study.files else self._scores(stem)
            jobs.append(TrainingJob(tile, stem, scores, [f"{stem}{WEIGHTS}"]))
        return jobs

    @property
    def model_files(self) -> list[str]:
        """The files with source models."""
        return [file for job in self.model_jobs for file in job.weights]

    def _scores(self, stem: str) -> list[str]:
        """Return the files of a job that trains, but for weights."""
        predictions = [PREDICTIONS_NPZ] if self.keeps_predictions else []
        return [f"{stem}{suffix}" for suffix in (SCORES_CSV, HISTORY_NPZ, *predictions)]

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
        rates = {n: v.training.rate_choices for n, v in self.networks.items()}
        return {name: choices for name, choices in rates.items() if choices}

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
        references = rivals_of_estimators(self.described, study.baseline)
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
        comparisons = f"{needed} for {count} comparison{'s' * (count > 1)}"
        return [f"{models} source models allow no verdict: it takes {comparisons}"]

    @property
    def shown_size(self) -> TargetSize:
        """The largest target size, which figures of a single size show."""
        sizes = self.settings.target_sizes
        return "all" if "all" in sizes else max(sizes)

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
        described, networks = self.described, self.networks
        scratch = {n: -1 for n in networks if described[n] == {"pretrained": False}}
        return {
            name: depth
            for name, depth in (scratch | self.depths).items()
            if networks[name].training == self.settings.training
        }

    @property
    def words(self) -> dict[str, str]:
        """The plain names of variants, by the names that the config gives them.

        Of another study's variants in pairs, depths have one, too.
        """
        usual, names = self.settings.training.minimal(), self.settings.network.names
        words = {}
        for name, variant in self.described.items():
            training = usual
            if name in self.networks:
                training = self.networks[name].training.minimal()
            changes = {
                key: training.get(key, "default")
                for key in {**usual, **training}
                if usual.get(key) != training.get(key)
            }
            words[name] = variant_in_words(variant, changes, names)
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
        if not self.pretrained or study.baseline in self.pretrained:
            return f"Which variant predicts {target} best?"
        learner = f"a network that learned {study.source}"
        if study.files:
            learner = "a network with pretrained weights"
        sizes = ", and up to how many train rows" * self.is_swept
        return f"Does {learner} learn {target} better{sizes}?"

    @property
    def description(self) -> dict[str, Any]:
        """Everything behind the results: settings, keys, code, library versions."""
        study, training = self.settings, self.settings.training.model_dump()
        facts = self.facts
        # How jobs are cut changes no result, so it is left out.
        settings = {name: facts[name] for name in DESCRIBED} | {
            "seed": study.seed,
            "metric": [m.get("function", m["name"]) for m in self.metrics],
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
        arms = [arm[0] for arm in self.arms.values()]
        results = [*problems.values(), *arms, *self.source_models[:1]]
        recipes = [planned.recipe for planned in results]
        return {
            "settings": settings,
            "problems": {n: p.recipe["settings"] for n, p in problems.items()},
            "variants": self.described,
            "keys": {
                "problems": {name: keyed.key for name, keyed in problems.items()},
                "source_models": [keyed.key for keyed in self.source_models],
                "arms": self.arm_keys,
            },
            # All stages behind these results have the same.
            "code": self.target.recipe["code"],
            "versions": dict(ChainMap(*(recipe["versions"] for recipe in recipes))),
        }
