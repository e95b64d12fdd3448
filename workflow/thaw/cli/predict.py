"""`thaw predict`: predictions of saved networks for new rows."""

from pathlib import Path

import click

from thaw.cli.study import RESULTS


@click.command()
@click.argument("study")
@click.argument("variant")
@click.argument("new", metavar="NEW.csv", type=click.Path(path_type=Path))
@click.option(
    "--target-size",
    metavar="ROWS",
    help="Take networks that learned from so many train rows; by default the most.",
)
def predict(study: str, variant: str, new: Path, target_size: str | None) -> None:
    """Predict the rows of NEW.csv: the mean of a VARIANT's networks in a STUDY.

    Prints a CSV: for classes, the predicted one and the probability of each; for
    numbers, the mean and its spread over the networks. NEW.csv has the columns of the
    target problem, unscaled, in any order; others are ignored. Of images it is a
    folder, and a row has an image's name. The variant must say `save: weights`.
    """
    from thaw.api.results import Results
    from thaw.output.tables import frame, plain

    networks = Results(RESULTS / study).predictor(variant, target_size)
    found = networks.predict_file(new).rename(columns=plain)
    for name in found.select_dtypes(exclude="number"):
        found[name] = found[name].map(plain)
    click.echo(frame(found), nl=False)
    failed = len(networks.failed_)
    apart = f"; {failed} that failed are left out" if failed else ""
    click.echo(
        f"{variant}: mean of {len(networks.networks_)} networks{apart}", err=True
    )
