"""The rule in words, the table of comparisons, and the set of best depths."""

import math

import numpy as np
import pandas as pd
import pytest

from samples import nested, normal
from thaw.findings.best_depths import beaten
from thaw.findings.metrics import METRICS
from thaw.findings.samples import Estimate, Sample
from thaw.findings.verdicts import (
    ALL_FAILED,
    KINDS,
    MODELS_FAILED,
    NO_VERDICT,
    first_part,
    joined,
    kind_of,
    more_or_less,
)
from thaw.tables.comparisons import comparisons, depths_table
from thaw.tables.comparisons_in_words import for_people

LOG_LOSS = METRICS["classification"]["log_loss"]
ACCURACY = METRICS["classification"]["accuracy"]

RNG = np.random.default_rng(0)


def row_of(variant, reference, margin=0.01, others=0):
    """Return the comparison of two, in a study of that many more comparisons."""
    found = {"variant": variant, "reference": reference}
    pairs = [("variant", "reference")] * (1 + others)
    return comparisons({"all": found}, pairs, "reference", margin).iloc[0]


def verdict_of(*args, **kwargs):
    return row_of(*args, **kwargs)["verdict"]


BASE = Sample(RNG.normal(0.8, 0.01, 100), constant=0.3)
ALIKE = Sample(BASE.values, np.repeat(np.arange(20), 5))
BETTER = ALIKE._replace(values=BASE.values + 0.05)


def as_losses(sample):
    """Return a sample of which lower values are better."""
    values, constant = 1 - sample.values, 1 - sample.constant
    unit = {"scale": 0.7, "worst": 0.7, "lower_is_better": True}
    return sample._replace(values=values, constant=constant, **unit)


def weaker(sample, models):
    """Return a sample with some source models weak."""
    lost = np.where(np.isin(sample.source_models, models), 0.3, 0)
    return sample._replace(values=sample.values - lost)


PAIR = {"a": BETTER, "b": BASE}
OFTEN_WEAK = nested([[0.9] * 5] * 48 + [[0.4] * 5] * 12)
GOOD, MIDDLING = nested([[0.9] * 5] * 30), nested([[0.8] * 5] * 60)
MIDDLING = MIDDLING._replace(constant=0.3)
FOUR = Sample(np.full(4, 0.8))
WEAK_THIRD = Sample(np.r_[np.full(100, 0.8), np.full(50, 0.6)], constant=0.3)
VERDICTS = (
    (BETTER, BASE, 0.01, "typically better"),
    (BASE, BETTER, 0.01, "typically worse"),
    (ALIKE, BASE, 0.01, "equivalent within ±0.01"),
    (ALIKE, BASE, 0.001, "no clear difference"),
    # A difference can be sure and yet too small to matter.
    (BETTER, BASE, 0.1, "equivalent within ±0.1"),
    # An end at the margin is within, whatever the last bits of 0.81 - 0.8 are.
    (nested([[0.81]] * 12), nested([[0.8]] * 12), 0.01, "equivalent within ±0.01"),
    (nested([[0.79]] * 12), nested([[0.8]] * 12), 0.01, "equivalent within ±0.01"),
    (nested([[0.812]] * 12), nested([[0.8]] * 12), 0.01, "typically better"),
    (weaker(BETTER, range(9)), BASE, 0.01, "no clear difference; is weak more often"),
    (GOOD, WEAK_THIRD, 0.01, "typically better; is weak less often"),
    (OFTEN_WEAK, MIDDLING, 0.01, "typically better; is weak more often"),
    # The smaller side decides whether there are too few, whichever it is.
    (normal(10, 2), FOUR, 0.01, "too few repeats: 4 of the 7 it takes"),
    (FOUR, normal(10, 2), 0.01, "too few repeats: 4 of the 7 it takes"),
)


