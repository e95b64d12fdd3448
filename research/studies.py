"""Studies drawn from a population, and whether the package's statements are true."""

import itertools
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from populations import BASELINE, REFERENCE, Population

from thaw.findings import scoring
from thaw.findings.gains import Question
from thaw.findings.metrics import METRICS
from thaw.findings.recommendation import advice
from thaw.findings.rows_luck import assign_units, by_unit
from thaw.findings.samples import Sample
from thaw.findings.verdicts import BETTER, EQUIVALENT, KINDS, NOT_BETTER, WORSE
from thaw.tables.comparisons import comparisons, depths_table

# If the truth is equality, differences are not smaller than this.
TINY = 1e-6

Measures = dict[str, float]


class Drawn(NamedTuple):
    """The networks and rows of a study.

    Networks are places `[n]` among source models and repeats, and the number `[n]` of
    their source model in the study; rows are places and the numbers of their groups.
    """

    models: np.ndarray
    repeats: np.ndarray
    numbers: np.ndarray
    rows: np.ndarray
    groups: np.ndarray

    def begin(self, units: int) -> "Drawn":
        """Return the study as it was with so many source models, or repeats of one."""
        first = self.numbers < units if self.numbers.any() else slice(units)
        return self._replace(
            models=self.models[first],
            repeats=self.repeats[first],
            numbers=self.numbers[first],
        )


