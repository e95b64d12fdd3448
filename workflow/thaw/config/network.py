"""The kinds of network: hidden layers, a module, a trainer, and what each of them can.

`kind_of` returns the kind of a network's description, as a config or a recipe has it.
Nothing else asks which kind a network is: wherever kinds differ, they have a method or
an attribute here, which `Kind` explains. Stages read this too, so it imports neither
pydantic nor torch.
"""

# ruff: noqa: D102 (a kind's methods are explained by `Kind`)

import ast
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from thaw import keys
from thaw.config.messages import among, did_you_mean, shown, unreadable
from thaw.data import shape_of
from thaw.learning.settings import ALL_BUT_NORM_LAYERS, Training

Described = Mapping[str, Any]
Lines = Iterator[str]

# Placeholders for facts of the problem, in the arguments of a module's function.
FILLED_IN = ("$classes", "$features", "$shape")

# The module with the learner of networks that a user's function builds. Only who has
# such a network imports it, and has it in a key.
GENERAL_LEARNER = "thaw.learning.module"

# The layer that is no hidden layer.
OUTPUT = "output"

# The words for all hidden layers in `freeze`.
ALL_BUT_OUTPUT = "all but the output"

# A layer as recipes name it: a hidden one by number from 1, or the output.
Layer = int | str


