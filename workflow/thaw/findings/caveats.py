"""The caveats of an answer: failures, training time, tuning, luck not covered."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from thaw.findings.arms import CHECKPOINTS, TargetSize
from thaw.findings.failures import FEW, KINDS, limit_of_weak, meaning_of_weak
from thaw.findings.gains import Question, enumerate_words, estimate
from thaw.findings.metrics import by_epoch, metric_of
from thaw.findings.overlap import in_words
from thaw.findings.shown import number

# May surprise users who set `scale: standard`.
SCALED_LIKE = (
    " With target sizes, a target with scale: standard is scaled like the source; "
    "where that does not fit it, give it a scale of its own (docs/tutorial.md, section "
    "6)."
)

# If more networks chose the edge of a range, the answer says so.
AT_EDGE = 0.2

# If more networks are no better than the constant, the answer says so.
MANY = 0.1

# If the commonest class has a larger share of the test rows, accuracy misleads.
IMBALANCED = 0.8


class Caveat(NamedTuple):
    """A sentence, and the few words that stand for it in an overview, if any."""

    words: str
    tag: str = ""


def what_spoils_it(study: Question) -> Iterator[Caveat]:
    """Name what qualifies the answer: failures, controls, rows seen before."""
    yield from overlapping(study)
    yield from _missing(study)
    failed = _shares(study, "failed", FEW)
    if failed:
        remedy = (
            "scale the inputs, lower the learning rate or train longer before you rely "
            f"on this.{SCALED_LIKE if study.is_swept else ''}"
        )
        if study.is_given:
            remedy = "their scores are empty, and rank below all others."
        yield Caveat(f"Networks failed ({failed}): {remedy}", "networks failed")
    if useless := _shares(study, "no_better", MANY):
        yield Caveat(
            "Many networks are no better than the best constant prediction: "
            f"{useless}.",
            "networks learned nothing",
        )
    yield from _imbalanced(study)
    if study.comparisons["verdict"].str.contains(KINDS["weak"], regex=False).any():
        meaning = meaning_of_weak(metric_of(study.metric[0]), study.baseline)
        yield Caveat(f"Weak means {meaning}{_limit(study)}.")
    uncounted = study.comparisons.loc[
        study.comparisons["weak"].isna(), "target_size"
    ].unique()
    if len(uncounted):
        unknown = (
            "the best constant prediction's score is not given"
            if study.is_given
            else "a constant prediction has no score"
        )
        why = (
            unknown
            if study.summary["constant"].isna().all()
            else f"the median of {study.baseline} does not beat the best constant "
            f"prediction by more than the margin of {study.margin_in_units}"
        )
        yield Caveat(
            f"Weak networks{_with_rows(study, uncounted)} are not counted, because "
            f"{why}."
        )
    if study.source == study.target and study.transferred:
        yield Caveat(
            "Source and target are the same problem: nothing foreign is transferred, "
            "and a gain says that longer training helps.",
            "same problem",
        )


def _limit(study: Question) -> str:
    """Return the score beyond which a network is weak, where there is one."""
    if study.is_swept:
        return ""
    own = study.summary[study.summary["variant"] == study.baseline].iloc[0]
    limit = float(limit_of_weak(own["median"], own["constant"]))
    return f": {number(limit, study.margin)}{study.units}"


def overlapping(study: Question) -> Iterator[Caveat]:
    """Say how many test rows have the same features as train rows."""
    for found in study.overlap.to_dict("records"):
        own = found["train_rows_of"] == study.target
        if found["equal"]:
            yield Caveat(
                f"{in_words(found)}. Those that are the same samples flatter "
                f"{'all' if own else 'pretrained'} variants and should be left out.",
                "test rows among train rows",
            )


def _missing(study: Question) -> Iterator[Caveat]:
    """Say what became of rows with missing values."""
    for found in study.overlap.fillna("").to_dict("records"):
        if found.get("missing"):
            yield Caveat(f"{found['train_rows_of']}: {found['missing']}.")


def _shares(study: Question, kind: str, least: float) -> str:
    """Name the variants with a share above `least` of a kind; "" if there are none.

    `kind` is a column of the summary.
    """
    return ", ".join(
        f"{100 * row[kind]:.0f} % of {row['variant']}'s"
        + _with_rows(study, [row["target_size"]])
        for row in study.summary.to_dict("records")
        if row[kind] > least
    )


def _imbalanced(study: Question) -> Iterator[Caveat]:
    """Say where accuracy hardly tells networks apart, and which metrics do."""
    commonest = study.summary["constant"].iloc[0]
    if metric_of(study.metric[0]).name == "accuracy" and commonest > IMBALANCED:
        yield Caveat(
            f"{100 * commonest:.0f} % of the test rows belong to one class, so that "
            "accuracy hardly tells networks apart: choose metric: balanced_accuracy "
            "or, of two classes, [roc_auc, average_precision]; training with "
            "class_weight: balanced makes networks look at the rare ones.",
            "imbalanced classes",
        )


def _with_rows(study: Question, sizes: Sequence[TargetSize]) -> str:
    return f" with {enumerate_words(sizes)} rows" if study.is_swept else ""


def what_would_change_it(study: Question) -> Iterator[Caveat]:
    """Say what longer training or other training settings might change."""
    if study.is_given:
        return
    yield from _longer_training(study)
    if not study.tuned:
        yield Caveat("No variant's training settings were tuned.", "untuned")
        return
    yield Caveat(
        f"Learning rate or epoch of {enumerate_words(study.tuned)} were chosen on rows "
        "held out of each network's own train rows."
    )
    at_edge = [
        f"{100 * row['at_edge']:.0f} % of {row['variant']}'s networks"
        + _with_rows(study, [row["target_size"]])
        for row in study.summary.to_dict("records")
        if row["at_edge"] > AT_EDGE
    ]
    if at_edge:
        yield Caveat(
            f"The learning rate chosen was the lowest or the highest for "
            f"{enumerate_words(at_edge)}: a wider range could change this answer.",
            "edge of the rates",
        )


def _longer_training(study: Question) -> Iterator[Caveat]:
    """Say how gains on these test rows changed from half-way to the end."""
    table = study.training_time
    known = by_epoch(study.metric[0])
    alone = known != metric_of(study.metric[0])
    metric = f", by {known.axis}, the only metric known by epoch," if alone else ""
    # The table holds the largest size only.
    place = _with_rows(study, [study.shown_size])
    own = table[table["variant"].isin(study.transferred)]
    if own.empty:  # a trainer's networks have no scores by epoch
        return
    for (begin, end), rows in own.groupby(["from_epoch", "to_epoch"], sort=False):
        margin = rows["margin"].iloc[0]
        units = f" {known.units}" if known.units else ""
        moved, may, rest = (
            "still changed, so that longer training could change this answer:",
            "may still change:",
            f"have settled (±{margin:g}{units}):",
        )
        said: dict[str, list[str]] = {moved: [], may: [], rest: []}
        for row in rows.to_dict("records"):
            low, high = row["change_low"], row["change_high"]
            clear = moved if low > 0 or high < 0 else may
            words = rest if max(-low, high) <= margin else clear
            gain = estimate(row, margin, units, "change")
            said[words].append(f"{row['variant']} by{gain}")
        parts = (
            f"{words} {enumerate_words(own)}" for words, own in said.items() if own
        )
        yield Caveat(
            f"From epoch {begin} to {end}, gains on these test rows{place}{metric} "
            f"{'; '.join(parts)}.",
            "gains still change" if said[moved] else "",
        )


def what_is_covered(study: Question) -> Iterator[Caveat]:
    """Say which luck the intervals cover, and which they do not."""
    if study.is_given:
        yield from _covered_by_scores(study)
        return
    starts = any(map(study.is_pretrained, study.variants))
    models = study.source_models if starts or study.has_splits else 0
    several = study.has_splits and models > 1
    total = study.source_models * study.repeats
    what = CHECKPOINTS if study.source == CHECKPOINTS else "source models"
    units = study.comparisons["row_units"]
    has_rows = len(units) and (units > 1).all()
    if several:
        what = f"{what}, each with a split of its own" if starts else "splits"
    covered = [
        *([f"{models} {what}"] if models > 1 else []),
        f"{total} repeat{'s' if total > 1 else ''}",
        *(["the rows that each repeat drew"] if study.is_swept else []),
        *(["the test rows"] if has_rows else []),
    ]
    words = f"Intervals cover the luck of {enumerate_words(covered)}"
    left = [
        *([] if has_rows else ["other test rows"]),
        *([] if several else ["another split of these rows"]),
        "other rows to learn from",
    ]
    last = f"or {left[-1]}" if left[:-1] else left[-1]
    yield Caveat(f"{words}. They do not cover {', '.join([*left[:-1], last])}.")
    if (units == 1).any():
        yield Caveat(
            "Test rows, or those of a class, are too few to say what others would do.",
            "too few test rows",
        )
    elif len(units) and not has_rows:
        yield Caveat(
            "They would cover test rows if predictions were kept and the metric were "
            "one of Thaw's.",
            "test rows not covered",
        )
    if models == 1:
        one = "checkpoint" if study.source == CHECKPOINTS else "source model"
        if study.has_splits:
            one = f"{one} and its split" if starts else "split"
        yield Caveat(
            f"All of this holds for this one {one}; another one could reverse it.",
            f"one {one}",
        )


def _covered_by_scores(study: Question) -> Iterator[Caveat]:
    """Say it of scores that are given: only what differs between repeats is seen."""
    table = study.comparisons
    models = f"{study.source_models} source models and " * (study.source_models > 1)
    yield Caveat(
        f"Intervals cover the luck of {models}whatever else differed between repeats, "
        "which count as independent: the folds of one cross-validation are not. They "
        "do not cover what all repeats shared, such as test rows, because the scores "
        "do not say what was predicted of each row.",
        "test rows not covered",
    )
    for matched, own in table.groupby(table["matched_by"].astype(object).fillna("")):
        how = (
            f"Matched with {study.baseline}, {matched} by {matched}"
            if matched
            else f"Not matched with {study.baseline}, but treated as independent of it"
        )
        yield Caveat(f"{how}: {enumerate_words(dict.fromkeys(own['variant']))}.")
    if table["mean_low"].isna().all():
        yield Caveat(
            "Means have no interval, because it is not known how bad a score can be "
            "or because scores are too few."
        )
    if table["given"].notna().any():
        yield Caveat(
            "All of this holds for this one source model; another one could reverse "
            "it.",
            "one source model",
        )
