"""A config as written, checked and filled in: what each study trains, and on what."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from thaw.config.config import Config
from thaw.config.contradictions import contradictions
from thaw.config.fill import filled_in
from thaw.config.messages import wrong
from thaw.config.mistakes import explain
from thaw.errors import ThawError

MORE = "there may be more mistakes, which show when these are mended"


def resolve(config: Mapping[str, Any], commanded: Collection[str] = ()) -> Config:
    """Check `config` and fill in what it leaves out.

    `commanded` are the keys that the command line set. Where such a key holds a single
    value, it wins over a study's own.
    Raises `ThawError`, whose message lists every mistake of a key or else every
    contradiction between keys: the place, the value, and what is allowed.
    """
    try:
        result = Config.model_validate(filled_in(config, commanded))
    except ValidationError as error:
        raise ThawError(*wrong(explain(error)).args, f"  {MORE}") from None
    if lines := [*contradictions(result)]:
        raise wrong(lines)
    return result
