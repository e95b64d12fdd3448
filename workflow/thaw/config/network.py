"""The kinds of network, hidden layers, a module or a trainer: what each of them can.

Wherever kinds differ, they have a method or an attribute here, which `Kind` explains.
"""

# ruff: noqa: D102, RUF012 (`Kind` explains a kind's methods; pydantic copies defaults)

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from thaw import keys
from thaw.config.fields import (
    EACH_ONCE,
    LEFT_OUT,
    MOST_LAYERS,
    PATH_IN_WORDS,
    Arguments,
    FunctionName,
    Group,
    GroupName,
    OneOf,
    PathName,
    Width,
)
from thaw.config.messages import among, is_there, shown, unreadable
from thaw.config.training import Training, Variant
from thaw.config.users import (
    content_of_function,
    mistakes_of_function,
    parts_of_function,
)
from thaw.learning.settings import ALL_BUT_NORM_LAYERS

# Placeholders for facts of the problem, in the arguments of a module's function.
FILLED_IN = ("$classes", "$features", "$shape")

# The layer that is no hidden layer, and the words for all the others in `freeze`.
OUTPUT, ALL_BUT_OUTPUT = "output", "all but the output"

# A layer as recipes name it: a hidden one by number from 1, or the output.
Layer = int | str

TrainerFile = Annotated[PathName, Field(description=f"a file; {PATH_IN_WORDS}")]
Groups = Annotated[
    list[GroupName], Field(min_length=2, max_length=MOST_LAYERS), EACH_ONCE
]


