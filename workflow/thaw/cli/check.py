"""`thaw check`: all that is wrong with a config and its data, before anything runs."""

import os
from pathlib import Path

import click


@click.command()
@click.argument("config", required=False, type=click.Path(path_type=Path))
def check(config: Path | None) -> None:
    """Say all that is wrong with CONFIG and with the data that it names.

    Without CONFIG, it checks the config.yaml in this folder. All mistakes come at once:
    in keys, in keys that do not go together, and in data. Nothing is written.
    """
    from thaw.api.check import all_wrong
    from thaw.config.files import read
    from thaw.errors import ThawError, visible
    from thaw.plan.read import config_file

    if config and config.name == "config.yaml":
        # A run takes it in its folder, from which the paths in it start.
        os.chdir(config.parent)
        config = Path(config.name)
    settings = read(config or config_file())
    found = all_wrong(settings)
    for doubt in found.doubts:
        click.echo(visible(doubt))
    if found.config or found.data:
        raise ThawError(*found.config, *found.data)
    counts = [
        f"{len(settings[what])} {what if len(settings[what]) > 1 else one}"
        for what, one in (("problems", "problem"), ("studies", "study"))
    ]
    click.echo(f"{', '.join(counts)}: nothing wrong")
