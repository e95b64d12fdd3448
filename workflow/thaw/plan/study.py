"""What a study asks for: its results with their keys, and its jobs."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from thaw.config.network import Kind, kind_of
from thaw.config.resolved import ResolvedStudy, minimal_training
from thaw.findings.arms import CHECKPOINTS, Arm, TargetSize, pairs_asked
from thaw.keys import Result
from thaw.learning.seeds import source_model_of
from thaw.output.paths import Job, jobs, models_begin, problem_file, repeats_begin


class StudyPlan(NamedTuple):
    """A study's results.

    `source` is None where source models are files, `source_models` where no variant is
    pretrained. `arms` are by name; the weights of those `saved` are kept. `check` is
    that of a module.
    """

    name: str
    settings: ResolvedStudy
    source: Result | None
    target: Result
    source_models: Result | None
    arms: dict[str, Result]
    saved: list[str]
    check: Result | None

    def told(self, names: Iterable[str]) -> dict[str, Any]:
        """Return settings of these names: of the config, or what follows from them."""
        known = self.settings._asdict() | {"study": self.name}
        return {
            name: known[name] if name in known else getattr(self, name)
            for name in names
        }

    @property
    def pretrained(self) -> list[str]:
        """The variants that start from source models."""
        size = self.settings.target_sizes[0]
        return [
            variant
            for variant in self.settings.variants
            if "source_models" in self.arms[Arm(variant, size).name].recipe["inputs"]
        ]

    @property
    def described(self) -> dict[str, dict[str, Any]]:
        """What the config says of each variant, without what is left at its default."""
        size = self.settings.target_sizes[0]
        return {
            variant: self.arms[Arm(variant, size).name].recipe["settings"]["variant"]
            for variant in self.settings.variants
        }

    @property
    def problems(self) -> dict[str, Result]:
        """The source, where it is a problem, and the target, by their names."""
        target = {self.settings.target: self.target}
        return (
            {} if self.source is None else {self.settings.source: self.source}
        ) | target

    @property
    def source_file(self) -> list[str]:
        """The source problem's file below `results/`, where there is one."""
        return (
            [problem_file(self.settings.source, self.source.key)] if self.source else []
        )

    @property
    def checkpoint_file(self) -> list[str]:
        """The file below `results/` with source models read from users' files."""
        if self.source_models is None or not self.settings.checkpoints:
            return []
        job = Job(0, self.settings.source_models - 1)
        begin = models_begin(CHECKPOINTS, self.source_models.key)
        return [f"{begin}{job.stem}.safetensors"]

    @property
    def target_file(self) -> list[str]:
        """The target problem's file below `results/`."""
        return [problem_file(self.settings.target, self.target.key)]

    @property
    def check_file(self) -> list[str]:
        """The file below `results/` that says that the network passed its checks."""
        return [f"networks/{self.name}-{self.check.key}.json"] if self.check else []

    @property
    def kind(self) -> Kind:
        """What kind of network it is."""
        return kind_of(self.settings.network)

    @property
    def has_histories(self) -> bool:
        """Whether it is known what networks reached epoch by epoch."""
        return self.kind.has_histories

    @property
    def keeps_predictions(self) -> bool:
        """Whether it is known what networks say of each test row."""
        return False

    @property
    def is_checked(self) -> bool:
        """Whether a job checks the network before anything learns."""
        return self.check is not None

    @property
    def compares(self) -> bool:
        """Whether there is anything to compare with the baseline."""
        return len(self.settings.variants) > 1

    @property
    def pretrains(self) -> bool:
        """Whether its source models are pretrained here."""
        return bool(self.models)

    @property
    def has_several_models(self) -> bool:
        """Whether repeats start from several source models."""
        several = min(self.settings.source_models, self.settings.repeats) > 1
        return several and bool(self.pretrained)

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
        """The file whose function builds the network, if one does."""
        file = self.kind.module_file
        return [str(file)] if file else []

    @property
    def trainer_files(self) -> list[str]:
        """The files of the trainer, if one trains."""
        return self.kind.trainer_files

    @property
    def checkpoints(self) -> list[str]:
        """The files from which source models are read, if they are."""
        return self.settings.checkpoints

    @property
    def repeats(self) -> dict[str, int]:
        """Where in `results/` files with repeats begin, and how many repeats there are.

        A job's numbers and a suffix follow (see `_jobs`).
        """
        return self._repeats_of(self.arms)

    @property
    def weights(self) -> list[str]:
        """The files below `results/` with the weights of trained repeats."""
        jobs = self._jobs(self._repeats_of(self.saved))
        return [f"{stem}.safetensors" for _, stem in jobs]

    def _repeats_of(self, names: Iterable[str]) -> dict[str, int]:
        target, repeats = self.settings.target, self.settings.repeats
        return {
            repeats_begin(target, name, self.arms[name].key): repeats for name in names
        }

    @property
    def models(self) -> dict[str, int]:
        """The same of the source models that are pretrained."""
        if self.source_models is None or self.settings.checkpoints:
            return {}
        begin = models_begin(self.settings.source, self.source_models.key)
        return {begin: self.settings.source_models}

    @property
    def others(self) -> list[str]:
        """The other studies whose variants stand in pairs, as in `selfer/fixed-2`."""
        named = [name for pair in self.settings.pairs for name in pair if "/" in name]
        return sorted({name.partition("/")[0] for name in named})

    @property
    def tuned(self) -> list[str]:
        """The variants of which something is chosen on validation rows."""
        size = self.settings.target_sizes[0]
        return [
            variant
            for variant in self.settings.variants
            if "validation_size"
            in self.arms[Arm(variant, size).name].recipe["settings"]["training"]
        ]

    @property
    def comparisons(self) -> int:
        """How many there are, at all target sizes together."""
        asked = self.settings
        pairs = pairs_asked(asked.variants, asked.baseline, asked.pairs)
        return len(pairs) * len(asked.target_sizes)

    @property
    def shown_size(self) -> TargetSize:
        """The largest target size, of which figures of a single size are."""
        sizes = self.settings.target_sizes
        return "all" if "all" in sizes else max(sizes)

    @property
    def mapped(self) -> dict[str, int]:
        """The depths that are compared with the baseline."""
        baseline = self.settings.baseline
        return {name: depth for name, depth in self.depths.items() if name != baseline}

    @property
    def depths(self) -> dict[str, int]:
        """How many layers those pretrained variants freeze that do nothing else."""
        described = {name: self.described[name] for name in self.pretrained}
        return {
            name: variant.get("freeze", 0)
            for name, variant in described.items()
            if variant.keys() <= {"freeze"}
        }

    @property
    def ladder(self) -> dict[str, int]:
        """The depths of variants with no training of their own; -1 is from scratch."""
        size, usual = self.settings.target_sizes[0], self.settings.training
        found = {
            variant: -1
            for variant, described in self.described.items()
            if described == {"pretrained": False}
        } | self.depths
        return {
            variant: depth
            for variant, depth in found.items()
            if self.arms[Arm(variant, size).name].recipe["settings"]["training"]
            == minimal_training(usual)
        }

    @property
    def maps(self) -> list[dict[str, Any]]:
        """What a freeze map is told of the study."""
        names = ("study", "source", "target", "baseline", "target_sizes", "metric")
        return [self.told(names) | {"depths": self.mapped}]

    @property
    def description(self) -> dict[str, Any]:
        """What makes all that is learned: settings, keys, code, library versions."""
        models, training = self.source_models, self.settings.training
        # How jobs are cut changes no result.
        apart = {
            "repeats_per_job",
            *(() if self.settings.checkpoints else ("checkpoints",)),
        }
        settings = {k: v for k, v in self.settings._asdict().items() if k not in apart}
        # Only what differs, so that a change of training is not said twice.
        settings["pretraining"] = {
            key: value
            for key, value in self.settings.pretraining.items()
            if value != training[key]
        }
        # So that an edit of a trainer's file is told.
        settings["network"] = self.kind.with_digests()
        recipes = [
            *(problem.recipe for problem in self.problems.values()),
            *(arm.recipe for arm in self.arms.values()),
            *([models.recipe] if models else []),
        ]
        return {
            "settings": settings,
            "problems": {n: p.recipe["settings"] for n, p in self.problems.items()},
            "variants": self.described,
            "keys": {
                "problems": {name: made.key for name, made in self.problems.items()},
                "source_models": models.key if models else None,
                "arms": {name: arm.key for name, arm in self.arms.items()},
            },
            "code": {recipe["stage"]: recipe["code"] for recipe in recipes},
            "versions": {
                k: v for recipe in recipes for k, v in recipe["versions"].items()
            },
        }

    @property
    def training_jobs(self) -> list[tuple[Job, str]]:
        """The training jobs, and where in `results/` each one's files begin."""
        return self._jobs(self.repeats)

    @property
    def pretraining_jobs(self) -> list[tuple[Job, str]]:
        """The jobs that pretrain the source models, and where their files begin."""
        return self._jobs(self.models)

    @property
    def model_files(self) -> list[str]:
        """The files below `results/` with source models."""
        stems = (stem for _, stem in self.pretraining_jobs)
        return [*(f"{stem}.safetensors" for stem in stems), *self.checkpoint_file]

    def files(self, suffix: str) -> list[str]:
        """Return a file of each job, of both kinds, below `results/`."""
        jobs = [*self.pretraining_jobs, *self.training_jobs]
        return [f"{stem}{suffix}" for _, stem in jobs]

    def _jobs(self, begins: Mapping[str, int]) -> list[tuple[Job, str]]:
        return [
            (job, f"{begin}{job.stem}")
            for begin, total in begins.items()
            for job in jobs(total, self.settings.repeats_per_job)
        ]

    def pretraining_jobs_of(self, repeats: Sequence[int]) -> list[tuple[Job, str]]:
        """Return those jobs whose source models these repeats start from."""
        total = self.settings.source_models
        needed = {source_model_of(repeat, total) for repeat in repeats[:total]}
        return [
            (job, stem)
            for job, stem in self.pretraining_jobs
            if not needed.isdisjoint(job.numbers)
        ]