class Kind:
    """A network of some kind.

    form: the key that says which kind it is.
    own_keys: the keys of `network` that it knows.
    unknown_training: the keys of `training` that mean nothing to it, and a remedy.
    reads_weights: whether its source models can be files with weights.
    calls_users_code: whether a user's function builds it.
    checked_by: the stage that checks it before anything learns, if one does.
    trained_by: the module whose `pretrain` and `train` take the place of those stages.
    takes_tokens: whether features may be whole numbers that stand for something.
    words: what else than layers a variant may freeze.
    """

    form: ClassVar[str]
    own_keys: ClassVar[frozenset[str]]
    unknown_training: ClassVar[Mapping[str, str]]
    reads_weights: ClassVar[bool] = True
    calls_users_code: ClassVar[bool] = False
    checked_by: ClassVar[str | None] = None
    trained_by: ClassVar[str | None] = None
    takes_tokens: ClassVar[bool] = True
    words: ClassVar[Sequence[str]] = ()

    def __init__(self, described: Described) -> None:
        """Describe a network by the keys and values of `network`."""
        self.described = described

    @property
    def hidden_groups(self) -> Sequence[Any] | None:
        """A name for each hidden layer, in order; None if unknown."""
        raise NotImplementedError

    @property
    def names(self) -> Sequence[str]:
        """The names of all layers, the output's last; none if they are unknown."""
        return self.described.get("groups", [])

    @property
    def has_histories(self) -> bool:
        """Whether it is known what networks reached epoch by epoch."""
        return True

    def number(self, layer: Layer) -> Layer:
        """Return a layer as recipes name it.

        A name that the network does not have stays; `mistakes_of_variant` tells of it.
        """
        if layer in self.names:
            place = self.names.index(str(layer)) + 1
            return OUTPUT if place == len(self.names) else place
        return layer

    def of_key(self, key: Layer) -> Layer:
        """Return the layer that a key stands for; in JSON, a number is text as well."""
        is_number = key not in self.names and re.fullmatch("[1-9][0-9]{0,8}", str(key))
        return int(key) if is_number else self.number(key)

    def numbered(self, variant: Described) -> dict[str, Any]:
        """Return a variant with its layers as recipes name them.

        So is what it freezes, a number where it is the first layers. Factors of 1 are
        left out.
        """
        return dict(variant) | {
            "freeze": self._frozen(variant["freeze"]),
            "fresh": [self.number(layer) for layer in variant["fresh"]],
            "rate_factors": {
                str(self.of_key(key)): factor
                for key, factor in variant["rate_factors"].items()
                if factor != 1
            },
            "phases": [
                phase | {"freeze": self._frozen(phase["freeze"])}
                for phase in variant["phases"]
            ],
        }

    def _frozen(self, freeze: Layer | Sequence[Layer]) -> Layer | Sequence[Layer]:
        if freeze == ALL_BUT_OUTPUT and self.hidden_groups is not None:
            return len(self.hidden_groups)
        if isinstance(freeze, int | str):
            return self.number(freeze)
        layers = {*map(self.number, freeze)}
        ordered = sorted(layers, key=lambda layer: (isinstance(layer, str), layer))
        first = [*range(1, len(ordered) + 1)]
        return len(ordered) if ordered == first else ordered

    def content(self) -> dict[str, Any]:
        """Return what decides what the network does, as recipes have it.

        Of users' code and files it has the content, not the place. `computed_by` and
        `libraries` tell `thaw.keys` what computes beside, or instead of, the stage.
        """
        return dict(self.described)

    @property
    def module_file(self) -> Path | None:
        """The file with the function that builds the network, if one does."""
        return named(self.described.get("module", ""))[2]

    @property
    def trainer_files(self) -> list[str]:
        """The files of a trainer."""
        return self.described.get("files", [])

    def with_digests(self) -> dict[str, Any]:
        """Return the description with digests of files whose edits a run reports."""
        return dict(self.described)

    def widths(
        self, features: int, outputs: int, added: Sequence[int] = ()
    ) -> list[int] | None:
        """Return the widths of all layers, from input to output; None if unknown.

        `added` are those of hidden layers put before the output.
        """
        return None

    def mistakes(self, path: str) -> Lines:
        """Yield what is wrong with the network's description, a line each."""
        for key in self.described:
            if key in self.own_keys:
                continue
            if key in FORMS:
                yield (
                    f"{path}.{key}: not allowed together with network.{self.form}; "
                    "remove one of them"
                )
            else:
                owners = [kind.form for kind in KINDS if key in kind.own_keys]
                with_ = " or ".join(f"network.{form}" for form in owners)
                yield f"{path}.{key}: only allowed together with {with_}; remove it"

    def mistakes_of_training(
        self, path: str, training: Described, problem: Described
    ) -> Lines:
        """Yield which of these training settings such networks cannot follow."""
        for key, remedy in self.unknown_training.items():
            # An empty group turns off, in one variant, what other variants do.
            if training[key] not in (Training._field_defaults.get(key), {}):
                yield f"{path}.{key}: {remedy}"

    def mistakes_of_variant(self, path: str, name: str, variant: Described) -> Lines:
        """Yield what a variant says of layers that the study's network does not have.

        `path` is the study's place in the config.
        """
        hidden, phases = self.hidden_groups, enumerate(variant["phases"])
        freezes = [("freeze", variant["freeze"])]
        freezes += [(f"phases[{n}].freeze", phase["freeze"]) for n, phase in phases]
        for key, freeze in freezes:
            place = f"variants.{name}.{key}"
            if freeze == ALL_BUT_NORM_LAYERS:
                yield from self._mistakes_of_norm(path, place)
            elif isinstance(freeze, list):
                for layer in freeze:
                    yield from self._mistakes_of_layer(path, place, layer)
            elif freeze != ALL_BUT_OUTPUT or hidden is None:
                yield from self._mistakes_of_last(path, place, freeze)
        for layer in variant["fresh"]:
            yield from self._mistakes_of_layer(path, f"variants.{name}.fresh", layer)
        for key in variant["rate_factors"]:
            place = f"variants.{name}.rate_factors"
            yield from self._mistakes_of_layer(path, place, self.of_key(key))

    def _mistakes_of_norm(self, path: str, place: str) -> Lines:
        """Yield what keeps norm layers from learning alone."""
        yield (
            f"{place}: only network.module can have norm layers, and {path} has "
            f"network.{self.form}; name the layers to freeze"
        )

    def _mistakes_of_last(self, path: str, place: str, layer: Layer) -> Lines:
        """Yield what keeps a layer from being the last that is frozen."""
        hidden = self.hidden_groups
        if hidden is not None and self.number(layer) == OUTPUT:
            yield (
                f"{place}: {layer!r} is the output of the network of {path}; nothing "
                f"would learn. Allowed: 0 to {len(hidden)}"
            )
        else:
            known = [*self.names[:-1], ALL_BUT_OUTPUT, *self.words]
            yield from self._mistakes_of_layer(path, place, layer, known)

    def _mistakes_of_layer(
        self, path: str, place: str, layer: Layer, known: Sequence[str] = ()
    ) -> Lines:
        """Yield why a layer is none of the network; `known` are others, if not all."""
        hidden, number = self.hidden_groups, self.number(layer)
        if hidden is None:
            if self._needs_groups(number):
                yield (
                    f"{path}.network.groups: this key is missing; {place} "
                    f"({layer!r}) needs the names of the groups"
                )
        elif isinstance(number, int):
            if number > len(hidden):
                yield (
                    f"{place}: {layer} is deeper than the network of {path}. "
                    f"Allowed: {0 if known else 1} to {len(hidden)}"
                )
        elif number != OUTPUT:
            yield (
                f"{place}: {layer!r} is not a layer of the network of {path}"
                f"{among(number, known or self.names)}"
            )

    def _needs_groups(self, layer: Layer) -> bool:
        """Whether it must know its groups' names where a variant names this layer."""
        return isinstance(layer, str) and layer != OUTPUT


