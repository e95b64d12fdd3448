"""Jobs as their rules write them: a recipe, and files by name."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from thaw.data.problem import Description, Pool, Problem
from thaw.output.problems import load_described
from thaw.output.tiles import Tile


class Job(NamedTuple):
    """A job as its rule tells it: a result's recipe and key, and its files by name.

    tile: the networks of a job that trains. more: what a result does not depend on,
    such as how the jobs of a study are cut.
    """

    stage: str
    key: str
    recipe: dict[str, Any]
    inputs: Mapping[str, Sequence[Path]]
    outputs: Mapping[str, Sequence[Path]]
    tile: Tile = Tile(range(0))
    more: Mapping[str, Any] = {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the job that a rule wrote as JSON."""
        fields = json.loads(text)
        for files in (fields["inputs"], fields["outputs"]):
            files |= {name: [*map(Path, paths)] for name, paths in files.items()}
        if name := fields.pop("tile", None):
            fields["tile"] = Tile.named(name)
        return cls(**fields)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of its recipe."""
        return self.recipe["settings"]

    @property
    def keys(self) -> dict[str, Any]:
        """The keys of the results that it reads."""
        return self.recipe["inputs"]

    @property
    def module(self) -> Path | None:
        """The user's file with the function that builds the network, if any."""
        return next(iter(self.inputs.get("network", [])), None)

    def input(self, name: str) -> Path:
        """Return its only input of this name."""
        (path,) = self.inputs[name]
        return path

    def output(self, name: str) -> Path:
        """Return its only output of this name."""
        (path,) = self.outputs[name]
        return path

    def load_problem(self, name: str) -> tuple[Problem | Pool, Description, str]:
        """Read the problem among its inputs that has this name.

        For what is returned and raised see `load_described`.
        """
        return load_described(self.input(name), self.keys[name])
