"""The page of a ranking of several sources, and its part of the report."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from thaw.findings.answer import TO_DO
from thaw.findings.shown import from_to
from thaw.output.inputs import Files, Inputs
from thaw.page.page import rendered
from thaw.page.section import files_of, tables_of
from thaw.plan.outputs import ON_PAGES


class Ranking:
    """A ranking on a page, read off its answer, tables and figures."""

    def __init__(self, files: Files, told: Mapping[str, Any]) -> None:
        """Read the files of a ranking; `told` is as `thaw.plan.stages.ranked` says."""
        self.name, self._files = told["study"], files
        self.sources: list[list[str]] = told["sources"]
        self.parts = json.loads(files.content(self.name, "answer.json"))
        self.figures = json.loads(files.content(self.name, ON_PAGES))
        self.facts = [from_to(told), told["size"]]

    @property
    def to_do(self) -> list[str]:
        """The advice, sentence by sentence."""
        (part,) = (one for one in self.parts if one["heading"] == TO_DO)
        return part["sentences"]

    @property
    def more(self) -> list[dict[str, Any]]:
        """The other parts of the answer."""
        return [one for one in self.parts if one["heading"] != TO_DO]

    @property
    def tables(self) -> Iterator[tuple[str, str]]:
        """The tables for people: description, and content as Markdown."""
        return tables_of(self._files, self.name)

    @property
    def files(self) -> Iterator[dict[str, Any]]:
        """The tables for programs, as `thaw.page.section.Section.files`."""
        return files_of(self._files, self.name)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the page of a ranking."""
    ranking = Ranking(inputs.files, inputs.settings["ranking"])
    made = [
        json.loads(inputs.files.content(study, "study.json"))
        for study, _ in ranking.sources
    ]
    page = rendered(
        title=f"{ranking.name}: {ranking.facts[0]}",
        rankings=[ranking],
        studies=[],
        made=made,
        is_report=False,
    )
    return {"page.html": page}