@pytest.mark.parametrize(("variant", "reference", "margin", "expected"), VERDICTS)
def test_verdicts(variant, reference, margin, expected):
    assert verdict_of(variant, reference, margin=margin) == expected


def test_failures_are_told_apart_from_weakness():
    failed = np.isin(BETTER.source_models, range(9))
    row = row_of(BETTER._replace(failed=failed), BASE)
    assert row["verdict"].endswith("; fails more often")
    assert (row["failed"], row["reference_failed"], row["weak"]) == (0.45, 0, 0)
    # The mean is that of those that did not fail.
    assert row["mean"] == pytest.approx(0.05, abs=0.01)


def test_words_on_verdicts():
    assert more_or_less("fails", Estimate(0.2, 0.1, 0.3)) == "fails more often"
    assert more_or_less("fails", Estimate(-0.2, -0.3, -0.1)) == "fails less often"
    assert more_or_less("fails", Estimate(0.0, -0.1, 0.1)) == ""
    assert joined(["equivalent", "", "fails"]) == "equivalent; fails"
    said = {verdict: kind_of(verdict) for *_, verdict in VERDICTS}
    assert all(verdict.startswith(kind) for verdict, kind in said.items())
    assert kind_of(MODELS_FAILED) == kind_of(ALL_FAILED) == NO_VERDICT
    assert {*said.values(), NO_VERDICT} == {*KINDS}
    assert first_part("typically better; is weak less often") == "typically better"


@pytest.mark.parametrize(
    ("models", "others", "needed"), [(5, 0, 7), (6, 2, 8), (7, 4, 9)]
)
def test_too_few_source_models_bear_no_verdict(models, others, needed):
    variant = nested([[0.9, 0.91]] * models)
    row = row_of(variant, BASE, others=others)
    words = f"too few source models: {models} of the {needed} it takes"
    assert row["verdict"] == words
    assert (row["typical_low"], row["typical_high"]) == (-np.inf, np.inf)
    assert row["typical"] == pytest.approx(0.105, abs=0.01)
    assert row["better_low"] > 0.4
    # A mean has an interval from five units on.
    few = row_of(nested([[0.9, 0.91]] * 4), BASE, others=others)
    assert not math.isnan(row["mean_low"]) and math.isnan(few["mean_low"])
    enough = nested([[0.9, 0.91]] * needed)
    assert verdict_of(enough, BASE, others=others) == "typically better"


def test_one_source_model_is_compared_repeat_by_repeat():
    luck = RNG.normal(0, 0.05, 30)
    base = Sample(0.8 + luck)
    transfer = Sample(0.83 + luck + RNG.normal(0, 0.001, 30), np.zeros(30, dtype=int))
    row = row_of(transfer, base)
    assert row["matched_by"] == "repeat"
    assert row["verdict"] == "typically better"
    assert row["given"] == "given one source model"
    assert row["better"] == 1
    # Out of step, the agreement of repeats is lost.
    shuffled = base._replace(values=np.roll(base.values, 1))
    assert verdict_of(transfer, shuffled) == "no clear difference"


def test_more_source_models_than_repeats():
    """Only source models that a repeat starts from count."""
    variant = Sample(RNG.normal(0.9, 0.01, 10), np.arange(10))
    row = row_of(variant, Sample(RNG.normal(0.8, 0.01, 10)))
    assert (row["unit"], row["units"]) == ("source model", 10)
    assert row["matched_by"] == ""
    assert row["verdict"] == "typically better"


