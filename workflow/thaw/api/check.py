"""All that is wrong with a config and its data, before anything runs."""

from collections.abc import Mapping
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from thaw import keys
from thaw.config.resolve import resolve
from thaw.errors import ThawError, shortened
from thaw.output.job import Job
from thaw.output.problems import load_described
from thaw.plan.plan import Plan
from thaw.plan.planned import Planned
from thaw.stages import check_network, check_overlap, make_problem

# Trainers are left to their jobs.
CHECKS = {"check_overlap": check_overlap, "check_network": check_network}


def all_wrong(config: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return all that is wrong with a config or its data, in lines, and the doubts."""
    try:
        plan = Plan(resolve(config))
    except ThawError as error:
        return [*error.args], []
    mistakes, doubts = _look_at_data(plan)
    for name, study in plan.studies.items():
        doubts += [f"studies.{name}: warning: {words}" for words in study.too_few]
    lines = [f"  {line}" for line in shortened(mistakes)]
    return ["the data are wrong:", *lines] if lines else [], doubts


def _look_at_data(plan: Plan) -> tuple[list[str], list[str]]:
    """Return what is wrong with the data of a plan, and the doubts.

    The jobs that may refuse data run in a temporary folder.
    """
    mistakes: dict[str, dict[str, None]] = {}  # and which problems have them
    doubts: list[str] = []
    with TemporaryDirectory() as folder, redirect_stderr(StringIO()):
        for planned in plan.results.values():
            place, stage = "", planned.recipe["stage"]
            try:
                if stage == "make_problem":
                    place = planned.name
                    notes = _make(plan, planned, Path(folder))
                    doubts += [f"problems.{place}: {note}" for note in notes]
                elif stage in CHECKS:
                    _check(planned, Path(folder))
            except ThawError as error:
                for line in error.args:
                    is_in_problem = place and not line.startswith("studies.")
                    names = mistakes.setdefault(line, {})
                    names |= {place: None} if is_in_problem else {}
    lines = [
        f"problems.{', '.join(names)}: {line}" if names else line
        for line, names in mistakes.items()
    ]
    return lines, list(dict.fromkeys(doubts))


def _make(plan: Plan, planned: Planned, results: Path) -> list[str]:
    """Make a problem as its job does, and return the doubts about it.

    One that depends on another with mistakes is made by itself.
    """
    recipe, key, inputs = planned.recipe, planned.key, _inputs(planned, results)
    output, studies = results / planned.path, plan.requirements(key)
    if missing := _missing(inputs, "files", "joined"):
        return [f"not checked; a rule is to make {missing[0]}"]
    if _missing(inputs, "source", "like"):
        settings = {k: v for k, v in recipe["settings"].items() if k != "scale"}
        recipe = recipe | {"settings": settings, "inputs": {}}
        output, studies = results / "alone.npz", []
    files, more = {"problem": [output]}, {"studies": studies}
    make_problem.main(Job("make_problem", key, recipe, inputs, files, more=more))
    _, description, _ = load_described(output, keys.key(recipe))
    return description.warnings


def _check(planned: Planned, results: Path) -> None:
    """Check rows or a module as their jobs do.

    Modules whose weights are in files are left to their jobs.
    """
    recipe, inputs = planned.recipe, _inputs(planned, results)
    stage, outputs = recipe["stage"], {"rows": [results / "rows.json"]}
    if not _missing(inputs, *recipe["inputs"]):
        CHECKS[stage].main(Job(stage, planned.key, recipe, inputs, outputs))


def _inputs(planned: Planned, results: Path) -> dict[str, list[Path]]:
    """Return the files of a job: users' own, and problems that were made before."""
    return {
        role: [results / p if (results / p).exists() else Path(p) for p in paths]
        for role, paths in planned.files.items()
    }


def _missing(inputs: Mapping[str, list[Path]], *roles: str) -> list[Path]:
    return [p for role in roles for p in inputs.get(role, []) if not p.exists()]
