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
    Tag,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

# Errors that pydantic does not have; `mistakes` puts them into words.
TWICE, NO_ALTERNATIVE, MISTAKES = "twice", "no_alternative", "mistakes"

# Parts of pydantic's places that begin so say of which kind a value is. In a config
# file no key does, unless somebody means it to.
TAG = "\0"

# Sizes above these are slips: no machine holds what they ask for.
LARGEST_NUMBER = 1_000_000
MOST_ROWS = 100_000_000


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

        with_tags = (Annotated[kinds[key], Tag(f"{TAG}{key}")] for key in kinds)
        self._union = Annotated[Union[*with_tags], Discriminator(tag)]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return handler.generate_schema(self._union)


def _number_to_text(value: Any) -> Any:
    """Take a class's number for its name."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


def exactly_one(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong unless one of these keys has a value."""
    first, *rest = values
    present = [key for key, value in values.items() if value]
    if not present:
        yield f"{first}: this key is missing; or set {' or '.join(rest)}"
    for key in present[1:]:
        yield f"{key}: set together with {present[0]}; remove one of them"


def _each_once(entries: list) -> list:
    if any(entry in entries[:place] for place, entry in enumerate(entries)):
        raise PydanticCustomError(TWICE, "lists an entry twice")
    return entries


def _one_error(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Raise one error for a value that fits no alternative, not one for each."""
    try:
        return handler(value)
    except ValidationError:
        raise PydanticCustomError(NO_ALTERNATIVE, "is not allowed") from None


# To be put into `Annotated[…]`, after the constraints of pydantic's own.
AS_TEXT = BeforeValidator(_number_to_text)
# Takes `ladder` for `[ladder]`.
ONE_IS_A_LIST = BeforeValidator(lambda v: [v] if isinstance(v, str | dict) else v)
EACH_ONCE = AfterValidator(_each_once)
ALTERNATIVES = WrapValidator(_one_error)

# A key that may be left out, and then means nothing: None cannot be written.
LEFT_OUT: Any = None

LONGEST_NAME = 100
NAME = rf"^[A-Za-z0-9][A-Za-z0-9_-]{{0,{LONGEST_NAME - 1}}}$"
NAME_IN_WORDS = f"letters, digits, - and _, no sign first, {LONGEST_NAME} at most"
Name = Annotated[str, Field(pattern=NAME)]
Text = Annotated[str, Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, le=2**64 - 1)]
# NumPy and scikit-learn take no larger one.
SmallSeed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Rows = Annotated[int, Field(ge=1, le=MOST_ROWS)]
# Steps, layers or anything else that may be none.
Count = Annotated[int, Field(ge=0, le=LARGEST_NUMBER)]
# Repeats, epochs, units.
Several = Annotated[int, Field(ge=1, le=LARGEST_NUMBER)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
# YAML reads yes, no, true and false as true or false; files hold text.
Value = Annotated[int | float | str, ALTERNATIVES]
Argument = Annotated[bool | int | float | str | list[int | float], ALTERNATIVES]
Arguments = dict[Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")], Argument]
# Snakemake takes braces for wildcards, what stands in < and > for variables of a path,
# and a stage what begins with - for an option.
PATH = r"[^-{}<>\x00-\x1f]([^{}<>\x00-\x1f]*[^/{}<>\x00-\x1f])?"
PathName = Annotated[str, Field(pattern=rf"^{PATH}/?$")]
FunctionName = Annotated[
    str, Field(pattern=r"^[^-:{}<>\x00-\x1f][^:{}<>\x00-\x1f]*:[A-Za-z_]\w*$")
]
# Tables hold it, so it must not begin like a formula.
GroupName = Annotated[str, Field(pattern=r"^[\w(\[\\.^][ -~]*$")]
Layer = Annotated[Several | GroupName, ALTERNATIVES]
