"""Check that a study's module fits its problems and variants, before anything learns.

It says what each variant freezes, draws anew and trains, phase by phase. The recipe's
settings are `study`, `source`, `target`, the `network`, `variants` (pairs of a name and
the config's settings, in order), `target_sizes`, `batch_sizes` and the names of the
`checkpoints`; its inputs are the keys of the `target` and of the `source` problem or of
the `source_models` that were read from those files.
"""

import argparse
import sys
from pathlib import Path

from thaw.errors import ThawError
from thaw.external.checks import (
    Share,
    check_answers,
    check_determined,
    check_draws,
    check_learns,
    check_short_batches,
    check_tokens,
    check_train_mode,
    check_transfer,
    learning_groups,
    shares,
)
from thaw.external.networks import network_of, of_network
from thaw.learning.checkpoints import check_alike
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import filled
from thaw.learning.training import fix_rounding
from thaw.output.problems import load_described
from thaw.output.records import save_check
from thaw.output.weights import load_source_models
from thaw.stages.command import add_network, compute, recipe_parser


def main(args: argparse.Namespace) -> None:
    """Check the network; write each variant's effect on it."""
    fix_rounding()
    settings = args.recipe["settings"]
    try:
        with of_network(settings["network"], args.network):
            found, saw = checked(args)
    except ThawError as error:
        raise ThawError(f"studies.{settings['study']}: {error}") from None
    save_check(args.output, [share._asdict() for share in found], args.recipe, saw)


def checked(args: argparse.Namespace) -> tuple[list[Share], dict[str, str]]:
    """Return each variant's effect, and the digests of what the check saw."""
    settings, inputs = args.recipe["settings"], args.recipe["inputs"]
    variants, described = dict(settings["variants"]), settings["network"]
    networks, problems, rows, saw = {}, {}, {}, {}
    for role, path in (("source", args.source), ("target", args.target)):
        if role not in inputs:
            continue
        loaded, description, saw[role] = load_described(path, inputs[role])
        rows[role] = loaded.train_size
        problem, _ = filled(loaded.whole, loaded.whole.train_size)
        network = network_of(described, problem, description.shape, args.network)
        assert isinstance(network, ModuleNetwork)
        check_tokens(settings[role], network, problem)
        check_answers(settings[role], network, problem)
        learning = list(network.groups)  # those of source models all learn
        if role == "target":
            learning = learning_groups(network, variants)
        check_train_mode(settings[role], network, problem, learning)
        networks[role], problems[role] = network, problem
    network, problem = networks["target"], problems["target"]
    check_determined(network, problem)
    alike = check_draws(network)
    if alike:
        print(f"the same for every seed: {', '.join(alike)}", file=sys.stderr)
    theirs = networks["source"].shapes if "source" in networks else None
    if "source_models" in inputs:
        models = {}
        for number, name in enumerate(settings["checkpoints"]):
            path, key = args.source_models[number], inputs["source_models"][number]
            (models[name], _), digests = load_source_models([path], key, [number])
            saw[name] = digests[path.name]
        check_alike(models)
        theirs = {entry: tuple(v.shape[1:]) for entry, v in models[name].items()}
    if theirs is not None:
        check_transfer(settings["source"], theirs, network)
    found = []
    for share, phase, start in shares(network, variants, theirs):
        check_learns(network, share, phase, start, problem)
        print(share, file=sys.stderr)
        found.append(share)
    sizes = [rows["target"] if s == "all" else s for s in settings["target_sizes"]]
    for role, network in networks.items():
        asked = sizes if role == "target" else [rows[role]]
        batches = settings["batch_sizes"][role]
        check_short_batches(network, problems[role], asked, batches)
    return found, saw


if __name__ == "__main__":
    parser = recipe_parser(__doc__)
    add_network(parser)
    parser.add_argument("--source", type=Path, nargs="?", help="the source problem")
    parser.add_argument("--target", type=Path, nargs="?", help="the target problem")
    parser.add_argument(
        "--source-models", type=Path, nargs="*", default=[], help="those that are files"
    )
    parser.add_argument("--output", type=Path, required=True, help="the JSON to write")
    compute("check_network", main, parser.parse_args(), needs=["network", "variants"])