class HiddenLayers(Kind):
    """Fully connected layers, which Thaw builds."""

    form = "hidden"
    takes_tokens = False
    own_keys = frozenset({"hidden", "activation", "dropout"})
    unknown_training: ClassVar = {
        "augment": "augment is only supported for network.module; remove it",
        "device": "only network.module and network.trainer choose one; remove it",
        "arguments": "only allowed together with network.trainer; remove it",
    }

    @property
    def hidden_groups(self) -> Sequence[Any]:
        return self.described.get("hidden", [])  # `mistakes` tells that it is missing

    @property
    def names(self) -> Sequence[str]:
        numbers = range(1, len(self.hidden_groups) + 1)
        return [*(f"hidden-{number}" for number in numbers), OUTPUT]

    def widths(
        self, features: int, outputs: int, added: Sequence[int] = ()
    ) -> list[int]:
        return [features, *self.hidden_groups, *added, outputs]

    def mistakes(self, path: str) -> Lines:
        yield from super().mistakes(path)
        if not self.hidden_groups:
            yield f"{path}.hidden: this key is missing; or set module, or trainer"


class _UserSupplied(Kind):
    """A network that users supply: its size is unknown until it learns."""

    @property
    def hidden_groups(self) -> Sequence[str] | None:
        return self.described["groups"][:-1] if "groups" in self.described else None

    def mistakes_of_variant(self, path: str, name: str, variant: Described) -> Lines:
        if variant["add"]:
            yield (
                f"variants.{name}.add: layers can only be added to network.hidden, and "
                f"{path} has network.{self.form}; remove it"
            )
        yield from super().mistakes_of_variant(path, name, variant)


class Module(_UserSupplied):
    """A `torch.nn.Module` that a user's function returns."""

    form = "module"
    own_keys = frozenset({"module", "arguments", "groups"})
    unknown_training: ClassVar = {
        "arguments": "only allowed together with network.trainer; remove it",
    }
    calls_users_code = True
    checked_by = "check_network"
    words = (ALL_BUT_NORM_LAYERS,)

    def _mistakes_of_norm(self, path: str, place: str) -> Lines:
        yield from ()

    def content(self) -> dict[str, Any]:
        """Return the description with the function's code in the place of its name."""
        function = content_of_function(self.described["module"])
        return dict(self.described) | {
            "libraries": function.pop("libraries"),
            "module": function,
            "computed_by": [keys.STAGE, GENERAL_LEARNER],
        }

    def mistakes(self, path: str) -> Lines:
        yield from super().mistakes(path)
        for name, value in self.described.get("arguments", {}).items():
            text = value if isinstance(value, str) else ""
            if text.startswith("$") and text not in FILLED_IN:
                known = among(text, FILLED_IN)
                yield f"{path}.arguments.{name}: {shown(text)} is unknown{known}"
        for number, group in enumerate(self.described.get("groups", [])):
            try:
                re.compile(group)
            except re.error as error:
                yield (
                    f"{path}.groups[{number}]: {shown(group)} is not a valid regular "
                    f"expression ({error})"
                )
        yield from mistakes_of_code(f"{path}.module", self.described["module"])

    def mistakes_of_training(
        self, path: str, training: Described, problem: Described
    ) -> Lines:
        yield from super().mistakes_of_training(path, training, problem)
        augment = training["augment"] or {}
        if augment and problem.get("tokens"):
            yield f"{path}.augment: only numbers can be altered, and these are tokens"
            return
        moved = [key for key in ("flip", "shift") if augment.get(key)]
        if moved and problem and len(shape_of(problem)) < 2:
            yield (
                f"{path}.augment.{moved[0]}: only images and series can be moved; give "
                "the problem a shape, such as [1, 8, 8]"
            )


