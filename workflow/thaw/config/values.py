"""The values that the config's keys hold, and groups of keys.

Constraints stand here; what pydantic does not check is in `problem` and
`contradictions`.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    create_model,
    model_serializer,
)
from pydantic_core import CoreSchema, PydanticCustomError

# Errors that pydantic does not have; `mistakes` puts them into words.
TWICE = "twice"
NO_ALTERNATIVE = "no_alternative"

# Sizes above these are slips: no machine holds what they ask for.
MOST_REPEATS = 1_000_000
MOST_EPOCHS = 1_000_000
MOST_ROWS = 100_000_000
MOST_SECONDS = 10_000_000
MOST_UNITS = 1_000_000
MOST_LAYERS = 1_000
MOST_COLUMNS = 1_000_000
LARGEST_NUMBER = 1_000_000
LARGEST_SEED = 2**64 - 1


class Group(
    BaseModel,
    extra="forbid",
    strict=True,
    allow_inf_nan=False,
    use_attribute_docstrings=True,
):
    """A group of keys.

    It takes no other keys, so that a typing error is found, and converts nothing: the
    text "3" is no number, and `true` is not 1. The text below a key describes it.
    """


class Changes(Group):
    """A group of keys of which each may be left out, and then is not there."""

    @model_serializer(mode="wrap")
    def _without_what_is_left_out(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any] | None:
        values = handler(self)
        if values is None:  # a group within another that is left out itself
            return None
        return {key: value for key, value in values.items() if value is not None}


def made(name: str, base: type[Group], says: str, keys: Mapping[str, Any]) -> Any:
    """Return a group with further keys: those that are found when this runs.

    No type checker can know them, nor need pydantic look for their descriptions.
    """
    options = {"use_attribute_docstrings": False}
    return create_model(
        name, __base__=base, __doc__=says, __cls_kwargs__=options, **keys
    )


def optional_keys(group: type[Group]) -> dict[str, Any]:
    """Return the keys of a group, none required and none with a default.

    They are what `made` takes, for a group in which a key that is left out means the
    value that holds elsewhere. Groups within the group are made so too.
    """
    keys: dict[str, Any] = {}
    for key, field in group.model_fields.items():
        parts = field.asdict()
        kind = parts["annotation"]
        if isinstance(kind, type) and issubclass(kind, Group):
            kind = made(kind.__name__, Changes, str(kind.__doc__), optional_keys(kind))
        constraints = [*parts["metadata"], Field(**parts["attributes"])]
        keys[key] = (Annotated[kind, *constraints], None)
    return keys


def name_of(text: str, default: str) -> str:
    """Return a name made of any text; the default if it holds no letter or digit."""
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    # Short enough for a study to be called from-NAME.
    return found[:90].rstrip("-") or default


def _float_to_whole(value: Any) -> Any:
    """Take 30.0 for 30."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number_to_text(value: Any) -> Any:
    """Take a class's number for its name."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def _one_to_list(value: Any) -> Any:
    """Take `ladder` for `[ladder]`."""
    return [value] if isinstance(value, str | dict) else value


def _each_once(entries: list) -> list:
    if any(entry in entries[:place] for place, entry in enumerate(entries)):
        raise PydanticCustomError(TWICE, "lists an entry twice")
    return entries


class _EachOnce(AfterValidator):
    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return handler(schema) | {"uniqueItems": True}


def _one_error(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Raise one error for a value that fits no alternative, not one for each."""
    try:
        return handler(value)
    except ValidationError:
        raise PydanticCustomError(NO_ALTERNATIVE, "fits no alternative") from None


# To be put into `Annotated[…]`, after the constraints of pydantic's own.
WHOLE = BeforeValidator(_float_to_whole)
AS_TEXT = BeforeValidator(_number_to_text)
ONE_IS_A_LIST = BeforeValidator(_one_to_list)
EACH_ONCE = _EachOnce(_each_once)
ALTERNATIVES = WrapValidator(_one_error)

# A key that may be left out, and then means nothing: None cannot be written.
LEFT_OUT: Any = None

NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
LONGEST_NAME = 100
NAME_IN_WORDS = (
    f"letters, digits, - and _, with a letter or digit first, {LONGEST_NAME} at most"
)
Name = Annotated[
    str,
    Field(
        pattern=NAME,
        max_length=LONGEST_NAME,
        description=f"{NAME_IN_WORDS}; names become folders and targets",
    ),
]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED), WHOLE]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS), WHOLE]
Repeats = Annotated[int, Field(ge=1, le=MOST_REPEATS), WHOLE]
Positive = Annotated[float, Field(gt=0, le=LARGEST_NUMBER)]

# Python writes no number of more than 4,300 digits.
Whole = Annotated[int, Field(ge=-LARGEST_SEED, le=LARGEST_SEED)]
Argument = Annotated[
    bool
    | Whole
    | float
    | str
    | Annotated[list[Whole | float], Field(max_length=1_000)],
    ALTERNATIVES,
    Field(description="A number, text, true or false, or a list of numbers."),
]
Arguments = dict[
    Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
            max_length=100,
            description="the name of an argument",
        ),
    ],
    Argument,
]
