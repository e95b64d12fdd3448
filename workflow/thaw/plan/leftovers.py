"""What tells leftovers from results: what Thaw makes, and what the config uses."""

from collections.abc import Callable, Iterable
from pathlib import Path

from thaw.keys import Result, result
from thaw.plan.plan import Plan
from thaw.plan.targets import everything

TRAINING = (
    *("make_problem", "check_network", "read_checkpoints", "pretrain"),
    *("train", "train_and_save"),
)


def leftovers(plan: Plan, outputs: Callable[[str], Iterable[str]]) -> Result:
    """Return what the stage `leftovers` needs to know.

    `outputs` returns what a stage makes below `results/`, with wildcards in braces.
    """
    wanted = everything(plan)
    made = {
        "{study}/settings/{stage}.json",
        "maps/{map}/settings/{stage}.json",
        "settings/{stage}.json",
    }
    used = {"settings/leftovers.json", *plan.problems.paths}
    for study in plan.studies.values():
        used.update([*study.check_file, *study.checkpoint_file])
    for stage in TRAINING:
        made.update(outputs(stage))
    for stage, folder in plan.tables:
        made.update(outputs(stage))
        used.add(Path(folder, "settings", f"{stage}.json").as_posix())
        own = in_folder(outputs(stage), folder)
        if not wanted.isdisjoint(own):
            used.update(own)
    trained = [
        (begin, total, study.settings.repeats_per_job)
        for study in plan.studies.values()
        for begin, total in {**study.repeats, **study.models}.items()
    ]
    settings = {"made": sorted(made), "used": sorted(used), "trained": trained}
    return result("leftovers", settings, {})


def in_folder(outputs: Iterable[str], folder: str) -> list[str]:
    """Return what a stage that makes tables or figures makes in a study's folder."""
    name = {"study": folder, "map": folder.removeprefix("maps/")}
    return [path.format(**name) for path in outputs]