class Kind(Group):
    """A network of some kind.

    form: the key that says which kind it is. ignored_training: the keys of `training`
    that mean nothing to it, and a remedy. words: what else than layers a variant may
    freeze. has_histories: whether scores are known epoch by epoch.
    """

    form: ClassVar[str]
    ignored_training: ClassVar[Mapping[str, str]] = {}
    words: ClassVar[Sequence[str]] = ()
    has_histories: ClassVar[bool] = True

    @property
    def names(self) -> Sequence[str]:
        """The names of all layers, the output's last; none if they are unknown."""
        return getattr(self, "groups", None) or []

    @property
    def depth(self) -> int | None:
        """The number of hidden layers, or groups but the output; None if unknown."""
        return len(self.names) - 1 if self.names else None

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

    def number_of_key(self, key: Layer) -> Layer:
        """Return the layer that a key stands for; in JSON, a number is text as well."""
        is_number = key not in self.names and re.fullmatch("[1-9][0-9]{0,8}", str(key))
        return int(key) if is_number else self.number(key)

    def frozen(self, freeze: Layer | Sequence[Layer]) -> Layer | Sequence[Layer]:
        """Return what is frozen as recipes name it, a number for the first layers."""
        if freeze == ALL_BUT_OUTPUT and self.depth is not None:
            return self.depth
        if isinstance(freeze, int | str):
            return self.number(freeze)
        layers = {*map(self.number, freeze)}
        ordered = sorted(layers, key=lambda layer: (isinstance(layer, str), layer))
        first = [*range(1, len(ordered) + 1)]
        return len(ordered) if ordered == first else ordered

    def numbered(self, variant: Variant) -> Variant:
        """Return a variant with its layers as recipes name them.

        Factors of 1, and a phase's rate that is the training's, change nothing and are
        left out. With phases, its epochs are their sum.
        """
        training, phases = variant.training, []
        for phase in variant.phases:
            same = phase.learning_rate == training.learning_rate
            update: dict[str, Any] = {"learning_rate": None} if same else {}
            update["freeze"] = self.frozen(phase.freeze)
            phases.append(phase.model_copy(update=update))
        if phases:
            epochs = sum(phase.epochs for phase in phases)
            training = training.model_copy(update={"epochs": epochs})
        factors = {
            str(self.number_of_key(key)): factor
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
        for key, remedy in self.ignored_training.items():
            # An empty group turns off, in one variant, what other variants do.
            if getattr(training, key) not in (Training.model_fields[key].default, {}):
                yield f"{key}: {remedy}"

    def mistakes_of_variant(self, place: str, variant: Variant) -> Iterator[str]:
        """Yield what a variant says of layers that the network does not have.

        `place` is the study's in the config.
        """
        if variant.add and self.form != HiddenLayers.form:
            yield (
                "add: layers can only be added to network.hidden, and "
                f"{place} has network.{self.form}; remove it"
            )
        for key, freeze in variant.freezes.items():
            if freeze == ALL_BUT_NORM_LAYERS:
                if freeze not in self.words:
                    yield (
                        f"{key}: only network.module can have norm layers, and {place} "
                        f"has network.{self.form}; name the layers to freeze"
                    )
            elif isinstance(freeze, list):
                for layer in freeze:
                    yield from self._mistakes_of_layer(place, key, layer)
            elif self.depth is not None and self.number(freeze) == OUTPUT:
                yield (
                    f"{key}: {freeze!r} is the output of the network of {place}; "
                    f"nothing would learn. Allowed: 0 to {self.depth}"
                )
            elif freeze != ALL_BUT_OUTPUT or self.depth is None:
                known = [*self.names[:-1], ALL_BUT_OUTPUT, *self.words]
                yield from self._mistakes_of_layer(place, key, freeze, known)
        for layer in variant.fresh:
            yield from self._mistakes_of_layer(place, "fresh", layer)
        for factor in variant.rate_factors:
            layer = self.number_of_key(factor)
            yield from self._mistakes_of_layer(place, "rate_factors", layer)

    def _mistakes_of_layer(
        self, place: str, key: str, layer: Layer, known: Sequence[str] = ()
    ) -> Iterator[str]:
        """Yield why a layer is none of the network; `known` are others, if not all."""
        number = self.number(layer)
        if self.depth is None:
            if isinstance(number, str) and number != OUTPUT:
                yield (
                    f"{key}: {layer!r} needs the names of the groups; {place}."
                    "network.groups is missing"
                )
        elif isinstance(number, int):
            if number > self.depth:
                yield (
                    f"{key}: {layer} is deeper than the network of {place}. Allowed: "
                    f"{0 if known else 1} to {self.depth}"
                )
        elif number != OUTPUT:
            yield (
                f"{key}: {layer!r} is not a layer of the network of {place}"
                f"{among(number, known or self.names)}"
            )


class HiddenLayers(Kind):
    """Fully connected layers, which Thaw builds."""

    form = "hidden"
    ignored_training = {
        "device": "only network.module and network.trainer choose one; remove it",
        "arguments": "only allowed together with network.trainer; remove it",
    }

    hidden: Annotated[list[Width], Field(min_length=1, max_length=MOST_LAYERS)]
    """The widths of the source model's hidden layers, the first one first."""
    activation: Literal["relu", "tanh"] = "relu"
    """The hidden layers' activation: relu or tanh."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """The share of each hidden layer's units that a training step drops; none in frozen
    layers."""
    initial: Literal["pytorch", "keras"] = "pytorch"
    """The initial weights of all layers that are drawn: pytorch, as `torch.nn.Linear`
    draws weights and biases, or keras, He uniform before ReLUs, otherwise Glorot
    uniform, with biases 0."""

    @property
    def names(self) -> Sequence[str]:
        numbers = range(1, len(self.hidden) + 1)
        return [*(f"hidden-{number}" for number in numbers), OUTPUT]


class Module(Kind):
    """A `torch.nn.Module` that a user's function returns."""

    form = "module"
    ignored_training = {
        "arguments": "only allowed together with network.trainer; remove it",
    }
    words = (ALL_BUT_NORM_LAYERS,)

    module: FunctionName
    """Instead of hidden: a function that returns a torch.nn.Module, such as
    networks.py:small_cnn (a file, from the working directory) or
    torchvision.models:resnet18 (an installed package)."""
    arguments: Arguments = LEFT_OUT
    """The function's arguments, by name; $classes, $features and $shape stand for the
    problem's. Or the trainer's arguments, by names that it knows."""
    groups: Groups = LEFT_OUT
    """The module's layer groups in order, the output last: names of its parts, or
    regular expressions; left out, its top-level parts that hold weights. Or the
    trainer's names of its own; left out, it can freeze nothing."""

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
        for name, value in (self.arguments or {}).items():
            text = value if isinstance(value, str) else ""
            if text.startswith("$") and text not in FILLED_IN:
                known = among(text, FILLED_IN)
                yield f"arguments.{name}: {shown(text)} is unknown{known}"
        for number, group in enumerate(self.groups or []):
            try:
                re.compile(group)
            except re.error as error:
                yield (
                    f"groups[{number}]: {shown(group)} is not a valid regular "
                    f"expression ({error})"
                )
        yield from mistakes_of_function("module", self.module)


class Trainer(Kind):
    """A user's command that trains in the place of Thaw's learners."""

    form = "trainer"
    has_histories = False
    ignored_training = dict.fromkeys(
        ("validation_size", "keep", "class_weight"),
        "trainers are not told; remove it, and give the trainer an argument instead",
    )

    trainer: Annotated[str, Field(pattern=r"^[^\x00-\x1f]+$", max_length=1_000)]
    """Instead of hidden: a command that trains, such as python trainer.py; it runs
    without a shell, in the working directory."""
    files: Annotated[list[TrainerFile], Field(max_length=1_000), EACH_ONCE] = LEFT_OUT
    """The trainer's files, from the working directory; an edit of any of them retrains
    everything that it trains."""
    packages: Annotated[
        list[
            Annotated[
                str,
                Field(
                    pattern=r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$",
                    max_length=100,
                    description="a package's name, such as scikit-learn",
                ),
            ]
        ],
        Field(max_length=1_000),
        EACH_ONCE,
    ] = LEFT_OUT
    """The installed packages that the trainer computes with, by their names in pip;
    another version of any of them retrains everything that it trains."""
    arguments: Arguments = LEFT_OUT
    """Arguments for the trainer, by names that it knows."""
    groups: Groups = LEFT_OUT
    """The trainer's names of its layers; left out, it can freeze nothing."""

    @property
    def user_files(self) -> dict[str, list[str]]:
        return {"network": [], "trainer": self.files or []}

    @cached_property
    def content(self) -> dict[str, Any]:
        files = [keys.known_digest(Path(file)) for file in self.files or []]
        return self.minimal("trainer", "files", "packages") | {
            "trainer": {"command": self.trainer, "files": files},
            "libraries": sorted(self.packages or []),
        }

    @property
    def written(self) -> dict[str, Any]:
        files = {file: keys.known_digest(Path(file)) for file in self.files or []}
        return super().written | {"files": files}

    def mistakes(self) -> Iterator[str]:
        for number, file in enumerate(self.files or []):
            yield from unreadable(f"files[{number}]", Path(file))
        yield from self._mistakes_of_command()
        for number, package in enumerate(self.packages or []):
            if keys.version(package) == "missing":
                yield (
                    f"packages[{number}]: {package} is not installed here. Allowed: an "
                    "installed package; if the trainer has an environment of its own, "
                    "add its lock file to files"
                )

    def _mistakes_of_command(self) -> Iterator[str]:
        try:
            words = shlex.split(self.trainer)
        except ValueError as error:
            yield f"trainer: {shown(self.trainer)} is not a command ({error})"
            return
        if not words or not words[0]:
            yield f"trainer: {shown(self.trainer)} is empty. Allowed: a command"
            return
        # The program itself is looked for elsewhere, unless its name has a slash.
        files = words if "/" in words[0] else words[1:]
        listed = {Path(file).absolute() for file in self.files or []}
        modules = [word for before, word in pairwise(words) if before == "-m"]
        for word in [*files, *(f"{name.replace('.', '/')}.py" for name in modules)]:
            file = Path(word)
            if file.absolute() in listed:
                continue
            if not file.is_absolute() and is_there(file, Path.is_file):
                yield (
                    f"files: {shown(word)} is missing, which the trainer names; add "
                    "it, or its edits go unnoticed"
                )
            elif word in files and file.suffix == ".py":
                yield from unreadable("trainer", file)

    def mistakes_of_training(self, training: Training) -> Iterator[str]:
        yield from super().mistakes_of_training(training)
        if training.rate_choices:
            yield (
                "learning_rate: a trainer gets one and chooses none. Allowed: a number"
            )
        for name in {*(training.arguments or {})} - {*(self.arguments or {})}:
            known = among(name, [*(self.arguments or {})])
            yield f"arguments.{name}: not among network.arguments{known}"

    def mistakes_of_variant(self, place: str, variant: Variant) -> Iterator[str]:
        frozen = self.frozen(variant.freeze)
        if self.depth is None and frozen != 0:
            yield (
                f"freeze: {frozen!r} needs the groups; {place}.network.groups is "
                "missing"
            )
            variant = variant.model_copy(update={"freeze": 0})
        yield from super().mistakes_of_variant(place, variant)
        if isinstance(frozen, list):
            yield (
                "freeze: trainers are only told how many layers to freeze, from the "
                "first. Allowed: a number, or the last one's name"
            )
        if variant.save:
            yield (
                f"save: the network of {place} is a trainer's, whose weights Thaw does "
                "not see; remove it"
            )
        for key in ("rate_factors", "phases", "towards"):
            if getattr(variant, key):
                yield (
                    f"{key}: trainers are not told, and {place} has one; remove it, "
                    "and give the trainer an argument instead"
                )


# If a network has keys of several kinds, it is of the first.
NETWORKS: dict[str, type[Kind]] = {
    kind.form: kind for kind in (Trainer, Module, HiddenLayers)
}
Network = Annotated[Kind, OneOf(NETWORKS, "hidden")]


def inherited(shared: Any, network: Any) -> Any:
    """Return a study's network as written: the shared one with what the study says.

    Where the study says another kind, nothing of the shared one is left.
    """
    if not isinstance(shared, Mapping) or not isinstance(network, Mapping):
        return network if network != {} else shared
    kind = next((form for form in NETWORKS if form in network), None)
    if kind is None:
        return {**shared, **network}
    known = NETWORKS[kind].model_fields if kind in shared else {}
    return {key: value for key, value in shared.items() if key in known} | {**network}
