"""`thaw init`: a first config for a table, which runs as it is."""

import os
import shlex
import shutil
import sys
from pathlib import Path

import click

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--label", required=True, help="The column to predict.")
@click.option("--source", type=FILE, help="The file that source models learn from.")
@click.option(
    "--where", metavar="COLUMN=VALUE", help="Or the rows of FILE that they learn from."
)
@click.option("--folder", type=FILE, help="What to write; by default named as FILE.")
def init(
    file: Path, label: str, source: Path | None, where: str | None, folder: Path | None
) -> None:
    """Write a folder with a config for FILE, which runs as it is.

    It says what it assumed. Nothing is overwritten, and where something is wrong with
    the data nothing is written.
    """
    import yaml

    from thaw.api.check import all_wrong
    from thaw.errors import ThawError, visible
    from thaw.keys import PACKAGE
    from thaw.plan.draft import Rows, draft, groups, other_group

    folder = folder or Path(file.stem)
    config = folder / "config.yaml"
    if os.path.lexists(config):
        raise ThawError(f"{config} is there already; name another --folder")
    if file.is_dir():
        raise ThawError(
            f"{file} is a folder, and thaw init takes tables. For images, a class a "
            f"folder in it, write `images: {file}` and `size: [32, 32]` in a problem "
            "of your config; docs/images.md has a whole one"
        )
    if (source is None) == (where is None):
        columns = "; ".join(groups(file, label))
        hint = f". Columns of {file} with groups: {columns}" if columns else ""
        raise ThawError(
            "name one source, what networks learn before the rows of interest: "
            f"--source FILE, or --where COLUMN=VALUE for rows of {file}{hint}"
        )
    lines = []
    if where:
        column, equals, value = where.partition("=")
        if not equals:
            raise ThawError(f"--where {where!r}: write COLUMN=VALUE")
        other, rest = other_group(file, column, value)
        first, second = Rows(file, {column: value}), Rows(file, {column: other})
        if rest:
            lines = [
                f"the target is {other}, the largest of {', '.join([other, *rest])}"
            ]
    else:
        first, second = Rows(source or file, {}), Rows(file, {})
    made = draft(label, first, second)
    found = all_wrong(yaml.safe_load(made.config(Path())))
    if found.config:
        raise ThawError(
            *found.config,
            *found.data,
            "nothing was written, because this is wrong in what Thaw would write; "
            "write the config yourself, as docs/config.md says",
        )
    if found.data:
        raise ThawError(
            *found.data,
            "nothing was written; mend this in the files, and run the command again",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with config.open("x", encoding="utf-8") as written:
        written.write(made.config(folder))
    click.echo(f"Wrote {config}, which assumes:")
    for line in [*made.assumed(), *lines, *found.doubts]:
        click.echo(visible(f"  {line}"))
    snakefile = PACKAGE.parents[1] / "Snakefile"
    # A package that was installed without a clone has none.
    place = str(snakefile) if snakefile.exists() else "PATH/TO/Thaw/Snakefile"
    # Where the environment is not activated, the shell would not find it.
    own = Path(sys.executable).with_name("snakemake")
    snakemake = "snakemake" if shutil.which("snakemake") else str(own)
    command = [snakemake, "--snakefile", place, "--directory", str(folder)]
    click.echo("Correct it where it is wrong. This makes results/report.html in there:")
    click.echo(f"  {shlex.join([*command, '--cores', 'all'])}")
