"""The answer in words, for every kind of study."""

import itertools

import numpy as np
import pandas as pd
import pytest

from thaw.findings.answer import answer
from thaw.findings.arms import CHECKPOINTS, Arm
from thaw.findings.gains import Question, estimate
from thaw.findings.metrics import METRICS
from thaw.findings.recommendation import (
    KEEP,
    NONE,
    SAME,
    UNDECIDED,
    USE,
    advice,
    recommended,
)
from thaw.findings.samples import Sample
from thaw.findings.verdicts import MODELS_FAILED
from thaw.tables.comparisons import comparisons, depths_table
from thaw.tables.gains_by_epoch import CHANGES
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
    "has_splits": False,
    "recipes": {},
}

BEST_OF = ("target_size", "variant", "best_of", "median", "weak")

KELVIN = {"task": "regression", "name": "mean_absolute_error", "unit": "K"}


def question(
    found, variants=LADDER, pairs=(), changes=(), best_of=(), equal=(), **changed
):
    """Return a study of these samples, by target size and variant."""
    if not isinstance(next(iter(found.values())), dict):
        found = {"all": found}
    verdict = changed.pop("verdict", None)
    edge = changed.pop("at_edge", np.nan)
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
    chosen = {arm: Chosen(0.1, 5, np.nan, edge) for arm in arms}
    return Question(
        **settings,
        variants=variants,
        target_sizes=list(found),
        shown_size=[*found][-1],
        depths=depths,
        comparisons=table.assign(verdict=verdict) if verdict else table,
        best_depths=depths_table(found, depths, 0.01),
        summary=summary(arms, METRICS["classification"]["accuracy"], chosen),
        training_time=pd.DataFrame(changes, columns=CHANGES),
        best_of=pd.DataFrame(best_of, columns=BEST_OF),
        overlap=pd.DataFrame(equal),
    )


def said(*args, **kwargs):
    """Return the answer to such a study."""
    parts = answer(question(*args, **kwargs))
    return " ".join(sentence for part in parts for sentence in part.sentences)


def ladder(standalone, fixed_0, fixed_1, **options):
    return {
        "standalone": alone(standalone),
        "fixed-0": scores(fixed_0, seed=1, **options),
        "fixed-1": scores(fixed_1, seed=2, **options),
    }


def changed(found, **how):
    return {name: sample._replace(**how) for name, sample in found.items()}


def equal_rows(name, **changed):
    """A row of overlap.csv: five rows have the features of train rows of a problem."""
    found = {"train_rows_of": name, "test_rows": 99, "equal": 5, "as_read": 5}
    found |= {"splits": 1}
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
SAFER = changed(ladder(0.8, 0.8, 0.8, models=100, spread=0), constant=0.3)
SAFER = {
    name: sample._replace(
        values=np.where(np.arange(len(sample.values)) % 6, sample.values, 0.5)
    )
    if name != "fixed-1"
    else sample
    for name, sample in SAFER.items()
}
LOST = ladder(0.405, 0.7, 0.8, spread=0.001)
MEDIAN_FAILED = ladder(0.7, 0.8, 0.7, spread=0.005)
MEDIAN_FAILED["fixed-1"] = scores(0.7, failed=0.9, seed=2)
SELFER = {"selfer/fixed-1": scores(0.85, seed=3)}
PAIR = {"pairs": [("fixed-1", "selfer/fixed-1")]}
RANDOM_PAIR = {
    "variants": LADDER | {"random-1": RANDOM},
    "pairs": [("fixed-1", "random-1")],
}


def change(gain, reach=0.002, variant="fixed-0"):
    """Return by how much a gain changed from half-way to the end."""
    return (variant, "standalone", 50, 100, gain, gain - reach, gain + reach, 0.01)


CHOSEN = [
    ("all", "standalone", 1, 0.7, 0.0),
    ("all", "standalone", 3, 0.71, 0.0),
    ("all", "fixed-1", 1, 0.8, 0.1),
    ("all", "fixed-1", 3, 0.82, 0.004),
]

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
    "tuned": GROWS,
    "of losses": GROWS,
    "in kelvin": {20: SMALL, 50: LARGE},
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
    "still moving": ALIKE,
    "no longer moving": ALIKE,
    "may still move": ALIKE,
    "chosen": GROWS,
    "at the edge": GROWS,
    "safer": SAFER,
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
    "tuned": {"tuned": ["fixed-0", "fixed-1"]},
    "of losses": {"metric": [{"task": "classification", "name": "log_loss"}]},
    "in kelvin": {"metric": [KELVIN]},
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
    "still moving": {"changes": [change(0.03), change(0, variant="fixed-1")]},
    "no longer moving": {"changes": [change(0.001)]},
    "may still move": {"changes": [change(0.001, reach=0.02)]},
    "chosen": {"best_of": CHOSEN, "tuned": ["standalone", "fixed-1"]},
    "at the edge": {"tuned": ["fixed-0"], "at_edge": 0.3},
    "safer": {"source_models": 100},
}

