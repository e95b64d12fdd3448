"""`thaw compare`: the statistics for scores that anyone made."""

from pathlib import Path

import click


@click.command()
@click.argument("scores", metavar="SCORES.csv", type=click.Path(path_type=Path))
@click.option("--higher", is_flag=True, help="Higher scores are better.")
@click.option("--lower", is_flag=True, help="Lower scores are better.")
@click.option(
    "--margin",
    type=float,
    required=True,
    help="The smallest difference that matters, in units of the score.",
)
@click.option("--bounds", type=(float, float), help="The least and the largest score.")
@click.option(
    "--constant",
    type=float,
    help="The score of the best constant prediction. Without it weak networks are not "
    "counted, and none may have failed.",
)
@click.option("--baseline", help="The variant to compare with; by default the first.")
@click.option(
    "--paired",
    is_flag=True,
    help="Repeats of one name have something in common, such as a seed or a split, and "
    "are compared with each other.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The folder to write; by default results/compared/SCORES.",
)
def compare(
    scores: Path,
    higher: bool,
    lower: bool,
    margin: float,
    bounds: tuple[float, float] | None,
    constant: float | None,
    baseline: str | None,
    paired: bool,
    output: Path | None,
) -> None:
    """Compare variants by scores that you already have.

    SCORES.csv has the columns variant, repeat and score; if there are any, also
    source_model (empty where a variant starts from none) and target_size. An empty
    score is a network that failed. Writes tables, an answer in words, figures and a
    page to send.
    """
    from thaw.api.compare import Rules, compared
    from thaw.config.values import name_of

    if higher == lower:
        raise click.UsageError("say which scores are better: --higher or --lower")
    output = output or Path("results/compared", name_of(scores.stem, "scores"))
    rules = Rules(higher, margin, bounds, constant, baseline, paired)
    compared(scores, output, rules)
    click.echo((output / "answer.md").read_text(encoding="utf-8"))
    click.echo(f"To read: {output / 'page.html'}")
