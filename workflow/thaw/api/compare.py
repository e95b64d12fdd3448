"""Compare variants by scores that anyone made: what a study has, as far as it applies.

The tables, figures and page are made by what makes those of a study, from the same
kind of file. Whatever takes rows, losses or epochs is left out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pandas as pd

from thaw.api.given import LARGEST, Given, name_of, read, write
from thaw.config.config import Study
from thaw.config.network import Trainer
from thaw.errors import ThawError, listed, refuse
from thaw.keys import digest, result, version
from thaw.output.job import Job
from thaw.output.records import load_record
from thaw.plan.outputs import GATHER, SCORES
from thaw.plan.planned import Planned
from thaw.plan.stages import Stage, plan_figures, plan_page, plan_tables
from thaw.plan.study import StudyPlan
from thaw.stages import make as stage

STAGE = "given"


class Rules(NamedTuple):
    """The rules for comparing scores.

    higher: whether higher ones are better. margin: the smallest difference that
    matters. bounds: the least and the largest score, if there are. constant: the score
    of the best constant prediction, if it is known. baseline: a variant, by default the
    first. paired: whether repeats of one name have something in common. columns: the
    names of the columns with variants, repeats and scores, where they have others.
    """

    higher: bool
    margin: float
    bounds: tuple[float, float] | None = None
    constant: float | None = None
    baseline: str | None = None
    paired: bool = False
    columns: Mapping[str, str] = {}


class GivenPlan(StudyPlan):
    """The plan of a study whose scores are given.

    Nobody knows how its variants learned, nor from which rows. The `command` makes it
    again.
    """

    rules: Rules
    command: str

    @property
    def learning(self) -> dict[str, Any]:
        """Nothing is known of how networks learned."""
        return {}

    @property
    def words(self) -> dict[str, str]:
        """Plain names of variants, as far as anything is known of them."""
        return {name: settings["given"] for name, settings in self.described.items()}

    @property
    def question(self) -> str:
        """None: the scores do not say what was asked."""
        return ""

    @property
    def description(self) -> dict[str, Any]:
        """The rules behind the results, and the command."""
        rules = self.rules._asdict() | {"baseline": self.settings.baseline}
        names = "source", "target", "target_sizes"
        return {
            "command": self.command,
            "settings": {name: self.facts[name] for name in names} | rules,
            "variants": self.described,
            "problems": {},
            "keys": {},
            "code": {},
            "versions": {name: version(name) for name in ("numpy", "scipy")},
        }


def compared(
    scores: pd.DataFrame | Path, folder: Path, rules: Rules, command: str
) -> None:
    """Compare the scores of a frame, or of a CSV, and write what follows to a folder.

    It replaces an earlier comparison in there. The page names the `command`.
    Raises `ThawError` with all that is wrong with the rules and the scores, or if the
    folder holds anything else than such a comparison.
    """
    mistakes = [*_wrong_rules(rules)]
    try:
        given = read(scores, rules.columns)
    except ThawError as error:
        raise ThawError(*mistakes, *error.args) from None
    refuse([*mistakes, *_misfits(rules, given)])
    _clear(folder)
    study = _plan(folder.name, given, rules, command)
    names = "study", "metric", "variants", "target_sizes"
    settings = {name: study.facts[name] for name in names}
    settings |= {"constant": rules.constant, "paired": rules.paired}
    text = given.rows.to_csv(index=False)
    gathered = result(STAGE, settings, {"scores": digest(text)})
    files = [f"{study.name}/{file}" for file in ("histories.npz", SCORES)]
    first = Stage(STAGE, GATHER, study.name, *gathered, [], files)
    results = folder.parent
    write(given, folder, results / first.record, first.recipe)
    for planned in _stages(study, first):
        inputs = {"results": [results]}
        outputs = {
            "files": [results / path for path in planned.files],
            "record": [results / planned.record],
        }
        stage.main(Job(planned.name, planned.key, planned.recipe, inputs, outputs))


def _plan(name: str, given: Given, rules: Rules, command: str) -> GivenPlan:
    """Return the plan of a study of this name, whose `command` makes it again."""
    started = {*given.started["variant"]}
    known: dict[bool, dict[str, Any]] = {
        True: {"given": "From source models"},
        False: {"given": "No source model" * bool(started), "pretrained": False},
    }
    variants: dict[str, Any] = {
        variant: SimpleNamespace(
            pretrained=variant in started, described=known[variant in started]
        )
        for variant in given.variants
    }
    bounds = {} if rules.bounds is None else {"bounds": [*rules.bounds]}
    unknown = Planned("", {}, "", "", {}, is_ruled=False)
    plan = GivenPlan(
        name=name,
        # Keys that only training needs are left out; the command trains nothing.
        settings=Study.model_construct(
            source="",
            target="the target",
            network=Trainer.model_construct(trainer=command),
            variants=variants,
            repeats=given.repeats,
            source_models=given.models,
            target_sizes=given.target_sizes,
            margin=rules.margin,
            baseline=name_of(rules.baseline or given.variants[0]),
        ),
        variants=variants,
        metrics=[{"name": "score", "greater_is_better": rules.higher} | bounds],
        source=None,
        target=unknown,
        source_models=[],
        arms={},
        overlap=unknown,
        keeps_predictions=False,
        has_splits=False,
        draws_output=False,
        source_unit="",
    )
    plan.rules, plan.command = rules, command
    return plan


def _stages(study: StudyPlan, first: Stage) -> list[Stage]:
    """Return what is made of scores, in order."""
    tables = plan_tables(study, [first])
    figures = plan_figures(study, [first, tables])
    return [tables, figures, plan_page(study.name, [tables, figures])]


def _wrong_rules(rules: Rules) -> Iterator[str]:
    """Yield what is wrong with the rules, whatever the scores are."""
    if not 0 < rules.margin <= LARGEST:
        yield f"margin: {rules.margin:g} is not a number above 0, up to {LARGEST:g}"
    low, high = rules.bounds or (-LARGEST, LARGEST)
    if not -LARGEST <= low < high <= LARGEST:
        yield f"bounds: {low:g} is not below {high:g}, within ±{LARGEST:g}"
    elif rules.constant is not None and not low <= rules.constant <= high:
        yield f"constant: {rules.constant:g} is not between {low:g} and {high:g}"


def _misfits(rules: Rules, given: Given) -> Iterator[str]:
    """Yield in what the rules and the scores do not fit each other."""
    scores, failed = given.rows["score"], given.rows["failed"]
    if rules.bounds is not None:
        low, high = rules.bounds
        words = f"beyond the bounds, {low:g} and {high:g}"
        is_beyond = (scores < low) | (scores > high)
        yield from given.wrong("score", is_beyond, words, "correct one or the other")
    if rules.constant is None:
        words = "empty, so that the network failed"
        remedy = "means count it as the best constant prediction: give --constant"
        yield from given.wrong("score", failed, words, remedy)
    baseline = name_of(rules.baseline or given.variants[0])
    if baseline not in given.variants:
        yield (
            f"baseline: {baseline!r} is no variant. Allowed: {listed(given.variants)}"
        )
    elif rules.paired:
        # Those with several source models are compared source model by source model.
        rows = given.rows.groupby("variant").filter(lambda of: of["model"].max() < 1)
        alike = rows.groupby(["target_size", "repeat"])["variant"].transform("nunique")
        is_alone = alike.reindex(given.rows.index) < rows["variant"].nunique()
        words = f"not there for each of {listed(rows['variant'].unique())}"
        remedy = "give them the same repeats, or leave --paired out"
        yield from given.wrong("repeat", is_alone, words, remedy)


def _clear(folder: Path) -> None:
    """Delete the files of an earlier comparison from a folder.

    Raises `ThawError` if it holds anything else.
    """
    records = [load_record(path) for path in folder.glob("records/*.json")]
    is_empty = not folder.exists() or not any(folder.iterdir())
    if not is_empty and STAGE not in [record["recipe"]["stage"] for record in records]:
        raise ThawError(
            f"{folder} holds something else; choose another folder with --output"
        )
    for record in records:
        for name in record["content"]:
            # A record that was edited might name a file outside.
            (folder / Path(name).name).unlink(missing_ok=True)
