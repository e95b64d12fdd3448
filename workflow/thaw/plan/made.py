"""Results with plain names: gathered scores, tables, figures, pages, and records."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from thaw.config.network import content_of_function
from thaw.keys import result
from thaw.plan.outputs import (
    FIGURES,
    GATHER,
    GATHERED,
    OF_A_RANKING,
    PAGE,
    PROBLEMS,
    TABLES,
    Output,
    files_of,
    named,
    outputs_of,
)
from thaw.plan.study import StudyPlan


class Made(NamedTuple):
    """The files that a job makes in one folder, and their inputs; paths in `results/`.

    rule: the name of the job's rule. stage: its name in the record.
    """

    rule: str
    stage: str
    folder: str
    recipe: dict[str, Any]
    key: str
    reads: list[str]
    files: list[str]

    @property
    def record(self) -> str:
        """The record, which says whether the files are up to date."""
        path = PurePosixPath(self.folder, "records", f"{self.stage}.json")
        return path.as_posix()

    @property
    def log(self) -> str:
        """The job's log, below `logs/`."""
        return PurePosixPath(self.folder, f"{self.stage}.log").as_posix()

    @property
    def shown(self) -> dict[str, tuple[str, dict[str, str]]]:
        """The files that Snakemake's report shows: their categories and labels.

        It shows no CSV; tables are in the pages.
        """
        own = "Freeze maps" if self.folder.startswith("maps/") else self.folder
        found = {}
        for output in named(self.stage, self.recipe["settings"].get("outputs", [])):
            made = self.folder == PROBLEMS.name or output.name == "study"
            category = "How it was made" if made else own
            category = "Answers" if self.stage == PAGE else category
            name = "all" if self.folder == "." else self.folder
            labels = {"of": name, "shows": output.about}
            for path in in_folder(self.folder, output.files):
                if path.endswith((".html", ".svg", "study.json")):
                    found[path] = category, labels
        return found


def gather(study: StudyPlan) -> Made:
    """Return the result that gathers all jobs of a study."""
    names = ("study", "source", "target", "variants", "pretrained", "target_sizes")
    more = ("repeats", "source_models", "keeps_predictions", "positive")
    metrics = [
        told | {"function": content_of_function(told["function"])}
        if "function" in told
        else {key: value for key, value in told.items() if key != "unit"}
        for told in study.settings.metric
    ]
    made = result(
        GATHER,
        study.told((*names, *more)) | {"metric": metrics},
        {
            "source_models": [made.key for made in study.source_models],
            "arms": study.arm_keys,
            "problems": {study.settings.target: study.target.key},
        },
    )
    reads = study.gathered
    files = in_folder(study.name, GATHERED)
    return Made(f"gather_{study.name}", GATHER, study.name, *made, reads, files)


def make(study: StudyPlan, stage: str, inputs: dict[str, Any]) -> Made:
    """Return the tables, or the figures, of a study."""
    outputs = [*outputs_of(stage, study)]
    wanted = {name for output in outputs for name in output.settings}
    names = ("study", "source", "target", *sorted(wanted))
    settings = {"outputs": [output.name for output in outputs]} | study.told(names)
    made_here = files_of(outputs)
    read = {file for output in outputs for file in output.reads} - {*made_here}
    reads = of_studies(inputs[GATHER], read & {"histories.npz"})
    if stage == FIGURES:
        reads += of_studies([study.name], sorted(read - {"histories.npz"}))
    if study.check and "network" in read:
        inputs = inputs | {"network": study.check.key}
        reads += study.check_file
    if "overlap" in read:
        inputs = inputs | {"overlap": study.overlap.key}
        reads += study.overlap_file
    if "target" in read:
        inputs = inputs | {"problems": {study.settings.target: study.target.key}}
        reads += study.target_file
    made = result(stage, settings, inputs)
    files = in_folder(study.name, made_here)
    return Made(f"{stage}_{study.name}", stage, study.name, *made, reads, files)


def ranked(
    name: str, studies: Sequence[StudyPlan], settings: Sequence[str]
) -> dict[str, Any]:
    """Return what a ranking of studies is told: its name, problems and settings.

    The studies differ in nothing but the source, so settings are those of any.
    """
    first = studies[0]
    return {
        "study": name,
        "source": f"{len(studies)} sources",
        "target": first.settings.target,
        # A list keeps the order.
        "sources": [[one.name, one.settings.source] for one in studies],
    } | first.told(settings)


def rank(
    name: str, studies: Sequence[StudyPlan], stage: str, inputs: dict[str, Any]
) -> Made:
    """Return the tables, or the figures, of a ranking of studies by their source."""
    outputs = [*outputs_of(stage, studies[0], OF_A_RANKING)]
    wanted = {key for output in outputs for key in output.settings} - {"sources"}
    settings = {"outputs": [output.name for output in outputs]}
    settings |= ranked(name, studies, sorted(wanted))
    made_here = files_of(outputs)
    read = {file for output in outputs for file in output.reads} - {*made_here}
    of = [name] if stage == FIGURES else [one.name for one in studies]
    reads = of_studies(of, sorted(read - {"transferability"}))
    if "transferability" in read:
        scored = {one.name: one.transferability for one in studies}
        keys = {study: made.key for study, made in scored.items() if made}
        inputs = inputs | {"transferability": keys}
        reads += [path for one in studies for path in one.transferability_file]
    made = result(stage, settings, inputs)
    files = in_folder(name, made_here)
    return Made(f"{stage}_{name}", stage, name, *made, reads, files)


def page(
    output: Output,
    folder: str,
    told: Mapping[str, Any],
    of: Sequence[Made],
    beside: Sequence[Made] = (),
) -> Made:
    """Return a page of studies, whose stages are `of`; `told` is passed to it.

    It reads all of their tables; of the stages `beside` them, no others than the files
    that its entry names.
    """
    inputs: dict[str, dict[str, str]] = {}
    reads = []
    for made in (*of, *beside):
        inputs.setdefault(made.stage, {})[made.folder] = made.key
        some = in_folder(made.folder, output.reads)
        every = made.stage == TABLES and made in of
        reads += [f for f in made.files if every or f in some]
        reads.append(made.record)
    rule = output.name if folder == "." else f"{output.name}_{folder}"
    return span(rule, folder, output, told, inputs, reads)


def span(
    rule: str,
    folder: str,
    output: Output,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Any],
    reads: list[str],
) -> Made:
    """Return a table, figure or page of several studies or problems."""
    told = {"outputs": [output.name]} | dict(settings)
    made = result(output.stage, told, inputs)
    files = in_folder(folder, files_of([output]))
    return Made(rule, output.stage, folder, *made, reads, files)


def of_studies(studies: Iterable[str], names: Iterable[str]) -> list[str]:
    """Return files of several studies; with tables, also the tables' record."""
    wanted = [*names]
    if wanted and wanted != ["histories.npz"]:
        wanted.append(f"records/{TABLES}.json")
    return [path for study in studies for path in in_folder(study, wanted)]


def in_folder(folder: str, names: Iterable[str]) -> list[str]:
    """Return the paths of files in a folder of `results/`."""
    return [PurePosixPath(folder, name).as_posix() for name in names]
