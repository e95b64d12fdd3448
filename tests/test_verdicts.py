"""Verdicts, their table for people, and the depths and sources that may be best."""

import itertools
import re

import numpy as np
import pytest

from samples import as_losses, best_depths, compared, ends_of, nested, normal, row_of
from thaw.findings.best import beaten, rows_to_tell, statements, unbeaten
from thaw.findings.gains import shares
from thaw.findings.metrics import METRICS
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.verdicts import in_words
from thaw.tables.comparisons_in_words import for_people

FAILED = np.nan

# A baseline, and variants that are like it and better by 0.05.
BASE = Sample(np.random.default_rng(0).normal(0.8, 0.01, 100), constant=0.3)
ALIKE = BASE._replace(source_models=np.repeat(np.arange(20), 5))
BETTER = ALIKE._replace(values=BASE.values + 0.05)
OF_MODEL = BETTER.source_models
WEAKER = BETTER._replace(values=BETTER.values - 0.3 * (OF_MODEL < 9))
FAILING = BETTER._replace(failed=OF_MODEL < 9)
OFTEN_WEAK = nested([[0.9] * 5] * 48 + [[0.4] * 5] * 12)
MIDDLING = nested([[0.8] * 5] * 60, constant=0.3)
WEAK_THIRD = Sample(np.r_[np.full(100, 0.8), np.full(50, 0.6)], constant=0.3)
FOUR, TEN, DEAD = (Sample(np.full(*of)) for of in ((4, 0.8), (10, 0.8), (10, FAILED)))
GOOD, TWELVE = nested([[0.9]] * 30), nested([[0.8]] * 12)
NEAR = "equivalent within ±0.01"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("variant", "reference", "margin", "expected"),
    [
        (BETTER, BASE, 0.01, "typically better"),
        (BASE, BETTER, 0.01, "typically worse"),
        (ALIKE, BASE, 0.01, NEAR),
        (ALIKE, BASE, 0.001, "undecided"),
        # A difference can be sure and yet too small to matter.
        (BETTER, BASE, 0.1, "equivalent within ±0.1"),
        # An end at the margin is within, whatever the last bits of 0.81 - 0.8 are.
        (nested([[0.81]] * 12), TWELVE, 0.01, NEAR),
        (nested([[0.79]] * 12), TWELVE, 0.01, NEAR),
        (nested([[0.812]] * 12), TWELVE, 0.01, "typically better"),
        (TEN, TEN, 0.01, NEAR),
        (WEAKER, BASE, 0.01, "undecided"),
        (GOOD, WEAK_THIRD, 0.01, "typically better"),
        (OFTEN_WEAK, MIDDLING, 0.01, "typically better"),
        (FAILING, BASE, 0.01, "undecided"),
        # The smaller side decides whether there are too few, whichever it is.
        (normal(10, 2), FOUR, 0.01, "too few: 4 of the 6 repeats it takes"),
        (FOUR, normal(10, 2), 0.01, "too few: 4 of the 6 repeats it takes"),
        (DEAD, DEAD, 0.01, "no verdict: too many networks failed"),
        (TEN, DEAD, 0.01, "typically better"),
    ],
)
def test_verdicts(variant, reference, margin, expected):
    row = row_of(variant, reference, margin)
    assert in_words(row["verdict"], row["note"], f"{margin:g}") == expected
    if len({*variant.values, *reference.values}) == 1:
        # No difference at all has no sign, and units that were not drawn may differ.
        ends = [row["typical"], *ends_of(row, "typical")]
        assert [*map(str, ends)] == ["0.0"] * 3


@pytest.mark.parametrize("seed", range(6))
def test_a_verdict_agrees_with_its_interval(seed):
    """Whatever the scores: each kind is read off the ends, and off nothing else."""
    rng = np.random.default_rng(seed)
    samples = {
        name: normal(rng.integers(5, 30), 2, *rng.choice([0.001, 0.02, 0.1], 2), mean)
        for name, mean in zip("abcd", 0.8 + rng.normal(0, 0.05, 4), strict=True)
    }
    pairs, margin = itertools.permutations(samples, 2), rng.choice([0.005, 0.02])
    table = compared(samples, *pairs, baseline="a", margin=margin)
    for row in table.to_dict("records"):
        low, high = ends_of(row, "typical")
        units = min(row["units"], row["reference_units"])
        is_known = 2.0**-units <= (1 - row["level"]) / 2
        kinds = {
            "too few": not is_known,
            "equivalent": -margin <= low and high <= margin,
            "not better": low <= 0 <= high < margin,
            "undecided": low <= 0 <= high,
            "typically better": low > 0,
            "typically worse": high < 0,
        }
        assert low <= row["typical"] <= high
        assert row["verdict"] == next(kind for kind in kinds if kinds[kind])


