"""Verdicts are rarely false, intervals cover, and differences are found.

The quick version of research/calibration.py and errors.py, whose page is
docs/calibration.md. Shares are of `TRIALS` drawn studies, and may miss a bar by three
of their standard errors.
"""

import math

import errors
import numpy as np
import pytest
from calibration import calibrate, populations
from judging import BASELINE, verdicts
from populations import CONSTANT, DEPTHS, PAIRS, ROWS, Resampled
from unseen_studies import Known

from thaw.findings.samples import Sample
from thaw.tables.comparisons import comparisons

TRIALS = 600


def population(name):
    return next(p for p in populations() if p.name == name)


def at_most(share):
    return share + 3 * math.sqrt(share * (1 - share) / TRIALS)


def at_least(share):
    return share - 3 * math.sqrt(share * (1 - share) / TRIALS)


@pytest.mark.parametrize("models", [8, 10, 30])
@pytest.mark.parametrize(
    "name",
    [
        "real, blobs 1 → 2",
        "normal, sd between 0.115",
        "failing, 20 %, each its own",
        "hardest, 20 % failing",
    ],
)
def test_equal_variants_are_rarely_told_apart(name, models):
    found = calibrate(population(name).moved(0), models, TRIALS, 1, False)
    assert found["false typical"] <= at_most(0.05)
    assert found["false about weak"] <= at_most(0.06)
    assert found["typical, jointly"] >= at_least(0.94)
    assert found["weak, jointly"] >= at_least(0.94)
    assert found["best depth in set"] >= at_least(0.94)


@pytest.mark.parametrize("models", [5, 30])
@pytest.mark.parametrize("name", ["real, blobs 2 → 1", "normal, sd between 0.05"])
def test_intervals_cover(name, models):
    found = calibrate(population(name), models, TRIALS, 1, True)
    for measure, share in found.items():
        if "covered" in measure:
            assert share >= at_least(0.93), measure
    assert found["best mean in set"] >= at_least(0.94)


def test_differences_and_equality_are_found():
    failing = population("failing, 5 %, each its own")
    better = calibrate(failing.moved(25), 30, TRIALS, 1, False)
    assert all(better[f"better, {depth}"] >= at_least(0.95) for depth in DEPTHS)
    equal = calibrate(failing.moved(0), 100, TRIALS, 1, False)
    assert all(equal[f"equivalent, {depth}"] >= at_least(0.95) for depth in DEPTHS)


def test_five_source_models_say_nothing():
    found = calibrate(population("real, selfer").moved(25), 5, TRIALS, 1, False)
    assert not any(found[f"better, {depth}"] for depth in DEPTHS)
    assert found["depths in set"] == 3


def test_repeats_pay_where_they_have_source_models_of_their_own():
    moved = population("real, blobs 1 → 2").moved(10)
    few = calibrate(moved, 30, TRIALS, 1, False)
    many = calibrate(moved, 150, TRIALS, 1, False, each=2)
    for depth in DEPTHS:
        assert few[f"better, {depth}"] <= at_most(0.8)
        assert many[f"better, {depth}"] >= at_least(0.9)


@pytest.mark.parametrize(
    "name", ["real, mean absolute error, 20 rows", "15 % diverge, to 10 to 1e6"]
)
def test_errors_without_a_bound(name):
    (case,) = (case for case in errors.cases() if case.name == name)
    as_it_is = errors.try_out(Known(case, None), 10, TRIALS, 1)
    for measure, share in as_it_is.items():
        if "mean covered" in measure:
            assert share >= at_least(0.87), measure
    equal = errors.try_out(Known(case, (0,)), 30, TRIALS, 1)
    assert equal["false typical"] <= at_most(0.05)
    assert equal["typical, jointly"] >= at_least(0.94)
    better = errors.try_out(Known(case, (20,)), 30, 50, 1)
    assert all(better[f"better, {depth}"] > 0.8 for depth in DEPTHS)


@pytest.mark.parametrize("each", [1, 2, 10])
def test_what_is_calibrated_is_what_the_table_says(each):
    """The verdicts of drawn studies, and those of the stage that compares them."""
    moved = population("real, blobs 2 → 1").moved(10)
    models, count = 120 // each, 25
    studies = Resampled(moved, models, count, np.random.default_rng(1), each)
    assert (np.diff(np.sort(studies.repeats)) > 0).all()  # different ones
    quick = [verdicts(studies, pair) for pair in PAIRS]
    for study in range(count):
        alone = Sample(studies.standalone[study] / ROWS, constant=CONSTANT / ROWS)
        found = {BASELINE: alone} | {
            depth: Sample(
                studies.scores(depth)[study].ravel() / ROWS,
                np.repeat(np.arange(models), each),
            )
            for depth in DEPTHS
        }
        table = comparisons({"all": found}, PAIRS, BASELINE, 0.01)
        for pair, weak in zip(PAIRS, table["weak"], strict=True):
            ((ours, _, _),) = studies.counted(pair)
            assert weak == pytest.approx(ours[0, study].mean())
        for words, result in zip(table["verdict"], quick, strict=True):
            said = words.split(";")[0]
            assert (said == "typically better") == result.better[study]
            assert (said == "typically worse") == result.worse[study]
            assert said.startswith("equivalent") == result.equivalent[study]
    assert any(result.better.any() for result in quick)
    assert any(result.equivalent.any() for result in quick)
