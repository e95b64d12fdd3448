"""The command `thaw`: what it can do, and its errors in one line."""

import os
from typing import Any

import click

from thaw.cli import check, compare, diff, init, predict, study, verify


class Commands(click.Group):
    """Commands of which an error that the user can mend ends in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        from thaw.stages.command import run

        invoke = super().invoke
        return run(lambda: invoke(ctx))


@click.group(cls=Commands)
@click.option(
    "--directory",
    metavar="FOLDER",
    type=click.Path(exists=True, file_okay=False),
    help="Run in this folder, as snakemake's option does.",
)
def main(directory: str | None) -> None:
    """Tell whether transfer learning helps, and how many layers to freeze.

    `snakemake --cores 8` trains what a config asks for; these commands do the rest.
    """
    if directory:
        os.chdir(directory)


for command in (
    *(init.init, check.check, study.answer, study.plan, compare.compare),
    *(diff.diff, predict.predict, verify.verify),
):
    main.add_command(command)
