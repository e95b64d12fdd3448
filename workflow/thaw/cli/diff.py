"""`thaw diff`: what differs between two runs."""

from pathlib import Path

import click


@click.command()
@click.argument("before", type=click.Path(path_type=Path))
@click.argument("after", type=click.Path(path_type=Path))
def diff(before: Path, after: Path) -> None:
    """Print what differs between two runs' results, BEFORE and AFTER.

    Both are folders of a study (`results/forward`), or of several (`results`). Numbers
    and verdicts that moved are shown, and whether by more than chance.
    """
    from thaw.api.diff import difference
    from thaw.api.results import Results, studies_in
    from thaw.errors import ThawError

    old, new = ({path.name: path for path in studies_in(f)} for f in (before, after))
    if not (old or new):
        old, new = {after.name: before}, {after.name: after}
    both = [name for name in new if name in old]
    if not both:
        raise ThawError(f"{before} and {after} have no study in common")
    for name in both:
        for line in difference(Results(old[name]), Results(new[name])):
            click.echo(line)
        click.echo()
    for folder, names in ((before, {*old} - {*new}), (after, {*new} - {*old})):
        if names:
            click.echo(f"Only in {folder}: {', '.join(sorted(names))}.")
