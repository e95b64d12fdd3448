"""Compare variants by scores that anyone made: what a study has, as far as it applies.

The tables, figures and page are made by what makes those of a study, from the same
kind of file. Whatever takes rows, losses or epochs is left out.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from thaw.api.given import LARGEST, Given, name_of, read, write
from thaw.errors import ThawError, listed, refuse
from thaw.findings.shown import counted
from thaw.keys import digest, result, version
from thaw.output.job import Job
from thaw.output.records import load_record
from thaw.plan.outputs import FIGURES, GATHER, TABLES, named
from thaw.plan.stages import Stage, plan_page, plan_stage
from thaw.stages import make

STAGE = "given"


class Rules(NamedTuple):
    """The rules for comparing scores.

    higher: whether higher ones are better. margin: the smallest difference that
    matters. bounds: the least and the largest score, if there are. constant: the score
    of the best constant prediction, if it is known. baseline: a variant, by default the
    first. paired: whether repeats of one name have something in common.
    """

    higher: bool
    margin: float
    bounds: tuple[float, float] | None = None
    constant: float | None = None
    baseline: str | None = None
    paired: bool = False


def compared(
    scores: pd.DataFrame | Path, folder: Path, rules: Rules, command: str
) -> None:
    """Compare the scores of a frame, or of a CSV, and write what follows to a folder.

    It takes the place of an earlier comparison. The page names the `command`, which
    makes it again.
    Raises `ThawError` with all that is wrong with the rules and the scores, or if the
    folder holds anything else than such a comparison.
    """
    mistakes = [*_wrong_rules(rules)]
    try:
        given = read(scores)
    except ThawError as error:
        raise ThawError(*mistakes, *error.args) from None
    refuse([*mistakes, *_misfits(rules, given)])
    _clear(folder)
    facts, name = _facts(folder.name, given, rules), folder.name
    settings = {"study": name, "metric": facts["metric"], "variants": given.variants}
    settings |= {"target_sizes": given.target_sizes}
    settings |= {"constant": rules.constant, "paired": rules.paired}
    text = given.rows.to_csv(index=False)
    keyed, results = result(STAGE, settings, {"scores": digest(text)}), folder.parent
    gathered = Stage("", GATHER, name, *keyed, reads=[], files=[])
    write(given, folder, results / gathered.record, gathered.recipe)
    is_swept = len(given.target_sizes) > 1
    figures = ["boxplot", "target-sizes" if is_swept else "differences"]
    figures += ["source-spread"] * (given.models > 1)
    tables = ["summary", "comparisons", "answer", "study"]
    described = {"description": _description(facts, rules, command)}
    stages = [plan_stage(name, named(TABLES, tables), facts | described, [gathered])]
    before = [gathered, *stages]
    stages.append(plan_stage(name, named(FIGURES, figures), facts, before))
    for stage in (*stages, plan_page(name, stages)):
        files = [results / file for file in stage.files]
        written = {"files": files, "record": [results / stage.record]}
        inputs = {"results": [results]}
        make.main(Job(stage.name, stage.key, stage.recipe, inputs, written))


def _description(
    facts: Mapping[str, Any], rules: Rules, command: str
) -> dict[str, Any]:
    """Return the rules behind the results, and the command, for `study.json`."""
    names = ("source", "target", "target_sizes", "baseline")
    return {
        "command": command,
        "settings": rules._asdict() | {name: facts[name] for name in names},
        "variants": facts["described"],
        "problems": {},
        "keys": {},
        "code": {},
        "versions": {name: version(name) for name in ("numpy", "scipy")},
    }


def _facts(name: str, given: Given, rules: Rules) -> dict[str, Any]:
    """Return what tables, figures and the page know of a study (`StudyPlan.facts`).

    Nobody knows how its variants learned, nor from which rows.
    """
    sizes, variants = given.target_sizes, given.variants
    started = {*given.started["variant"]}
    from_scratch = "no source model" * bool(started)
    bounds = {} if rules.bounds is None else {"bounds": [*rules.bounds]}
    scores = len(given.rows) // len(variants) // len(sizes)
    arm = "variant and size" if len(sizes) > 1 else "variant"
    unknown: dict[str, Any] = {
        **{name: [] for name in ("networks", "pairs", "maps", "tuned")},
        **{name: {} for name in ("depths", "ladder", "rates", "learning")},
        **dict.fromkeys(("source", "source_unit", "question"), ""),
        **dict.fromkeys(("has_splits", "is_about_pairs", "draws_output"), False),
    }
    return unknown | {
        "study": name,
        "target": "the target",
        "variants": variants,
        "pretrained": [v for v in variants if v in started],
        "described": {v: {"pretrained": v in started} for v in variants},
        "words": {
            v: "from source models" if v in started else from_scratch for v in variants
        },
        "target_sizes": sizes,
        "shown_size": sizes[-1],
        "baseline": name_of(rules.baseline or variants[0]),
        "comparisons": (len(variants) - 1) * len(sizes),
        "metric": [{"name": "score", "greater_is_better": rules.higher} | bounds],
        "margin": rules.margin,
        "repeats": given.repeats,
        "source_models": given.models,
        "size": f"{counted(scores, 'score')} of each {arm}",
    }


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