@pytest.mark.parametrize(
    ("variant", "reference", "expected"),
    [
        (BASE, BASE, "none"),
        (WEAKER, BASE, r"weak 45 % \(0 %\): \+45 \(\+\d+ to \+\d+\)"),
        (GOOD, WEAK_THIRD, r"weak 0 % \(33 %\): -33 \(-\d+ to -\d+\)"),
        (FAILING, BASE, r"failed 45 % \(0 %\): \+45 \(\+\d+ to \+\d+\)"),
        (TEN, DEAD, r"failed 0 % \(100 %\): -100 \(-100 to -\d+\)"),
    ],
)
def test_shares_stand_beside_their_difference(variant, reference, expected):
    assert re.fullmatch(expected, shares(row_of(variant, reference)))


def test_too_few_source_models_bear_no_verdict():
    """Even if all of them win, as often as a coin falls on one side."""
    for models, more_pairs, needed in ((5, 0, 6), (7, 2, 8), (7, 4, 8)):
        row = row_of(nested([[0.9, 0.91]] * models), BASE, more_pairs=more_pairs)
        words = f"{models} of the {needed} source models it takes"
        assert (row["verdict"], row["note"]) == ("too few", words)
        assert ends_of(row, "typical") == [-np.inf, np.inf]
        assert row["typical"] == pytest.approx(0.105, abs=0.01)
        row = row_of(nested([[0.9, 0.91]] * needed), BASE, more_pairs=more_pairs)
        assert row["verdict"] == "typically better"


def test_intervals_are_adjusted_for_the_number_of_comparisons():
    variant = normal(30, 2, between=0.05)
    alone, five = row_of(variant, BASE), row_of(variant, BASE, more_pairs=4)
    assert 1 - five["level"] == pytest.approx((1 - alone["level"]) / 5)
    for name in ("typical", "weak"):
        (low, high), (lower, higher) = (ends_of(row, name) for row in (alone, five))
        assert lower < low and high < higher, name
    # The mean bears no verdict, and its interval stands alone.
    assert five["mean_low"] == alone["mean_low"]


def words_on(samples, *pairs, metric="accuracy"):
    table = compared(samples, *pairs, baseline="b")
    settings = {"baseline": "b", "margin": 0.01, "has_splits": False}
    return for_people(table, METRICS["classification"][metric], settings)


def test_the_table_for_people_fits_a_terminal():
    name = "a-name-far-longer-than-any-column" * 2
    samples = {name: WEAKER, "b": BASE, "fixed-0": ALIKE, "fixed-1": BETTER}
    pairs = [(name, "b"), ("fixed-1", "b"), ("fixed-1", name)]
    text = words_on(samples, *pairs)
    assert max(map(len, text.splitlines())) <= 80
    text = " ".join(text.split())
    assert "of 20 source models and 100 repeats. All verdicts hold at once" in text
    # One variant alone has nothing to compare.
    assert words_on({"b": BASE}) == ""
    samples = {"a": as_losses(WEAKER), "b": as_losses(BASE)}
    text = words_on(samples, ("a", "b"), metric="log_loss")
    assert "decrease of test log loss" in text and "n/a" not in text


# Sets of the best

ALPHA, MARGIN = 0.01, 0.01


def depths(*gains, models=12, spread=0.01):
    """Return depths that share source models, by how much better each is."""
    rng = np.random.default_rng(0)
    effects = rng.normal(0.8, 0.1, 12)
    samples = {
        f"fixed-{depth}": [rng.normal(effect + gain, spread, 3) for effect in effects]
        for depth, gain in enumerate(gains)
    }
    return {name: nested(values[:models]) for name, values in samples.items()}


def in_a_circle(names):
    """Return samples each of which is ahead of the next at two of three units."""
    values = np.tile([[3, 2, 1], [2, 1, 3], [1, 3, 2]], 30) / 10
    return {names[n]: Sample(values[n], np.arange(90)) for n in range(3)}


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (depths(0, 0, 0), "012"),
        (depths(0, 0.1, 0), "1"),
        (depths(0.1, 0.1, 0), "01"),
        (depths(0.1), "0"),
        ({}, ""),
        (depths(0, 0.2, 0, models=5), "012"),
        # A difference within the margin does not matter.
        (depths(0, 0.005, 0, spread=0.001), "012"),
        (in_a_circle(["fixed-0", "fixed-1", "fixed-2"]), "012"),
    ],
)
def test_the_set_of_best_depths(samples, expected):
    table = best_depths(samples)
    kept = table.index[table["may_be_best"] == "yes"]
    assert [*kept] == [f"fixed-{depth}" for depth in expected]


