"""Compare variants by scores that anyone made: what a study has, as far as it applies.

The tables, figures and page are made by what makes those of a study, from the same
kind of file. What it takes rows, losses or epochs to know is left out.
"""

import json
import math
import re
import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

import pandas as pd

from thaw.api.given import NEEDED, OPTIONAL, checked, unpaired
from thaw.api.scores import Given, write
from thaw.config.fields import NAME, NAME_IN_WORDS
from thaw.data.checks import wrong_values
from thaw.data.files import read_rows
from thaw.errors import ThawError, listed, refuse
from thaw.findings.shown import counted
from thaw.keys import digest, result, version
from thaw.plan.outputs import FIGURES, GATHER, SCORES, STUDY_PAGE, TABLES
from thaw.plan.stages import ON_PAGE, Stage, in_folder, plan_outputs, plan_page
from thaw.plan.study import StudyPlan
from thaw.stages import make as stage
from thaw.stages.command import Job

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

    @property
    def metric(self) -> dict[str, Any]:
        """The score, as studies tell of their metrics."""
        bounds = {} if self.bounds is None else {"bounds": [*self.bounds]}
        return {"name": "score", "greater_is_better": self.higher} | bounds

    def command(self, place: str, folder: Path) -> str:
        """Return the command that compares scores so."""
        words = ["thaw", "compare", place, "--higher" if self.higher else "--lower"]
        words += ["--margin", str(self.margin)]
        words += ["--bounds", *map(str, self.bounds)] if self.bounds else []
        for name in ("constant", "baseline"):
            value = getattr(self, name)
            words += [] if value is None else [f"--{name}", str(value)]
        words += ["--paired"] if self.paired else []
        return shlex.join([*words, "--output", str(folder)])


class GivenStudy:
    """Scores that are given, as what makes tables and figures sees a study.

    It stands in the place of a `thaw.plan.study.StudyPlan`, of which it has what is
    asked of scores alone.
    """

    check = None

    def __init__(self, name: str, given: Given, rules: Rules, command: str) -> None:
        """Take the study's `name`, and the `command` that makes it again."""
        sizes, models = given.target_sizes, given.models
        repeats = len(given.rows) // (len(given.variants) * len(sizes) * models)
        self.name = name
        is_swept = len(sizes) > 1
        # All else is known only with rows, networks or epochs.
        self.shown = defaultdict(bool, {"comparisons": True})
        self.shown |= {"several sizes": is_swept, "several models": models > 1}
        asked = rules._asdict() | {"baseline": rules.baseline or given.variants[0]}
        described = {
            variant: {"given": "From source models"}
            if variant in given.pretrained
            else {
                "given": "No source model" * bool(given.pretrained),
                "pretrained": False,
            }
            for variant in given.variants
        }
        of_each = f"{counted(models * repeats, 'score')} of each variant"
        about = {"source": "", "target": "the target", "target_sizes": sizes} | asked
        self._known = {
            **about,
            "study": name,
            "metric": [rules.metric],
            "variants": given.variants,
            "pretrained": given.pretrained,
            "described": described,
            "repeats": repeats,
            "source_models": models,
            "shown_size": sizes[-1],
            "size": f"{of_each} and size" if is_swept else of_each,
            "pairs": [],
            "tuned": [],
            "depths": {},
            "ladder": {},
            "rates": {},
            "question": "",
            "words": {name: own["given"] for name, own in described.items()},
            "recipes": {},
            "draws_output": False,
            "has_splits": False,
            "description": {
                "command": command,
                "settings": about,
                "variants": described,
                "problems": {},
                "keys": {},
                "code": {},
                "versions": {name: version(name) for name in ("numpy", "scipy")},
            },
        }

    def facts(self, names: Iterable[str]) -> dict[str, Any]:
        """Return settings of these names."""
        return {name: self._known[name] for name in names if name in self._known}


