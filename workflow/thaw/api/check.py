"""All that is wrong with a config and its data, before anything runs."""

from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from thaw.config.network import Module
from thaw.config.resolve import resolve
from thaw.data.make import Other
from thaw.data.problem import Description, Pool, Problem
from thaw.errors import ThawError, shortened
from thaw.output.job import Job
from thaw.output.problems import save_problem
from thaw.plan.plan import Plan
from thaw.stages import check_network, check_overlap
from thaw.stages.make_problem import checked_problem


class Wrong(NamedTuple):
    """All that is wrong with a config and with its data, in lines, and the doubts."""

    config: list[str]
    data: list[str]
    doubts: list[str]


def all_wrong(config: Mapping[str, Any]) -> Wrong:
    """Return all that is wrong with a config and its data."""
    try:
        plan = Plan(resolve(config))
    except ThawError as error:
        return Wrong([*map(str, error.args)], [], [])
    mistakes, doubts = _look_at_data(plan)
    for name, study in plan.studies.items():
        doubts += [f"studies.{name}: warning: {words}" for words in study.too_few]
    lines = [f"  {line}" for line in shortened(mistakes)]
    return Wrong([], ["the data are wrong:", *lines] if lines else [], doubts)


def _look_at_data(plan: Plan) -> tuple[list[str], list[str]]:
    """Return what is wrong with the data of a plan's problems, and the doubts.

    Each is made in memory, as its job makes it. One that depends on another with
    mistakes is made by itself.
    """
    mistakes: dict[str, dict[str, None]] = {}  # and which problems have them
    doubts: list[str] = []
    known: dict[str, Other] = {}
    problems: dict[str, tuple[Problem | Pool, Description]] = {}
    for part in plan.problems.by_path.values():
        name, recipe, key = part.name, part.recipe, part.key
        files, joined = ([*map(Path, part.files[k])] for k in ("files", "joined"))
        missing = [path for path in (*files, *joined) if not path.exists()]
        if missing:
            doubts.append(
                f"problems.{name}: not checked; a rule is to make {missing[0]}"
            )
            continue
        settings, requirements = recipe["settings"], plan.requirements(key)
        inputs = recipe["inputs"].items()
        whole = {role: known[of] for role, of in inputs if of in known}
        by_itself = len(whole) < len(inputs)
        if by_itself:
            whole, requirements = {}, []
            settings = {k: value for k, value in settings.items() if k != "scale"}
        try:
            problem, about = checked_problem(
                settings, files, joined, requirements, **whole
            )
        except ThawError as error:
            for line in error.args:
                mistakes.setdefault(line, {})[name] = None
            continue
        if not by_itself:
            pool = problem if isinstance(problem, Pool) else None
            known[key], problems[key] = Other(name, about, pool), (problem, about)
        doubts += [f"problems.{name}: {note}" for note in about.warnings]
    lines = [
        line if line.startswith("studies.") else f"problems.{', '.join(names)}: {line}"
        for line, names in mistakes.items()
    ]
    lines += _refused(plan, problems)
    return lines, list(dict.fromkeys(doubts))


def _refused(
    plan: Plan, problems: Mapping[str, tuple[Problem | Pool, Description]]
) -> Iterator[str]:
    """Yield what the checks of studies refuse, as their jobs do.

    They are of equal rows and of columns, where these may be refused, and of modules.
    Trainers, and modules whose weights are in files, are left to their jobs.
    """
    with TemporaryDirectory() as folder:
        for study in plan.studies.values():
            checks = [(check_overlap, study.overlap)] if study.refusal else []
            if study.check and isinstance(study.settings.network, Module):
                checks.append((check_network, study.check))
            for stage, planned in checks:
                recipe, needed = planned.recipe, planned.recipe["inputs"]
                if not {*map(str, needed.values())} <= {*problems}:
                    continue
                code = study.settings.network.user_files.items()
                inputs = {name: [*map(Path, paths)] for name, paths in code}
                for role, problem_key in needed.items():
                    path = Path(folder, *planned.files[role])
                    inputs[role] = [path]
                    recipe_of = plan.results[problem_key].recipe
                    if not path.exists():
                        save_problem(path, *problems[problem_key], recipe_of, {})
                outputs = {"rows": [Path(folder, "rows.json")]}
                job = Job(recipe["stage"], planned.key, recipe, inputs, outputs)
                try:
                    with redirect_stderr(StringIO()):
                        stage.main(job)
                except ThawError as error:
                    yield from error.args