CONSTANT = {
    "saturated": (nested([[1.0] * 3] * 10), Sample(np.ones(30)), "equivalent"),
    "the same": (Sample(np.full(9, 0.8)), Sample(np.full(9, 0.8)), "equivalent"),
    "better": (nested([[0.9] * 3] * 10), Sample(np.full(30, 0.8)), "typically better"),
    "worse": (nested([[0.7]] * 10), nested([[0.8]] * 10), "typically worse"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", CONSTANT)
def test_constant_scores_have_a_truthful_answer(name):
    variant, reference, expected = CONSTANT[name]
    row = row_of(variant, reference)
    assert row["verdict"].startswith(expected)
    difference = variant.values[0] - reference.values[0]
    ends = row[["typical", "typical_low", "typical_high"]].tolist()
    assert ends == pytest.approx([difference] * 3)
    # Units that were not drawn may differ.
    assert row["better_high"] - row["better_low"] > 0.2


@pytest.mark.filterwarnings("error")
def test_where_all_networks_failed():
    dead = Sample(np.full(10, np.nan))
    row = row_of(dead, dead)
    assert row["verdict"].startswith("no verdict: all networks failed")
    assert (row["failed"], row["reference_failed"]) == (1, 1)
    row = row_of(dead, Sample(np.full(10, 0.8)))
    assert row["verdict"] == "typically worse; fails more often"
    text = for_people(
        pd.DataFrame([{**row, "variant": "a", "reference": "b"}]),
        NONE,
        "b",
        ACCURACY,
        0.01,
    )
    assert "n/a" in text


def test_intervals_are_adjusted_for_the_number_of_comparisons():
    variant = normal(30, 2, between=0.05)
    one, five = row_of(variant, BASE), row_of(variant, BASE, others=4)
    assert (one["level"], five["level"]) == (0.97, 0.994)
    for name in ("typical", "better", "weak"):
        assert five[f"{name}_low"] < one[f"{name}_low"], name
        assert five[f"{name}_high"] > one[f"{name}_high"], name
    # The mean bears no verdict, and its interval stands alone.
    assert five["mean_low"] == one["mean_low"]


def test_where_lower_is_better_differences_are_gains():
    losses = {name: as_losses(sample) for name, sample in PAIR.items()}
    table = comparisons({"all": losses}, [("a", "b")], "b", 0.01)
    row, same = table.loc[0], row_of(BETTER, BASE)
    assert row["verdict"].startswith("typically better")
    for name in ("typical", "typical_low", "typical_high", "better", "mean"):
        assert row[name] == pytest.approx(same[name]), name
    assert row["mean_low"] < row["mean"] < row["mean_high"]
    # A loss has no bound: beyond the constant's it counts as that.
    worse = losses["b"]._replace(values=losses["b"].values + 5)
    table = comparisons({"all": losses | {"b": worse}}, [("a", "b")], "b", 0.01)
    expected = 0.7 - losses["a"].values.mean()
    assert table.loc[0, "mean"] == pytest.approx(expected)
    assert table.loc[0, "typical"] > 4
    table = comparisons({"all": losses}, [("a", "b")], "b", 0.01)
    text = for_people(table, NONE, "b", LOG_LOSS, 0.01)
    assert "decrease of test log loss" in text
    assert "weak" in text and "n/a" not in text
    # Beside a baseline that learned nothing, weak networks are not counted.
    losses["b"] = losses["b"]._replace(constant=0.2)
    table = comparisons({"all": losses}, [("a", "b")], "b", 0.01)
    assert table.loc[0, ["weak", "weak_difference", "weak_high"]].isna().all()
    text = for_people(table, NONE, "b", LOG_LOSS, 0.01)
    assert "weak" not in text and "n/a" not in text
    # Failed networks lose here, too.
    failed = np.arange(60) < 40
    few, none = (
        Sample(np.full(60, loss), None, lost, lower_is_better=True)
        for loss, lost in ((0.5, failed), (0.9, failed & ~failed))
    )
    assert row_of(few, none)["better"] == pytest.approx(1 / 3)


def ladder(*gains, spread=0.01):
    """Return depths that share source models, by how much better each is."""
    rng = np.random.default_rng(0)
    effects = rng.normal(0.8, 0.1, 12)
    return {
        f"fixed-{depth}": nested(
            [rng.normal(effect + gain, spread, 3) for effect in effects]
        )
        for depth, gain in enumerate(gains)
    }


def few_models(found, models):
    return {name: nested(sample.groups()[:models]) for name, sample in found.items()}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (ladder(0, 0, 0), "012"),
        (ladder(0, 0.1, 0), "1"),
        (ladder(0.1, 0.1, 0), "01"),
        (ladder(0.1), "0"),
        ({}, ""),
        (few_models(ladder(0, 0.2, 0), 5), "012"),
        # A difference within the margin does not matter.
        (ladder(0, 0.005, 0, spread=0.001), "012"),
    ],
)
def test_the_set_of_best_depths(found, expected):
    assert may_be_best(found) == [f"fixed-{depth}" for depth in expected]