def compared(frame: pd.DataFrame | Path, folder: Path, rules: Rules) -> None:
    """Compare the scores of a frame, or of a CSV, and write what follows to a folder.

    An earlier comparison in there is replaced once this one is whole.

    Raises `ThawError` with all that is wrong with the rules and the scores, or if the
    folder holds anything else than such a comparison.
    """
    place, file, mistakes = "the frame", "SCORES.csv", [*_wrong_rules(rules)]
    try:
        if isinstance(frame, Path):
            place = file = str(frame)
            frame = read_rows(frame, {*NEEDED, *OPTIONAL}, {})
        given = checked(frame, place)
    except ThawError as error:
        raise ThawError(*mistakes, *error.args) from None
    refuse([*mistakes, *_misfits(rules, given, place)])
    _check_folder(folder)
    study = GivenStudy(folder.name, given, rules, rules.command(file, folder))
    names = ("study", "metric", "constant", "paired", "variants", "target_sizes")
    settings = study.facts(names)
    text = given.rows.to_csv(index=False)
    gathered = result(STAGE, settings, {"scores": digest(text)})
    files = in_folder(study.name, ["histories.npz", SCORES])
    first = Stage(STAGE, GATHER, study.name, *gathered, [], files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".thaw-", dir=folder.parent) as beside:
        results = Path(beside)
        write(given, results / study.name, results / first.record, first.recipe)
        for planned in _stages(study, first):
            inputs = {"results": [results]}
            outputs = {
                "files": [results / path for path in planned.files],
                "record": [results / planned.record],
            }
            stage.main(Job(planned.name, planned.key, planned.recipe, inputs, outputs))
        _replace(folder, results / study.name)


def _stages(study: GivenStudy, first: Stage) -> Iterable[Stage]:
    """Return what is made of scores, in order; of a study's, what there is."""
    as_study = cast(StudyPlan, study)
    inputs = {GATHER: {study.name: first.key}}
    tables = plan_outputs(as_study, TABLES, inputs)
    # No depths are known.
    left = [path for path in tables.files if not path.endswith("best-depths.csv")]
    tables = tables._replace(files=left)
    inputs |= {TABLES: {study.name: tables.key}}
    figures = plan_outputs(as_study, FIGURES, inputs)
    facts = [study.facts(ON_PAGE)]
    page = plan_page(STUDY_PAGE, study.name, facts, [first, tables, figures])
    return tables, figures, page


def _wrong_rules(rules: Rules) -> Iterator[str]:
    """Yield what is wrong with the rules, whatever the scores are."""
    constant = rules.constant
    if not 0 < rules.margin < math.inf:
        yield f"margin: {rules.margin:g} is not above 0"
    if constant is not None and not math.isfinite(constant):
        yield f"constant: {constant:g} is not finite"
    if rules.bounds is not None:
        low, high = rules.bounds
        if not -math.inf < low < high < math.inf:
            yield f"bounds: {low:g} is not below {high:g}, or one is not finite"
        elif constant is not None and not low <= constant <= high:
            yield f"constant: {constant:g} is beyond the bounds"


def _misfits(rules: Rules, given: Given, place: str) -> Iterator[str]:
    """Yield in what the rules and the scores do not fit each other."""
    scores, failed = (given.rows[name].sort_index() for name in ("score", "failed"))
    if rules.bounds is not None:
        low, high = rules.bounds
        yield from wrong_values(
            *(place, len(scores), scores, (scores < low) | (scores > high)),
            *(f"beyond the bounds, {low:g} and {high:g}", "correct one or the other"),
        )
    if rules.constant is None:
        yield from wrong_values(
            *(place, len(scores), scores, failed),
            "empty, so that the network failed",
            "means count it as the best constant prediction: give the score of that "
            "(--constant)",
        )
    baseline = rules.baseline or given.variants[0]
    if baseline not in given.variants:
        yield (
            f"baseline: {baseline!r} is no variant. Allowed: {listed(given.variants)}"
        )
    elif rules.paired:
        yield from unpaired(given, baseline, place)


def _check_folder(folder: Path) -> None:
    """Raise `ThawError` if a folder holds anything else than a comparison."""
    if not re.match(NAME, folder.name):
        raise ThawError(
            f"{folder}: the folder's name becomes a title. Allowed: {NAME_IN_WORDS}; "
            "choose another one with --output"
        )
    try:
        text = (folder / "records/gather.json").read_text(encoding="utf-8")
        is_ours = json.loads(text)["recipe"]["stage"] == STAGE
    except (OSError, ValueError, LookupError, TypeError):
        is_ours = not folder.exists() or not any(folder.iterdir())
    if not is_ours:
        raise ThawError(
            f"{folder} holds something else; choose another folder with --output"
        )


def _replace(folder: Path, made: Path) -> None:
    """Move a comparison that was made to a folder, in the place of an earlier one."""
    files = [path.relative_to(made) for path in made.rglob("*") if path.is_file()]
    for record in folder.glob("records/*.json"):
        for name in json.loads(record.read_text(encoding="utf-8")).get("content", []):
            # A record that was edited might name a file outside.
            earlier = Path(Path(name).name)
            if earlier not in files:
                (folder / earlier).unlink(missing_ok=True)
    (folder / "records").mkdir(parents=True, exist_ok=True)
    for path in files:
        (made / path).replace(folder / path)
