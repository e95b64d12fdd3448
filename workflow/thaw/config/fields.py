"""Types of the config's values, and groups of keys."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

# Errors that pydantic does not have; `mistakes` puts them into words.
TWICE, NO_ALTERNATIVE, MISTAKES = "twice", "no_alternative", "mistakes"
NOT_NAMES = "not_names"

# Parts of pydantic's places that begin so say of which kind a value is. In a config
# file no key does, unless somebody means it to.
TAG = "\0"

# Sizes above these are slips: no machine holds what they ask for.
MOST_REPEATS = MOST_EPOCHS = MOST_UNITS = LARGEST_NUMBER = 1_000_000
MOST_ROWS = 100_000_000
MOST_LAYERS = 1_000
LARGEST_SEED = 2**64 - 1


class Group(BaseModel):
    """A group of keys.

    It takes no other keys, so that a typing error is found, and converts nothing: the
    text "3" is no number, and `true` is not 1. The text below a key describes it.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    def mistakes(self) -> Iterator[str]:
        """Yield keys that do not go together, as "key: what is wrong"."""
        yield from ()

    @model_validator(mode="after")
    def _check(self) -> Any:
        if lines := [*self.mistakes()]:
            raise PydanticCustomError(MISTAKES, "mistakes", {"lines": lines})
        return self

    def minimal(self, *without: str) -> dict[str, Any]:
        """Return what differs from the defaults, at any depth, as keys hold it.

        So an option that is added later, with a default that leaves everything as it
        was, changes no key.
        """
        return self.model_dump(exclude_defaults=True, exclude={*without})


class OneOf:
    """A group of one of several kinds, each with the key that tells it.

    The first kind whose key is there counts, and the `default` if none is. To be put
    into `Annotated[…]`, after what the kinds have in common.
    """

    def __init__(self, kinds: Mapping[str, type[Group]], default: str) -> None:
        """Take the kinds by their keys."""

        def tag(group: Any) -> str:
            keys = group if isinstance(group, Mapping) else ()
            return f"{TAG}{next((key for key in kinds if key in keys), default)}"

        # The default first, as in the reference page.
        keys = dict.fromkeys([default, *reversed([*kinds])])
        with_tags = (Annotated[kinds[key], Tag(f"{TAG}{key}")] for key in keys)
        self._union = Annotated[Union[*with_tags], Discriminator(tag)]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler.generate_schema(self._union)


def _float_to_whole(value: Any) -> Any:
    """Take 30.0 for 30."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number_to_text(value: Any) -> Any:
    """Take a class's number for its name."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


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
# Takes `ladder` for `[ladder]`.
ONE_IS_A_LIST = BeforeValidator(lambda v: [v] if isinstance(v, str | dict) else v)
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
Text = Annotated[str, Field(min_length=1, max_length=1_000)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED), WHOLE]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS), WHOLE]
# Rows, steps or anything else that may be none.
Count = Annotated[int, Field(ge=0, le=MOST_ROWS), WHOLE]
Repeats = Annotated[int, Field(ge=1, le=MOST_REPEATS), WHOLE]
Epochs = Annotated[int, Field(ge=1, le=MOST_EPOCHS), WHOLE]
Positive = Annotated[float, Field(gt=0, le=LARGEST_NUMBER)]
NotNegative = Annotated[float, Field(ge=0, le=LARGEST_NUMBER)]
Width = Annotated[
    int, Field(ge=1, le=MOST_UNITS, description="A whole number, 1 or more."), WHOLE
]
# Python writes no number of more than 4,300 digits.
Whole = Annotated[int, Field(ge=-LARGEST_SEED, le=LARGEST_SEED)]
# YAML reads yes, no, true and false as true or false; files hold text.
Value = Annotated[
    Whole | float | str,
    ALTERNATIVES,
    Field(description="A number or text; true, false, yes and no in quotes."),
]
Argument = Annotated[
    bool
    | Whole
    | float
    | str
    | Annotated[list[Whole | float], Field(max_length=1_000)],
    ALTERNATIVES,
    Field(description="A number, text, true or false, or a list of numbers."),
]
ArgumentName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z][A-Za-z0-9_]*$",
        max_length=100,
        description="the name of an argument",
    ),
]
Arguments = Annotated[dict[ArgumentName, Argument], Field(max_length=100)]
# Snakemake takes braces for wildcards, what stands in < and > for variables of a path,
# and a stage what begins with - for an option.
PATH = r"[^-{}<>\x00-\x1f]([^{}<>\x00-\x1f]*[^/{}<>\x00-\x1f])?"
PATH_IN_WORDS = "its path without braces, < and >, and a - in front as ./-"
PathName = Annotated[str, Field(pattern=rf"^{PATH}/?$", max_length=1_000)]
FunctionName = Annotated[
    str,
    Field(
        pattern=r"^[^-:{}<>\x00-\x1f][^:{}<>\x00-\x1f]*:[A-Za-z_]\w*$",
        max_length=1_000,
    ),
]
# Tables hold it, so it must not begin like a formula.
GROUP_NAME = r"^[\w(\[\\.^][ -~]*$"
GroupName = Annotated[
    str,
    Field(
        pattern=GROUP_NAME,
        max_length=200,
        description="a part's name, or a regular expression for several",
    ),
]
LAYER_IN_WORDS = (
    "the number of a hidden layer, from 1, the name of one of the network's groups, or "
    "output"
)
Layer = Annotated[
    Annotated[int, Field(ge=1, le=MOST_LAYERS), WHOLE] | GroupName,
    ALTERNATIVES,
    Field(description=LAYER_IN_WORDS),
]
