"""The kinds of network, hidden layers, a module or a trainer: what each of them can.

Wherever kinds differ, they have a method or an attribute here, which `Kind` explains.
"""

# ruff: noqa: D102 (`Kind` explains a kind's methods; pydantic copies defaults)

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from thaw import keys
from thaw.config.fields import (
    EACH_ONCE,
    LEFT_OUT,
    Arguments,
    FunctionName,
    Group,
    GroupName,
    OneOf,
    PathName,
    Several,
)
from thaw.config.messages import among, shown, unreadable
from thaw.config.training import Training, Variant
from thaw.config.users import (
    content_of_function,
    mistakes_of_function,
    parts_of_function,
)
from thaw.learning.settings import ALL_BUT_NORM_LAYERS

# The layer that is no hidden layer, and the words for all the others in `freeze`.
OUTPUT, ALL_BUT_OUTPUT = "output", "all but the output"

# A layer as recipes name it: a hidden one by number from 1, or the output.
Layer = int | str

Package = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$")]
Groups = Annotated[list[GroupName], Field(min_length=2), EACH_ONCE]


class Kind(Group):
    """A network of some kind.

    form: the key that says which kind it is. ignored: keys of `training` and variants
    that mean nothing to it. has_histories: whether scores are known epoch by epoch.
    """

    form: ClassVar[str]
    ignored: ClassVar[Sequence[str]]
    has_histories: ClassVar[bool] = True

    @property
    def names(self) -> Sequence[str]:
        """The names of all layers, the output's last; none if they are unknown."""
        return getattr(self, "groups", None) or []

    @property
    def layers(self) -> set[Layer]:
        """All layers as recipes name them; none if they are unknown."""
        return {*range(1, len(self.names)), OUTPUT} if self.names else set()

    @property
    def user_files(self) -> dict[str, list[str]]:
        """The user's files that jobs read, of a network and of a trainer."""
        return {"network": [], "trainer": []}

    @cached_property
    def content(self) -> dict[str, Any]:
        """The settings, code and files that decide the network, as recipes have them.

        Of users' code and files it has the content, not the place. `libraries` tell
        `thaw.keys` whose versions count, too.
        """
        return self.minimal()

    @property
    def written(self) -> dict[str, Any]:
        """The network as a study's description has it, with digests of some files."""
        return self.model_dump(exclude_none=True)

    def number(self, layer: Layer) -> Layer:
        """Return a layer as recipes name it.

        A name that the network does not have stays; `mistakes_of_variant` tells of it.
        """
        if layer in self.names:
            place = self.names.index(str(layer)) + 1
            return OUTPUT if place == len(self.names) else place
        return layer

    def frozen_layers(self, freeze: Layer | Sequence[Layer]) -> set[Layer]:
        """Return the layers that are frozen as a whole, as recipes name them."""
        if freeze == ALL_BUT_NORM_LAYERS and isinstance(self, Module):
            return set()
        if freeze == ALL_BUT_OUTPUT and self.names:
            return self.layers - {OUTPUT}
        if not isinstance(freeze, int | str):
            return {*map(self.number, freeze)}
        last = self.number(freeze)
        if last == OUTPUT and self.names:
            return self.layers
        # Layers that the network does not have stay by themselves, as names do.
        is_there = isinstance(last, int) and (not self.names or last < len(self.names))
        return {*range(1, int(last) + 1)} if is_there else {last}

    def frozen(self, freeze: Layer | Sequence[Layer]) -> Layer | Sequence[Layer]:
        """Return what is frozen as recipes name it, a number for the first layers."""
        if freeze == ALL_BUT_NORM_LAYERS:
            return freeze
        layers = self.frozen_layers(freeze)
        ordered = sorted(layers, key=lambda layer: (isinstance(layer, str), layer))
        first = [*range(1, len(ordered) + 1)]
        return len(ordered) if ordered == first else ordered

    def numbered(self, variant: Variant) -> Variant:
        """Return a variant with its layers as recipes name them.

        Factors of 1 change nothing and are left out. With phases, its epochs are their
        sum.
        """
        training = variant.training
        phases = [
            phase.model_copy(update={"freeze": self.frozen(phase.freeze)})
            for phase in variant.phases
        ]
        if phases:
            epochs = sum(phase.epochs for phase in phases)
            training = training.model_copy(update={"epochs": epochs})
        factors = {
            str(self.number(key)): factor
            for key, factor in variant.rate_factors.items()
            if factor != 1
        }
        return variant.model_copy(
            update={
                "freeze": self.frozen(variant.freeze),
                "fresh": [*map(self.number, variant.fresh)],
                "rate_factors": factors,
                "phases": phases,
                "training": training,
            }
        )

    def mistakes_of_training(self, training: Training) -> Iterator[str]:
        """Yield which of these training settings such networks cannot follow."""
        for key in self.ignored:
            field = Training.model_fields.get(key)
            # An empty group turns off, in one variant, what other variants do.
            if field and getattr(training, key) not in (field.default, {}):
                yield f"{key}: network.{self.form} has no use for it; remove it"

    def mistakes_of_variant(
        self, place: str, variant: Variant, draws_output: bool
    ) -> Iterator[str]:
        """Yield what a variant says of layers that the network cannot do.

        `place` is the study's in the config. draws_output: whether the output is drawn
        anew even if the variant does not say so.
        """
        for key in self.ignored:
            if getattr(variant, key, None):
                words = f"network.{self.form} of {place} has no use for it; remove it"
                yield f"{key}: {words}"
        frozen = {key: self.frozen_layers(f) for key, f in variant.freezes.items()}
        factors = {*map(self.number, variant.rate_factors)}
        named = frozen | {"fresh": {*variant.fresh}, "rate_factors": factors}
        for key, layers in named.items():
            for layer in sorted(layers, key=str):
                yield from (f"{key}: {why}" for why in self._why_unknown(place, layer))
        drawn = {self.number(layer): f"layer {layer!r} is" for layer in variant.fresh}
        if draws_output:
            words = "the output (after added layers, or without inherit: output) is"
            drawn.setdefault(OUTPUT, words)
        for key, layers in frozen.items():
            if self.layers and self.layers <= layers and not variant.add:
                words = f"all layers of the network of {place} are frozen; nothing"
                yield f"{key}: {words} would learn. Allowed: at least one that learns"
            for layer in drawn.keys() & layers:
                words = f"{drawn[layer]} drawn anew, and has to learn"
                yield f"{key}: {words}; leave it out"
        if isinstance(self, Trainer) and isinstance(self.frozen(variant.freeze), list):
            yield (
                "freeze: trainers are only told how many layers to freeze, from the "
                "first. Allowed: a number, or the last one's name"
            )

    def _why_unknown(self, place: str, layer: Layer) -> Iterator[str]:
        """Yield why a layer is none of the network."""
        number = self.number(layer)
        # A module's layers have numbers by themselves, a trainer's only by its groups.
        has_number = isinstance(number, int) or number == OUTPUT
        if self.names and number not in self.layers:
            known = [f"1 to {len(self.names) - 1}", *self.names]
            words = f"{layer!r} is not a layer of the network of {place}"
            yield f"{words}{among(str(layer), known)}"
        elif not self.names and not (has_number and isinstance(self, Module)):
            words = f"{layer!r} needs the names of the groups"
            yield f"{words}; {place}.network.groups is missing"


