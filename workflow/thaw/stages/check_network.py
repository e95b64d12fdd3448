"""Check that a study's module fits its problems and variants, before anything learns.

It says what each variant freezes, draws anew and trains, phase by phase.

Settings: `study`, `source`, `target`, the `network`, `variants` (pairs of a name and
the config's settings, in order) and the names of the `checkpoints`.
Reads: `target`; `source`, or the `source_models` that were read from those files; and
the user's `network` module. The rule also serves `check_trainer`.
Writes: `rows`, one for each phase of a variant.
"""

import sys
from collections.abc import Mapping, Sequence

from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.external.checks import (
    Share,
    check_depth,
    check_eval_mode,
    check_seeds,
    check_train_mode,
    check_transfer,
    check_variants,
    learning_groups,
)
from thaw.external.networks import network_of, of_network
from thaw.learning.checkpoints import check_alike
from thaw.learning.module import ModuleNetwork
from thaw.learning.rows import filled
from thaw.learning.settings import Variant
from thaw.learning.training import fix_rounding
from thaw.output.job import Job
from thaw.output.records import save_check
from thaw.output.weights import load_source_models


def main(job: Job) -> None:
    """Check the network; write each variant's effect on it."""
    fix_rounding()
    saw: dict[str, str] = {}
    try:
        with of_network(job.settings["network"], job.module):
            rows = [share._asdict() for share in check_all(job, saw)]
    except ThawError as error:
        raise ThawError(f"studies.{job.settings['study']}: {error}") from None
    save_check(job.output("rows"), rows, job.recipe, saw)


def check_all(job: Job, saw: dict[str, str]) -> list[Share]:
    """Return each variant's effect; put the digests of what was read into `saw`."""
    settings = job.settings
    variants = {name: Variant(**changes) for name, changes in settings["variants"]}
    built = {
        role: _build(job, role, variants, saw)
        for role in ("source", "target")
        if role in job.keys
    }
    network, problem = built["target"]
    check_seeds(network, problem)
    shapes: Mapping[str, Sequence[int]] | None = None
    if "source" in built:
        shapes = built["source"][0].shapes
    if "source_models" in job.keys:
        shapes = _shapes_in_files(job, saw)
    if shapes is not None:
        check_transfer(settings["source"], shapes, network)
    effects = [*check_variants(network, problem, variants, shapes)]
    print(*effects, sep="\n", file=sys.stderr)
    return effects


def _build(
    job: Job, role: str, variants: Mapping[str, Variant], saw: dict[str, str]
) -> tuple[ModuleNetwork, Problem]:
    """Return the network for the source or target, checked, and that problem."""
    loaded, description, saw[role] = job.load_problem(role)
    problem, _ = filled(loaded.whole, loaded.whole.train_size)
    name, settings = job.settings[role], job.settings["network"]
    network = network_of(settings, problem.task, description, job.module)
    assert isinstance(network, ModuleNetwork)
    check_eval_mode(name, network, problem)
    groups = list(network.groups)  # those of source models all learn
    if role == "target":
        check_depth(network, variants)
        groups = learning_groups(network, variants)
    check_train_mode(name, network, problem, groups)
    return network, problem


def _shapes_in_files(job: Job, saw: dict[str, str]) -> Mapping[str, Sequence[int]]:
    """Return the shapes of the entries of source models from files, all alike."""
    models = {}
    for number, name in enumerate(job.settings["checkpoints"]):
        path, key = (
            job.inputs["source_models"][number],
            job.keys["source_models"][number],
        )
        loaded, digests = load_source_models(path, key, [number])
        models[name] = loaded.state
        saw[name] = digests[path.name]
    check_alike(models)
    return {entry: tuple(v.shape[1:]) for entry, v in models[name].items()}