# Phrases that the answer has and, after "not", phrases that it lacks.
SAID = """
helps, freezing pays: Use transfer and freeze 1 layer (fixed-1). It typically gains 0.1
helps, freezing pays: in test accuracy. Compared with standalone: typically better:
helps, freezing pays: Of 0 and 1 frozen layers, 1 may be best; freezing 0 is typically
helps, freezing pays: Intervals cover the luck of 30 source models and 60 repeats.
helps, freezing pays: do not cover other test rows, another split of these rows, or
helps, freezing pays: They would cover test rows if predictions were kept
helps, freezing pays, not: With
helps, freezing pays, not: validation
helps, freezing pays, not: told apart
helps, freezing pays, not: decide
hurts: Train from scratch (standalone). All other networks are typically worse, the
hurts: them, fixed-0, by 0.0
hurts: and fixed-1 costs 0.098 (0.093 to 0.103), with 97 points more weak networks (73
hurts, not: decide
hurts at some depth: Train from scratch (standalone). No other network typically gains
hurts at some depth: equivalent within ±0.01: fixed-0 +0.00
hurts at some depth: Weak means below the median of standalone by more than a fifth of
depends on the depth: Use transfer and freeze nothing (fixed-0).
depends on the depth: typically worse: fixed-1 -0.0
equivalent: It makes no difference that matters (±0.01). All networks are equivalent to
equivalent: Of 0 and 1 frozen layers, no depth can be ruled out as the best.
equivalent, not: safer
saturated: It makes no difference that matters
unclear: Undecided. Compared with standalone, fixed-0 or fixed-1 may gain
unclear: Not even 1,000 source models would decide it.
no standalone: Use fixed-1. It typically gains
no standalone: The baseline, fixed-0, is itself pretrained, so this study cannot say
no standalone, not: Use transfer
only standalone: No recommendation: nothing is compared. No variant starts from a source
only standalone: Intervals cover the luck of 60 repeats.
only standalone, not: would cover
one source model: Use transfer
one source model: All of this holds for this one source model; another one could
two source models: No recommendation: too few source models: 2 of the 8 it takes.
two source models: fixed-0 +0.051 (without a limit)
more source models than repeats: Use transfer
one checkpoint: All of this holds for this one checkpoint
checkpoints: cover the luck of 30 checkpoints and 60 repeats.
source is target: nothing foreign is transferred
rash: fixed-1). It typically gains 0.1
rash: no better than the best constant prediction: 20 % of
rash, by size: 20 % of fixed-1's with 20 rows, 20 % of
same depth: freeze 1 layer
tuned: Learning rate or epoch of fixed-0 and fixed-1 were chosen on rows held out
tuned, not: were tuned
in kelvin: It typically gains 0.222 K (0.2
in kelvin: a pretrained variant surely gains more than 0.01 K
in kelvin, not: more than 0.01.
of losses: A gain is a decrease of test log loss.
hurts, not: K
hurts: No variant's training settings were tuned.
hurts: A gain is a difference in test accuracy. Compared
every fifth failed: Networks failed (20 % of fixed-1's): scale the inputs
fails: with 30 points more failed networks (15 to 43)
fails, by size: with 30 points more failed networks (14 to 44)
all failed: No recommendation: all networks failed.
all failed: Networks failed (100 % of standalone's, 100 % of fixed-0's
all failed, not: frozen layers
sometimes weak: freeze nothing (fixed-0). It typically gains 0.02
sometimes weak: on standalone. It cannot be told apart from
sometimes weak: with 25 points more weak networks (
sometimes weak, not: not counted
weak by errors: Weak means above the median of standalone by more
a constant without a score: not counted, because a constant prediction has no score.
nothing learned: Weak networks are not counted, because the median of standalone does
nothing learned: not beat the best constant prediction by more than the margin of 0.01.
nothing learned, by size: Weak networks with 9 and 99 rows are not counted, because
no models: No recommendation: all source models failed.
no models, not: Use
the median failed: fixed-1 of unknown size, because too many networks failed
the median failed: freeze nothing (fixed-0)
the median failed, not: inf
turns: With 20 to 50 rows: use transfer and freeze 1 layer (fixed-1). It typically gains
turns: With all rows: train from scratch (standalone). All other networks are typically
turns: Up to 50 rows a pretrained variant surely gains more than 0.01, and with
turns: the rows that each repeat drew
mixed: With 20 to 50 rows: use transfer and freeze nothing (fixed-0).
mixed: fixed-1: typically better with 20 rows: +0.202
mixed: typically worse with 50 rows: -0.0
one size: With 20 rows: use transfer
one size: the rows that each repeat drew
the gain lasts: Up to the largest size, 50 rows, a pretrained variant surely
lost sight: With 50 rows: undecided.
lost sight: With 50 rows, not even 1,000 source models
lost sight: Up to 20 rows a pretrained variant surely gains more than 0.01; where
unsure: With 20 to 50 rows: use transfer and freeze nothing
maybe above: fixed-1 may gain up to
maybe above: Up to 20 rows a pretrained variant surely gains more than 0.01; where
large failed: With 50 rows: no recommendation: all networks failed.
too few models: With 20 rows to all: no recommendation: too few source models: 7 of the
too few models, not: surely
better random: Use random-1, which is not pretrained.
better random: Compared with random-1 (frozen random layers): typically worse: fixed-1
worse random: Use transfer and freeze 1 layer
worse random: Compared with random-1 (frozen random layers): typically better: fixed-1
random layers in no pair: typically worse: random-1 -0.1
random layers in no pair, not: Compared with random-1
pairs between studies: Compared with selfer/fixed-1: typically worse: fixed-1 -0.0
still moving: From epoch 50 to 100, gains on these test rows still changed, so that
still moving: change this answer: fixed-0 by +0.030 (+0.028 to +0.032); have settled
no longer moving: rows have settled (±0.01): fixed-0 by +0.001
no longer moving, not: longer training
may still move: rows may still change: fixed-0 by +0.001 (-0.019 to
chosen: Picking the best of 3 source models by validation loss lifts fixed-1 from
chosen: 0.800 to 0.820; standalone, picked alike, from 0.700 to 0.710.
chosen: cuts the risk of a weak network: fixed-1 from 10 % to 0.4 %.
at the edge: the lowest or the highest for 30 % of
safer: All networks are equivalent to standalone, but fixed-1 is safer, with
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


# A gain with its interval at each verdict that it may have, with a margin of 0.01.
GAINS = {
    "typically better": (0.05, 0.02, 0.08),
    "typically worse": (-0.05, -0.08, -0.02),
    "equivalent within ±0.01": (0.0, -0.005, 0.005),
    "no clear difference": (0.02, -0.01, 0.05),
    "no clear difference ": (-0.02, -0.05, 0.005),
    "too few source models: 4 of the 6 it takes": (0.02, -np.inf, np.inf),
    "no verdict: all networks failed": (np.nan, np.nan, np.nan),
}
THREE = {"standalone": SCRATCH} | {f"fixed-{n}": {"freeze": n} for n in range(3)}
MIXED = question(ALIKE | {"fixed-2": ALIKE["fixed-1"]}, variants=THREE)
KIND = {
    "Use": USE,
    "Train": KEEP,
    "It makes": SAME,
    "Undecided": UNDECIDED,
    "No recommendation": NONE,
}


@pytest.mark.parametrize("verdicts", [*itertools.product(GAINS, repeat=3)])
def test_a_recommendation_says_what_its_tables_do_and_no_more(verdicts):
    table = MIXED.comparisons.copy()
    table["verdict"] = [verdict.strip() for verdict in verdicts]
    ends = ["typical", "typical_low", "typical_high"]
    table[ends] = [GAINS[verdict] for verdict in verdicts]
    study = MIXED._replace(comparisons=table)
    own = advice(study, "all")
    text = " ".join(recommended(study))
    assert KIND[next(start for start in KIND if text.startswith(start))] == own.kind
    lows, highs = table["typical_low"], table["typical_high"]
    kinds = {verdict.strip() for verdict in verdicts}
    if own.kind == USE:
        # Everything named is clearly better, and no other gains more.
        named = table["variant"].isin(own.named)
        assert (lows[named] > 0).all()
        better = table[table["verdict"] == "typically better"]
        assert {*own.named} == {*better["variant"]} and own.variant in text
    elif own.kind == KEEP:
        # If all networks failed there is no interval.
        assert (highs.dropna() < 0.01).all() and kinds != {"equivalent within ±0.01"}
        worse = {"typically worse"}
        assert ("All other networks are typically worse" in text) == (kinds == worse)
    elif own.kind == SAME:
        assert ((lows >= -0.01) & (highs <= 0.01)).all()
    elif own.kind == UNDECIDED:
        assert not (lows > 0).any()
        unclear = table["verdict"].str.startswith(("no clear", "too few"))
        open_ = table.loc[unclear & (highs >= 0.01), "variant"]
        assert own.named == [*open_] and len(open_)
        assert all(name in text for name in open_)
    else:
        assert all(verdict.startswith(("too few", "no verdict")) for verdict in kinds)
    if "Use" not in text:
        assert "typically better" not in kinds


def test_a_depth_that_another_one_beats_is_not_recommended():
    """It may have the larger gain on the baseline: that does not order them."""
    models = np.arange(100).repeat(2)
    rng = np.random.default_rng(0)
    luck = rng.normal(0.8, 0.01, 100)[models]
    lost = np.where(models % 8, 0.011, -0.3)
    found = {
        "standalone": alone(0.7, spread=0.05),
        "fixed-0": Sample(luck + lost, models, constant=0.4),
        "fixed-1": Sample(luck, models, constant=0.4),
    }
    study = question(found, source_models=100)
    own = advice(study, "all")
    beaten_by = study.best_depths.set_index("variant")["beaten_by"]
    assert beaten_by["fixed-1"] == "fixed-0"
    assert own.named == ["fixed-0"]


def with_shares(**shares):
    """Return a study of three variants that are equivalent to their baseline."""
    table = MIXED.comparisons.assign(verdict="equivalent within ±0.01")
    table[["typical", "typical_low", "typical_high"]] = 0.0, -0.005, -0.001
    for name, value in shares.items():
        table.loc[1, name] = value
    return MIXED._replace(comparisons=table)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"weak_low": 0.15, "weak_high": 0.35}, "but fixed-1 is riskier, with"),
        ({"weak_low": -0.35, "weak_high": -0.15}, "but fixed-1 is safer, with"),
        (
            {"weak_low": -0.3, "weak_high": -0.1, "failed_low": 0.1, "failed_high": 1},
            "but fixed-1 is riskier, with",
        ),
    ],
)
def test_equivalent_variants_may_be_safer_or_riskier(shares, words):
    text = " ".join(recommended(with_shares(**shares)))
    assert "All networks are equivalent to standalone" in text
    assert words in text


def test_of_ties_the_one_that_fails_no_more_often_is_named():
    table = MIXED.comparisons.assign(verdict="typically better")
    table[["typical", "typical_low", "typical_high"]] = 0.05, 0.02, 0.08
    table.loc[0, ["typical", "failed_low", "failed_high"]] = 0.0501, 0.2, 0.4
    own = advice(MIXED._replace(comparisons=table), "all")
    assert own.named == ["fixed-1", "fixed-2", "fixed-0"]


def test_a_gain_over_networks_that_mostly_failed_has_no_size():
    text = said(GROWS | {"standalone": alone(0.7, failed=0.9)})
    assert "more than can be said, because too many networks failed" in text
    assert "∞" not in text and "inf" not in text


def test_sizes_at_which_the_gain_exceeds_the_margin_need_not_be_the_smallest():
    hurts, helps = ladder(0.8, 0.75, 0.7), ladder(0.7, 0.75, 0.8)
    text = said({20: hurts, 50: helps, "all": ALIKE})
    assert "Only with 50 rows a pretrained variant surely gains more than 0.01." in text


def test_a_pair_has_one_sentence_for_all_sizes():
    found = ladder(0.5, 0.7, 0.8) | SELFER
    text = said({20: found, 50: found}, **PAIR)
    start = "Compared with selfer/fixed-1, fixed-1: "
    assert text.count(start) == 1
    assert text.partition(start)[2].startswith(
        "typically worse with 20 to 50 rows: -0.0"
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
        (-np.inf, 0.03, " +0.010 K (at most +0.030, without a lower limit)"),
        (-0.01, np.inf, " +0.010 K (at least -0.010, without an upper limit)"),
        (-np.inf, np.inf, " +0.010 K (without a limit)"),
    ],
)
def test_no_answer_prints_infinity(low, high, shown):
    row = {"typical": 0.01, "typical_low": low, "typical_high": high}
    assert estimate(row, 0.01, " K") == shown


def test_test_rows_among_train_rows_are_named_with_what_they_flatter():
    equal = [equal_rows("two"), equal_rows("one", as_read=4)]
    text = said(GROWS, equal=equal)
    for whose, scaled, flattered in (
        ("two", "", "all"),
        ("one", ", 1 of them only once scaled", "pretrained"),
    ):
        assert (
            "5 of 99 test rows have the same features as train rows of "
            f"{whose}{scaled} (rows 1, 2, 3, 4, 5). Those that are the same samples "
            f"flatter {flattered} variants and should be left out."
        ) in text
    assert "same features" not in said(GROWS, equal=[equal_rows("two", equal=0)])


def test_a_recipe_is_recommended_in_words():
    head = {"standalone": SCRATCH, "head-first": {"phases": []}}
    recipes = {"head-first": "the output alone for 9 epochs"}
    found = {"standalone": alone(0.7), "head-first": scores(0.8)}
    text = said(found, variants=head, recipes=recipes)
    start = "Use transfer: the output alone for 9 epochs (head-first). It typically"
    assert text.startswith(start)
    random = head | {"head-first": {"pretrained": False, "phases": []}}
    text = said(found | {"head-first": alone(0.8)}, variants=random, recipes=recipes)
    assert text.startswith("Use head-first: the output alone for 9 epochs. It")
