"""The classes that a variant's networks mistake for each other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import Arm
from thaw.findings.predicted import confusion
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

# For people: so many mistakes, the most frequent ones. All of four classes are 12.
MOST = 12


def long_table(
    found: Mapping[Arm, np.ndarray], classes: Sequence[str]
) -> Iterator[dict[str, object]]:
    """Yield a row for each arm, class and predicted class, from matrices of shares."""
    names = [*map(plain, classes)]
    for arm, shares in found.items():
        for name, row in zip(names, shares, strict=True):
            for predicted, share in zip(names, row, strict=True):
                yield arm._asdict() | {
                    "class": name,
                    "predicted": predicted,
                    "share": share,
                }


def for_people(
    settings: Mapping[str, Any], found: Mapping[str, np.ndarray], classes: Sequence[str]
) -> str:
    """Return the most frequent mistakes as Markdown: a column for each variant."""
    places = [
        (one, other)
        for one in range(len(classes))
        for other in range(len(classes))
        if one != other
    ]
    shares = np.array([[found[name][place] for name in found] for place in places])
    largest = np.nan_to_num(shares).max(1)
    shown = np.argsort(-largest, kind="stable")[:MOST]
    rows = [
        (
            " → ".join(cell(classes[number]) for number in places[k]),
            *map(percent, shares[k]),
        )
        for k in shown
    ]
    words = (
        f"**{settings['study']}**: which classes are taken for which, as a share of a "
        "class's test rows, on average over the networks that did not fail"
        f"{of_size(settings)}"
    )
    if len(shown) < len(places):
        words += f"; the {len(shown)} most frequent of {len(places)} mistakes"
    return f"{paragraph(words)}\n" + markdown(("class → predicted", *found), rows)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the confusion matrices as CSV, and the largest size's as Markdown."""
    settings, (problem, description) = inputs.settings, inputs.target()
    found = {
        arm: confusion(counts, problem.test_y)
        for arm, counts in inputs.predicted(problem).items()
    }
    table = pd.DataFrame(long_table(found, description.classes))
    order = ("target_size", "variant", "class", "predicted", "share")
    shown = {v: found[Arm(v, settings["shown_size"])] for v in settings["variants"]}
    words = for_people(settings, shown, description.classes)
    return {"confusion.csv": frame(table[[*order]]), "confusion.md": words.encode()}
