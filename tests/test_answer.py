"""The answer in words, for every kind of study that one may ask about."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from thaw.findings.answer import answer
from thaw.findings.arms import CHECKPOINTS, Arm
from thaw.findings.gains import Question, estimate
from thaw.findings.metrics import METRICS
from thaw.findings.samples import Sample
from thaw.findings.verdicts import MODELS_FAILED
from thaw.tables.comparisons import comparisons, depths_table
from thaw.tables.gains_by_epoch import COLUMNS as GAINS_BY_EPOCH
from thaw.tables.summary import Chosen, summary

SCRATCH = {"pretrained": False}
LADDER = {"standalone": SCRATCH, "fixed-0": {}, "fixed-1": {"freeze": 1}}
RANDOM = {"pretrained": False, "freeze": 1}


def scores(mean, models=30, each=2, failed=0.0, spread=0.01, seed=0):
    """Return the scores of a variant; without source models where there are none."""
    rng = np.random.default_rng(seed)
    count = max(models, 1) * each
    values = mean + spread * rng.normal(size=count)
    lost = np.arange(count) < failed * count
    numbers = np.arange(count) % models if models else None
    return Sample(np.where(lost, 0.4, values), numbers, lost, constant=0.4)


def alone(mean, **options):
    return scores(mean, models=0, each=60, seed=9, **options)


SETTINGS = {
    "source": "one",
    "target": "two",
    "baseline": "standalone",
    "metric": [{"task": "classification", "name": "accuracy"}],
    "margin": 0.01,
    "tuned": [],
    "repeats": 2,
    "source_models": 30,
}

KELVIN = {"task": "regression", "name": "mean_absolute_error", "unit": "K"}


def said(found, variants=LADDER, pairs=(), losses=(), by_epoch=(), equal=(), **changed):
    """Return the answer to a study of these samples, by target size and variant."""
    if not isinstance(next(iter(found.values())), dict):
        found = {"all": found}
    verdict = changed.pop("verdict", None)
    settings = SETTINGS | changed
    baseline = settings["baseline"]
    depths = {
        name: variant.get("freeze", 0)
        for name, variant in variants.items()
        if variant.get("pretrained", True)
    }
    pairs = [*((name, baseline) for name in variants if name != baseline), *pairs]
    table = comparisons(found, pairs, baseline, 0.01)
    arms = {
        Arm(name, size): sample
        for size, samples in found.items()
        for name, sample in samples.items()
    }
    losses = dict(losses)
    chosen = {arm: Chosen(0.1, 5, losses.get(arm, np.nan)) for arm in arms}
    study = Question(
        **settings,
        variants=variants,
        target_sizes=list(found),
        depths=depths,
        comparisons=table.assign(verdict=verdict) if verdict else table,
        best_depths=depths_table(found, depths),
        summary=summary(arms, METRICS["classification"]["accuracy"], chosen),
        gains_by_epoch=pd.DataFrame(by_epoch, columns=GAINS_BY_EPOCH),
        overlap=pd.DataFrame(equal),
    )
    return " ".join("\n".join(answer(study)).split())


def ladder(standalone, fixed_0, fixed_1, **options):
    return {
        "standalone": alone(standalone),
        "fixed-0": scores(fixed_0, seed=1, **options),
        "fixed-1": scores(fixed_1, seed=2, **options),
    }


def changed(found, **how):
    return {name: sample._replace(**how) for name, sample in found.items()}


def equal_rows(name, **changed):
    """What is found where five rows have the features of train rows of a problem."""
    found = {"train_rows_of": name, "test_rows": 99, "equal": 5, "as_read": 5}
    return found | {"rows": "1, 2, 3, 4, 5"} | changed


GROWS = ladder(0.7, 0.75, 0.8)
ALIKE = ladder(0.8, 0.8, 0.8, spread=0.001)
UNCLEAR = ladder(0.8, 0.8, 0.8, spread=0.2)
DEAD = changed(ladder(0.4, 0.4, 0.4), failed=np.ones(60, bool))
ONE_MODEL = ladder(0.7, 0.75, 0.8, models=1, each=60)
SEVEN_MODELS = ladder(0.7, 0.75, 0.8, models=7, each=8)
SMALL, LARGE = ladder(0.5, 0.7, 0.72), ladder(0.6, 0.7, 0.72)
UNSURE = ladder(0.7, 0.722, 0.75, spread=0.002) | {
    "fixed-1": scores(0.75, spread=0.2, seed=2)
}
RASH = scores(0.82, seed=2)
RASH = RASH._replace(values=np.where(RASH.source_models % 5 == 0, 0.3, RASH.values))
RASH_LADDER = ladder(0.7, 0.8, 0.8, spread=0.005) | {"fixed-1": RASH}
FAILING = ladder(0.7, 0.75, 0.8, models=100)
FAILING["fixed-1"] = scores(0.8, models=100, failed=0.3, seed=2)
OFTEN_WEAK = ladder(0.8, 0.82, 0.82, models=100)
WEAK = np.where(OFTEN_WEAK["fixed-1"].source_models % 4 == 0, 0.6, 0.82)
OFTEN_WEAK["fixed-1"] = OFTEN_WEAK["fixed-1"]._replace(values=WEAK)
LOST = ladder(0.405, 0.7, 0.8, spread=0.001)
MEDIAN_FAILED = ladder(0.7, 0.8, 0.7, spread=0.005)
MEDIAN_FAILED["fixed-1"] = scores(0.7, failed=0.9, seed=2)
SELFER = {"selfer/fixed-1": scores(0.85, seed=3)}
PAIR = {"pairs": [("fixed-1", "selfer/fixed-1")]}
RANDOM_PAIR = {
    "variants": LADDER | {"random-1": RANDOM},
    "pairs": [("fixed-1", "random-1")],
}
BY_EPOCH = [
    ("fixed-0", "standalone", epoch, epoch, gain, gain - 0.01, gain + 0.01, verdict)
    for epoch, gain, verdict in (
        (0, 0.1, "typically better"),
        (50, 0.05, "typically better"),
        (100, 0.0, "no clear difference"),
    )
]
LOSSES = {("fixed-0", "all"): 0.5, ("fixed-1", "all"): 0.4}
LOSSES_BY_SIZE = {
    (name, size): loss for (name, _), loss in LOSSES.items() for size in (9, 99)
}

SAMPLES = {
    "helps, freezing pays": GROWS,
    "hurts": ladder(0.8, 0.75, 0.7),
    "hurts at some depth": ladder(0.8, 0.8, 0.7, spread=0.001),
    "depends on the depth": ladder(0.75, 0.8, 0.7),
    "equivalent": ALIKE,
    "saturated": changed(ladder(1, 1, 1), values=np.ones(60)),
    "unclear": UNCLEAR,
    "no standalone": {name: GROWS[name] for name in ("fixed-0", "fixed-1")},
    "only standalone": {"standalone": alone(0.8)},
    "one source model": ONE_MODEL,
    "two source models": ladder(0.7, 0.75, 0.8, models=2, each=30),
    "more source models than repeats": ladder(0.7, 0.75, 0.8, models=30, each=1),
    "one checkpoint": ONE_MODEL,
    "checkpoints": GROWS,
    "source is target": GROWS,
    "rash": RASH_LADDER,
    "rash, by size": {20: RASH_LADDER, 50: RASH_LADDER},
    "same depth": ladder(0.7, 0.75, 0.9),
    "validated": ladder(0.7, 0.8, 0.8),
    "tuned": GROWS,
    "of losses": GROWS,
    "in kelvin": {20: SMALL, 50: LARGE},
    "validated, by size": {9: ladder(0.7, 0.8, 0.8), 99: ladder(0.7, 0.8, 0.8)},
    "one depth without validation": GROWS,
    "all depths diverged": GROWS,
    "few validated": dict.fromkeys((9, 99), ladder(0.7, 0.8, 0.8, models=4)),
    "every fifth failed": GROWS | {"fixed-1": scores(0.8, failed=0.2, seed=2)},
    "fails": FAILING,
    "fails, by size": {20: FAILING, 50: FAILING},
    "all failed": DEAD,
    "sometimes weak": OFTEN_WEAK,
    "weak by errors": OFTEN_WEAK,
    "nothing learned": LOST,
    "a constant without a score": changed(GROWS, constant=np.nan),
    "nothing learned, by size": {9: LOST, 20: SMALL, 99: LOST},
    "no models": GROWS,
    "the median failed": MEDIAN_FAILED,
    "turns": {20: SMALL, 50: LARGE, "all": ladder(0.8, 0.75, 0.72)},
    "mixed": {20: ladder(0.5, 0.7, 0.7), 50: ladder(0.75, 0.8, 0.7)},
    "one size": {20: SMALL},
    "the gain lasts": {20: SMALL, 50: LARGE},
    "lost sight": {20: SMALL, 50: UNCLEAR},
    "unsure": {20: UNSURE, 50: UNSURE},
    "maybe above": {20: UNSURE, 50: ALIKE | {"fixed-1": UNSURE["fixed-1"]}},
    "large failed": {20: SMALL, 50: DEAD},
    "too few models": dict.fromkeys((20, 50, "all"), SEVEN_MODELS),
    "better random": GROWS | {"random-1": alone(0.85)},
    "worse random": GROWS | {"random-1": alone(0.6)},
    "random layers in no pair": GROWS | {"random-1": alone(0.6)},
    "pairs between studies": GROWS | SELFER,
    "budget": ALIKE,
    "the same verdict half-way": ALIKE,
}

OPTIONS = {
    "no standalone": {
        "variants": {"fixed-0": {}, "fixed-1": {"freeze": 1}},
        "baseline": "fixed-0",
    },
    "only standalone": {"variants": {"standalone": SCRATCH}},
    "one source model": {"source_models": 1, "repeats": 60},
    "two source models": {"source_models": 2},
    "more source models than repeats": {"source_models": 100},
    "one checkpoint": {"source": CHECKPOINTS, "source_models": 1},
    "checkpoints": {"source": CHECKPOINTS},
    "source is target": {"source": "two"},
    "validated": {"losses": LOSSES},
    "tuned": {"tuned": ["fixed-0", "fixed-1"]},
    "of losses": {"metric": [{"task": "classification", "name": "log_loss"}]},
    "in kelvin": {"metric": [KELVIN]},
    "validated, by size": {"losses": LOSSES_BY_SIZE},
    "one depth without validation": {"losses": {("fixed-0", "all"): 0.5}},
    "all depths diverged": {"losses": dict.fromkeys(LOSSES, np.inf)},
    "few validated": {"losses": LOSSES_BY_SIZE},
    "sometimes weak": {"source_models": 100},
    "weak by errors": {"metric": [{"task": "classification", "name": "log_loss"}]},
    "fails": {"source_models": 100},
    "fails, by size": {"source_models": 100},
    "no models": {"verdict": MODELS_FAILED},
    "too few models": {"source_models": 7},
    "better random": RANDOM_PAIR,
    "worse random": RANDOM_PAIR,
    "random layers in no pair": {"variants": LADDER | {"random-1": RANDOM}},
    "pairs between studies": PAIR,
    "budget": {"by_epoch": BY_EPOCH},
    "the same verdict half-way": {"by_epoch": BY_EPOCH[2:] * 3},
}

# What the answer says of them and, after "not", what it does not.
SAID = """
helps, freezing pays: Transfer typically helps. Typically better: fixed-0 +0.0
helps, freezing pays: To freeze 1 layer is not typically worse than the best depth
helps, freezing pays: What varied: 30 source models and 60 repeats. Given: these data
helps, freezing pays, not: rows
helps, freezing pays, not: surely above
helps, freezing pays, not: Beside
helps, freezing pays, not: validation
hurts: Transfer typically hurts. Typically worse: fixed-0 -0.0
hurts: To freeze 0 layers is not typically worse
hurts at some depth: is not found to help, and hurts with some variants. Equivalent
hurts at some depth: typically worse: fixed-1 -0.
depends on the depth: Whether transfer helps depends on the variant. Typically better:
depends on the depth: typically worse: fixed-1 -0.0
equivalent: Transfer makes no difference that matters (±0.01)
equivalent: How many layers to freeze is not clear: no depth is out.
saturated: Transfer makes no difference that matters
unclear: Whether transfer helps is not clear. No clear difference: fixed-0
no standalone: compared with fixed-0, which starts from source models itself
no standalone, not: Transfer typically
only standalone: No variant starts from a source model
only standalone: What varied: 60 repeats. Given: these data and this split.
one source model: Transfer typically helps
one source model: What varied: 60 repeats.
one source model: the one source model that was drawn; another one may turn
two source models: There is no verdict on whether transfer helps. Too few source models
two source models: 2 of the 7 it takes: fixed-0 +0.0
more source models than repeats: Transfer typically helps
one checkpoint: and the one checkpoint: nothing is said of others
checkpoints: What varied: 30 checkpoints and 60 repeats.
source is target: nothing foreign is transferred
rash: To freeze 1 layer is not typically worse than the best
rash: On average, on which the worst networks weigh, only to freeze 0 layers may be
rash: layers may be the best.
rash, by size: From 20 and 50 rows, on average, on which the worst networks weigh,
same depth, not: on average
same depth, not: On average
validated: By the loss on validation rows (median over repeats), to freeze 1 layer is
tuned: own train rows: learning rate or epoch of fixed-0 and fixed-1. What varied
tuned, not: tuned for no variant
in kelvin: K (+0.
in kelvin: above the margin of 0.01 K
in kelvin, not: the margin of 0.01.
hurts, not: K
of losses: All differences are a decrease of test log loss: more than 0 is better.
hurts: How networks learn was tuned for no variant.
hurts, not: All differences
validated, by size: From 9 and 99 rows, by the loss on validation rows (median over
one depth without validation, not: validation
all depths diverged, not: validation
few validated, not: validation rows
every fifth failed: Networks failed (20 % of fixed-1's): scale the inputs
fails: Transfer typically helps
fails: Networks of fixed-1 fail more often than standalone's.
fails, by size: of fixed-1 from 20 and 50 rows fail more often than standalone's.
all failed: no verdict on whether transfer helps. No verdict: all networks failed
all failed: Networks failed (100 % of standalone's, 100 % of fixed-0's
all failed, not: How many layers
sometimes weak: Networks of fixed-1 are weak (below the median of standalone by more
sometimes weak: constant prediction) more often than standalone's.
sometimes weak, not: not counted
weak by errors: Networks of fixed-1 are weak (above the median of standalone by more
a constant without a score: not counted, because a constant prediction has no score.
nothing learned: Weak networks are not counted, because the median of standalone does
nothing learned: not beat the best constant prediction by more than the margin of 0.01.
nothing learned, by size: Weak networks from 9 and 99 rows are not counted, because
no models: no verdict on whether transfer helps. No verdict: all source models
no models, not: Transfer typically
the median failed: fixed-1 without a size, for so many networks failed
the median failed, not: inf
the median failed, not: is ahead
turns: From 20 and 50 rows: transfer typically helps; from 20, most with fixed-1: +0
turns: From all rows: transfer typically hurts, most with fixed-1: -0.0
turns: The gain falls below the margin of 0.01 between 50 rows
turns: and all, where it is surely below.
turns: the rows that each repeat drew
mixed: From 50 rows: whether transfer helps depends on the variant: fixed-0 +0.0
mixed: and fixed-1 -0.0
one size: From 20 rows: transfer typically helps
one size: the rows that each repeat drew
the gain lasts: surely above the margin of 0.01 up to the largest size, 50 rows
lost sight: up to 20 rows; where it falls below, these sizes do not tell
unsure: surely above the margin of 0.01 up to the largest size, 50
maybe above: up to 20 rows; where it falls below, these sizes do not tell
large failed: up to 20 rows; where it falls below, these sizes do not tell
too few models: From 20, 50 and all rows: there is no verdict on whether transfer
too few models: (too few source models: 7 of the 8 it takes)
too few models, not: surely
better random: Beside frozen random layers (random-1), fixed-1: typically worse -0.0
worse random: Beside frozen random layers (random-1), fixed-1: typically better +
random layers in no pair, not: Beside
pairs between studies: Beside selfer/fixed-1, fixed-1: typically worse -0.0
budget: half-way, after 50 epochs, it was fixed-0 typically better +0.050 (+0.040 to
the same verdict half-way, not: half-way
"""


@pytest.mark.parametrize("name", SAMPLES)
def test_the_answer(name):
    text = said(SAMPLES[name], **OPTIONS.get(name, {}))
    asked = [line.split(": ", 1) for line in SAID.strip().splitlines()]
    assert {*SAMPLES} == {case.removesuffix(", not") for case, _ in asked}
    for case, words in asked:
        if case == name:
            assert words in text, text
        elif case == f"{name}, not":
            assert words not in text, text


def test_a_pair_has_one_sentence_for_all_sizes():
    found = ladder(0.5, 0.7, 0.8) | SELFER
    text = said({20: found, 50: found}, **PAIR)
    start = "Beside selfer/fixed-1, fixed-1: "
    assert text.count(start) == 1
    assert re.fullmatch(
        r"typically worse from 20 rows -0\.0\S+ \(.*\), from 50 rows -0\.0.*",
        text.partition(start)[2].partition(". ")[0],
    )


def test_many_useless_networks_and_rare_classes_have_a_sentence():
    found = ladder(0.85, 0.86, 0.86)
    lost = np.arange(60) < 9
    values = np.where(lost, 0.81, found["standalone"].values)
    found["standalone"] = found["standalone"]._replace(values=values)
    of_rare = said(changed(found, constant=0.82))
    assert (
        "Many networks are no better than the best constant prediction: 15 % of "
        "standalone's." in of_rare
    )
    assert "82 % of the test rows belong to one class" in of_rare
    assert "class_weight: balanced" in of_rare
    usual = said(changed(found, constant=0.4))
    assert "no better than" not in usual
    assert "class_weight" not in usual
    losses = [{"task": "classification", "name": "log_loss"}]
    assert "class_weight" not in said(changed(found, constant=0.82), metric=losses)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (-0.01, 0.03, " +0.010 K (-0.010 to +0.030)"),
        (-np.inf, 0.03, " +0.010 K (at most +0.030)"),
        (-0.01, np.inf, " +0.010 K (at least -0.010)"),
        (-np.inf, np.inf, " +0.010 K"),
    ],
)
def test_no_answer_prints_infinity(low, high, shown):
    row = {"typical": 0.01, "typical_low": low, "typical_high": high}
    assert estimate(row, SimpleNamespace(margin=0.01, units=" K")) == shown


def test_test_rows_among_train_rows_are_named_with_what_they_flatter():
    equal = [equal_rows("two"), equal_rows("one", as_read=4)]
    text = said(GROWS, equal=equal)
    for whose, scaled, flattered in (
        ("two", "", "all"),
        ("one", ", 1 of them only once scaled", "pretrained"),
    ):
        assert (
            "5 of 99 test rows have the same features as train rows of "
            f"{whose}{scaled} (rows 1, 2, 3, 4, 5). If they are the same samples, this "
            f"flatters {flattered} variants: leave these out of the train or of the "
            "test rows."
        ) in text
    assert "same features" not in said(GROWS, equal=[equal_rows("two", equal=0)])
