"""The report in plain text: all questions and answers, as the page has them."""

import json

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
        words += [f"## {title(study)}\n", paragraph(f"*{study['question']}*")]
        for part in json.loads(inputs.content(name, "answer.json")):
            sentences = " ".join(part["sentences"])
            words.append(paragraph(f"**{part['heading']}.** {sentences}"))
    return {"answers.md": "\n".join(filter(str.strip, words)).encode()}
