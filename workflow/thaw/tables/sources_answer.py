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
    settings = dict(inputs.settings)
    names, described = dict(settings.pop("sources")), settings.pop("described")
    depths, baseline = settings.pop("depths"), settings["baseline"]
    del settings["study"]
    arms = {
        f"{variant} from {source}": (source, variant)
        for source in names.values()
        for variant in depths
    }
    table = inputs.table("sources.csv")
    table["variant"] = table["variant"] + " from " + table["source"]
    overlaps = [inputs.table("overlap.csv", study) for study in names]
    nothing = pd.DataFrame(columns=["variant", "target_size", "beaten_by"])
    for key in ("variants", "comparisons", "recipes", "overlap", "words"):
        settings.pop(key, None)
    settings = {k: v for k, v in settings.items() if k in Question._fields}
    question = Question(
        variants={arm: described[variant] for arm, (_, variant) in arms.items()}
        | {baseline: described[baseline]},
        depths={arm: depths[variant] for arm, (_, variant) in arms.items()},
        recipes={},  # depths only freeze
        words={},
        comparisons=table,
        # The rows of the target's own are the same in each.
        overlap=pd.concat(overlaps, ignore_index=True).drop_duplicates(),
        **dict.fromkeys(("best_depths", "summary", "training_time"), nothing),
        **settings | {"target_sizes": in_order(settings["target_sizes"])},
    )
    return Ranking(question, arms, inputs.table("best-sources.csv"))
