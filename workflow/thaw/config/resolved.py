"""A config that has been checked, in plain values."""

from collections import namedtuple
from typing import Any, NamedTuple, cast

from thaw.config import models

# Its fields are found when this runs, so no type checker can know them.
_StudyKeys: Any = cast(
    Any, namedtuple("_StudyKeys", [*models.Study.model_fields, "checkpoints"])
)


class Study(_StudyKeys):
    """A study with everything resolved: a value for each key of its model.

    `source_models` is how many; `checkpoints` are the files of those that are files,
    and `source` is then `thaw.output.paths.CHECKPOINTS`.
    """

    __slots__ = ()


class Config(NamedTuple):
    """Problems and variants as written, with defaults filled in; studies resolved.

    Of a problem's keys those without a default are there only where they were written.
    """

    problems: dict[str, dict]
    variants: dict[str, dict]
    studies: dict[str, Study]
    maps: dict[str, list[str]]
