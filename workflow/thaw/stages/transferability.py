"""Score a study's source models on the target's rows, without training anything.

Each is scored at each target size on the rows from which the first repeat from it
learns.

Settings: the study's `seed`, `network`, number of `source_models` and `target_sizes`,
and the `validation_size`, if rows are held out.
Reads: `target`, `source`, `source_models`, and the user's `network` module. All of a
study's checks (`checked`) come first.
Writes: `rows`, one for each source model, size and score.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from thaw.data.problem import Pool, Problem
from thaw.external.networks import network_of, of_network
from thaw.findings.logme import scores
from thaw.learning.learner import take
from thaw.learning.rows import chosen
from thaw.learning.seeds import Whose
from thaw.learning.splits import check
from thaw.learning.tasks import TASKS
from thaw.learning.training import Rows, fix_rounding
from thaw.learning.variants import start_repeats
from thaw.output.job import Job
from thaw.output.records import save_check
from thaw.output.tiles import Tile
from thaw.output.weights import load_source_models


def score_all(job: Job, saw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each model, size and score; put into `saw` what was read."""
    settings, seed = job.settings, job.settings["seed"]
    problem, description, saw["target"] = job.load_problem("target")
    check(problem, description.classes, seed, range(settings["source_models"]))
    source, description, saw["source"] = job.load_problem("source")
    network = network_of(settings["network"], source.task, description, job.module)
    has_classes = TASKS[problem.task].has_classes
    # A file at a time, because all source models may not fit into memory.
    for path in job.inputs["source_models"]:
        in_file = Tile.named(path.stem).models
        models, digests = load_source_models(path, job.keys["source_models"], in_file)
        saw |= digests
        whose = Whose.repeats(seed, [(number, 0) for number in in_file])
        state = start_repeats(network, [], models, whose)
        for place, number in enumerate(in_file):
            model = take(state, [place])
            for size in settings["target_sizes"]:
                rows = None if size == "all" else size
                held_out = settings.get("validation_size")
                x, labels = learned_by(problem, seed, number, rows, held_out)
                passed_on = network.see(model, x).passed_on
                if passed_on is None:
                    continue
                row = {"source_model": number, "target_size": size}
                by_name = scores(labels, passed_on.numpy(), has_classes)
                for name, value in by_name.items():
                    yield row | {"score": name, "value": value}


def learned_by(
    problem: Problem | Pool,
    seed: int,
    model: int,
    size: int | None,
    validation_size: float | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows from which the first repeat of a source model learns.

    They are features `[rows, features]` and labels `[rows]` as networks get them,
    without validation rows. A `size` of None is that of all rows.
    """
    rows = Rows(problem, seed, size or problem.train_size, validation_size)
    given, numbers, _ = rows.of(Whose.repeats(seed, [(model, 0)]))
    given, _ = TASKS[given.task].scaled(given, rows.learned_from)
    x = given.train_x[0] if numbers is None else chosen(given.train_x, numbers, 2)[0]
    return x[: rows.learned_from], given.train_y[0, : rows.learned_from]


def main(job: Job) -> None:
    """Score the source models; write the scores."""
    fix_rounding()
    saw: dict[str, Any] = {}
    # Sums over several cores differ in their last bits.
    with (
        threadpool_limits(1),
        of_network(job.settings["network"], job.module),
    ):
        rows = [*score_all(job, saw)]
    save_check(job.output("rows"), rows, job.recipe, saw)
