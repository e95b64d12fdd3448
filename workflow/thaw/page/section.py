"""A study's section of a page, read off its tables, figures and scores."""

import base64
import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from thaw.findings.answer import COMPARED, TO_DO
from thaw.findings.arms import in_order
from thaw.findings.failures import meaning_of_weak
from thaw.findings.gains import Row, estimate, more_networks, rows_at, span
from thaw.findings.metrics import metric_of
from thaw.findings.shown import counted, from_to, interval, number
from thaw.findings.verdicts import NO_VERDICT, kind_of
from thaw.output.inputs import Files, read_table
from thaw.page import drawn
from thaw.plan.outputs import ON_PAGES, SCORES, tables_by_file

# In a map of target sizes, gains of so many margins, or larger ones if there are any,
# have the deepest colour.
FAINT = 5

# A CSV of so many bytes is embedded in the page.
SMALL = 16_000


class Recommended(NamedTuple):
    """A recommendation, for neighbouring target sizes, in an overview's form.

    `sentence` is the answer's, `rows` are the sizes, `act` is the advice.
    """

    sentence: str
    rows: str
    act: str
    best: str
    gain: str
    interval: drawn.Interval


class Section:
    """A study on a page."""

    def __init__(self, files: Files, told: Mapping[str, Any]) -> None:
        """Read the files of a `study`.

        Its `size` in words, its `metric`, its `variants` and the `own_training` and
        `recipes` of these are passed as well.
        """
        self.name, self._files, self.size = told["study"], files, told["size"]
        self.metric = metric_of(told["metric"][0])
        self.made = self._json("study.json")
        self.settings = self.made["settings"]
        self.parts, self.figures = self._json("answer.json"), self._json(ON_PAGES)
        self.comparisons = self._table("comparisons.csv")
        self.sizes = in_order(self.settings["target_sizes"])
        self.margin, self.baseline = self.settings["margin"], self.settings["baseline"]
        described = self.made["variants"]
        self.words = {
            name: in_words(
                described[name],
                told["own_training"].get(name, {}),
                told["recipes"].get(name, ""),
            )
            for name in told["variants"]
        }

    def _json(self, name: str) -> Any:
        return json.loads(self._files.content(self.name, name))

    def _table(self, name: str) -> pd.DataFrame:
        return read_table(self._files.content(self.name, name))

    @property
    def units(self) -> str:
        """Its units after a number, with a space; "" if it has none."""
        return f" {self.metric.units}" if self.metric.units else ""

    @property
    def margin_in_units(self) -> str:
        """The margin in words, with its units."""
        return f"{self.margin:g}{self.units}"

    @property
    def is_swept(self) -> bool:
        """Whether variants learn from several numbers of rows."""
        return len(self.sizes) > 1

    @property
    def covers_rows(self) -> bool:
        """Whether intervals hold for new test rows, too."""
        return bool((self.comparisons["row_units"] > 1).any())

    @property
    def facts(self) -> list[str]:
        """The size of the study."""
        tested = self.comparisons["tested"].max()
        return [
            *filter(None, [from_to(self.settings)]),
            self.size,
            *([f"{tested:,.0f} test rows"] if tested > 0 else []),
        ]

    @property
    def networks(self) -> set[str]:
        """The keys of its networks; studies that share some are not independent."""
        return {key for keys in self.made["keys"]["arms"].values() for key in keys}

    @property
    def weak(self) -> str:
        """The meaning of weak."""
        return meaning_of_weak(self.metric, self.baseline)

    @property
    def to_do(self) -> list[tuple[bool, str]]:
        """The advice, sentence by sentence, and whether each says so itself."""
        said = [one for one in self.parts if one["heading"] == TO_DO]
        acts = tuple(one.sentence.rstrip(".") for one in self.recommended(1))
        return [
            (words.startswith(acts), words)
            for part in said
            for words in part["sentences"]
        ]

    @property
    def more(self) -> list[dict[str, Any]]:
        """The other parts of the answer; comparisons have a table of their own."""
        return [one for one in self.parts if one["heading"] not in (TO_DO, COMPARED)]

    @property
    def tags(self) -> list[str]:
        """The caveats, a few words each."""
        return [*dict.fromkeys(tag for part in self.parts for tag in part["tags"])]

    @functools.cached_property
    def _recommendations(self) -> pd.DataFrame:
        return self._table("recommendation.csv")

    def _gains(self, size: Any) -> dict[str, Row]:
        """Return the comparisons with the baseline at a target size, by variant."""
        rows = rows_at(self.comparisons, size).to_dict("records")
        return {
            row["variant"]: row for row in rows if row["reference"] == self.baseline
        }

    @property
    def reach(self) -> float:
        """The largest gain behind its recommendations, in margins."""
        ends = self._recommendations[["typical_low", "typical_high"]]
        known = np.abs(ends.to_numpy(float)) / self.margin
        return max([0, *known[np.isfinite(known)]])

    def recommended(self, reach: float) -> Iterator[Recommended]:
        """Yield the recommendations, their gains on an axis of ±`reach` margins."""
        table = self._recommendations
        # Neighbouring target sizes that agree stand together.
        changes = (table["act"] != table["act"].shift()).cumsum()
        for _, own in table.groupby(changes):
            row = own.iloc[0].to_dict()
            sizes = [*own["target_size"]]
            nothing = row | {"verdict": NO_VERDICT}
            shown = self._gains(sizes[0]).get(row["best"], nothing)
            place = f" with {sizes[0]} rows" if len(sizes) > 1 else ""
            rows = f"With {span(sizes)}" if self.sizes != ["all"] else ""
            act = row["act"]
            axis = drawn.Axis(-reach * self.margin, reach * self.margin)
            yield Recommended(
                f"{rows}: {act[0].lower()}{act[1:]}." if rows else f"{act}.",
                rows,
                act,
                f"{self.words.get(row['best'], row['best'])}{place}",
                estimate(shown, self.margin, self.units).strip(),
                drawn.interval(shown, axis, self.margin),
            )

    @functools.cached_property
    def axis(self) -> drawn.Axis:
        """The axis of all differences of the study."""
        ends = ["typical", "typical_low", "typical_high"]
        values = self.comparisons[ends].to_numpy(float).ravel()
        return drawn.around(values, 1.5 * self.margin)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The comparisons, for the page's table."""
        return [self._shown(row) for row in self.comparisons.to_dict("records")]

    def _shown(self, row: Row) -> dict[str, Any]:
        kind = kind_of(row["verdict"])
        css, words = drawn.CLASSES.get(kind, ("unclear", kind))
        weak = [100 * row[name] for name in ("weak", "reference_weak")]
        known = not math.isnan(weak[0])
        return dict(row) | {
            "css": css,
            "words": words,
            "more": more_networks(row).removeprefix(", "),
            "gain": number(row["typical"], self.margin, "+"),
            "ends": self._ends(row, "typical"),
            "mean_gain": number(row["mean"], self.margin, "+"),
            "mean_ends": self._ends(row, "mean"),
            "wins": f"{100 * row['better']:.0f} %",
            "weak_shares": f"{weak[0]:.0f} vs {weak[1]:.0f} %" if known else "",
            "drawn": drawn.interval(row, self.axis, self.margin),
        }

    def _ends(self, row: Row, name: str) -> str:
        return interval(row[f"{name}_low"], row[f"{name}_high"], self.margin, "+")

    @property
    def cells(self) -> list[tuple[Any, list[dict[str, Any] | None]]]:
        """The gains on the baseline: a row for each target size, a column a variant."""
        found = []
        for size in self.sizes:
            own = self._gains(size).items()
            by_variant = {name: self._shown(row) for name, row in own}
            found.append((size, [by_variant.get(name) for name in self.compared]))
        cells = [cell for _, row in found for cell in row if cell]
        gains = [abs(cell["typical"]) for cell in cells]
        most = max([FAINT * self.margin, *filter(math.isfinite, gains)])
        for cell, gain in zip(cells, gains, strict=True):
            cell["depth"] = 0 if math.isnan(gain) else round(45 * min(1, gain / most))
        return found

    @property
    def compared(self) -> list[str]:
        """The variants that are compared with the baseline."""
        own = self.comparisons[self.comparisons["reference"] == self.baseline]
        return [name for name in self.words if name in {*own["variant"]}]

    @property
    def scores(self) -> "Scores":
        """The scores of all networks, if there is one target size.

        As in tables, a failed network counts as the best constant prediction, and so
        does one that is worse by a metric without bounds: it would squash the others.
        """
        table, column = self._table(SCORES), f"test_{self.metric.name}"
        if self.metric.history and column not in table:  # log loss is the loss
            column = f"test_{self.metric.history}"
        summary = self._table("summary.csv").set_index("variant")
        constant = float(summary["constant"].iloc[0])
        if column in table:
            table.loc[table["failed"] == 1, column] = constant
            if not self.metric.has_bounds and math.isfinite(constant):
                way = "upper" if self.metric.lower_is_better else "lower"
                table[column] = table[column].clip(**{way: constant})
            table = table[np.isfinite(table[column])]
        if column not in table or table.empty:
            return Scores(drawn.Axis(0, 1), [], None)
        low, high = table[column].min(), table[column].max()
        axis = drawn.Axis(low, max(high, low + self.margin))
        gains, found = self._gains(self.sizes[0]), []
        for name in self.words:
            found.append(
                {
                    "name": name,
                    "bars": drawn.bars(
                        [*table[column][table["variant"] == name]], axis
                    ),
                    "median": number(summary.loc[name, "median"], self.margin),
                    "row": self._shown(gains[name]) if name in gains else None,
                }
            )
        median = float(summary.loc[self.baseline, "median"])
        place = axis.place(median) if math.isfinite(median) else None
        return Scores(axis, found, place)

    @property
    def files(self) -> Iterator[dict[str, Any]]:
        """The tables for programs: description, columns and, if small, content."""
        return files_of(self._files, self.name)

    @property
    def tables(self) -> Iterator[tuple[str, str]]:
        """The tables for people: description, and content as Markdown."""
        return tables_of(self._files, self.name)


