"""The page of a study, of a ranking, or of all of a config, by one template."""

import functools
import math
import re
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from thaw.findings.overall import in_short
from thaw.findings.shown import covers_rows
from thaw.output.inputs import Inputs
from thaw.page.axis import Axis
from thaw.page.section import ENDS, Section, figures_of

HERE = Path(__file__).parent

# In text: an interval with its number, which must stay on one line, and a minus sign.
INTERVAL = re.compile("(?:[+\N{MINUS SIGN}]?[0-9.]+ )?\\([^()]* to [^()]*\\)")
MINUS = re.compile(r"(?<![\w.])-(?=[\d∞])")

# The overview's axis covers at least so many margins either way.
LEAST_REACH = 3


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the page; it requests nothing from elsewhere, and runs no script."""
    settings = inputs.settings
    (name,) = settings["outputs"]
    sections = [Section(inputs, name) for name in settings["studies"]]
    studies = [section for section in sections if not section.sources]
    networks = {
        study.name: {*chain(*study.description["keys"].get("arms", {}).values())}
        for study in studies
    }
    counts = Counter(chain(*networks.values()))
    scales = {(s.metric.axis, s.metric.units, s.margin) for s in sections}
    reach = [
        abs(row[end]) / study.margin
        for study in studies
        for row in study.recommended
        for end in ENDS
    ]
    title = settings.get("title") or sections[0].title
    tags = [{*study.tags} for study in studies]
    page = _template().render(
        style=Markup((HERE / "style.css").read_text(encoding="utf-8")),
        title=title,
        answer=in_short([study.compared for study in studies], title),
        question=settings.get("question", ""),
        sections=sections,
        is_report="title" in settings,
        figures=functools.partial(figures_of, inputs),
        # Caveats that all studies share are listed once.
        shared=set.intersection(*tags) if len(tags) > 1 else set(),
        sharing=[n for n, keys in networks.items() if any(counts[k] > 1 for k in keys)],
        reach=1.1 * max([LEAST_REACH, *filter(math.isfinite, reach)]),
        # In units of the metric if all studies have the same, else in margins.
        scale=scales.pop() if len(scales) == 1 else None,
        covers_rows=any(covers_rows(section.comparisons) for section in sections),
    )
    return {f"{name}.html": page.encode()}


@functools.cache
def _template() -> Any:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"typeset": typeset, "markdown": markdown}
    environment.tests["finite"] = math.isfinite
    environment.globals["Axis"] = Axis
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    return environment.from_string((HERE / "template.html").read_text(encoding="utf-8"))


def typeset(text: str) -> str:
    """Return text with minus signs, and unbroken intervals and percents."""
    signed = MINUS.sub("\N{MINUS SIGN}", text.replace(" %", "\N{NBSP}%"))
    return INTERVAL.sub(lambda match: match[0].replace(" ", "\N{NBSP}"), signed)


def markdown(text: str) -> Markup:
    """Return a table for people as HTML; its names cannot add markup."""
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
    return Markup(renderer.render(text))