class HiddenLayers(Kind):
    """Fully connected layers, which Thaw builds."""

    form = "hidden"
    ignored = ("device", "arguments")

    hidden: Annotated[list[Several], Field(min_length=1)]
    """The widths of the source model's hidden layers, the first one first."""
    activation: Literal["relu", "tanh"] = "relu"
    """The hidden layers' activation: relu or tanh."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of a hidden layer's units that a step drops; none in frozen layers."""
    initial: Literal["pytorch", "keras"] = "pytorch"
    """How weights are drawn: pytorch, as by `torch.nn.Linear`, or keras: He uniform
    before ReLUs, otherwise Glorot uniform, with biases 0."""

    @property
    def names(self) -> Sequence[str]:
        numbers = range(1, len(self.hidden) + 1)
        return [*(f"hidden-{number}" for number in numbers), OUTPUT]


class OfUser(Kind):
    """A network that a user's code builds."""

    arguments: Arguments = LEFT_OUT
    """The function's arguments, by name; $classes, $features and $shape stand for the
    problem's. Or the trainer's arguments, by names that it knows."""
    groups: Groups = LEFT_OUT
    """The module's layer groups in order, the output last: names of its parts, or
    regular expressions; left out, its top-level parts that hold weights. Or the
    trainer's names of its own; left out, it can freeze nothing."""


