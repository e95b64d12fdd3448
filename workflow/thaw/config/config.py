"""The config: its studies, what they share, and which names it may not give."""

# ruff: noqa: RUF012 (pydantic copies defaults)

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from thaw.config.fields import (
    ALTERNATIVES,
    EACH_ONCE,
    LEFT_OUT,
    ONE_IS_A_LIST,
    FunctionName,
    Group,
    Name,
    PathName,
    Rows,
    Seed,
    Several,
    Value,
    exactly_one,
)
from thaw.config.network import HiddenLayers, Network
from thaw.config.problem import AnyProblem
from thaw.config.training import AnyVariant, Training
from thaw.findings.arms import CHECKPOINTS
from thaw.findings.overall import TITLE
from thaw.learning.tasks import TASKS
from thaw.output.tiles import JobSize

# Stands for the whole ladder in a study's list of variants.
LADDER = "ladder"

# Names that are taken, whatever their case. A study's name is its folder in `results/`,
# beside those that studies share, and its target, beside the workflow's rules.
RESERVED = {
    "problems": {CHECKPOINTS},
    # The others are names in a study's archive of results.
    "variants": {LADDER, "source-models", "constant", "target"},
    "studies": {
        *("problems", "networks", "source-models", "repeats", "settings", "maps"),
        *("all", "default", "source_models", "scores", "tables", "figures", "overlaps"),
        *("make_problem", "check_overlap", "check_network", "check_trainer"),
        *("pretrain", "read_checkpoints", "train", "train_and_save"),
        *("transferability", "records"),
    },
}


class SourceFiles(Group):
    """Source models that are there already."""

    files: Annotated[list[PathName], Field(min_length=1), EACH_ONCE]
    """Pretrained weights, a file a source model, from the working directory: a
    .safetensors file, or a .pt, .pth, .ckpt or .bin that holds a state_dict."""


class UsersMetric(Group):
    """A metric of your own."""

    function: FunctionName
    """A function of a file, from the working directory, or of an installed package,
    such as metrics.py:enrichment. It gets the test rows' labels, then what a network
    predicts (probabilities [rows, classes], or numbers), and returns a number."""
    greater_is_better: bool
    """Whether more of it is better."""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.rpartition(":")[2]


class Settings(Group):
    """Settings for all studies, each of which may have its own."""

    seed: Seed
    """A whole number, 0 or more. Every random number follows from it."""
    repeats_per_job: Annotated[Several | Literal["auto"], ALTERNATIVES] = "auto"
    """How many repeats a job trains, 1 or more; or auto: 30 from one source model, two
    from each of 30, then ever more, and 5 of a module or a trainer."""
    network: Network
    """The network: hidden layers, or a module or trainer of your own."""
    training: Training
    """How networks learn: repeats and, unless `pretraining` differs, source models."""
    pretraining: Training
    """Overrides training for source models."""

    def mistakes(self) -> Iterator[str]:
        """Yield settings of training that the network has no use for."""
        for key in ("training", "pretraining"):
            training = getattr(self, key)
            for words in self.network.mistakes_of_training(training):
                yield f"{key}.{words}"


# With repeats_per_job: auto, how many networks of a module or a trainer a job trains:
# they learn one after the other, seconds to minutes each.
NETWORKS_A_JOB = 5

Line = Annotated[str, Field(max_length=300, pattern=r"^[^\x00-\x1f\x7f]+$")]
Size = Annotated[Rows | Literal["all"], ALTERNATIVES]
Metric = Annotated[str | UsersMetric, ALTERNATIVES]
Pair = Annotated[list[str], Field(min_length=2, max_length=2), EACH_ONCE]


class Study(Settings):
    """A study. Those of its keys that stand at the top level too override them here."""

    margin: Annotated[float, Field(gt=0)] = LEFT_OUT
    """The smallest difference that matters, in the study's metric and its units."""
    question: Line = LEFT_OUT
    """The question shown below its name; left out, one that follows from the rest."""
    source: str = LEFT_OUT
    """The problem that source models learn; left out where they are files."""
    sources: Annotated[list[str], Field(min_length=2), EACH_ONCE] = LEFT_OUT
    """2 or more problems, each once, instead of source, to learn which is the best.
    Each makes a study of its own, STUDY-PROBLEM, and the study ranks them."""
    target: str
    """The problem on which the variants are trained."""
    # A list of names in a config, in whose place `filled_in` puts the variants.
    variants: Annotated[
        dict[Name, AnyVariant],
        WithJsonSchema({"type": "array", "items": {"type": "string"}, "minItems": 1}),
    ]
    """The variants to compare, in this order; ladder stands for standalone, fixed-0,
    fixed-1 and so on, one for each number of frozen hidden layers."""
    repeats: Several
    """How often each variant is trained from each source model."""
    target_sizes: Annotated[list[Size], Field(min_length=1), EACH_ONCE] = ["all"]
    """How many of the target's train rows a repeat learns from, drawn anew for each
    repeat; each variant is trained at each size. all: every row."""
    source_models: Annotated[Several | SourceFiles, ALTERNATIVES] = 1
    """How many, 1 or more and 1000000 or less, or {files: […]}, pretrained weights."""
    metric: Annotated[list[Metric], Field(min_length=1), EACH_ONCE, ONE_IS_A_LIST] = (
        LEFT_OUT
    )
    """The scores on the test rows, by scikit-learn's names without neg_ or {function:
    …, greater_is_better: …}, and verdicts are of the first. Left out, accuracy or
    mean_absolute_error. A change trains nothing."""
    positive: Value = LEFT_OUT
    """The positive class of metrics that have one, such as roc_auc, a number or text
    (true, false, yes and no in quotes); left out, the rarer of the two."""
    baseline: str = LEFT_OUT
    """The variant with which all others are compared: standalone, or else the first."""
    pairs: list[Pair] = []
    """Further pairs of two different variants to compare, the first with the second;
    one of another study with the same target is written STUDY/VARIANT."""

    @property
    def files(self) -> list[str]:
        """The files of source models that are files; none of others."""
        models = self.source_models
        return models.files if isinstance(models, SourceFiles) else []

    @property
    def models(self) -> int:
        """The number of source models."""
        return len(self.files) or self.source_models  # type: ignore[return-value]

    @property
    def job_size(self) -> JobSize:
        """How many repeats a job trains: see `thaw.output.tiles`."""
        if self.repeats_per_job == "auto" and self.network.form != HiddenLayers.form:
            return NETWORKS_A_JOB
        return self.repeats_per_job

    @property
    def draws_rows(self) -> bool:
        """Whether repeats learn from some of the train rows, drawn for each."""
        return self.target_sizes != ["all"]

    def mistakes(self) -> Iterator[str]:
        """Yield keys that do not go together."""
        yield from super().mistakes()
        sources = {"source": self.source, "sources": self.sources}
        yield from exactly_one(sources | {"source_models.files": self.files})


