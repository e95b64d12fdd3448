"""A section of a page: a study, or a ranking of several, read off its tables."""

import base64
import functools
import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from thaw.findings import verdicts
from thaw.findings.gains import Row, estimate, shares, span
from thaw.findings.metrics import metric_of
from thaw.findings.overall import Compared
from thaw.findings.shown import enumerate_words, from_to
from thaw.findings.shown import title as title_of
from thaw.output.inputs import Inputs, read_table
from thaw.page.axis import Axis
from thaw.plan.outputs import BEST_SOURCES, figures_on_pages

# The CSS classes of the kinds of verdicts, the signs beside colours, and their words.
LOOKS = {
    verdicts.BETTER: ("better", "▲", "better"),
    verdicts.WORSE: ("worse", "▼", "worse"),
    verdicts.EQUIVALENT: ("same", "=", "equivalent"),
    verdicts.NOT_BETTER: ("unclear", "·", "not better"),
    verdicts.UNDECIDED: ("unclear", "·", "undecided"),
}

# The tables for people that a page holds, folded.
FOLDED = ("summary", "metrics", "network", "sources")

ENDS = ["typical_low", "typical_high"]


class Section:
    """A study, or a ranking of several, on a page.

    A ranking shows the gain from each source at its best depth, and has no settings and
    recommendations by target size. Of the parts of its answer `lead` is the first: the
    advice or, where its question is about pairs, these.
    """

    def __init__(self, inputs: Inputs, name: str) -> None:
        """Read its files."""
        self._inputs, self.name, settings = inputs, name, inputs.settings_of(name)
        self.question = settings["question"]
        self.metric, self.margin = metric_of(settings["metric"][0]), settings["margin"]
        self.baseline, self.words = settings["baseline"], settings["words"]
        self.title, self.problems = title_of(settings), from_to(settings)
        self.sizes: list[Any] = settings["target_sizes"]
        self.is_about_pairs = settings["is_about_pairs"]
        self.sources: list[list[str]] = settings.get("sources", [])
        self.parts = json.loads(self._content("answer.json"))
        self.lead, *self.more = self.parts
        self.description = (
            {} if self.sources else json.loads(self._content("study.json"))
        )
        facts = [self.problems, *self.description.get("facts", []), settings["size"]]
        if self.sources:
            depths = (f"{name} ({self.words[name]})" for name in settings["depths"])
            facts.append(f"Each source at its best of {enumerate_words(depths)}")
        self.facts = [f"{fact.removesuffix('.')}." for fact in facts if fact]
        if self.sources:
            # Each source at its best depth.
            key = ["target_size", "source", "variant"]
            best, gains = self._table(BEST_SOURCES), self._table("sources.csv")
            self.comparisons = best[key].merge(gains, on=key)
        else:
            self.comparisons = self._table("comparisons.csv")
        self.compared = Compared(settings, self.comparisons.to_dict("records"))
        values = self.comparisons[["typical", *ENDS]].to_numpy(float).ravel()
        self.axis = Axis.around([0, *values], 1.5 * self.margin)

    def _content(self, name: str) -> bytes:
        return self._inputs.content(self.name, name)

    def _table(self, name: str) -> pd.DataFrame:
        return read_table(self._content(name))

    @property
    def tags(self) -> dict[str, str]:
        """The heading of the part of the answer that each caveat belongs to."""
        return {tag: part["heading"] for part in self.parts for tag in part["tags"]}

    @functools.cached_property
    def recommended(self) -> list[dict[str, Any]]:
        """The recommendations, each for neighbouring target sizes that agree.

        Where the question is about pairs, these come first.
        """
        rows = []
        if self.is_about_pairs:
            pairs = self.comparisons[self.comparisons["reference"] != self.baseline]
            for row in map(self._shown, pairs.to_dict("records")):
                row |= {"act": row["words"].capitalize(), "layers": ""}
                rows.append(self._with_sides(row, [row["target_size"]]))
        table = self._table("recommendation.csv")
        alike = table[["act", "layers"]]
        changes = (alike != alike.shift()).any(axis=1).cumsum()
        for _, alike in table.groupby(changes):
            first, sizes = alike.iloc[0].to_dict(), [*alike["target_size"]]
            sides = {"variant": first["best"], "reference": self.baseline}
            rows.append(self._with_sides(self._shown(first | sides), sizes))
        return rows

    def _with_sides(self, row: dict[str, Any], sizes: list[Any]) -> dict[str, Any]:
        """Return a row with the sizes that it holds for, and what it compares."""
        names = row["variant"], row["reference"]
        best = " against ".join(str(self.words.get(name, name)) for name in names)
        best += f" with {sizes[0]} rows" * (len(sizes) > 1)
        rows = f"With {span(sizes)}" if self.sizes != ["all"] else ""
        return row | {"rows": rows, "best": best}

    @property
    def groups(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """The comparisons by what variants are compared with."""
        for reference, table in self.comparisons.groupby("reference", sort=False):
            rows = []
            for row in table.to_dict("records"):
                mean_gain = estimate(row, self.margin, "", "mean")
                beside = {"mean_gain": mean_gain, "shares": shares(row)}
                rows.append(self._shown(row) | beside)
            yield reference, rows

    def _shown(self, row: Row) -> dict[str, Any]:
        """Return a comparison as the page's tables show it."""
        look, sign, words = LOOKS.get(row["verdict"], ("unclear", "·", row["verdict"]))
        name = row.get("source", row["variant"])
        return {
            **row,
            "look": look,
            "sign": sign,
            "words": words,
            "label": self.words.get(name, name),
            "gain": estimate(row, self.margin, ""),
            "note": "" if pd.isna(row["note"]) else row["note"],
        }

    @property
    def tables(self) -> Iterator[tuple[str, str]]:
        """The tables for people: name, and content as Markdown."""
        for name in FOLDED:
            if self._inputs.has(self.name, f"{name}.md"):
                yield name, self._content(f"{name}.md").decode()


def figures_of(inputs: Inputs, folder: str) -> Iterator[tuple[str, str, str, int]]:
    """Yield the figures of a folder: name, description, image as a data: link, width.

    The width is in pixels of a page, half of the image's own.
    """
    for name, about in figures_on_pages().items():
        file = f"{name}.png"
        if inputs.has(folder, file):
            content = inputs.content(folder, file)
            image = f"data:image/png;base64,{base64.b64encode(content).decode()}"
            yield name, about, image, int.from_bytes(content[16:20]) // 2
