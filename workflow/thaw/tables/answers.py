"""The report in plain text: all questions and answers, as the page has them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from thaw.findings.overall import Compared, in_short
from thaw.findings.shown import title
from thaw.output.inputs import Inputs
from thaw.output.tables import paragraph


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return all answers, one after the other, below that of the title."""
    settings = inputs.settings
    studies = {name: inputs.settings_of(name) for name in settings["studies"]}
    compared = [
        Compared(study, inputs.table("comparisons.csv", name).to_dict("records"))
        for name, study in studies.items()
        if "sources" not in study
    ]
    words = [
        f"# {settings['title']}\n",
        paragraph(in_short(compared, settings["title"])),
        paragraph(settings["question"]),
    ]
    for name, study in studies.items():
        content = inputs.content(name, "answer.json")
        words += in_words(study, json.loads(content))
    return {"answers.md": "\n".join(filter(str.strip, words)).encode()}


def in_words(study: Mapping[str, Any], parts: list[dict[str, Any]]) -> Iterator[str]:
    """Yield a study's question, and the parts of its answer with their headings."""
    yield f"## {title(study)}\n"
    yield paragraph(f"*{study['question']}*")
    for part in parts:
        yield paragraph(f"**{part['heading']}.** {' '.join(part['sentences'])}")
