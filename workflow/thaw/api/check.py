"""All that is wrong with a config and its data, before anything runs."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from thaw.config.network import Module
from thaw.config.resolve import resolve
from thaw.data.make import Other
from thaw.data.problem import Pool, Problem
from thaw.errors import ThawError, shortened
from thaw.output.problems import save_problem
from thaw.plan.plan import Plan
from thaw.stages import check_network
from thaw.stages.check_overlap import equal_rows, refuse_other_columns
from thaw.stages.command import Job
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
    problems: dict[str, Problem | Pool] = {}
    columns: dict[str, Sequence[str]] = {}
    for key, part in plan.problems.by_key.items():
        name, recipe = part.name, part.result.recipe
        files, joined = ([*map(Path, part.inputs[k])] for k in ("files", "joined"))
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
            known[key], problems[key] = Other(name, about, pool), problem
            columns[key] = about.columns
        doubts += [f"problems.{name}: {note}" for note in about.warnings]
    lines = [
        line if line.startswith("studies.") else f"problems.{', '.join(names)}: {line}"
        for line, names in mistakes.items()
    ]
    lines += _refused(plan, problems, columns)
    lines += _unfit_networks(plan, problems, known)
    return lines, list(dict.fromkeys(doubts))


def _refused(
    plan: Plan,
    problems: Mapping[str, Problem | Pool],
    columns: Mapping[str, Sequence[str]],
) -> Iterator[str]:
    """Yield which sources have other columns than the target of several sources, and
    which test rows stand among train rows, where `overlap: error` is set.
    """
    for study in plan.studies.values():
        recipe = study.overlap.recipe
        keys = recipe["inputs"]
        if study.refusal and {*keys.values()} <= {*problems}:
            settings = recipe["settings"]
            try:
                refuse_other_columns(settings, {k: columns[keys[k]] for k in keys})
                if settings["refuse"]:
                    equal_rows(settings, {k: problems[keys[k]] for k in keys})
            except ThawError as error:
                yield from error.args


def _unfit_networks(
    plan: Plan, problems: Mapping[str, Problem | Pool], known: Mapping[str, Other]
) -> Iterator[str]:
    """Yield why the module of a study does not fit its problems, as its job checks it.

    Trainers, and modules whose weights are in files, are left to their jobs.
    """
    for study in plan.studies.values():
        check = study.check
        if check is None or not isinstance(study.settings.network, Module):
            continue
        keys = check.recipe["inputs"]
        if not {*map(str, keys.values())} <= {*problems}:
            continue
        with TemporaryDirectory() as folder:
            inputs = {role: [Path(folder, f"{role}.npz")] for role in keys}
            for role, key in keys.items():
                recipe = plan.problems.by_key[key].result.recipe
                about = known[key].description
                save_problem(inputs[role][0], problems[key], about, recipe, {})
            for name, paths in study.settings.network.user_files.items():
                inputs[name] = [*map(Path, paths)]
            outputs = {"rows": [Path(folder, "rows.json")]}
            job = Job("check_network", check.key, check.recipe, inputs, outputs)
            try:
                with redirect_stderr(StringIO()):
                    check_network.main(job)
            except ThawError as error:
                yield from error.args
