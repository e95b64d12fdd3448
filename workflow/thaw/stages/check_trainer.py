"""Run a study's trainer once, briefly, before anything learns.

It trains one network for an epoch, or a step, on a few rows: a source model, if the
study pretrains some, and a repeat from it. So a trainer that fails, or whose
predictions cannot be right, is found before hours of training.

Settings: `study`, those of one of its variants, cut short, and the `pretraining`.
Reads: `problem` (the target), `source` and the files of the `trainer`.
Writes: `rows`, of which there are none.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from thaw.data.problem import Pool, Problem
from thaw.errors import ThawError
from thaw.external.trainers import (
    check_files,
    folder_for_trainer,
    train,
)
from thaw.learning.rows import narrowed_rows
from thaw.learning.seeds import Whose
from thaw.learning.tasks import TASKS
from thaw.learning.trainer import seeds_of, with_group_names
from thaw.output.job import Job
from thaw.output.records import save_check

# So many rows, or so many of each class, are enough.
FEW, FEW_OF_A_CLASS = 100, 2


def main(job: Job) -> None:
    """Run the trainer."""
    settings, saw = job.settings, dict[str, str]()
    check_files(job.inputs["trainer"], settings["network"])
    try:
        with folder_for_trainer() as folder:
            _try(job, folder, saw)
    except ThawError as error:
        raise ThawError(f"studies.{settings['study']}: {error}") from None
    save_check(job.output("rows"), [], job.recipe, saw)


def _try(job: Job, folder: Path, saw: dict[str, str]) -> None:
    """Train a source model, if there is a source, and a repeat from it, in a folder.

    Puts the digests of the problems into `saw`.
    """
    settings, seed = job.settings, job.settings["seed"]
    start = {}
    if "source" in job.keys:
        source, described, saw["source"] = job.load_problem("source")
        model = {"source_model": 0, "save": str(folder / "source-models" / "0")}
        pretraining = {**settings, "training": settings["pretraining"]}
        whose = Whose.source_models(seed, [0])
        model |= _network(source, whose, settings["pretraining"])
        path = job.input("source")
        train(folder / "pretrain", pretraining, path, source, described, [model])
        start = {"start": model["save"]}
    target, described, saw["problem"] = job.load_problem("problem")
    whose, size = Whose.repeats(seed, [(0, 0)]), settings.get("target_size")
    repeat = {"repeat": "0-0", "source_model": 0} | start
    repeat |= _network(target, whose, settings["training"], size)
    groups = settings["network"].get("groups", [])
    variant = with_group_names(settings["variant"], groups)
    path = job.input("problem")
    train(folder / "train", settings, path, target, described, [repeat], variant)


def _network(
    problem: Problem | Pool,
    whose: Whose,
    training: Mapping[str, Any],
    size: int | None = None,
) -> dict[str, Any]:
    """Return the seed and the rows of one network, as in a job's file."""
    assert isinstance(problem, Problem)  # the config allows nothing else
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