def may_be_best(found):
    table = depths_table({"all": found}, dict.fromkeys(found, 0), 0.01)
    return table.loc[table["may_be_best"] == "yes", "variant"].tolist()


def test_a_set_of_depths_agrees_with_the_verdict_on_each_pair():
    found = ladder(0.1, 0.1, 0)
    beaten_by = beaten(found, 0.05, 0.01)
    assert beaten_by == {
        "fixed-0": [],
        "fixed-1": [],
        "fixed-2": ["fixed-0", "fixed-1"],
    }


def test_depths_that_beat_each_other_in_a_circle_all_stay():
    """Each is ahead of the next from two of three source models."""
    columns = {"a": [3, 2, 1], "b": [2, 1, 3], "c": [1, 3, 2]}
    found = {
        name: Sample(np.tile(values, 30) / 10, np.arange(90))
        for name, values in columns.items()
    }
    assert may_be_best(found) == ["a", "b", "c"]


NONE = depths_table({"all": {}}, {}, 0.01)
LONG = "a-variant-with-a-name-that-is-far-longer-than-any-column-is-wide"


def test_the_table_for_people_fits_a_terminal():
    found = {LONG: weaker(BETTER, [1]), "standalone": BASE} | ladder(0, 0.1)
    depths = depths_table({"all": found}, {"fixed-0": 0, "fixed-1": 1}, 0.01)
    pairs = [(LONG, "standalone"), ("fixed-1", "standalone"), ("fixed-1", LONG)]
    text = for_people(
        comparisons({"all": found}, pairs, "standalone", 0.01),
        depths,
        "standalone",
        ACCURACY,
        0.01,
    )
    assert max(map(len, text.splitlines())) <= 80
    text = " ".join(text.split())
    assert (
        "each interval at 99 %, so that all verdicts together hold with 95 %, over"
        in text
    )
    assert "over 20 source models" in text
    assert "Of the depths fixed-0, fixed-1, these may be the best: fixed-1." in text
    assert "weak" in text


def test_the_table_for_people_says_on_what_it_is_conditional():
    found = {"a": Sample(BASE.values, np.zeros(100, dtype=int)), "b": BASE}
    table = comparisons({"all": found}, [("a", "b")], "b", 0.01)
    text = for_people(table, NONE, "b", ACCURACY, 0.01)
    text = " ".join(text.split())
    assert "over 100 repeats, given one source model (other test rows" in text
    assert "No network failed, and none is weak" in text
    # If some are, they are named, and once for all sizes.
    sizes = {size: found | {"c": BASE} for size in (20, 50)}
    table = comparisons(sizes, [("a", "b"), ("c", "b")], "b", 0.01)
    text = " ".join(for_people(table, NONE, "b", ACCURACY, 0.01).split())
    assert "covered) (a - b: given one source model):" in text


def test_one_variant_alone_has_nothing_to_compare():
    found = {"all": {"a": BASE}}
    alone = comparisons(found, [], "a", 0.01)
    paired = comparisons(found, [("a", "a")], "a", 0.01)
    assert for_people(alone, NONE, "a", ACCURACY, 0.01) == ""
    assert list(alone.columns) == list(paired.columns)
