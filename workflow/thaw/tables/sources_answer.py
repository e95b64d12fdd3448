"""Which of several sources to use: a ranking's answer, in the words of a study's.

A ranking is read as a study whose variants are the sources, each at its best depth
("fixed-0 from omega"). It names what to do by the rules of every recommendation, where
a source that another one beats may not be the best.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from thaw.findings.answer import TO_DO, make_part
from thaw.findings.caveats import Caveat, overlapping, what_is_covered
from thaw.findings.gains import Question, rows_at, size_of
from thaw.findings.recommendation import recommended
from thaw.findings.shown import enumerate_words
from thaw.findings.verdicts import WORSE
from thaw.output.inputs import Inputs
from thaw.tables.answer import as_files, facts_of
from thaw.tables.transferability import choices


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the answer, as Markdown and part by part."""
    best = inputs.table("best-sources.csv")
    study = question_of(inputs, best)
    scores = choices(inputs.table("transferability.csv"), study)
    parts = [
        make_part(TO_DO, recommended(study)),
        make_part("What would tell sources apart", _rows_that_tell(study, best)),
        make_part("Which sources hurt", _hurting(study)),
        make_part("Without training", scores),
        make_part("What to beware of", _overlapping(study)),
        make_part("What is covered", what_is_covered(study)),
    ]
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
    facts = facts_of(settings) | {
        "variants": {arm: described[name] for arm, name in names.items()}
        | {baseline: described[baseline]},
        "words": {arm: settings["words"][name] for arm, name in names.items()},
        "comparisons": gains.assign(variant=arms),
        "best_depths": gains.assign(variant=arms, beaten_by=rivals),
        # The rows of the target's own are the same in each.
        "overlap": pd.concat(overlaps, ignore_index=True).drop_duplicates(),
    }
    return Question(**facts)


def _rows_that_tell(study: Question, best: pd.DataFrame) -> Iterator[str]:
    """Say how many test rows would tell, where no source can be ruled out."""
    for size in study.target_sizes:
        rows = rows_at(best, size)
        known = rows[np.isfinite(rows["rows_to_tell"])]
        if (rows["may_be_best"] == "yes").all() and len(known):
            soonest = known.loc[known["rows_to_tell"].idxmin()]
            test_rows = float(f"{soonest['rows_to_tell']:.2g}")
            yield (
                f"About {test_rows:,.0f} test rows would tell "
                f"{rows['source'].iloc[0]} from {soonest['source']}"
                f"{study.place([size])}, if the gains are as estimated."
            )


def _hurting(study: Question) -> Iterator[str]:
    """Say which sources are worse than the baseline at their best depth, by size."""
    for size in study.target_sizes:
        worse = [
            f"{row['source']} by {size_of(row, study)}"
            for row in study.gains_at(size).values()
            if row["verdict"] == WORSE
        ]
        words = f"even the best depth of these is worse than {study.baseline}: "
        words += enumerate_words(worse)
        yield from study.sentences({size: words * bool(worse)})


def _overlapping(study: Question) -> Iterator[Caveat]:
    """Say how many test rows have the same features as train rows, source by source."""
    table = study.overlap
    of_target = table["train_rows_of"] == study.target
    yield from overlapping(study._replace(overlap=table[of_target]))
    equal = table[~of_target & (table["equal"] > 0)]
    if len(equal):
        each = [f"{row.train_rows_of} {row.equal:,}" for row in equal.itertuples()]
        yield Caveat(
            f"Of {equal['test_rows'].iloc[0]:,} test rows, some have the same features "
            f"as train rows of a source: {enumerate_words(each)}. If they are the "
            "same samples, they flatter that source: leave them out of its file. "
            "overlap.csv of its study names them; other samples can share counts.",
            "test rows among train rows",
        )
