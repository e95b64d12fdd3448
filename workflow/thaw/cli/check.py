"""`thaw check`: all that is wrong with a config and its data, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from thaw.plan.plan import Plan


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
def check(config: Path | None) -> None:
    """Say all that is wrong with CONFIG and with the data that it names.

    Without CONFIG, of the config.yaml in this folder. Every mistake is told at once:
    in keys, in keys that do not go together, and in data. Nothing is written.
    """
    from thaw.config.files import read
    from thaw.errors import ThawError, visible
    from thaw.plan.read import config_file

    if config and config.name == "config.yaml":
        # A run takes it in its folder, from which the paths in it start.
        os.chdir(config.parent)
        config = Path(config.name)
    settings = read(config or config_file())
    wrong, doubts = all_wrong(settings)
    for doubt in doubts:
        click.echo(visible(doubt))
    if wrong:
        raise ThawError(*wrong)
    counts = [
        f"{len(settings[what])} {what if len(settings[what]) > 1 else one}"
        for what, one in (("problems", "problem"), ("studies", "study"))
    ]
    click.echo(f"{', '.join(counts)}: nothing wrong")


def all_wrong(config: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return all that is wrong with a config and its data, in lines, and the doubts."""
    from thaw.config.messages import wrong
    from thaw.config.resolve import examine
    from thaw.errors import ThawError, shortened
    from thaw.plan.plan import Plan

    resolved, mistakes = examine(config)
    of_data: list[str] = []
    doubts: list[str] = []
    if resolved:
        try:
            plan = Plan(resolved)
        except ThawError as error:
            mistakes += error.args
            plan = Plan(resolved._replace(studies={}, maps={}))
        of_data, doubts = look_at_data(plan)
    told = list(wrong(mistakes).args) if mistakes else []
    if of_data:
        told += ["the data are wrong:", *(f"  {line}" for line in shortened(of_data))]
    return told, doubts


def look_at_data(plan: Plan) -> tuple[list[str], list[str]]:
    """Return what is wrong with the data of a plan's problems, and the doubts.

    Each is made in memory, as its job makes it. One that depends on another with
    mistakes is made by itself.
    """
    from thaw.data.make import Other
    from thaw.data.problem import Pool
    from thaw.errors import ThawError
    from thaw.stages.make_problem import checked_problem

    mistakes: dict[str, dict[str, None]] = {}  # and which problems have them
    doubts: list[str] = []
    made: dict[str, Other] = {}
    for key, recipe in plan.problems.recipes.items():
        name, needs = plan.problems.names[key], plan.problems.needs[key]
        files, joined = ([*map(Path, paths)] for paths in (needs.files, needs.joined))
        missing = [path for path in (*files, *joined) if not path.exists()]
        if missing:
            doubts.append(
                f"problems.{name}: not checked; a rule is to make {missing[0]}"
            )
            continue
        settings, asked = recipe["settings"], plan.asked_of(key)
        others = {role: made.get(of) for role, of in recipe["inputs"].items()}
        whole = {role: other for role, other in others.items() if other}
        if len(whole) < len(others):
            whole, asked = {}, []
            settings = {k: value for k, value in settings.items() if k != "scale"}
        try:
            problem, about = checked_problem(settings, files, joined, asked, **whole)
        except ThawError as error:
            for line in error.args:
                mistakes.setdefault(line, {})[name] = None
            continue
        if len(whole) == len(others):
            pool = problem if isinstance(problem, Pool) else None
            made[key] = Other(name, about, pool)
        doubts += [
            f"problems.{name}: {note}"
            for note in about.notes
            if note.startswith("warning: ")
        ]
    told = [
        line if line.startswith("studies.") else f"problems.{', '.join(names)}: {line}"
        for line, names in mistakes.items()
    ]
    return told, list(dict.fromkeys(doubts))
