"""The caveats of an answer: failures, training time, tuning, luck not covered."""

from collections.abc import Iterator

from thaw.findings.arms import CHECKPOINTS
from thaw.findings.baseline import Caveat
from thaw.findings.failures import FEW
from thaw.findings.gains import Question
from thaw.findings.metrics import metric_of
from thaw.findings.overlap import in_words
from thaw.findings.samples import CONDITION
from thaw.findings.shown import (
    coverage,
    covers_rows,
    enumerate_words,
    number,
    percent,
)

# If a larger share of networks chose the edge of a range, or of networks is no better
# than the constant, or of test rows is of the commonest class, the answer says so.
AT_EDGE, MANY, IMBALANCED = 0.2, 0.1, 0.8


def what_spoils_it(study: Question) -> Iterator[Caveat]:
    """Name what qualifies the answer: failures, controls, rows seen before."""
    yield from overlapping(study)
    if failed := _shares(study, "failed", FEW):
        remedy = (
            "scale the inputs, lower the learning rate or train longer before you rely "
            "on this."
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
    commonest = study.summary["constant"].iloc[0]
    if metric_of(study.metric[0]).name == "accuracy" and commonest > IMBALANCED:
        yield Caveat(
            f"{100 * commonest:.0f} % of the test rows belong to one class, so that "
            "accuracy hardly tells networks apart: choose metric: balanced_accuracy "
            "or, of two classes, [roc_auc, average_precision]; training with "
            "class_weight: balanced makes networks look at the rare ones.",
            "imbalanced classes",
        )
    if study.source == study.target and study.transferred:
        yield Caveat(
            "Source and target are the same problem, as in a control: nothing foreign "
            "is transferred.",
            "source is the target",
        )


def overlapping(study: Question) -> Iterator[Caveat]:
    """Say how many test rows have the same features as train rows, and lack values."""
    for row in study.overlap.to_dict("records"):
        if row["equal"]:
            is_own = row["train_rows_of"] == study.target
            yield Caveat(
                f"{in_words(row)}. If they are the same samples, they flatter "
                f"{'all' if is_own else 'pretrained'} variants: leave them out of a "
                "file, or give samples a group. Other samples can share counts.",
                "test rows among train rows",
            )
        if isinstance(missing := row.get("missing"), str):
            yield Caveat(f"{row['train_rows_of']}: {missing}.")


def _shares(study: Question, kind: str, least: float) -> str:
    """Name the shares of a kind by variant, if any is above `least`; otherwise "".

    `kind` is a column of the summary.
    """
    rows = study.summary.to_dict("records")
    if not any(row[kind] > least for row in rows):
        return ""
    return ", ".join(
        f"{percent(row[kind])} of {row['variant']}'s{study.place([row['target_size']])}"
        for row in rows
        if row[kind] > 0
    )


def what_would_change_it(study: Question) -> Iterator[Caveat]:
    """Say what longer training or other training settings might change."""
    if study.is_given:
        return
    yield from _longer_training(study)
    if at_edge := _shares(study, "at_edge", AT_EDGE):
        yield Caveat(
            f"The learning rate chosen was the lowest or the highest for {at_edge} "
            "networks: a wider range could change this answer.",
            "best rate at the end of the range",
        )


def _longer_training(study: Question) -> Iterator[Caveat]:
    """Say which gains surely moved in the second half of training.

    The table holds the largest size only.
    """
    table, gains, directions = study.training_time, [], set()
    for row in table[table["variant"].isin(study.transferred)].to_dict("records"):
        low, high = row["change_low"], row["change_high"]
        if (low > 0 or high < 0) and max(-low, high) > study.margin:
            ends = (number(row[at], study.margin, "+") for at in ("before", "after"))
            gains.append(f"{row['variant']} from {' to '.join(ends)}{study.units}")
            directions.add("rose" if low > 0 else "fell")
    if gains:
        first, last = table[["from_epoch", "to_epoch"]].iloc[0]
        moved = enumerate_words(sorted(directions))
        yield Caveat(
            f"From epoch {first} to {last}{study.place([study.shown_size])}, "
            f"gains over {study.baseline} clearly {moved}: "
            f"{enumerate_words(gains)}. Longer training may change them further.",
            f"gains {moved} late in training",
        )


def what_is_covered(study: Question) -> Iterator[Caveat]:
    """Say which luck the intervals cover, and which they do not."""
    yield from (_covered_by_scores if study.is_given else _covered)(study)
    if study.comparisons["given"].isin([CONDITION]).any():
        single = "checkpoint" if study.source == CHECKPOINTS else "source model"
        if study.has_splits:
            is_pretrained = any(map(study.is_pretrained, study.variants))
            single = f"{single} and its split" if is_pretrained else "split"
        yield Caveat(
            f"All of this holds for this one {single}; another one could reverse it.",
            f"one {single}",
        )


def _covered(study: Question) -> Iterator[Caveat]:
    table = study.comparisons
    if table.empty:
        return
    has_rows = covers_rows(table)
    left = ["other test rows"] * (not has_rows)
    if not study.is_swept:
        left.append("other train rows")
    elif not study.has_splits:
        left.append("another split of these rows")
    words = coverage(table, study.has_splits)
    words += f" Not covered: {enumerate_words(left)}." * bool(left)
    yield Caveat(words, "" if has_rows else "test rows not covered")
    if (table["row_units"] == 1).any():
        yield Caveat(
            "Test rows, or those of a class, are too few to say what others would do.",
            "too few test rows",
        )


def _covered_by_scores(study: Question) -> Iterator[Caveat]:
    """Say it of scores that are given: only what differs between repeats is seen."""
    table = study.comparisons
    yield Caveat(
        f"{coverage(table)} Repeats count as independent: the folds of one "
        "cross-validation are not. Intervals do not cover what all repeats shared, "
        "such as test rows, because the scores do not say what was predicted of each.",
        "test rows not covered",
    )
    for matched, rows in table.groupby(table["matched_by"].astype(object).fillna("")):
        how = (
            f"Matched with {study.baseline}, {matched} by {matched}"
            if matched
            else f"Not matched with {study.baseline}, but treated as independent of it"
        )
        yield Caveat(f"{how}: {enumerate_words(dict.fromkeys(rows['variant']))}.")
