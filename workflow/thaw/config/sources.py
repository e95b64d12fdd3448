"""Studies of several sources: a study for each, and a ranking of all of them.

Mistakes name the keys as they stand in the config.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from thaw.config import models
from thaw.config.values import LONGEST_NAME


def by_source(
    studies: Mapping[str, models.Study],
) -> tuple[dict[str, list[str]], dict[str, models.Study], list[str]]:
    """Return the rankings, all studies with one source each, and what is wrong.

    A study of several sources becomes one for each, `NAME-SOURCE`.
    """
    rankings: dict[str, list[str]] = {}
    found: dict[str, models.Study] = {}
    mistakes: list[str] = []
    for name, study in studies.items():
        if not study.sources:
            found[name] = study
            continue
        one: dict[str, Any] = {"sources": None}
        for key, wrong in (
            ("source", study.source is not None),
            (
                "source_models.files",
                isinstance(study.source_models, models.SourceFiles),
            ),
        ):
            if wrong:
                together = f"set together with {key}; remove one of them"
                mistakes.append(f"studies.{name}.sources: {together}")
                one["source_models"] = 1  # other mistakes would follow from files
        for number, source in enumerate(study.sources):
            own, place = f"{name}-{source}", f"studies.{name}.sources[{number}]"
            if own in studies or own in found:
                mistakes.append(
                    f"{place}: there is another study {own!r}, which would be that of "
                    "this source; rename one of them"
                )
                continue
            if len(own) > LONGEST_NAME:
                mistakes.append(
                    f"{place}: the study of this source, {own}, would have a name of "
                    f"more than {LONGEST_NAME} characters; choose shorter names"
                )
            found[own] = study.model_copy(update=one | {"source": source})
            rankings.setdefault(name, []).append(own)
    return rankings, found, mistakes


def as_written(
    mistakes: Iterable[str], rankings: Mapping[str, Iterable[str]]
) -> list[str]:
    """Return mistakes, each once, at the places of studies as the config has them."""
    places: dict[str, str] = {}
    for name, studies in rankings.items():
        for number, own in enumerate(studies):
            source = f"studies.{name}.sources[{number}]:"
            places |= {
                f"studies.{own}:": source,
                f"studies.{own}.source:": source,
                f"studies.{own}.": f"studies.{name}.",
            }
    found: dict[str, None] = {}
    for mistake in mistakes:
        for place, written in places.items():
            if mistake.startswith(place):
                mistake = written + mistake.removeprefix(place)
                break
        found[mistake] = None
    return [*found]
