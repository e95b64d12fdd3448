"""Score a study's source models on the target's rows, without training anything.

Each is scored at each target size on the rows from which the first repeat from it
learns. The recipe's settings are the study's `seed`, `network`, number of
`source_models` and `target_sizes`, and the `validation_size`, if rows are held out;
its inputs are the keys of the `target`, the `source` and the `source_models`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
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
from thaw.output.problems import load_described
from thaw.output.records import save_check
from thaw.output.tiles import Tile
from thaw.output.weights import check_all_there, load_source_models
from thaw.stages.command import add_network, compute, recipe_parser

NEEDS = ("seed", "network", "source_models", "target_sizes")


def scored(args: argparse.Namespace, saw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each source model, size and score; put into `saw` what was read.

    LEEP takes source models that predict classes.
    """
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    seed, own = settings["seed"], settings["network"]
    problem, described, saw["target"] = load_described(args.target, inputs["target"])
    every = range(settings["source_models"])
    check(problem, described.classes, seed, every)
    has_classes = TASKS[problem.task].has_classes
    theirs, described, saw["source"] = load_described(args.source, inputs["source"])
    has_theirs = TASKS[theirs.task].has_classes
    network = network_of(own, theirs.whole, described.shape, args.network)
    held: list[int] = []
    # A file at a time, because all source models may not fit into memory.
    for path in args.source_models:
        numbers = Tile.named(path.stem).models
        models, digests = load_source_models([path], inputs["source_models"], numbers)
        saw |= digests
        held += models.numbers
        whose = Whose.repeats(seed, [(number, 0) for number in numbers])
        state = start_repeats(network, [], models, whose)
        for place, number in enumerate(numbers):
            one = take(state, [place])
            for size in settings["target_sizes"]:
                rows = None if size == "all" else size
                held_out = settings.get("validation_size")
                x, labels = learned_by(problem, seed, number, rows, held_out)
                seen = network.see(one, x)
                passed_on = None if seen.passed_on is None else seen.passed_on.numpy()
                said = seen.outputs.softmax(1).numpy() if has_theirs else None
                found = scores(labels, passed_on, said, has_classes)
                about = {"source_model": number, "target_size": size}
                for name, value in found.items():
                    yield about | {"score": name, "value": value}
    check_all_there(args.source_models, held, every)


def main(args: argparse.Namespace) -> None:
    """Score the source models; write the scores."""
    fix_rounding()
    saw: dict[str, Any] = {}
    # Sums over several cores differ in their last bits.
    with (
        threadpool_limits(1),
        of_network(args.recipe["settings"]["network"], args.network),
    ):
        rows = [*scored(args, saw)]
    save_check(args.output, rows, args.recipe, saw)


if __name__ == "__main__":
    parser = recipe_parser(__doc__)
    add_network(parser)
    parser.add_argument("--target", type=Path, help="the target problem")
    parser.add_argument("--source", type=Path, help="the source problem")
    parser.add_argument(
        "--source-models", type=Path, nargs="*", default=[], help="all of them"
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON to write")
    compute("transferability", main, parser.parse_args(), needs=NEEDS)