class Trainer(_UserSupplied):
    """A user's command that trains in the place of Thaw's learners."""

    form = "trainer"
    own_keys = frozenset(
        {
            *("trainer", "files", "packages", "arguments", "groups"),
            *("histories", "time_limit"),
        }
    )
    unknown_training: ClassVar = dict.fromkeys(
        ("validation_size", "keep", "augment", "class_weight"),
        "trainers are not told; remove it, and give the trainer an argument instead",
    )
    reads_weights = False
    checked_by = "check_trainer"
    trained_by = "thaw.external.trainers"

    @property
    def has_histories(self) -> bool:
        return self.described.get("histories", False)

    def content(self) -> dict[str, Any]:
        """Return the description with digests of its files."""
        apart = ("trainer", "files", "packages", "time_limit")
        kept = {key: v for key, v in self.described.items() if key not in apart}
        files = [keys.known_digest(Path(file)) for file in self.trainer_files]
        return kept | {
            "trainer": {"command": self.described["trainer"], "files": files},
            "computed_by": ["thaw.learning.trainer"],
            "libraries": sorted(self.described.get("packages", [])),
        }

    def with_digests(self) -> dict[str, Any]:
        files = {file: keys.known_digest(Path(file)) for file in self.trainer_files}
        found = dict(self.described) | {"files": files}
        # It changes no result.
        found.pop("time_limit", None)
        return found

    def _needs_groups(self, layer: Layer) -> bool:
        return layer != 0

    def mistakes(self, path: str) -> Lines:
        yield from super().mistakes(path)
        for number, file in enumerate(self.trainer_files):
            yield from unreadable(f"{path}.files[{number}]", Path(file))
        yield from self._mistakes_of_command(path)
        for number, package in enumerate(self.described.get("packages", [])):
            if keys.version(package) == "missing":
                yield (
                    f"{path}.packages[{number}]: {package} is not installed here. "
                    "Allowed: an installed package; if the trainer has an environment "
                    "of its own, add its lock file to files"
                )

    def _mistakes_of_command(self, path: str) -> Lines:
        command = self.described["trainer"]
        try:
            words = shlex.split(command)
        except ValueError as error:
            yield f"{path}.trainer: {shown(command)} is not a command ({error})"
            return
        if not words:
            yield f"{path}.trainer: {shown(command)} is empty. Allowed: a command"
            return
        # The program itself is looked for elsewhere, unless its name has a slash.
        files = words if "/" in words[0] else words[1:]
        listed = {Path(file).absolute() for file in self.trainer_files}
        modules = [word for before, word in pairwise(words) if before == "-m"]
        for word in [*files, *(f"{name.replace('.', '/')}.py" for name in modules)]:
            file = Path(word)
            if file.absolute() in listed:
                continue
            if not file.is_absolute() and file.is_file():
                yield (
                    f"{path}.files: {shown(word)} is missing, which the trainer names; "
                    "add it, or its edits go unnoticed"
                )
            elif word in files and file.suffix == ".py":
                yield from unreadable(f"{path}.trainer", file)

    def mistakes_of_training(
        self, path: str, training: Described, problem: Described
    ) -> Lines:
        yield from super().mistakes_of_training(path, training, problem)
        if isinstance(training["learning_rate"], list):
            yield (
                f"{path}.learning_rate: a trainer gets one and chooses none. Allowed: "
                "a number"
            )
        known = self.described.get("arguments", {})
        for name in training["arguments"] or {}:
            if name not in known:
                yield (
                    f"{path}.arguments.{name}: not among network.arguments"
                    f"{among(name, known)}"
                )

    def mistakes_of_variant(self, path: str, name: str, variant: Described) -> Lines:
        yield from super().mistakes_of_variant(path, name, variant)
        if variant["save"]:
            yield (
                f"variants.{name}.save: the network of {path} is a trainer's, whose "
                "weights Thaw does not see; remove it"
            )
        if isinstance(self.numbered(variant)["freeze"], list):
            yield (
                f"variants.{name}.freeze: trainers are only told how many layers to "
                "freeze, from the first. Allowed: a number, or the last one's name"
            )
        for key in ("rate_factors", "phases", "towards"):
            if variant[key]:
                yield (
                    f"variants.{name}.{key}: trainers are not told, and {path} has "
                    "one; remove it, and give the trainer an argument instead"
                )


