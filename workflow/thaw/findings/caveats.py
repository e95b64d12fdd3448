"""The caveats of an answer: failures, controls, training time, and its conditions."""

import itertools
from collections.abc import Iterator, Sequence

import pandas as pd

from thaw.findings.arms import CHECKPOINTS, TargetSize
from thaw.findings.failures import FEW, KINDS, meaning_of_weak
from thaw.findings.gains import Question, enumerate_words, estimate
from thaw.findings.metrics import by_epoch, metric_of
from thaw.findings.overlap import REMEDY, in_words
from thaw.findings.verdicts import first_part, more_often

# What surprises who has said `scale: standard`.
SCALED_LIKE = (
    " With target sizes, a target with scale: standard is scaled like the source; "
    "where that does not fit it, give it a scale of its own (docs/tutorial.md, section "
    "6)."
)

# A larger share of networks that are no better than the constant is worth a sentence.
MANY = 0.1

# Where the commonest class has a larger share of the test rows, accuracy misleads.
IMBALANCED = 0.8


def what_spoils_it(study: Question) -> Iterator[str]:
    """Name what qualifies the answer: failures, controls, longer training."""
    yield from _overlap(study)
    failed = _shares(study, "failed", FEW)
    if failed:
        yield (
            f"Networks failed ({failed}): scale the inputs, lower the "
            "learning rate or train longer before you rely on this."
            + (SCALED_LIKE if study.is_swept else "")
        )
    if useless := _shares(study, "no_better", MANY):
        yield (
            f"Many networks are no better than the best constant prediction: {useless}."
        )
    yield from _imbalanced(study)
    meaning = meaning_of_weak(metric_of(study.metric[0]), study.baseline)
    weak = f"are weak ({meaning})"
    for kind, what in (("failed", "fail"), ("weak", weak)):
        said = study.gains["verdict"].str.contains(more_often(KINDS[kind]), regex=False)
        names = [
            variant + _from_rows(study, own["target_size"])
            for variant, own in study.gains[said].groupby("variant", sort=False)
        ]
        if names:
            variants = enumerate_words(names)
            yield f"Networks of {variants} {more_often(what)} than {study.baseline}'s."
    uncounted = study.gains.loc[study.gains["weak"].isna(), "target_size"].unique()
    if len(uncounted):
        why = (
            "a constant prediction has no score"
            if study.summary["constant"].isna().all()
            else f"the median of {study.baseline} does not beat the best constant "
            f"prediction by more than the margin of {study.margin_in_units}"
        )
        yield (
            f"Weak networks{_from_rows(study, uncounted)} are not counted, because "
            f"{why}."
        )
    random = [
        name
        for name, variant in study.variants.items()
        if not study.is_pretrained(name) and variant.get("freeze", 0)
    ]
    table, controls = study.comparisons, study.comparisons["reference"]
    rows = table[table["variant"].isin(study.depths) & controls.isin(random)]
    yield from _beside(study, rows, "frozen random layers ({})")
    yield from _beside(study, table[controls.str.contains("/", regex=False)], "{}")
    if study.source == study.target and study.transferred:
        yield (
            "Source and target are the same problem: nothing foreign is transferred, "
            "and a gain says that longer training helps."
        )


def _overlap(study: Question) -> Iterator[str]:
    """Say how many test rows have the same features as train rows."""
    for found in study.overlap.to_dict("records"):
        own = found["train_rows_of"] == study.target
        if found["equal"]:
            yield (
                f"{in_words(found)}. If they are the same samples, this flatters "
                f"{'all' if own else 'pretrained'} variants: {REMEDY}."
            )


def _shares(study: Question, kind: str, least: float) -> str:
    """Name the variants of which more than `least` are of a kind; "" if there are none.

    `kind` is a column of the summary.
    """
    return ", ".join(
        f"{100 * row[kind]:.0f} % of {row['variant']}'s"
        + _from_rows(study, [row["target_size"]])
        for row in study.summary.to_dict("records")
        if row[kind] > least
    )


def _imbalanced(study: Question) -> Iterator[str]:
    """Say where accuracy hardly tells networks apart, and what does."""
    commonest = study.summary["constant"].iloc[0]
    if metric_of(study.metric[0]).name == "accuracy" and commonest > IMBALANCED:
        yield (
            f"{100 * commonest:.0f} % of the test rows belong to one class, so that "
            "accuracy hardly tells networks apart: choose metric: balanced_accuracy "
            "or, of two classes, [roc_auc, average_precision]; training with "
            "class_weight: balanced makes networks look at the rare ones."
        )


def _from_rows(study: Question, sizes: Sequence[TargetSize]) -> str:
    return f" from {enumerate_words(sizes)} rows" if study.is_swept else ""


def _beside(study: Question, rows: pd.DataFrame, control: str) -> Iterator[str]:
    """Say how variants compare with controls of a kind; like sizes together."""
    for (variant, reference), own in rows.groupby(["variant", "reference"], sort=False):
        said = []
        for verdict, alike in itertools.groupby(
            own.to_dict("records"), lambda row: first_part(row["verdict"])
        ):
            found = [
                _from_rows(study, [row["target_size"]]) + estimate(row, study)
                for row in alike
            ]
            said.append(verdict + ",".join(found))
        yield f"Beside {control.format(reference)}, {variant}: {'; '.join(said)}."


def hangs_on_the_budget(study: Question) -> Iterator[str]:
    """Name the variants that would have had another verdict half-way."""
    other = []
    for variant in study.transferred:
        rows = study.gains_by_epoch[study.gains_by_epoch["variant"] == variant]
        if len(rows) < 3:
            continue
        half_way, last = rows.iloc[len(rows) // 2], rows.iloc[-1]
        if half_way["verdict"] != last["verdict"]:
            epoch = half_way["epoch"]
            other.append(f"{variant} {half_way['verdict']}{estimate(half_way, study)}")
    if other:
        # The table is of the largest size.
        place = _from_rows(study, [study.target_sizes[-1]])
        known = by_epoch(study.metric[0])
        if known != metric_of(study.metric[0]):
            place += f" by {known.axis}, which alone is known by epoch,"
        yield (
            f"The verdict{place} hangs on how long networks learn: half-way, after "
            f"{epoch} epochs, it was {'; '.join(other)}."
        )


def given_what(study: Question) -> Iterator[str]:
    """Say which variation the intervals cover, and the conditions of it all."""
    starts = any(map(study.is_pretrained, study.variants))
    models = study.source_models if starts else 0
    total = study.source_models * study.repeats
    what = CHECKPOINTS if study.source == CHECKPOINTS else "source models"
    varied = [
        *([f"{models} {what}"] if models > 1 else []),
        f"{total} repeat{'s' if total > 1 else ''}",
        *(["the rows that each repeat drew"] if study.is_swept else []),
    ]
    metric = metric_of(study.metric[0])
    if metric.name != "accuracy":
        yield f"All differences are a {metric.gain}: more than 0 is better."
    if study.tuned:
        yield (
            "What was chosen on rows held out of each network's own train rows: "
            f"learning rate or epoch of {enumerate_words(study.tuned)}."
        )
    else:
        yield "How networks learn was tuned for no variant."
    words = f"What varied: {enumerate_words(varied)}. Given: these data and this split"
    if models == 1 and study.source == CHECKPOINTS:
        words += (
            ", and the one checkpoint: nothing is said of others, even of one that was "
            "pretrained alike"
        )
    elif models == 1:
        words += (
            ", and the one source model that was drawn; another one may turn the "
            "answer round"
        )
    yield f"{words}."
