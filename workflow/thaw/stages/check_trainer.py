"""Run a study's trainer once, briefly, before anything learns.

It trains one network for an epoch, or a step, on a few rows: a source model, if the
study pretrains some, and a repeat from it. So a trainer that fails, or that does not
write what the study's metrics are computed from, is found before hours of training.

Settings: `study`, those of one of its variants, cut short, the `pretraining`, and the
`metrics` by name, with the column of histories that holds them.
Reads: `target`, `source` and the files of the `trainer`.
Writes: `rows`, of which there are none.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.external.trainers import Given, check_files, folder_for_trainer, train
from thaw.learning.history import Reached, names_of
from thaw.learning.rows import narrowed_rows
from thaw.learning.seeds import Whose
from thaw.learning.tasks import TASKS
from thaw.learning.trainer import groups_told, seeds_of
from thaw.output.records import save_check
from thaw.stages.command import Job

# So many rows, or so many of each class, are enough.
FEW, FEW_OF_A_CLASS = 100, 2


def main(job: Job) -> None:
    """Run the trainer, and check that the study's metrics follow from its files."""
    settings, saw = job.settings, dict[str, str]()
    check_files(job.inputs["trainer"], settings["network"])
    try:
        with folder_for_trainer() as folder:
            reached, has_predictions = _try(job, folder, saw)
        _check_metrics(settings, reached, has_predictions)
    except ThawError as error:
        raise ThawError(f"studies.{settings['study']}: {error}") from None
    save_check(job.output("rows"), [], job.recipe, saw)


def _try(job: Job, folder: Path, saw: dict[str, str]) -> tuple[Reached, bool]:
    """Train a source model, if there is a source, and a repeat from it, in a folder.

    Returns the scores of the repeat, and whether its predictions were written.
    """
    settings, seed = job.settings, job.settings["seed"]
    start = {}
    if "source" in job.keys:
        source, saw["source"] = _given(job, "source", "source")
        model = {"source_model": 0, "save": str(folder / "source-models" / "0")}
        pretraining = {**settings, "training": settings["pretraining"]}
        whose = Whose.source_models(seed, [0])
        model |= _network(source.problem, whose, settings["pretraining"])
        train(folder / "pretrain", pretraining, source, [model])
        start = {"start": model["save"]}
    target, saw["problem"] = _given(job, "target", "problem")
    whose, size = Whose.repeats(seed, [(0, 0)]), settings.get("target_size")
    repeat = {"repeat": "0-0", "source_model": 0} | start
    repeat |= _network(target.problem, whose, settings["training"], size)
    groups = settings["network"].get("groups", [])
    variant = groups_told(settings["variant"], groups)
    reached, outputs = train(folder / "train", settings, target, [repeat], variant)
    return reached, len(outputs) > 0


def _given(job: Job, name: str, kind: str) -> tuple[Given, str]:
    """Return a problem as a trainer gets it, and its digest."""
    problem, description, digest = job.load_problem(name, kind)
    assert isinstance(problem, Problem)  # the config allows nothing else
    return Given(job.input(name), problem, description.shape), digest


def _network(
    problem: Problem,
    whose: Whose,
    training: Mapping[str, Any],
    size: int | None = None,
) -> dict[str, Any]:
    """Return the seed and the rows of one network, as in a job's file."""
    rows = few_rows(problem, whose, size or problem.train_size, training["batch_size"])
    return {"seed": seeds_of(whose)[0], "rows": rows}


def few_rows(problem: Problem, whose: Whose, size: int, batch_size: int) -> list[int]:
    """Return the train rows that are enough to try a trainer, at most `size`.

    They are whole batches, and of all classes, as some libraries need them.
    Raises `ThawError` if the problem has fewer than `size`.
    """
    order = narrowed_rows(problem, whose, size)[0]
    batches = math.ceil(max(FEW, FEW_OF_A_CLASS * problem.classes) / batch_size)
    first: list[int] = []
    if TASKS[problem.task].has_classes and size > batches * batch_size:
        first = np.unique(problem.train_y[order], return_index=True)[1].tolist()
    places = [*dict.fromkeys([*first, *range(size)])]
    return order[places[: batches * batch_size]].tolist()


def _check_metrics(
    settings: Mapping[str, Any], reached: Reached, has_predictions: bool
) -> None:
    """Raise `ThawError` if the study's metrics do not follow from what was written."""
    *_, loss = names_of(TASKS[reached.task])
    # The loss of a network that failed may well be missing.
    has_loss = reached.final.failed[0] or not np.isnan(reached.history.test_loss[0, -1])
    for name, column in settings["metrics"].items():
        if has_predictions or column == "score" or (column == "loss" and has_loss):
            continue
        needed = f"predictions or the column {loss}" if column else "predictions"
        raise ThawError(
            f"metric: {name} needs {needed}, which the trainer did not write; let it "
            "write them (docs/trainer.md), or choose another metric"
        )
