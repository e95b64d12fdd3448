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

from threadpoolctl import threadpool_limits

from thaw.external.networks import network_of, of_network
from thaw.learning.learner import take
from thaw.learning.seeds import Whose
from thaw.learning.splits import check
from thaw.learning.tasks import TASKS
from thaw.learning.training import fix_rounding
from thaw.learning.transferability import learned_by, scores
from thaw.learning.variants import start_repeats
from thaw.output.records import save_check
from thaw.output.weights import check_all_there, load_source_models, tile_of
from thaw.stages.command import Job


def score_all(job: Job, saw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each source model, size and score; put into `saw` what was read.

    LEEP takes source models that predict classes.
    """
    settings, seed = job.settings, job.settings["seed"]
    problem, description, saw["target"] = job.load_problem("target")
    numbers = range(settings["source_models"])
    check(problem, description.classes, seed, numbers)
    source, description, saw["source"] = job.load_problem("source")
    network = network_of(
        settings["network"], source.whole, description.shape, job.module
    )
    has_classes, source_has_classes = (
        TASKS[problem.task].has_classes,
        TASKS[source.task].has_classes,
    )
    scored: list[int] = []
    # A file at a time, because all source models may not fit into memory.
    for path in job.inputs["source_models"]:
        in_file = tile_of(path).models
        models, digests = load_source_models([path], job.keys["source_models"], in_file)
        saw |= digests
        scored += models.numbers
        whose = Whose.repeats(seed, [(number, 0) for number in in_file])
        state = start_repeats(network, [], models, whose)
        for place, number in enumerate(in_file):
            model = take(state, [place])
            for size in settings["target_sizes"]:
                rows = None if size == "all" else size
                held_out = settings.get("validation_size")
                x, labels = learned_by(problem, seed, number, rows, held_out)
                seen = network.see(model, x)
                passed_on = None if seen.passed_on is None else seen.passed_on.numpy()
                shares = seen.outputs.softmax(1).numpy() if source_has_classes else None
                by_name = scores(labels, passed_on, shares, has_classes)
                row = {"source_model": number, "target_size": size}
                for name, value in by_name.items():
                    yield row | {"score": name, "value": value}
    check_all_there(job.inputs["source_models"], scored, numbers)


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
