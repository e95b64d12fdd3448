"""Answer a study's questions in a few sentences, and give a recommendation."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from thaw.findings.answer import Part, answer
from thaw.findings.arms import TargetSize, in_order
from thaw.findings.gains import Question, rows_at
from thaw.findings.recommendation import act, advices, largest_gain
from thaw.findings.shown import enumerate_words, title
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, paragraph

# The columns of a comparison that a recommendation has, too.
OF_GAIN = ("typical", "typical_low", "typical_high", "verdict", "note")


def recommendations(study: Question) -> pd.DataFrame:
    """Return a row for each target size: the recommendation, and the gain behind it.

    `act` is the advice in a few words, `kind` is as in `thaw.findings.recommendation`,
    `ties` are the variants that the one named cannot be told apart from. If it is
    undecided, `variant` is empty, and `ties` are the undecided variants. The gain is
    that of the `best` variant: of the one recommended, or the largest.
    """
    rows = []
    for alike in advices(study):
        for advice in alike:
            gain = largest_gain(advice)
            rows.append(
                {
                    "target_size": advice.size,
                    "kind": advice.kind,
                    "act": act(alike, study),
                    "variant": advice.variant,
                    "ties": " ".join(
                        name for name in advice.named if name != advice.variant
                    ),
                    "best": gain.get("variant"),
                    **{name: gain.get(name) for name in OF_GAIN},
                    "layers": layers_that_may_be_best(study, advice.size),
                }
            )
    return pd.DataFrame(rows)


def layers_that_may_be_best(study: Question, size: TargetSize) -> str:
    """Return how many frozen layers may be best, "1 (0 not tried)"; "" if not asked."""
    table = rows_at(study.best_depths, size)
    kept = enumerate_words(table.loc[table["may_be_best"] == "yes", "freeze"], "or")
    if study.is_about_pairs or len(table) < 2:
        return ""
    return kept if 0 in {*table["freeze"]} else f"{kept} (0 not tried)"


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the answer and the recommendations."""
    # Not every study has all tables.
    files = {name: f"{name.replace('_', '-')}.csv" for name in Question._fields}
    contents = inputs.contents
    tables = {
        name: inputs.table(file) for name, file in files.items() if file in contents
    }
    rivals = tables["best_depths"]["beaten_by"].str.split()
    tables["best_depths"]["beaten_by"] = rivals
    question = Question(**facts_of(inputs.settings) | tables)
    table = frame(recommendations(question))
    parts = answer(question)
    return as_files(inputs.settings, parts) | {"recommendation.csv": table}


def facts_of(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a `Question` holds of the settings of tables."""
    facts = {name: settings[name] for name in Question._fields if name in settings}
    sizes = in_order(settings["target_sizes"])
    return facts | {"variants": settings["described"], "target_sizes": sizes}


def as_files(settings: Mapping[str, Any], parts: Sequence[Part]) -> dict[str, bytes]:
    """Return an answer without its empty parts, as Markdown and part by part."""
    parts = [part for part in parts if part.sentences]
    words = [
        f"# {title(settings)}\n",
        *(paragraph(" ".join(part.sentences)) for part in parts),
    ]
    described = [part._asdict() for part in parts]
    return {
        "answer.md": "\n".join(words).encode(),
        "answer.json": f"{json.dumps(described, indent=1)}\n".encode(),
    }
