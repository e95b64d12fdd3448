"""The stages of a study after training: scores gathered, tables, figures, a page.

Their files have plain names, and a record beside them.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from thaw.config.config import Config
from thaw.config.users import content_of_function
from thaw.keys import result
from thaw.output.tiles import JobSize
from thaw.plan.outputs import (
    ANSWERS,
    BEST_SOURCES,
    FIGURES,
    FREEZE_MAP,
    GATHER,
    GATHERED,
    OF_A_RANKING,
    PROBLEMS,
    REPORT,
    STUDY_PAGE,
    TABLES,
    Output,
    figures_on_pages,
    files_of,
    outputs_of,
)
from thaw.plan.problems import Problems
from thaw.plan.study import StudyPlan


class Stage(NamedTuple):
    """The files that a job makes in one folder, and their inputs; paths in `results/`.

    rule: the name of the job's rule. name: that of the stage, as its record has it.
    functions: the user's files that it reads. job_size: how the jobs that it gathers
    are cut.
    """

    rule: str
    name: str
    folder: str
    recipe: dict[str, Any]
    key: str
    reads: list[str]
    files: list[str]
    functions: Sequence[str] = ()
    job_size: JobSize | None = None

    @property
    def record(self) -> str:
        """The record, which says whether the files are up to date."""
        path = PurePosixPath(self.folder, "records", f"{self.name}.json")
        return path.as_posix()

    @property
    def log(self) -> str:
        """The job's log, below `logs/`."""
        return PurePosixPath(self.folder, f"{self.name}.log").as_posix()


RECORD_OF_TABLES = f"records/{TABLES}.json"

# The facts of a study that tables and figures get.
FACTS = (
    *("study", "source", "target", "variants", "networks", "pretrained", "described"),
    *("target_sizes", "shown_size", "baseline", "pairs", "comparisons"),
    *("metric", "margin", "depths", "ladder", "maps", "rates", "tuned"),
    *("repeats", "source_models", "source_unit", "has_splits", "words"),
    *("is_about_pairs", "draws_output", "learning"),
)
# Those that the stage that gathers gets, beside its metrics.
TO_GATHER = (
    *("study", "source", "target", "variants", "pretrained", "target_sizes"),
    *("repeats", "source_models", "keeps_predictions", "positive"),
)
# Those that pages get.
ON_PAGE = (
    *("study", "source", "target", "question", "size", "words", "pretrained"),
    *("metric", "margin", "baseline", "target_sizes", "depths", "is_about_pairs"),
)


def all_stages(
    config: Config, studies: Mapping[str, StudyPlan], problems: Problems
) -> Iterator[Stage]:
    """Yield the results with plain names, in the order in which they are made."""
    gathered = {name: plan_gathering(study) for name, study in studies.items()}
    # Those of each study or ranking, but its page: last its tables, then its figures.
    stages: dict[str, list[Stage]] = {}
    for name, study in studies.items():
        keys = {n: gathered[n].key for n in [name, *study.other_studies]}
        tables = plan_outputs(study, TABLES, {GATHER: keys})
        inputs = {GATHER: {name: keys[name]}, TABLES: {name: tables.key}}
        figures = plan_outputs(study, FIGURES, inputs)
        stages[name] = [gathered[name], tables, figures]
        yield from stages[name]
        yield plan_page(STUDY_PAGE, name, [study.facts(ON_PAGE)], stages[name])
    rankings = {
        name: [studies[study] for study in names]
        for name, names in config.rankings.items()
    }
    for name, ranked in rankings.items():
        parts = [stages[study.name] for study in ranked]
        inputs = {GATHER: _keys(gather for gather, *_ in parts)}
        inputs[TABLES] = _keys(tables for *_, tables, _ in parts)
        tables = plan_ranking(name, ranked, TABLES, inputs)
        figures = plan_ranking(name, ranked, FIGURES, {TABLES: {name: tables.key}})
        stages[name] = [tables, figures]
        yield from stages[name]
        facts = [facts_of_ranking(name, ranked, ON_PAGE)]
        yield plan_page(STUDY_PAGE, name, facts, stages[name])
    every = by_evidence(studies.values())
    names = [*rankings, *(study.name for study in every)]
    all_tables = {name: stages[name][-2] for name in names}
    facts = [facts_of_ranking(*ranking, ON_PAGE) for ranking in rankings.items()]
    facts += [study.facts(ON_PAGE) for study in every]
    title = {"title": config.title, "question": config.question}
    yield plan_output(
        ANSWERS,
        folder=".",
        settings={"studies": facts, **title},
        inputs={TABLES: _keys(all_tables.values())},
        reads=[
            *in_folders(all_tables, ["answer.json", RECORD_OF_TABLES]),
            *in_folders(studies, ["comparisons.csv"]),
        ],
        rule=ANSWERS.name,
    )
    for name, names in config.maps.items():
        yield plan_output(
            FREEZE_MAP,
            folder=f"maps/{name}",
            settings={"maps": [m for study in names for m in studies[study].maps]},
            inputs={TABLES: _keys(all_tables[study] for study in names)},
            reads=in_folders(names, ["comparisons.csv", RECORD_OF_TABLES]),
            rule=f"map_{name}",
        )
    shown = sorted(problems.shown.items())
    figure = plan_output(
        PROBLEMS,
        folder="problems",
        settings={},
        inputs={"problems": {name: problem.key for name, problem in shown}},
        reads=[problem.path for _, problem in shown],
        rule="problems_figure",
    )
    yield figure
    before = [*itertools.chain(*stages.values()), figure]
    yield plan_page(REPORT, ".", facts, before, title)