class Config(Settings):
    """A group of the keys below."""

    title: Line = TITLE
    """The title of the report, `results/report.html`."""
    question: Line = (
        "Does a network that has learned one problem learn a related one better, and "
        "how many of its layers should stay frozen?"
    )
    """The question that the studies answer, shown below the title."""
    # Not for all studies: each metric has its units.
    margin: Annotated[float, Field(gt=0)] = 0.01
    """The smallest difference that matters, in the study's metric and its units;
    variants whose typical difference surely lies within ± this are equivalent."""
    problems: Annotated[dict[Name, AnyProblem], Field(min_length=1)]
    """The data sets, by name."""
    predictions: bool = True
    """Whether jobs keep each network's predictions of the test rows, from which other
    metrics and the luck of the rows follow."""
    variants: dict[Name, AnyVariant] = {}
    """The variants, by name: how a network starts, and which of its layers learn."""
    # Of these, `filled_in` leaves here those that no study has.
    maps: dict[Name, Annotated[list[str], Field(min_length=1), EACH_ONCE]] = {}
    """Freeze maps of several studies side by side, by name: a list of studies."""
    studies: Annotated[dict[Name, Study], Field(min_length=1)]
    """The studies, by name; each name is also the target that makes the study."""

    @cached_property
    def rankings(self) -> dict[str, list[str]]:
        """The studies of each study with several sources, in their order."""
        return {
            name: [f"{name}-{source}" for source in study.sources]
            for name, study in self.studies.items()
            if study.sources
        }

    @cached_property
    def single_studies(self) -> dict[str, Study]:
        """The studies of a single source each, with their margins."""
        singles = {}
        for name, study in self.studies.items():
            margin = study.margin or self.margin
            for source in study.sources or [study.source or CHECKPOINTS]:
                single = study.model_copy(update={"source": source, "margin": margin})
                singles[f"{name}-{source}" if study.sources else name] = single
        return singles

    def mistakes(self) -> Iterator[str]:
        """Yield names that are reserved, or twice the same."""
        yield from super().mistakes()
        names = {group: {*getattr(self, group)} for group in RESERVED}
        names["variants"].update(*(study.variants for study in self.studies.values()))
        for group, reserved in RESERVED.items():
            for name in sorted(names[group]):
                if name.casefold() in reserved:
                    yield f"{group}.{name}: {name!r} is reserved; choose another name"
        seen: dict[str, str] = {}
        for name in self.studies:
            if (first := seen.setdefault(name.casefold(), name)) != name:
                yield (
                    f"studies.{name}: it differs from {first!r} only in case, and "
                    "macOS gives both one folder; choose another name"
                )
        for name, singles in self.rankings.items():
            for single in {*singles} & {*self.studies}:
                yield (
                    f"studies.{name}.sources: there is another study {single!r}, which "
                    "would be that of a source; rename one of them"
                )

    def metrics(self, study: Study) -> list[dict[str, Any]]:
        """Return a study's metrics, in order: see `thaw.findings.metrics.metric_of`."""
        target = self.problems[study.target]
        unit = {"unit": target.unit} if target.unit else {}
        return [
            {"task": target.task, "name": metric} | unit
            if isinstance(metric, str)
            else {"task": target.task, "name": metric.name} | metric.model_dump()
            for metric in study.metric or [TASKS[target.task].score]
        ]

    def is_other_label(self, study: Study) -> bool:
        """Whether a study's label is another one than that of its source models.

        It is if their columns have other names, or if the tasks differ. (Classes of
        other names show when they are read.) For files this is unknown: a number then
        fits any other.
        """
        target = self.problems[study.target]
        if study.files:
            return not TASKS[target.task].has_classes
        labels = [
            (problem.task, problem.get("bins") is None, problem.get("label"))
            for problem in (target, self.problems[study.source])
        ]
        return labels[0] != labels[1]