class Module(OfUser):
    """A `torch.nn.Module` that a user's function returns."""

    form = "module"
    ignored = ("arguments", "add")

    module: FunctionName
    """Instead of hidden: a function that returns a torch.nn.Module, in a file, such as
    networks.py:small_cnn, or a package, such as torchvision.models:resnet18."""

    @property
    def user_files(self) -> dict[str, list[str]]:
        _, _, file = parts_of_function(self.module)
        return {"network": [str(file)] if file else [], "trainer": []}

    @cached_property
    def content(self) -> dict[str, Any]:
        function = content_of_function(self.module)
        libraries = {"libraries": function.pop("libraries"), "module": function}
        return self.minimal() | libraries

    def mistakes(self) -> Iterator[str]:
        for number, group in enumerate(self.groups or []):
            try:
                re.compile(group)
            except re.error as error:
                yield (
                    f"groups[{number}]: {shown(group)} is not a valid regular "
                    f"expression ({error})"
                )
        yield from mistakes_of_function("module", self.module)


class Trainer(OfUser):
    """A user's command that trains in the place of Thaw's learners."""

    form = "trainer"
    has_histories = False
    # A trainer is not told of them; it can get arguments of its own instead.
    ignored = (
        *("validation_size", "keep", "class_weight"),
        *("add", "save", "rate_factors", "phases", "towards"),
    )

    trainer: Annotated[str, Field(pattern=r"^ *[^\x00-\x20][^\x00-\x1f]*$")]
    """Instead of hidden: a command, without a shell, such as python trainer.py."""
    files: Annotated[list[PathName], EACH_ONCE] = LEFT_OUT
    """The trainer's files; an edit of one retrains everything that it trains."""
    packages: Annotated[list[Package], EACH_ONCE] = LEFT_OUT
    """The packages, by their names in pip, of which another version retrains it all."""

    @property
    def user_files(self) -> dict[str, list[str]]:
        return {"network": [], "trainer": self.files or []}

    @cached_property
    def content(self) -> dict[str, Any]:
        files = [*self.written["files"].values()]
        return self.minimal("trainer", "files", "packages") | {
            "trainer": {"command": self.trainer, "files": files},
            "libraries": sorted(self.packages or []),
        }

    @property
    def written(self) -> dict[str, Any]:
        files = {file: keys.known_digest(Path(file)) for file in self.files or []}
        return super().written | {"files": files}

    def mistakes(self) -> Iterator[str]:
        files = [*map(Path, self.files or [])]
        for number, file in enumerate(files):
            yield from unreadable(f"files[{number}]", file)
        for number, package in enumerate(self.packages or []):
            if keys.version(package) == "missing":
                yield (
                    f"packages[{number}]: {package} is not installed here; if the "
                    "trainer has an environment of its own, add its lock file to files"
                )
        try:
            program, *words = shlex.split(self.trainer)
        except ValueError as error:
            yield f"trainer: {shown(self.trainer)} is not a command ({error})"
            return
        # The program itself is looked for elsewhere, unless its name has a slash.
        words = [program, *words] if "/" in program else words
        for file in map(Path, words):
            is_near = not file.is_absolute() and file.is_file()
            if (is_near or file.suffix == ".py") and file not in files:
                yield (
                    f"files: {str(file)!r} is missing, which the trainer names; add "
                    "it, or its edits go unnoticed"
                )

    def mistakes_of_training(self, training: Training) -> Iterator[str]:
        yield from super().mistakes_of_training(training)
        if training.rate_choices:
            yield (
                "learning_rate: a trainer gets one and chooses none. Allowed: a number"
            )
        for name in {*(training.arguments or {})} - {*(self.arguments or {})}:
            known = among(name, [*(self.arguments or {})])
            yield f"arguments.{name}: not among network.arguments{known}"


# If a network has keys of several kinds, it is of the first.
NETWORKS: dict[str, type[Kind]] = {
    kind.form: kind for kind in (Trainer, Module, HiddenLayers)
}
Network = Annotated[Kind, OneOf(NETWORKS, "hidden")]


def inherited(shared: Mapping[str, Any], network: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's network as written: the shared one with what the study says.

    Where the study says another kind, nothing of the shared one is left.
    """
    kind = next((form for form in NETWORKS if form in network), None)
    return {**network} if kind and kind not in shared else {**shared, **network}
