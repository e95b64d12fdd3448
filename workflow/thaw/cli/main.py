"""The command `thaw`: what it can do, and its errors in one line.

Imports stay inside the commands, so that `thaw --help` is there at once.
"""

import contextlib
import os
import re
import secrets
import shlex
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

FILE = click.Path(path_type=Path)
RESULTS = Path("results")


class Commands(click.Group):
    """Commands of which an error that the user can mend ends in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        from thaw.stages.command import run

        if hasattr(signal, "SIGPIPE"):
            # As other commands do when their reader, such as `head`, has enough.
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
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
        _go_to(directory)


def _go_to(folder: str | Path) -> None:
    """Run the command in a folder, and no longer: the process may go on."""
    click.get_current_context().with_resource(contextlib.chdir(folder))


@main.command()
@click.argument("file", type=FILE)
@click.option("--label", required=True, help="The column to predict.")
@click.option("--source", type=FILE, help="The file that source models learn from.")
@click.option("--source-label", help="The column to predict there, if another.")
@click.option(
    "--where", metavar="COLUMN=VALUE", help="Or the rows of FILE that they learn from."
)
@click.option("--folder", type=FILE, help="What to write; by default named as FILE.")
def init(
    file: Path,
    label: str,
    source: Path | None,
    source_label: str | None,
    where: str | None,
    folder: Path | None,
) -> None:
    """Write a folder with a config for FILE, which runs as it is.

    It says what it assumed. Nothing is overwritten, and where something is wrong with
    the data nothing is written.
    """
    from thaw.api.check import all_wrong
    from thaw.api.cost import seconds_a_row
    from thaw.errors import ThawError, visible
    from thaw.plan.columns import Rows, other_group
    from thaw.plan.draft import draft

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
        raise ThawError(
            "name what networks learn before the rows of interest, by one of "
            f"--source FILE and --where COLUMN=VALUE (rows of {file})"
        )
    rest: list[str] = []
    source_rows, target_rows = Rows(source or file, {}), Rows(file, {})
    if where:
        column, equals, value = where.partition("=")
        if not equals:
            raise ThawError(f"--where {where!r}: write COLUMN=VALUE")
        target, rest = other_group(file, column, value)
        source_rows, target_rows = (Rows(file, {column: v}) for v in (value, target))
    labels = source_label or label, label
    drafted = draft(labels, source_rows, target_rows)
    if rest:
        targets = ", ".join([target, *rest])
        drafted.assumed.append(f"the target is {target}, the largest of {targets}")
    mistakes, doubts = all_wrong(drafted.config)
    if mistakes:
        raise ThawError(
            *mistakes,
            "nothing was written; mend this in the files and run the command again, or "
            "write the config yourself, as docs/config.md says",
        )
    folder.mkdir(parents=True, exist_ok=True)
    with config.open("x", encoding="utf-8") as stream:
        stream.write(drafted.written(folder))
    click.echo(f"Wrote {config}, which assumes:")
    cost = drafted.cost(seconds_a_row(drafted.widths, drafted.config["training"]))
    for line in [*drafted.assumed, *doubts, cost]:
        click.echo(visible(f"  {line}"))
    click.echo("Correct it where it is wrong. This makes results/report.html in there:")
    click.echo(f"  {_run_command(folder)}")


def _run_command(folder: Path) -> str:
    """Return the command that runs the config in a folder."""
    from thaw.keys import PACKAGE

    snakefile = PACKAGE.parents[1] / "Snakefile"
    # A package that was installed without a clone has none.
    place = str(snakefile) if snakefile.exists() else "PATH/TO/Thaw/Snakefile"
    # Where the environment is not activated, the shell would not find it.
    beside = str(Path(sys.executable).with_name("snakemake"))
    snakemake = "snakemake" if shutil.which("snakemake") else beside
    words = [snakemake, "--snakefile", place, "--directory", str(folder)]
    return shlex.join([*words, "--cores", "all"])


@main.command()
@click.argument("config", required=False, type=FILE)
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
        _go_to(config.parent)
        config = Path(config.name)
    settings = read(config or config_file())
    mistakes, doubts = all_wrong(settings)
    for doubt in doubts:
        click.echo(visible(doubt))
    if mistakes:
        raise ThawError(*mistakes)
    problems, studies = len(settings["problems"]), len(settings["studies"])
    click.echo(f"problems: {problems}, studies: {studies}, nothing wrong")


@main.command()
@click.argument("study", required=False)
def answer(study: str | None) -> None:
    """Print what each study recommends; of one STUDY, its tables and answer.

    For the studies of the config.yaml in this folder. Nothing is made: `snakemake`
    makes what is missing.
    """
    from thaw.plan.read import named, planned
    from thaw.plan.run import lines_of, to_show, what_to_read

    plan = planned()
    names = [named(study, plan)] if study else []
    for name in names or to_show(plan, [*plan.rankings, *plan.studies]):
        missing = f"{name}: not made, or of other settings; `snakemake {name}` makes it"
        lines = [*lines_of(plan, name, RESULTS, study is not None)] or [missing]
        click.echo("\n".join(lines))
    began = Path(click.get_current_context().find_root().params.get("directory") or "")
    for page in what_to_read(plan, names, RESULTS):
        click.echo(f"To read: {began / page}")


@main.command()
def plan() -> None:
    """Print what changed since each study was made, and what must be trained.

    For the studies of the config.yaml in this folder.
    """
    from thaw.plan.changes import report
    from thaw.plan.read import planned

    whole = planned()
    for line in report(whole, whole.studies, RESULTS):
        click.echo(line)


@main.command()
@click.argument("scores", metavar="SCORES.csv", type=FILE)
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
    type=FILE,
    help="The folder to write; by default results/compared/SCORES.",
)
def compare(
    scores: Path, higher: bool, lower: bool, output: Path | None, **options: Any
) -> None:
    """Compare variants by scores that you already have.

    SCORES.csv has the columns variant, repeat and score; if there are any, also
    source_model (empty where a variant starts from none) and target_size. An empty
    score is a network that failed. Writes tables, an answer in words, figures and a
    page to send.
    """
    from thaw.api.compare import Rules, compared
    from thaw.api.given import name_of

    if higher == lower:
        raise click.UsageError("say which scores are better: --higher or --lower")
    output = output or RESULTS / "compared" / (name_of(scores.stem) or "scores")
    compared(
        scores, output, Rules(higher, **options), shlex.join(["thaw", *sys.argv[1:]])
    )
    click.echo((output / "answer.md").read_text(encoding="utf-8"))
    click.echo(f"To read: {output / 'page.html'}")


@main.command()
@click.argument("before", type=FILE)
@click.argument("after", type=FILE)
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


@main.command()
@click.argument("study")
@click.argument("variant")
@click.argument("new", metavar="NEW.csv", type=FILE)
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
    table = networks.predict_file(new).rename(columns=plain)
    for name in table.select_dtypes(exclude="number"):
        table[name] = table[name].map(plain)
    click.echo(frame(table), nl=False)
    failed = len(networks.failed_)
    left_out = f"; {failed} that failed are left out" if failed else ""
    mean = f"{variant}: mean of {len(networks.networks_)} networks{left_out}"
    click.echo(mean, err=True)


@main.command()
@click.argument("results", type=FILE)
@click.option(
    "--repeats",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    help="How many repeats and source models are trained again.",
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=lambda: secrets.randbelow(1_000_000),
    help="Draw the same ones as a run that printed this seed.",
)
def verify(results: Path, repeats: int, seed: int) -> None:
    """Train some networks again from their records, and compare all bytes.

    RESULTS is the folder of a study, such as results/forward, or results/ with all.
    Repeats and source models are drawn alike. Functions and estimators that the results
    name are run, so verify only results that you trust. Where processors, library
    versions or code differ, numbers may differ by 1 %; the command fails if any differs
    by more.
    """
    from thaw.api.verify import EQUAL, NEAR, WRONG, compared, fits_of
    from thaw.errors import ThawError, visible

    fits, skipped = fits_of(results)
    for line in skipped:
        click.echo(visible(line))
    if not fits:
        raise ThawError(f"{results}: nothing to train again, so nothing was compared")
    click.echo(f"drawn with --seed {seed}")
    counts = Counter[str]()
    for line, kind in compared(fits, repeats, seed):
        counts[kind] += 1
        click.echo(visible(line))
    total = min(repeats, len(fits))
    summary = f"{counts[EQUAL]} of {total} are equal to the byte"
    if counts[NEAR]:
        summary += (
            f", {counts[NEAR]} nearly, as on another processor or with other versions"
        )
    click.echo(summary)
    if counts[WRONG]:
        raise ThawError(f"{counts[WRONG]} of {total} are not what their records say")


@main.command()
@click.option("--delete", is_flag=True, help="Delete them; nothing else ever does.")
def leftovers(delete: bool) -> None:
    """List results that no study of the config.yaml in this folder uses any more.

    Also what killed jobs left half-written. Files that are not Thaw's are left alone.
    """
    from thaw.errors import ThawError, listed, visible
    from thaw.plan.read import planned

    folders: dict[Path, list[Path]] = {}
    for path in sorted(_leftovers(planned().files())):
        folders.setdefault(path.parent, []).append(path)
    if delete and folders and any(Path(".snakemake/locks").glob("*")):
        raise ThawError("a run is under way here, or was killed (snakemake --unlock)")
    total = 0.0
    for folder, paths in folders.items():
        size = sum(path.lstat().st_size for path in paths) / 1e6
        total += size
        names = listed([path.name for path in paths], 3)
        click.echo(visible(f"{size:10,.1f} MB  {folder}: {names}"))
        if delete:
            for path in paths:
                path.unlink()
            while folder != RESULTS and not any(folder.iterdir()):
                folder.rmdir()
                folder = folder.parent
    click.echo(f"{total:,.1f} MB {'deleted' if delete else 'that no study uses'}")


# Results under a key, and what a job that was killed left while it wrote one.
KEYED = re.compile(
    "(problems|networks|overlaps|transferability|source-models|repeats)/"
    ".*-[0-9a-f]{12}[/.]"
)
TEMPORARY = re.compile(r"[.].+[.][0-9a-f]{16}[.]\w+")


def _leftovers(used: set[str]) -> Iterator[Path]:
    """Yield the results that are not among those `used`, below `results/`.

    All files of a key of which a used one is missing stay: if jobs are cut differently
    now, they may be the only copy.
    """
    from thaw.errors import ThawError
    from thaw.output.records import load_record

    trained = [name for name in used if name.startswith(("source-models/", "repeats/"))]
    missing = {Path(name).parent for name in trained if not (RESULTS / name).exists()}
    names = {Path(name).name for name in used}
    for record in RESULTS.glob("**/records/*.json"):
        names.add(record.name)
        with contextlib.suppress(ThawError, OSError):  # it may be damaged
            names |= {*load_record(record)["content"]}
    for path in RESULTS.rglob("*"):
        folder, name = path.parent, path.relative_to(RESULTS)
        if TEMPORARY.fullmatch(path.name):
            is_ours = True
        elif KEYED.match(name.as_posix()):
            is_ours = name.parent not in missing
        else:
            has_records = folder.name == "records" or (folder / "records").is_dir()
            is_ours = has_records and path.name in names
        if is_ours and not path.is_dir() and name.as_posix() not in used:
            yield path
