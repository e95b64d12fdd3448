"""Answer which source to use, in a few sentences."""

import pandas as pd

from thaw.findings.arms import in_order
from thaw.findings.gains import Question
from thaw.findings.shown import title
from thaw.findings.which_source import Ranking, answer
from thaw.output.inputs import Inputs
from thaw.tables.answer import as_files
from thaw.tables.transferability import choices


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the answer, as Markdown and part by part."""
    scores = choices(inputs.table("transferability.csv"), inputs.settings)
    return as_files(
        f"# {title(inputs.settings)}", answer(ranking_of(inputs), [*scores])
    )


def ranking_of(inputs: Inputs) -> Ranking:
    """Return the ranking whose tables are read."""
    settings = inputs.settings
    names, depths = dict(settings["sources"]), settings["depths"]
    described, baseline = settings["described"], settings["baseline"]
    arms = {
        f"{variant} from {source}": (source, variant)
        for source in names.values()
        for variant in depths
    }
    table = inputs.table("sources.csv")
    table["variant"] = table["variant"] + " from " + table["source"]
    overlaps = [inputs.table("overlap.csv", study) for study in names]
    facts = {name: settings[name] for name in Question._fields if name in settings}
    of_arms = {arm: described[variant] for arm, (_, variant) in arms.items()}
    facts |= {
        "variants": of_arms | {baseline: described[baseline]},
        "depths": {arm: depths[variant] for arm, (_, variant) in arms.items()},
        "target_sizes": in_order(settings["target_sizes"]),
        "words": {arm: settings["words"][name] for arm, (_, name) in arms.items()},
        "comparisons": table,
        # The rows of the target's own are the same in each.
        "overlap": pd.concat(overlaps, ignore_index=True).drop_duplicates(),
    }
    return Ranking(Question(**facts), arms, inputs.table("best-sources.csv"))