# If a description has keys of several kinds, the first kind reports it.
KINDS = (Trainer, Module, HiddenLayers)
FORMS = {kind.form: kind for kind in KINDS}


def kind_of(described: Described) -> Kind:
    """Return the kind of a network, by its description in a config or a recipe."""
    found = (kind for kind in KINDS if kind.form in described)
    return next(found, HiddenLayers)(described)


def inherited(shared: Described, own: Described) -> dict[str, Any]:
    """Return a study's network: the shared one with what the study itself says.

    Where the study says another kind, nothing of the shared one is left.
    """
    said = FORMS.keys() & own.keys()
    if not said:
        return dict(shared) | dict(own)
    known = kind_of(own).own_keys
    if not said & shared.keys():
        known -= kind_of(shared).own_keys
    return {key: value for key, value in shared.items() if key in known} | dict(own)


def named(text: str) -> tuple[str, str, Path | None]:
    """Return the place and the function that `place:function` names, and the file.

    `networks.py:small_cnn` is in a file, from the working directory;
    `torchvision.models:resnet18` in an installed package, so that the file is None.
    """
    place, _, function = text.rpartition(":")
    return place, function, Path(place) if place.endswith(".py") else None


def content_of_function(text: str) -> dict[str, Any]:
    """Return what decides what a function does, as far as its name and file tell.

    For a file that is its code, but not its place; for an installed module its name.
    `libraries` are the packages whose versions count, too.
    """
    place, function, file = named(text)
    if file is None:
        library = place.partition(".")[0]
        return {"function": function, "import": place, "libraries": [library]}
    code, libraries = keys.code_of_file(file)
    return {"function": function, "code": code, "libraries": libraries}


def mistakes_of_code(path: str, text: str) -> Lines:
    """Yield what is wrong with a function's place, its file or its imports."""
    place, function, file = named(text)
    if file is None:
        library = place.partition(".")[0]
        if keys.version(library) == "missing":
            yield (
                f"{path}: {library} is not an installed package. Allowed: an installed "
                "one, or a file, such as networks.py:small_cnn"
            )
        return
    if wrong := [*unreadable(path, file)]:
        yield from wrong
        return
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        yield f"{path}: {place}{line}: {getattr(error, 'msg', error)}"
        return
    defined = _defined(tree)
    if function not in defined:
        hint = did_you_mean(function, defined)
        yield f"{path}: {place} does not define {function!r}{hint}"
    for library in keys.code_of_file(file)[1]:
        if keys.version(library) == "missing":
            yield (
                f"{path}: {place} imports {library}, which is not an installed package "
                "(edits of another file would go unnoticed); install it, or write what "
                "you need into the file itself"
            )


def _defined(tree: ast.Module) -> list[str]:
    """Return the names that a file defines or imports at its top level."""
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found += [name.asname or name.name for name in node.names]
        elif isinstance(node, ast.Assign):
            found += [t.id for t in node.targets if isinstance(t, ast.Name)]
    return found
