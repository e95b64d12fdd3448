"""How networks learn: training, variants, and estimators to compare them with."""

# ruff: noqa: RUF012 (pydantic copies defaults)

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from thaw.config.fields import (
    ALTERNATIVES,
    AS_TEXT,
    EACH_ONCE,
    LEFT_OUT,
    Arguments,
    Count,
    Group,
    GroupName,
    Layer,
    NotNegative,
    OneOf,
    Positive,
    Rows,
    Several,
    exactly_one,
)
from thaw.learning import settings

# The settings for keys that a config, or a recipe, leaves out.
TRAINING = settings.Training._field_defaults
VARIANT = settings.Variant._field_defaults

FreezeValue = Annotated[
    Count | GroupName | Annotated[list[Layer], Field(min_length=1), EACH_ONCE],
    ALTERNATIVES,
]


class Training(Group):
    """How networks learn; `pretraining` and a variant's `training` have these keys."""

    epochs: Several = LEFT_OUT
    """How often a network sees the train set. Set either this or steps."""
    steps: Rows = TRAINING["steps"]
    """How many steps a network takes in all; the last epoch is cut there."""
    batch_size: Rows
    """How many rows a step of gradient descent averages over."""
    learning_rate: Annotated[
        Positive | Annotated[list[Positive], Field(min_length=2)],
        ALTERNATIVES,
    ]
    """The size of a step, more than 0; or a list of 2 or more, of which each network
    keeps the one with the least loss on its validation rows."""
    validation_size: Annotated[float, Field(gt=0, le=0.5)] = TRAINING["validation_size"]
    """The share of train rows that are held out to choose a rate or epoch on."""
    keep: Literal["last", "best"] = TRAINING["keep"]
    """Which state of a network to keep: the last one or, with best, the one after the
    epoch with the least loss on its validation rows; epoch 0 is its start."""
    optimizer: Literal["sgd", "adam", "adamw"] = TRAINING["optimizer"]
    """The optimizer: sgd, adam or adamw."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = TRAINING["momentum"]
    """The momentum of sgd."""
    nesterov: bool = TRAINING["nesterov"]
    """Whether the momentum is Nesterov's."""
    weight_decay: NotNegative = TRAINING["weight_decay"]
    """The weight decay: part of the gradient or, with adamw, decoupled from it."""
    schedule: Literal["constant", "cosine"] = TRAINING["schedule"]
    """How the learning rate changes with each step: constant, or cosine (it falls to 0
    over all steps, as PyTorch's CosineAnnealingLR)."""
    warmup: Count = TRAINING["warmup"]
    """Over how many steps the learning rate rises evenly, before the schedule."""
    device: Literal["cpu", "cuda", "auto"] = TRAINING["device"]
    """Where a module or a trainer learns: auto is a GPU where there is one."""
    arguments: Arguments = LEFT_OUT
    """Overrides some of network.arguments, by name (network.trainer only)."""
    class_weight: Annotated[
        Literal["balanced"] | dict[Annotated[str, AS_TEXT], Positive],
        ALTERNATIVES,
        AfterValidator(lambda weights: weights or None),
    ] = TRAINING["class_weight"]
    """How much each class counts in the loss, averaged over rows as in Keras: balanced
    (all the same), or numbers above 0 by class, 1 for those left out, so that {} turns
    it off; classes true, false, yes and no in quotes."""

    @property
    def rate_choices(self) -> list[float]:
        """The learning rates to choose from; none if there is no choice."""
        return self.learning_rate if isinstance(self.learning_rate, list) else []

    def mistakes(self) -> Iterator[str]:
        """Yield keys that do not go together."""
        yield from exactly_one({"epochs": self.epochs, "steps": self.steps})
        chooses = bool(self.rate_choices) or self.keep == "best"
        if chooses != (self.validation_size is not None):
            yield (
                "validation_size: several learning rates, and keep: best, choose on a "
                "share of the train rows held out, such as 0.2; set both, or neither"
            )
        if self.nesterov and not self.momentum:
            yield "nesterov: needs a momentum. Allowed: false, or a momentum"