def draw(
    population: Population, units: int, rows: int, rng: np.random.Generator
) -> Drawn:
    """Draw source models with their repeats, or repeats of the only one; and rows."""
    models, repeats, there = next(iter(population.outputs.values())).shape
    if models == 1:
        numbers = places = np.zeros(units, np.int64)
        chosen = rng.integers(repeats, size=units)
    else:
        family = population.family
        first = family * rng.integers(models // family, size=(units // family, 1))
        places = (first + np.arange(family)).ravel().repeat(repeats)
        numbers = np.arange(units).repeat(repeats)
        chosen = np.tile(np.arange(repeats), units)
    group = population.group
    first = group * rng.integers(there // group, size=(rows // group, 1))
    in_rows = (first + np.arange(group)).ravel()
    return Drawn(places, chosen, numbers, in_rows, np.arange(rows) // group)


def all_of(population: Population) -> Drawn:
    """Return the study that has all networks and rows of a population."""
    models, repeats, rows = next(iter(population.outputs.values())).shape
    numbers, places = (axis.ravel() for axis in np.indices((models, repeats)))
    return Drawn(numbers, places, numbers, np.arange(rows), np.empty(0, np.int64))


def samples(
    population: Population, drawn: Drawn, gains: Mapping[str, float]
) -> dict[str, Sample]:
    """Return a study's samples as the package makes them from predictions.

    Depths score better than in the population by these `gains`. For a whole population
    the luck of its rows is left out.
    """
    metric, labels = population.metric, population.labels[drawn.rows]

    def measured(outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        outputs = outputs.astype(np.float64)
        if metric in METRICS["classification"].values():
            outputs = np.stack([np.zeros_like(outputs), outputs], axis=2)
        values = getattr(scoring, metric.name)(labels, outputs)
        if not len(drawn.groups):
            return values, None
        units = assign_units(metric, labels, drawn.groups)
        return values, by_unit(metric, labels, outputs, units)

    (constant,), of_rows = measured(population.constant[None, drawn.rows])
    tested, rarest = len(np.unique(drawn.groups)), 0
    if metric in METRICS["classification"].values():
        rarest = int(np.bincount(labels.astype(int)).min())
    by_name = {}
    for name, outputs in population.outputs.items():
        sample = outputs[drawn.models[:, None], drawn.repeats[:, None], drawn.rows]
        failed = np.isnan(sample).any(1)
        sample = np.where(failed[:, None], population.constant[drawn.rows], sample)
        count = 1 + sample.size // 2**24
        parts = [measured(part) for part in np.array_split(sample, count)]
        values = np.concatenate([value for value, _ in parts])
        by_rows = parts[0][1]
        gain = gains.get(name, 0) * np.where(failed, 0, 1)
        gain = -gain if metric.lower_is_better else gain
        by_name[name] = Sample(
            values + gain,
            drawn.numbers if name.startswith("fixed") else None,
            failed,
            metric.lower_is_better,
            constant,
            is_known=name.startswith(REFERENCE),
            scale=metric.unit(constant),
            worst=metric.worst_told(constant),
            by_rows=None if by_rows is None else by_rows + gain[:, None],
            constant_by_rows=None if of_rows is None else of_rows[0],
            tested=tested,
            decisive=metric.decisive_rows(tested, rarest),
        )
    return by_name


class Known:
    """A population whose depths have a given gain, and the true statements about it.

    gain: the typical gain on standalone, in margins; None leaves it as it is. `truth`
    is the package's own table of all networks and rows, by variant and reference.
    """

    def __init__(self, population: Population, gain: float | None) -> None:
        self.population = population
        names = [*population.outputs]
        self.depths = [name for name in names if name.startswith("fixed")]
        self.references = [name for name in names if name.startswith(REFERENCE)]
        self.gains: dict[str, float] = {}
        self.truth = self._table()
        if gain is not None:
            wanted = gain * population.margin
            typical = self.truth["typical"].xs(BASELINE, level="reference")
            self.gains = {name: wanted - typical[name] for name in self.depths}
            self.gains |= {name: -typical[name] for name in self.references}
            self.truth = self._table()
        apart = self.truth["typical"].drop(BASELINE, level="reference")
        apart = apart.drop(self.references, level="variant")
        # Medians do not add up: depths that gain the same on standalone may differ a
        # little, and are all among the best.
        tied = population.margin / 5
        beaten = {b for (a, b), gain in apart.items() if gain > tied}
        beaten |= {a for (a, b), gain in apart.items() if gain < -tied}
        self.best = {*self.depths} - beaten

    def _table(self) -> pd.DataFrame:
        by_name = samples(self.population, all_of(self.population), self.gains)
        pairs = [(depth, BASELINE) for depth in self.depths]
        pairs += itertools.combinations(self.depths, 2)
        networks = [BASELINE, *self.depths]
        pairs += itertools.product(self.references, networks)
        table = comparisons({"all": by_name}, pairs, BASELINE, self.population.margin)
        return table.set_index(["variant", "reference"])

    def look(self, drawn: Drawn) -> Measures:
        """Return whether a study's statements are true, by the name of a measure."""
        margin = self.population.margin
        by_name = samples(self.population, drawn, self.gains)
        pairs = [(name, BASELINE) for name in (*self.depths, *self.references)]
        against = dict.fromkeys(self.references, self.depths)
        table = comparisons({"all": by_name}, pairs, BASELINE, margin, against)
        measures: Measures = {}
        false = {name: [] for name in ("verdict", "shares")}
        for row in table.to_dict("records"):
            depth, kind = row["variant"], row["verdict"]
            truth = self.truth.loc[depth, row["reference"]]
            false["verdict"].append(_is_false(kind, truth["typical"], margin))
            if depth in self.references:
                continue
            measures[f"better, {depth}"] = kind == BETTER
            measures[f"equivalent, {depth}"] = kind == EQUIVALENT
            measures[f"surely, {depth}"] = kind == BETTER and (
                row["typical_low"] >= margin
            )
            for name, value, ends in (
                ("typical", "typical", "typical"),
                ("mean", "mean", "mean"),
                *((kind, f"{kind}_difference", kind) for kind in KINDS),
            ):
                low, high = row[f"{ends}_low"], row[f"{ends}_high"]
                covers = low - TINY <= truth[value] <= high + TINY
                # Some intervals are not shown, and some networks not counted.
                is_shown = not np.isnan([low, high, truth[value]]).any()
                measures[f"{name}, {depth}"] = covers if is_shown else np.nan
            for kind in KINDS:
                share = truth[f"{kind}_difference"]
                more = share <= TINY and row[f"{kind}_low"] > 0
                less = share >= -TINY and row[f"{kind}_high"] < 0
                false["shares"].append(more or less)
        for name in ("typical", *KINDS):
            covered = [measures[f"{name}, {depth}"] for depth in self.depths]
            measures[f"all {name}"] = float(np.nanmin([1, *covered]))
        measures |= {f"false {name}": any(covered) for name, covered in false.items()}
        depths = dict.fromkeys(self.depths, 0)
        sets = depths_table({"all": by_name}, depths, margin, table)
        measures["false headline"] = self._is_false_headline(table, sets)
        if self.best and len(self.depths) > 1 and by_name[self.depths[0]].is_nested:
            stay = sets.loc[sets["may_be_best"] == "yes", "variant"]
            measures["false set"] = not self.best & {*stay}
            measures["depths in set"] = len(stay)
        kinds = ("verdict", "shares", "set", "headline")
        measures["anything false"] = any(
            measures.get(f"false {kind}", False) for kind in kinds
        )
        return measures

    def _is_false_headline(self, table: pd.DataFrame, sets: pd.DataFrame) -> bool:
        """Whether what the answer says to use is no better than it says."""
        variants: dict[str, dict] = {BASELINE: {"pretrained": False}}
        variants |= {name: {} for name in self.depths}
        variants |= {name: {"estimator": name} for name in self.references}
        nothing = dict.fromkeys(Question._fields, "")
        question = Question(
            **nothing
            | {
                "variants": variants,
                "source": "source",
                "baseline": BASELINE,
                "margin": self.population.margin,
                "comparisons": table,
                "best_depths": sets.assign(beaten_by=sets["beaten_by"].str.split()),
            }
        )
        choice = advice(question, "all")
        rivals = [BASELINE] * bool(choice.variant)
        rivals = question.networks if choice.lead else rivals
        gains = [self.truth.loc[choice.variant, rival]["typical"] for rival in rivals]
        return any(gain <= TINY for gain in gains)


def _is_false(kind: str, truth: float, margin: float) -> bool:
    """Whether a verdict is false, given the true typical difference."""
    if kind == BETTER:
        return truth <= TINY
    if kind == WORSE:
        return truth >= -TINY
    if kind == NOT_BETTER:
        return truth >= margin + TINY
    return kind == EQUIVALENT and abs(truth) > margin + TINY
