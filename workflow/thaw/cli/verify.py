"""`thaw verify`: whether training again gives what is stored."""

import secrets
from pathlib import Path

import click


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many are trained again.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=lambda: secrets.randbelow(1_000_000),
    help="Draw the same ones as a run that printed this seed.",
)
def verify(results: Path, repeats: int, seed: int) -> None:
    """Train some repeats again from their records, and compare all bytes.

    RESULTS is the folder of a study, such as results/forward, or results/ with all. The
    source models from which these repeats start are trained again as well. Functions
    and estimators that the results name are run, so verify only results that you trust.
    Where processors, library versions or code differ, numbers may differ by 1 %; the
    command fails if any differs by more.
    """
    from thaw.api.verify import Compared, compared, fits_of
    from thaw.errors import ThawError, visible

    fits, skipped = fits_of(results)
    for line in skipped:
        click.echo(visible(line))
    if not fits:
        raise ThawError(f"{results}: nothing to train again, so nothing was compared")
    click.echo(f"drawn with --seed {seed}")
    made = []
    for found in compared(fits, repeats, seed):
        click.echo(visible(str(found)))
        if isinstance(found, Compared):
            made.append(found)
    wrong = sum(one.is_wrong for one in made)
    equal = sum(one.is_equal for one in made)
    said = f"{equal} of {len(made)} are equal to the byte"
    if near := len(made) - equal - wrong:
        said += f", {near} nearly, as on another processor or with other versions"
    click.echo(said)
    if wrong:
        raise ThawError(f"{wrong} of {len(made)} are not what their records say")
