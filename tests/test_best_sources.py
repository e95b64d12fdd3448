"""The sources that may be the best, and how likely each one is."""

import math

import numpy as np
import pytest

from samples import nested
from thaw.findings.best_sources import beaten, chances, standings, statements
from thaw.findings.samples import Sample

ALPHA, MARGIN = 0.01, 0.01


def source(gain, depths=2, models=30, spread=0.02, seed=0):
    """Return a source whose repeats have a luck of their address, and their own.

    Each frozen layer costs 0.1.
    """
    at_address = np.random.default_rng(0).normal(0.7, 0.1, models)
    rng = np.random.default_rng([1, seed])
    return {
        f"fixed-{depth}": nested(
            [rng.normal(luck + gain - 0.1 * depth, spread, 2) for luck in at_address]
        )
        for depth in range(depths)
    }


def sources(*gains, **how):
    return {
        name: source(gain, seed=seed, **how)
        for seed, (name, gain) in enumerate(zip("abcdef", gains, strict=False))
    }


def failed(own):
    return {
        name: sample._replace(values=sample.values * np.nan)
        for name, sample in own.items()
    }


@pytest.mark.parametrize(
    ("found", "out"),
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
        ({"a": source(0.2), "b": source(0.1, depths=1, seed=1)}, {"b": "a"}),
        ({"a": source(0), "b": failed(source(0.5))}, {"b": "a"}),
        ({"a": failed(source(0)), "b": failed(source(0))}, {}),
        (sources(0), {}),
    ],
)
def test_the_sources_that_are_beaten(found, out):
    expected = {name: [*out.get(name, "")] for name in found}
    assert beaten(found, ALPHA, MARGIN) == expected


def test_a_source_takes_one_variant_to_stay():
    """It is beaten only by a variant that is better than its every own."""
    found = {"a": source(0.1), "b": source(0, seed=1)}
    found["b"]["fixed-1"] = source(0.1, seed=2)["fixed-0"]
    assert beaten(found, ALPHA, MARGIN) == {"a": [], "b": []}


def test_sources_are_matched_by_address():
    """Luck that all sources share at an address does not tell them apart."""
    found = sources(0.04, 0, depths=1)
    assert beaten(found, ALPHA, MARGIN)["b"] == ["a"]
    assert chances(found)["a"] > 0.99
    shifted = np.roll(found["b"]["fixed-0"].values, 12)
    found["b"]["fixed-0"] = found["b"]["fixed-0"]._replace(values=shifted)
    assert beaten(found, ALPHA, MARGIN)["b"] == []
    assert 0.6 < chances(found)["a"] < 0.98


def test_chances():
    found = sources(0.1, 0.1, 0)
    chance = chances(found)
    assert sum(chance.values()) == pytest.approx(1)
    assert chance["c"] == 0 and min(chance["a"], chance["b"]) > 0.1
    assert chance == chances(found)
    # Equal to the bit, they share each draw.
    assert chances({"a": found["a"], "b": found["a"]}) == {"a": 0.5, "b": 0.5}
    dead = failed(source(0))
    assert chances({"a": found["a"], "b": dead}) == {"a": 1, "b": 0}
    assert chances({"a": dead, "b": dead}) == {"a": 0.5, "b": 0.5}
    # Better values may be lower ones.
    lower = {
        name: {
            variant: sample._replace(lower_is_better=True)
            for variant, sample in own.items()
        }
        for name, own in found.items()
    }
    assert chances(lower)["c"] == 1


def on_rows(right):
    """Return a source with one variant, by which rows its networks are right on."""
    by_rows = right.astype(np.float32)
    models = np.arange(len(right))
    return {
        "fixed-0": Sample(
            by_rows.mean(1, dtype=np.float64),
            models,
            by_rows=by_rows,
            constant_by_rows=np.zeros(right.shape[1]),
            constant=0,
        )
    }


def test_other_test_rows_may_turn_the_ranking():
    """Of 40 rows one source is right on 24, the other on 22, whatever its model."""
    rows = np.arange(40)
    ours, apart, within = rows < 24, rows >= 18, rows < 22
    found = {
        name: on_rows(np.tile(own, (30, 1)))
        for name, own in (("ours", ours), ("apart", apart), ("within", within))
    }
    chance = chances({"ours": found["ours"], "apart": found["apart"]})
    assert 0.55 < chance["ours"] < 0.7
    assert beaten(found, ALPHA, MARGIN)["apart"] == []
    # If it is never right where the other one is not, no draw favours it.
    chance = chances({"ours": found["ours"], "within": found["within"]})
    assert chance["ours"] > 0.9
    # One row is too few to tell.
    few = {
        name: {"fixed-0": own["fixed-0"]._replace(by_rows=ours[None, :1] * np.nan)}
        for name, own in found.items()
    }
    assert all(map(math.isnan, chances(few).values()))


def test_standings():
    found = sources(0.2, 0, 0.2)
    gains = {
        "a": {"fixed-0": 0.1, "fixed-1": 0.2},
        "b": {"fixed-0": math.nan, "fixed-1": -math.inf},
        "c": {"fixed-0": math.nan, "fixed-1": 0.1},
    }
    rows = standings(found, gains, ALPHA, MARGIN)
    assert [row.source for row in rows] == ["a", "b", "c"]
    assert [row.variant for row in rows] == ["fixed-1", "fixed-0", "fixed-1"]
    assert [row.may_be_best for row in rows] == [True, False, True]
    assert rows[1].beaten_by == ["a", "c"]
    assert sum(row.chance for row in rows) == pytest.approx(1)


def test_sources_that_beat_each_other_in_a_circle_all_stay():
    """Each is ahead of the next at two of three addresses."""
    columns = {"a": [3, 2, 1], "b": [2, 1, 3], "c": [1, 3, 2]}
    found = {
        name: {"fixed-0": Sample(np.tile(values, 30) / 10, np.arange(90))}
        for name, values in columns.items()
    }
    assert all(beaten(found, ALPHA, MARGIN).values())
    gains = {name: {"fixed-0": 0.1} for name in found}
    rows = standings(found, gains, ALPHA, MARGIN)
    assert all(row.may_be_best for row in rows)


def test_how_many_statements_hold_at_once():
    assert statements(sources(0)) == 1
    assert statements(sources(0, 0, depths=1)) == 1
    assert statements(sources(0, 0, 0, depths=3)) == 9
    # Two variants have one rival, and one variant has the other.
    assert statements({"a": source(0), "b": source(0, depths=1)}) == 1.5
