"""The test rows that transfer rescues, and those that it loses."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from thaw.data.problem import Description, Problem
from thaw.findings.arms import Arm
from thaw.findings.predicted import share_right
from thaw.output.inputs import Inputs
from thaw.output.tables import (
    cell,
    frame,
    markdown,
    of_size,
    paragraph,
    percent,
    plain,
)

# For people: so many of the rows with the largest gain, and with the largest loss.
MOST = 5


def for_people(
    settings: Mapping[str, Any],
    found: Mapping[str, np.ndarray],
    problem: Problem,
    description: Description,
) -> str:
    """Return as Markdown the rows rescued and lost, and those that change most.

    `found` is the share of each variant's networks that get a row right, `[rows]`.
    """
    baseline, classes = settings["baseline"], description.classes
    transferred = [name for name in settings["pretrained"] if name != baseline]
    before = found[baseline]
    rows = [(baseline, _right(before), "", "")]
    for name in transferred:
        after = found[name]
        rescued, lost = _only_there(before, after), _only_there(after, before)
        rows.append((name, _right(after), rescued, lost))
    title = (
        f"**{settings['study']}**: which of the {len(before)} test rows transfer "
        f"rescues, and which it loses{of_size(settings)}"
    )
    if settings["has_splits"]:
        title += ". A network has some of them only, those of its source model's split"
    rule = (
        "A row is right if more than half of a variant's networks, without those that "
        f"failed, get it right. Rescued: right with the variant, not with {baseline}. "
        "Lost: the reverse. These counts describe these test rows only."
    )
    words = [
        *map(paragraph, (title, rule)),
        markdown(("variant", "rows right", "rescued", "lost"), rows),
    ]
    if transferred:
        changes = np.array([found[name] - before for name in transferred])
        named = description.files_of(problem.test_rows).get("file", [])
        most = paragraph(
            "The rows that change most: the share of networks that get each right. "
            f"Rows are {'images' if named else 'numbered as in the data, from 1'}."
        )
        header = ("row", "class", baseline, *transferred)
        lines = [
            (
                cell(named[row]) if named else str(problem.test_rows[row]),
                cell(classes[problem.test_y[row]]),
                *(percent(found[name][row]) for name in (baseline, *transferred)),
            )
            for row in _changed_most(np.nan_to_num(changes))
        ]
        if lines:
            words += [most, markdown(header, lines)]
    return "\n".join(words)


def _right(shares: np.ndarray) -> str:
    """Return how many rows most networks get right."""
    return "n/a" if np.isnan(shares).all() else str((shares > 0.5).sum())


def _only_there(here: np.ndarray, there: np.ndarray) -> str:
    """Return how many rows most networks get right there, and not here."""
    if np.isnan(here + there).all():
        return "n/a"
    return str(((there > 0.5) & (here <= 0.5)).sum())


def _changed_most(changes: np.ndarray) -> list[int]:
    """Return the rows of the largest gains, then losses, of `[variants, rows]`."""
    gains, losses = changes.max(0), changes.min(0)
    up = np.argsort(-gains, kind="stable")[:MOST]
    down = np.argsort(losses, kind="stable")[:MOST]
    shown = [*up[gains[up] > 0], *down[losses[down] < 0]]
    return [int(row) for row in dict.fromkeys(shown)]


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return each row's shares as CSV, and the rows rescued and lost as Markdown."""
    settings, (problem, description) = inputs.settings, inputs.target()
    found = inputs.predicted(problem)
    if settings["has_splits"]:
        tested = np.any([counts.any(1) for counts in found.values()], axis=0)
        problem = problem._replace(
            test_y=problem.test_y[tested], test_rows=problem.test_rows[tested]
        )
        found = {arm: counts[tested] for arm, counts in found.items()}
    shares = {arm: share_right(own, problem.test_y) for arm, own in found.items()}
    classes = [*map(plain, description.classes)]
    parts = []
    for size in settings["target_sizes"]:
        about = {
            "target_size": [size] * len(problem.test_y),
            "row": problem.test_rows,
            **{
                name: [*map(plain, files)]
                for name, files in description.files_of(problem.test_rows).items()
            },
            "class": np.take(classes, problem.test_y),
        }
        # Beside each other, because a variant may be called `row`.
        own = {v: shares[Arm(v, size)] for v in settings["variants"]}
        parts.append(pd.concat([pd.DataFrame(about), pd.DataFrame(own)], axis=1))
    shown = {v: shares[Arm(v, settings["shown_size"])] for v in settings["variants"]}
    words = for_people(settings, shown, problem, description)
    return {"rows.csv": frame(pd.concat(parts)), "rows.md": words.encode()}