class Scores(NamedTuple):
    """Scores of all networks on an axis, variant by variant.

    `baseline` is the place of the baseline's median, if it has one.
    """

    axis: drawn.Axis
    rows: Sequence[Mapping[str, Any]]
    baseline: float | None


def tables_of(files: Files, study: str) -> Iterator[tuple[str, str]]:
    """Yield the tables for people of a study or ranking, each with its description."""
    for name, about in tables_by_file().items():
        if name.endswith(".md") and name != "answer.md" and files.has(study, name):
            yield about, files.content(study, name).decode()


def files_of(files: Files, study: str) -> Iterator[dict[str, Any]]:
    """Yield the tables for programs of a study or ranking, as `Section.files`."""
    for name, about in tables_by_file().items():
        if not (name.endswith(".csv") and files.has(study, name)):
            continue
        content = files.content(study, name)
        coded = base64.b64encode(content).decode()
        yield {
            "name": name,
            "about": about,
            "columns": content.partition(b"\n")[0].decode().split(","),
            "size": f"{max(1, round(len(content) / 1000)):,} kB",
            "data": f"data:text/csv;base64,{coded}" if len(content) < SMALL else "",
        }


def in_words(
    variant: Mapping[str, Any], training: Mapping[str, Any], recipe: str
) -> str:
    """Describe a variant, how its training differs, and its `recipe` in words."""
    if "estimator" in variant:
        return str(variant["estimator"]).rpartition(".")[2]
    if "given" in variant:
        return variant["given"]
    freeze = variant.get("freeze", 0)
    if recipe:  # it says what is frozen
        start = "Fine-tune" if variant.get("pretrained", True) else "Train from scratch"
        said = [start, recipe]
    elif variant.get("pretrained", True):
        frozen = f"Freeze {counted(freeze, 'layer')}"
        said = [frozen if freeze else "Fine-tune all layers"]
    elif freeze:
        said = [f"Freeze {counted(freeze, 'random layer')}"]
    else:
        said = ["Train from scratch"]
    if fresh := variant.get("fresh"):
        said.append(f"draw {' and '.join(map(str, fresh))} anew")
    if "add" in variant:
        said.append("add layers")
    if "inherit" in variant:
        said.append(f"inherit the {variant['inherit']}")
    said += [
        f"{key.replace('_', ' ')} {value}"
        for key, value in training.items()
        if key != "epochs" or "phases" not in variant
    ]
    return ", ".join(said)
