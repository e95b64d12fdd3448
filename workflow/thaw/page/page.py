"""The page of a study, and the parts that the report of all studies shares."""

import base64
import functools
import hashlib
import itertools
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from thaw.output.inputs import Inputs
from thaw.page.drawn import Axis
from thaw.page.section import Section

HERE = Path(__file__).parent

# In text: an interval with its number, which must stay on one line, and a minus sign.
INTERVAL = re.compile("(?:[+\N{MINUS SIGN}]?[0-9.]+ )?\\([^()]* to [^()]*\\)")
MINUS = re.compile(r"(?<![\w.])-(?=[\d∞])")


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the page of the only study, with its tables."""
    (study,) = sections(inputs)
    title = f"{study.name}: {study.facts[0]}"
    page = rendered(
        title=title, rankings=[], studies=[study], made=[study.made], is_report=False
    )
    return {"page.html": page}


def sections(inputs: Inputs) -> list[Section]:
    """Return the studies that are passed to a page."""
    return [Section(inputs.files, told) for told in inputs.settings["studies"]]


def rendered(**shown: Any) -> bytes:
    """Return a page with a `title` and the other values that the template takes.

    `made` are the descriptions of its studies, from `study.json`. The page requests
    nothing from elsewhere, and runs nothing but its script.
    """
    files = {name: _read(name) for name in ("style.css", "script.js")}
    digest = base64.b64encode(hashlib.sha256(files["script.js"].encode()).digest())
    page = _template().render(
        style=Markup(files["style.css"]),
        script=Markup(files["script.js"]),
        digest=digest.decode(),
        versions=_versions(shown["made"]),
        **shown,
    )
    return page.encode()


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@functools.cache
def _template() -> Any:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals["Axis"] = Axis
    filters = (typeset, markdown, flat, sortable)
    environment.filters |= {one.__name__: one for one in filters}
    return environment.from_string(_read("template.html"))


def typeset(text: str) -> Markup:
    """Return text as HTML, with minus signs and unbroken intervals."""
    signed = MINUS.sub("\N{MINUS SIGN}", text)
    found = Markup("")
    end = 0
    for one in INTERVAL.finditer(signed):
        found += escape(signed[end : one.start()])
        found += Markup('<span class="one">{}</span>').format(one[0])
        end = one.end()
    return found + escape(signed[end:])


def markdown(text: str) -> Markup:
    """Return a table for people as HTML; its names cannot add markup."""
    return Markup(
        MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    )


def sortable(value: Any) -> str:
    """Return a number, or a target size, as the page's script sorts it."""
    number = math.inf if value == "all" else float(value)
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return "" if math.isnan(number) else str(number)


def flat(value: Any) -> str:
    """Return a setting on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _versions(made: Iterable[Mapping[str, Any]]) -> Mapping[str, str]:
    """Return the libraries used in training, with all their versions."""
    found = itertools.chain(*(one["versions"].items() for one in made))
    versions: dict[str, list[str]] = {}
    for library, version in sorted({*found}):
        versions.setdefault(library, []).append(version)
    return {library: ", ".join(own) for library, own in versions.items()}
