"""Explain what changed since a study's tables were made, and what needs training.

Keys reduce Snakemake's own reason to "missing output files". The changes are the
difference between a study's description in `study.json` and the one that the config
gives now.
"""

import functools
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from thaw.data import FILES
from thaw.output.paths import SCORES_CSV
from thaw.output.records import is_made
from thaw.output.tiles import Tile
from thaw.plan.plan import Plan
from thaw.plan.study import TrainingJob

# The parts of a description, and the words for their changes.
NAMED = {
    "settings": "",
    "problems": "problems.",
    "variants": "variants.",
    "versions": "",
}


def report(
    plan: Plan, studies: Iterable[str], results: Path, forced: bool = False
) -> Iterator[str]:
    """Yield a line for each study: the changes, and the training that a run must do.

    A second line warns where no verdict can come of it. Work that several studies share
    is counted with the first of them. Networks are trained again in a `forced` run
    (`-F`), where their jobs are cut differently now, or where a file of theirs is
    missing, such as weights.
    """
    counted: set[str] = set()
    labels = functools.cache(labels_in)
    for name in studies:
        study = plan.studies[name]
        networks, again = Counter[str](), 0
        for job in jobs_to_run(plan, name, results, forced):
            if job.stem in counted:
                continue
            counted.add(job.stem)
            networks["repeat" if job.tile.repeats else "source model"] += job.tile.fits
            before = labels((results / job.stem).parent)
            again += len(before.intersection(job.tile.labels))
        counts = [f"{n:,} {kind}{'s' * (n != 1)}" for kind, n in networks.items()]
        to_train = f"{' and '.join(counts)} to train" if counts else "nothing to train"
        if again:
            to_train += f", {again:,} of them again"
        words = changes(results / name / "study.json", study.description)
        size = [study.size] if counts else []
        yield f"{name}: {'; '.join([', '.join(words) or 'no change', *size, to_train])}"
        yield from (f"{name}: warning: {words}" for words in study.too_few)


def jobs_to_run(
    plan: Plan, name: str, results: Path, forced: bool = False
) -> Iterator[TrainingJob]:
    """Yield the training jobs that a run must do for a study."""
    study, gather = plan.studies[name], plan.stages[f"gather_{name}"]
    gathers = forced or not is_made(results / gather.record, gather.key)
    for job in study.jobs:
        files = [*job.weights] if gathers or job.tile.repeats else []
        files += job.scores if gathers else []
        is_there = all((results / file).exists() for file in files)
        if job.scores and (forced or not is_there):
            yield job


def labels_in(folder: Path) -> set[str]:
    """Return the labels of all networks whose scores lie in a folder."""
    labels: set[str] = set()
    for path in folder.glob(f"*{SCORES_CSV}"):
        with suppress(ValueError):  # any other file
            labels |= {*Tile.named(path.stem).labels}
    return labels


def changes(path: Path, now: Mapping[str, Any]) -> list[str]:
    """Return the differences between the description in a file and the current one."""
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        words = [
            word
            for part, prefix in NAMED.items()
            for word in _differences(before[part], now[part], prefix)
        ]
        return words + ["other code"] * (before["code"] != now["code"])
    except FileNotFoundError:
        return ["new"]
    # Any content: this is only a message, and decides nothing.
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [f"{path} cannot be read"]


def _differences(before: Any, now: Any, place: str) -> Iterator[str]:
    if before == now or place.endswith(".joined"):
        return  # a joined file is that of another problem, which is reported there
    key = place.rpartition(".")[2]
    if isinstance(before, Mapping) and isinstance(now, Mapping) and key not in FILES:
        prefix = f"{place}." if key else place
        for name in [*now, *(name for name in before if name not in now)]:
            here = f"{prefix}{name}"
            if name not in before and isinstance(now[name], Mapping):
                yield f"{here} added"
            elif name not in now and isinstance(before[name], Mapping):
                yield f"{here} removed"
            else:
                yield from _differences(before.get(name), now.get(name), here)
    elif key in FILES or (place.startswith("network.files.") and before and now):
        yield f"{place} has other content"
    else:
        yield f"{place} {_value(before)} → {_value(now)}"


def _value(value: Any) -> str:
    """Return a setting as the config would have it; None is its default."""
    return "default" if value is None else json.dumps(value, ensure_ascii=False)
