"""Answer which source to use, in a few sentences."""

import pandas as pd

from thaw.findings.arms import in_order
from thaw.findings.gains import Question
from thaw.findings.which_source import answer
from thaw.output.inputs import Inputs
from thaw.tables.answer import as_files
from thaw.tables.transferability import choices


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the answer, as Markdown and part by part."""
    best = inputs.table("best-sources.csv")
    study = question_of(inputs, best)
    scores = choices(inputs.table("transferability.csv"), study)
    parts = answer(study, best, [*scores])
    return as_files(inputs.settings, parts)


def question_of(inputs: Inputs, best: pd.DataFrame) -> Question:
    """Return a study whose variants are the sources, each at its best depth."""
    settings, key = inputs.settings, ["target_size", "source", "variant"]
    gains = best[[*key, "beaten_by"]].merge(inputs.table("sources.csv"), on=key)
    arms = gains["variant"] + " from " + gains["source"]
    places = zip(gains["target_size"], gains["source"], strict=True)
    arm_of = dict(zip(places, arms, strict=True))
    sets = gains[["target_size", "beaten_by"]].to_numpy()
    rivals = [[arm_of[size, name] for name in names.split()] for size, names in sets]
    names = dict(zip(arms, gains["variant"], strict=True))
    described, baseline = settings["described"], settings["baseline"]
    overlaps = [inputs.table("overlap.csv", study) for study, _ in settings["sources"]]
    facts = {name: settings[name] for name in Question._fields if name in settings}
    facts |= {
        "variants": {arm: described[name] for arm, name in names.items()}
        | {baseline: described[baseline]},
        "target_sizes": in_order(settings["target_sizes"]),
        "words": {arm: settings["words"][name] for arm, name in names.items()},
        "comparisons": gains.assign(variant=arms),
        "best_depths": gains.assign(variant=arms, beaten_by=rivals),
        # The rows of the target's own are the same in each.
        "overlap": pd.concat(overlaps, ignore_index=True).drop_duplicates(),
    }
    return Question(**facts)
