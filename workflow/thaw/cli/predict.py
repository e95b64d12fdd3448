"""`thaw predict`: what saved networks say of new rows."""

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
    help="Take networks that learned from so many train rows; else from the most.",
)
@click.option(
    "--output",
    metavar="FILE.csv",
    type=click.Path(path_type=Path),
    help="Write the predictions to a file.",
)
def predict(
    study: str, variant: str, new: Path, target_size: str | None, output: Path | None
) -> None:
    """Predict the rows of NEW.csv: the mean of a VARIANT's networks in a STUDY.

    Of classes, the predicted one and the probability of each; of numbers, the mean and
    its spread over the networks. The columns are those of the target problem, unscaled,
    in any order; others are ignored. The variant must say `save: weights`.
    """
    from thaw.api.predictor import of_study
    from thaw.output.files import whole_file
    from thaw.output.tables import frame, plain
    from thaw.plan.read import named, planned

    told = named(study, planned()).description
    networks = of_study(told, RESULTS / study, variant, target_size)
    found = networks.predict_file(new).rename(columns=plain)
    if found["predicted"].dtype == object:
        found["predicted"] = found["predicted"].map(plain)
    text = frame(found)
    if output is None:
        click.echo(text, nl=False)
    else:
        with whole_file(output) as temporary:
            temporary.write_bytes(text)
    failed = len(networks.failed_)
    apart = f"; {failed} that failed are left out" if failed else ""
    click.echo(
        f"{variant}: mean of {len(networks.networks_)} networks{apart}", err=True
    )
