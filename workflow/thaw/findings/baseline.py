"""How strong a baseline is: how it learns, and where it stands beside references.

A gain on a weak baseline says little: from other start weights, or beside a forest, it
may be none.
"""

from collections.abc import Iterator
from typing import NamedTuple

from thaw.findings.failures import meaning_of_weak
from thaw.findings.gains import Question, pairs_in_words, rows_at
from thaw.findings.metrics import metric_of
from thaw.findings.shown import number
from thaw.findings.verdicts import BETTER
from thaw.learning.history import names_of
from thaw.learning.tasks import TASKS

STARTS = {"pytorch": "PyTorch's", "keras": "Keras'"}
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "adamw": "AdamW"}
REFERENCES = {"classification": "logistic regression", "regression": "ridge regression"}


class Caveat(NamedTuple):
    """A sentence, and the few words that stand for it in an overview, if any."""

    words: str
    tag: str = ""


def how_strong_it_is(study: Question) -> Iterator[Caveat]:
    """Say how the baseline starts and learns, and what estimators reach beside it."""
    if study.is_given:
        return
    yield _learning(study)
    yield from _learning_too_long(study)
    table = study.comparisons
    estimators = {*study.variants} - {*study.networks}
    beside = table["variant"].isin(estimators)
    table = table[beside & (table["reference"] == study.baseline)]
    if not estimators:
        yield Caveat(
            f"No simpler model shows how strong {study.baseline} is: add "
            f"{REFERENCES[study.metric[0]['task']]} or a forest to the variants.",
            "no simpler model compared",
        )
    for row, words in pairs_in_words(table, study):
        tag = f"{study.baseline} is worse than {row['variant']}"
        yield Caveat(words, tag * (row["verdict"] == BETTER))
    yield from _weak(study)


def _learning(study: Question) -> Caveat:
    """Say how the baseline's networks start, by what they learn, and if tuned."""
    start = STARTS.get(study.learning["initial"])
    words = f"{study.baseline} " + (
        f"starts from {start} initial weights and learns"
        if start and not study.is_pretrained(study.baseline)
        else "learns"
    )
    words += f" by {OPTIMIZERS[study.learning['optimizer']]}"
    if study.baseline in study.tuned:
        whose = "its" if {*study.networks} - {*study.tuned} else "every network's"
        words += f"; {whose} training settings were chosen on held-out rows"
        return Caveat(f"{words}.")
    if study.tuned:
        words += ", with training settings that were not tuned"
    else:
        words += "; no variant's training settings were tuned"
    return Caveat(f"{words}.", "untuned")


def _learning_too_long(study: Question) -> Iterator[Caveat]:
    """Say if the baseline was better by more than the margin before it ended."""
    metric, table = metric_of(study.metric[0]), study.learning_curves
    if study.baseline in study.tuned or not metric.history:
        return
    score, loss = names_of(TASKS[study.metric[0]["task"]])[2:]
    table = rows_at(table[table["variant"] == study.baseline], study.shown_size)
    if table.empty:
        return
    name = score if metric.history == "score" else loss
    curve = table.loc[table["metric"] == name, "mean"].to_numpy(float)
    best = int(curve.argmin() if metric.lower_is_better else curve.argmax())
    if abs(curve[best] - curve[-1]) > study.margin:
        scores = (number(curve[place], study.margin) for place in (best, -1))
        yield Caveat(
            f"The mean of {study.baseline}{study.place([study.shown_size])} was best "
            f"after {best} of {len(curve) - 1} epochs: {' and '.join(scores)}"
            f"{study.units} at the end. Fewer epochs would make a stronger baseline.",
            "the baseline learns too long",
        )


def _weak(study: Question) -> Iterator[Caveat]:
    """Say which networks are weak, if there are some."""
    metric = metric_of(study.metric[0])
    if (study.comparisons[["weak", "reference_weak"]] > 0).any(axis=None):
        limit = "it is more than "
        if not study.is_swept:
            baseline = study.summary[study.summary["variant"] == study.baseline]
            median, constant = baseline[["median", "constant"]].iloc[0]
            side = "above" if metric.lower_is_better else "below"
            edge = number(median - (median - constant) / 5, study.margin)
            limit = f"its {metric.axis} is {side} {edge}{study.units}, "
        words = meaning_of_weak(metric, study.baseline)
        yield Caveat(f"A network is weak if {limit}{words}.")
