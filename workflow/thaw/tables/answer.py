"""Answer a study's questions in a few sentences.

Does transfer help, how many layers to freeze, up to how much data; what spoils it,
and what it is conditional on.
"""

import pandas as pd

from thaw.findings.answer import answer
from thaw.findings.arms import in_order
from thaw.findings.gains import Question
from thaw.output.inputs import Inputs
from thaw.output.tables import paragraph


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the answer as Markdown."""
    settings = dict(inputs.settings)
    title = f"# {settings.pop('study')}: {settings['source']} → {settings['target']}"
    settings["target_sizes"] = in_order(settings["target_sizes"])
    question = Question(
        variants=settings.pop("described"),
        comparisons=inputs.table("comparisons.csv"),
        best_depths=inputs.table("best-depths.csv"),
        summary=inputs.table("summary.csv"),
        # There are none where a trainer says only what is reached in the end.
        gains_by_epoch=inputs.table("gains-by-epoch.csv")
        if "gains-by-epoch.csv" in inputs.files.made
        else pd.DataFrame(columns=["variant"]),
        overlap=inputs.table("overlap.csv"),
        **settings,
    )
    words = [f"{title}\n", *map(paragraph, answer(question))]
    return {"answer.md": "\n".join(words).encode()}
