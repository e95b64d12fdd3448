"""The command `thaw`: what it can do, and its errors in one line."""

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
def main() -> None:
    """Tell whether transfer learning helps, and how many layers to freeze.

    `snakemake --cores 8` trains what a config asks for; these commands do the rest.
    """


for command in (
    *(init.init, check.check, study.answer, study.plan, compare.compare),
    *(diff.diff, predict.predict, verify.verify),
):
    main.add_command(command)