@pytest.mark.parametrize("seed", range(5))
def test_a_set_of_depths_agrees_with_the_verdict_on_each_pair(seed):
    samples = depths(*np.random.default_rng(seed).choice([0, 0.005, 0.05, 0.1], 3))
    table = best_depths(samples)
    for pair in itertools.permutations(samples, 2):
        row = compared(samples, pair, pair[::-1], pair, baseline="fixed-0").iloc[0]
        is_better = row["verdict"] == "typically better"
        assert is_better == (pair[0] in table.loc[pair[1], "beaten_by"].split())


def source(gain, depths=2, models=30, spread=0.02, seed=0):
    """Return a source with luck at each address; each frozen layer costs 0.1."""
    at_address = np.random.default_rng(0).normal(0.7, 0.1, models)
    rng = np.random.default_rng([1, seed])
    return {
        f"fixed-{depth}": nested(
            [rng.normal(luck + gain - 0.1 * depth, spread, 2) for luck in at_address]
        )
        for depth in range(depths)
    }


def sources(*gains, **options):
    return {
        name: source(gain, seed=seed, **options)
        for seed, (name, gain) in enumerate(zip("abc", gains, strict=False))
    }


# A source is beaten only by a variant that is better than each variant of it.
WITH_A_RIVAL = {"a": source(0.1), "b": source(0, seed=1)}
WITH_A_RIVAL["b"]["fixed-1"] = source(0.1, seed=2)["fixed-0"]


def on_rows(right):
    """Return a source's only variant, all of whose networks are right on these rows."""
    by_rows = np.tile(right.astype(np.float32), (30, 1))
    fields = {"constant_by_rows": np.zeros(len(right)), "constant": 0}
    return {"": Sample(by_rows.mean(1), np.arange(30), by_rows=by_rows, **fields)}


# Of 40 rows one source is right on 24, the other on 22.
OTHER_ROWS = {"a": on_rows(np.arange(40) < 24), "b": on_rows(np.arange(40) >= 18)}
THESE_ROWS = {s: {"": of[""]._replace(by_rows=None)} for s, of in OTHER_ROWS.items()}


@pytest.mark.parametrize(
    ("samples", "out"),
    [
        (sources(0.2, 0, 0.1), {"b": "ac", "c": "a"}),
        (sources(0.2, 0.2, 0), {"c": "ab"}),
        # One that a source loses with its frozen layers only is no reason.
        (sources(0.05, 0), {"b": "a"}),
        (sources(0.05, 0.04), {}),
        # A difference within the margin does not matter.
        (sources(0.005, 0, spread=0.001), {}),
        # Five source models are too few.
        (sources(0.2, 0, models=5), {}),
        ({"a": source(0), "b": source(FAILED)}, {"b": "a"}),
        ({"a": source(FAILED), "b": source(FAILED)}, {}),
        (WITH_A_RIVAL, {}),
        # Luck that both share at an address does not tell them apart.
        (sources(0.04, 0, depths=1), {"b": "a"}),
        (THESE_ROWS, {"b": "a"}),
        (OTHER_ROWS, {}),
    ],
)
def test_the_sources_that_are_beaten(samples, out):
    expected = {name: [*out.get(name, "")] for name in samples}
    assert beaten(samples, ALPHA, MARGIN) == expected


def test_so_many_rows_would_tell_two_sources_apart():
    """On so many of the same kind, or somewhat fewer, the interval excludes 0."""
    first, second = (
        of[""]._replace(tested=40, decisive=40) for of in OTHER_ROWS.values()
    )
    needed = rows_to_tell(Pair(first, second), ALPHA)
    for share, tells in ((0.8, False), (1.05, True)):
        times = int(share * needed / 40)
        more = [
            s._replace(
                by_rows=np.tile(s.by_rows, times),
                tested=40 * times,
                decisive=40 * times,
            )
            for s in (first, second)
        ]
        beaten_by = beaten({"a": {"": more[0]}, "b": {"": more[1]}}, ALPHA, 0.001)
        assert bool(beaten_by["b"]) == tells
    assert rows_to_tell(Pair(first, second), ALPHA) == pytest.approx(
        rows_to_tell(Pair(second, first), ALPHA)
    )
    unknown = [s._replace(by_rows=None) for s in (first, second)]
    assert np.isnan(rows_to_tell(Pair(*unknown), ALPHA))


def test_sources_that_beat_each_other_in_a_circle_all_stay():
    circle = {name: {"": sample} for name, sample in in_a_circle("abc").items()}
    beaten_by = beaten(circle, ALPHA, MARGIN)
    assert all(beaten_by.values()) and unbeaten(beaten_by) == [*circle]
    # Two variants have one rival, and one variant has the other.
    assert statements({"a": source(0), "b": source(0, depths=1)}) == 1.5
    assert statements(sources(0, 0, 0, depths=3)) == 9
