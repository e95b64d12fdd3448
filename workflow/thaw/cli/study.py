"""`thaw answer` and `thaw plan`: what a config's studies say, and what they lack."""

import math
from pathlib import Path

import click

RESULTS, LOGS = Path("results"), Path("logs")


@click.command()
@click.argument("study", required=False)
def answer(study: str | None) -> None:
    """Print what each study recommends; of one STUDY, its tables and answer.

    For the studies of the config.yaml in this folder. Nothing is made: `snakemake`
    makes what is missing.
    """
    from thaw.plan.after_run import in_a_line, in_full, to_show, what_to_read
    from thaw.plan.read import named, planned

    plan = planned()
    told = in_a_line if study is None else in_full
    every = *plan.rankings, *plan.studies
    names = to_show(plan, every, RESULTS) if study is None else [named(study, plan)]
    for name in names:
        said = [*told(plan, name, RESULTS, math.inf)]
        missing = f"{name}: not made, or of other settings; `snakemake {name}` makes it"
        click.echo("\n".join(said or [missing]))
    began = Path(click.get_current_context().find_root().params.get("directory") or "")
    for page in what_to_read(plan, names, RESULTS):
        click.echo(f"To read: {began / page}")


@click.command()
def plan() -> None:
    """Print what changed since each study was made, and what must be trained.

    For the studies of the config.yaml in this folder, and with how long training took
    in this folder before.
    """
    from thaw.plan.changes import report
    from thaw.plan.duration import duration
    from thaw.plan.read import planned

    asked = planned()
    for line in report(asked, asked.studies, RESULTS):
        click.echo(line)
    for line in duration(asked, RESULTS, LOGS):
        click.echo(line)
