"""The stages of a study after training: scores gathered, tables, figures, a page.

Their files have plain names, and a record beside them.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from thaw.config.config import Config
from thaw.config.users import content_of_function, parts_of_function
from thaw.keys import result
from thaw.output.tiles import JobSize
from thaw.plan.outputs import (
    ANSWERS,
    FIGURES,
    FREEZE_MAP,
    GATHERED,
    OF_A_RANKING,
    PROBLEMS,
    REPORT,
    STUDY_PAGE,
    TABLES,
    Output,
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
        return in_folder(self.folder, f"records/{self.name}.json")

    @property
    def log(self) -> str:
        """The job's log, below `logs/`."""
        return in_folder(self.folder, f"{self.name}.log")


def in_folder(folder: str, file: str) -> str:
    """Return the path of a file in a folder of `results/`, which may be `.`."""
    return PurePosixPath(folder, file).as_posix()


# The facts of a study that decide what is gathered, beside its metrics.
TO_GATHER = (
    *("study", "source", "target", "variants", "pretrained", "target_sizes"),
    *("repeats", "source_models", "keeps_predictions", "positive"),
)


def all_stages(
    config: Config, studies: Mapping[str, StudyPlan], problems: Problems
) -> Iterator[Stage]:
    """Yield the results with plain names, in the order in which they are made."""
    gathered = {name: plan_gathering(study) for name, study in studies.items()}
    # The tables and figures of each study or ranking.
    stages: dict[str, list[Stage]] = {}
    for name, study in studies.items():
        tables = plan_tables(study, [gathered[n] for n in (name, *study.other_studies)])
        before = [gathered[name], tables]
        figures = plan_stage(name, outputs_of(FIGURES, study), study.facts, before)
        stages[name] = [tables, figures]
        yield from [gathered[name], *stages[name], plan_page(name, stages[name])]
    for name, names in config.rankings.items():
        before = [*(gathered[study] for study in names)]
        before += [stages[study][0] for study in names]
        stages[name] = [*plan_ranking(name, [studies[n] for n in names], before)]
        yield from [*stages[name], plan_page(name, stages[name])]
    sizes = {
        name: (study.settings.models, study.settings.models * study.settings.repeats)
        for name, study in studies.items()
    }
    # Those with the most source models and networks say most, and come first.
    every = [*config.rankings, *sorted(sizes, key=sizes.__getitem__, reverse=True)]
    tables_of = {name: stages[name][0] for name in every}
    of_all = {"studies": every, "title": config.title, "question": config.question}
    yield plan_stage(".", [ANSWERS], of_all, tables_of.values(), rule=ANSWERS.name)
    for name, names in config.maps.items():
        before = [tables_of[study] for study in names]
        settings = {"studies": names}
        rule = f"map_{name}"
        yield plan_stage(f"maps/{name}", [FREEZE_MAP], settings, before, rule=rule)
    figure = plan_stage(
        "problems",
        [PROBLEMS],
        keys={"problems": {name: part.key for name, part in problems.shown.items()}},
        reads=[problem.path for problem in problems.shown.values()],
        rule="problems_figure",
    )
    yield figure
    before = [*itertools.chain(*stages.values()), figure]
    yield plan_stage(".", [REPORT], of_all, before, rule=REPORT.name)


def plan_gathering(study: StudyPlan) -> Stage:
    """Return the stage that gathers all jobs of a study."""
    metrics = [
        metric | {"function": content_of_function(metric["function"])}
        if "function" in metric
        else {key: value for key, value in metric.items() if key != "unit"}
        for metric in study.metrics
    ]
    keys = {
        "source_models": [models.key for models in study.source_models],
        "arms": study.arm_keys,
        "problems": {study.settings.target: study.target.key},
    }
    facts = study.facts
    settings = {name: facts[name] for name in TO_GATHER} | {"metric": metrics}
    reads = [file for job in study.jobs for file in job.scores]
    reads.append(study.target.path)
    stage = plan_stage(study.name, [GATHERED], settings, keys=keys, reads=reads)
    functions = [metric.get("function", "") for metric in study.metrics]
    files = [str(file) for *_, file in map(parts_of_function, functions) if file]
    return stage._replace(functions=files, job_size=study.settings.job_size)


def plan_tables(study: StudyPlan, before: Iterable[Stage]) -> Stage:
    """Return the stage that makes a study's tables from the scores of some studies."""
    settings = study.facts | {"description": study.description}
    target, overlap = study.target, study.overlap
    keys: dict[str, Any] = {
        "overlaps": overlap.key,
        "problems": {study.settings.target: target.key},
    }
    reads = [overlap.path, target.path]
    if study.check:
        keys["networks"] = study.check.key
        reads.append(study.check.path)
    outputs = outputs_of(TABLES, study)
    return plan_stage(study.name, outputs, settings, before, keys, reads)


def plan_ranking(
    name: str, studies: Sequence[StudyPlan], before: Iterable[Stage]
) -> Iterator[Stage]:
    """Yield the stages that make the tables and the figures of a ranking of studies.

    The studies differ in nothing but the source, so settings are those of any.
    """
    first = studies[0]
    facts = first.facts | {
        "study": name,
        "source": f"{len(studies)} sources",
        "question": first.settings.question or "Which source is the best?",
        # A list keeps the order.
        "sources": [[study.name, study.settings.source] for study in studies],
    }
    scores = {s.name: s.transferability for s in studies if s.transferability}
    keys = {"transferability": {study: part.key for study, part in scores.items()}}
    reads = [planned.path for planned in scores.values()]
    outputs = outputs_of(TABLES, first, OF_A_RANKING)
    tables = plan_stage(name, outputs, facts, before, keys, reads)
    yield tables
    yield plan_stage(name, outputs_of(FIGURES, first, OF_A_RANKING), facts, [tables])


def plan_page(name: str, before: Iterable[Stage]) -> Stage:
    """Return the stage of the page of a study or ranking."""
    return plan_stage(name, [STUDY_PAGE], {"studies": [name]}, before)


def plan_stage(
    folder: str,
    outputs: Sequence[Output],
    settings: Mapping[str, Any] = {},
    before: Iterable[Stage] = (),
    keys: Mapping[str, Any] = {},
    reads: Sequence[str] = (),
    rule: str = "",
) -> Stage:
    """Return the stage that makes outputs in a folder from the stages before it.

    keys: of further inputs. reads: their files.
    """
    name = outputs[0].stage
    inputs, paths = dict(keys), [*reads]
    for stage in before:
        inputs.setdefault(stage.name, {})[stage.folder] = stage.key
        paths += [*stage.files, stage.record]
    settings = {"outputs": [output.name for output in outputs], **settings}
    files = [in_folder(folder, file) for output in outputs for file in output.files]
    keyed = result(name, settings, inputs)
    return Stage(rule or f"{name}_{folder}", name, folder, *keyed, paths, files)