def by_evidence(studies: Iterable[StudyPlan]) -> list[StudyPlan]:
    """Return studies, those with the most source models and networks first."""

    def evidence(study: StudyPlan) -> tuple[int, int]:
        models, repeats = study.settings.models, study.settings.repeats
        return models, models * repeats

    return sorted(studies, key=evidence, reverse=True)


def _keys(stages: Iterable[Stage]) -> dict[str, str]:
    return {stage.folder: stage.key for stage in stages}


def plan_gathering(study: StudyPlan) -> Stage:
    """Return the stage that gathers all jobs of a study."""
    metrics = [
        metric | {"function": content_of_function(metric["function"])}
        if "function" in metric
        else {key: value for key, value in metric.items() if key != "unit"}
        for metric in study.metrics
    ]
    inputs = {
        "source_models": [models.key for models in study.source_models],
        "arms": study.arm_keys,
        "problems": {study.settings.target: study.target.key},
    }
    settings = study.facts(TO_GATHER) | {"metric": metrics}
    reads = [*study.written, study.target.path]
    stage = plan_stage(GATHER, study.name, settings, inputs, reads, GATHERED)
    functions, job_size = study.metric_files, study.settings.job_size
    return stage._replace(functions=functions, job_size=job_size)


def plan_outputs(study: StudyPlan, stage: str, inputs: dict[str, Any]) -> Stage:
    """Return the stage that makes the tables, or the figures, of a study."""
    outputs = outputs_of(stage, study)
    settings = {"outputs": [output.name for output in outputs]} | study.facts(FACTS)
    reads = in_folders(inputs[GATHER], ["histories.npz"])
    if stage == FIGURES:
        tables = files_of(outputs_of(TABLES, study))
        reads += in_folder(study.name, [*tables, RECORD_OF_TABLES])
    else:
        settings |= study.facts(["description"])
        if study.check:
            inputs = inputs | {"networks": study.check.key}
            reads += [study.check.path]
        if study.overlap.key:
            target = {study.settings.target: study.target.key}
            inputs = inputs | {"overlaps": study.overlap.key, "problems": target}
            reads += [study.overlap.path, study.target.path]
    return plan_stage(stage, study.name, settings, inputs, reads, files_of(outputs))


def facts_of_ranking(
    name: str, studies: Sequence[StudyPlan], names: Sequence[str]
) -> dict[str, Any]:
    """Return what is known of a ranking of studies: its name, problems and settings.

    The studies differ in nothing but the source, so settings are those of any.
    """
    return studies[0].facts(names) | {
        "study": name,
        "source": f"{len(studies)} sources",
        "question": studies[0].settings.question or "Which source is the best?",
        "target": studies[0].settings.target,
        # A list keeps the order.
        "sources": [[study.name, study.settings.source] for study in studies],
    }


def plan_ranking(
    name: str, studies: Sequence[StudyPlan], stage: str, inputs: dict[str, Any]
) -> Stage:
    """Return the stage that makes the tables, or the figures, of a ranking."""
    outputs = outputs_of(stage, studies[0], OF_A_RANKING)
    settings = {"outputs": [output.name for output in outputs]}
    settings |= facts_of_ranking(name, studies, FACTS)
    if stage == FIGURES:
        reads = in_folder(name, ["sources.csv", BEST_SOURCES, RECORD_OF_TABLES])
    else:
        names = [study.name for study in studies]
        reads = in_folders(names, ["histories.npz", "overlap.csv", RECORD_OF_TABLES])
        scores = {s.name: s.transferability for s in studies if s.transferability}
        keys = {study: planned.key for study, planned in scores.items()}
        inputs = inputs | {"transferability": keys}
        reads += [planned.path for planned in scores.values()]
    return plan_stage(stage, name, settings, inputs, reads, files_of(outputs))


def plan_page(
    output: Output,
    folder: str,
    studies: Sequence[Mapping[str, Any]],
    stages: Sequence[Stage],
    title: Mapping[str, str] | None = None,
) -> Stage:
    """Return the stage of a page, which reads the tables and images of these stages.

    `studies` are the facts of its studies and rankings; a report has a `title`, too.
    """
    settings = {"studies": [*studies], **(title or {})}
    inputs: dict[str, dict[str, str]] = {}
    reads = []
    for stage in stages:
        if stage.name == GATHER:
            continue
        inputs.setdefault(stage.name, {})[stage.folder] = stage.key
        images = [f"{stage.folder}/{name}.png" for name in figures_on_pages()]
        files = [f for f in stage.files if stage.name == TABLES or f in images]
        reads += [*files, stage.record]
    rule = output.name if folder == "." else ""
    return plan_output(output, folder, settings, inputs, reads, rule)


def plan_output(
    output: Output,
    folder: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Any],
    reads: list[str],
    rule: str = "",
) -> Stage:
    """Return the stage of a single table, figure or page."""
    settings = {"outputs": [output.name], **settings}
    files = output.files
    return plan_stage(output.stage, folder, settings, inputs, reads, files, rule)


def plan_stage(
    name: str,
    folder: str,
    settings: Mapping[str, Any],
    inputs: Mapping[str, Any],
    reads: list[str],
    files: Iterable[str],
    rule: str = "",
) -> Stage:
    """Return a stage of that name, which makes files in a folder."""
    keyed = result(name, settings, inputs)
    rule = rule or f"{name}_{folder}"
    return Stage(rule, name, folder, *keyed, reads, in_folder(folder, files))


def in_folders(folders: Iterable[str], names: Sequence[str]) -> list[str]:
    """Return the paths of files in several folders of `results/`."""
    return [path for folder in folders for path in in_folder(folder, names)]


def in_folder(folder: str, names: Iterable[str]) -> list[str]:
    """Return the paths of files in a folder of `results/`."""
    return [PurePosixPath(folder, name).as_posix() for name in names]