def changed(training: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `training` as written with these changes.

    Epochs and steps replace each other; a trainer's arguments change one by one.
    """
    replaced = settings.BUDGETS if changes.keys() & {*settings.BUDGETS} else ()
    result = {k: v for k, v in training.items() if k not in replaced} | dict(changes)
    before, after = training.get("arguments"), changes.get("arguments")
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        result["arguments"] = {**before, **after}
    return result


class Phase(Group):
    """A phase of a variant's training. The optimizer and the schedule start anew."""

    freeze: FreezeValue = VARIANT["freeze"]
    """The layers that do not learn in this phase, as freeze of a variant."""
    epochs: Several
    """How many epochs the phase takes."""
    learning_rate: Positive = LEFT_OUT
    """The phase's learning rate; left out, that of the variant's training."""


class Variant(Group):
    """A variant."""

    pretrained: bool = VARIANT["pretrained"]
    """Whether to start from a source model; else every layer is fresh."""
    freeze: FreezeValue = VARIANT["freeze"]
    """The layers that do not learn: a number of hidden layers or groups, from the
    first; the name of the last of these; a list of layers, each once; all but the
    output; or, with a module, all but norm layers."""
    fresh: Annotated[list[Layer], EACH_ONCE] = list(VARIANT["fresh"])
    """The source model's layers to draw anew; none may be frozen."""
    add: list[Several] = list(VARIANT["add"])
    """The widths of fresh hidden layers put between the source model's and the output,
    which is then fresh too."""
    rate_factors: dict[Layer, Positive] = dict(VARIANT["rate_factors"])
    """By what to multiply a layer's learning rate, such as {hidden-1: 0.1}."""
    phases: list[Phase] = list(VARIANT["phases"])
    """Parts of the training, one after the other, each with its frozen layers and its
    epochs, such as the output alone first. The variant's epochs are their sum."""
    towards: NotNegative = VARIANT["towards"]
    """How strongly inherited weights that learn are pulled towards the source model:
    this many times their distance from it is added to their gradient (L2-SP)."""
    inherit: Literal["output"] = LEFT_OUT
    """output: keep the source model's output even where source and target differ in the
    label's name, in the classes or in the task, with which it would be drawn anew."""
    training: Training
    """Overrides the study's training for this variant's repeats."""
    save: Literal["weights"] = LEFT_OUT
    """weights: keep the trained weights of all repeats beside their scores."""

    @property
    def described(self) -> dict[str, Any]:
        """Its settings without defaults, its training and whether it is saved."""
        return self.minimal("training", "save")

    @property
    def freezes(self) -> dict[str, Any]:
        """What it freezes, in each of its phases if it has some, by key."""
        phases = enumerate(self.phases)
        in_phases = {f"phases[{number}].freeze": p.freeze for number, p in phases}
        return in_phases or {"freeze": self.freeze}

    @property
    def depth(self) -> int | None:
        """How many layers it freezes, if it does nothing else.

        Its layers are numbers (see `Kind.numbered`); it may inherit the output, too.
        """
        does_more = self.described.keys() - {"freeze", "inherit"}
        is_number = isinstance(self.freeze, int) and not does_more
        return self.freeze if is_number else None  # type: ignore[return-value]

    def mistakes(self) -> Iterator[str]:
        """Yield keys that do not go together."""
        if not self.phases:
            return
        if self.freeze != 0:
            yield "freeze: each phase has its own; remove it"
        if self.training.steps is not None:
            yield (
                "phases: phases count epochs, and training sets steps. Allowed: "
                "training that sets epochs"
            )


class Estimator(Group):
    """A reference that is no network."""

    pretrained: ClassVar = False
    save: ClassVar = None

    estimator: Annotated[str, Field(pattern=r"^\w+(\.\w+)+$")]
    """Instead of all of the above, a reference that is no network: a class like
    scikit-learn's, such as sklearn.linear_model.Ridge; of classes with predict_proba.
    """
    arguments: Arguments = LEFT_OUT
    """The estimator's arguments, by name; not random_state, which Thaw sets, nor
    n_jobs, since several cores give other bytes than one."""

    @property
    def described(self) -> dict[str, Any]:
        """Its settings, as those of a variant."""
        return {"pretrained": False} | self.minimal()

    @property
    def content(self) -> dict[str, Any]:
        """The class and arguments that decide it, as recipes have them."""
        package = self.estimator.partition(".")[0]
        arguments = {"arguments": self.arguments} if self.arguments else {}
        # SciPy solves for scikit-learn, and for most of what is made like it.
        libraries = sorted({package, "scipy"})
        return {"class": self.estimator, **arguments, "libraries": libraries}

    def mistakes(self) -> Iterator[str]:
        """Yield arguments that it may not have."""
        for name in sorted({"n_jobs", "random_state"} & {*(self.arguments or {})}):
            yield (
                f"arguments.{name}: neither cores nor chance may change a score, so "
                "Thaw sets it; remove it"
            )


VARIANTS: dict[str, type[Group]] = {"estimator": Estimator, "pretrained": Variant}
AnyVariant = Annotated[Variant | Estimator, OneOf(VARIANTS, "pretrained")]
