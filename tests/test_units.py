"""Statistics do not depend on the unit of the labels."""

import numpy as np
import pandas as pd
import pytest

from samples import nested
from thaw.findings import scoring
from thaw.findings.arms import Arm
from thaw.findings.metrics import METRICS
from thaw.findings.rows_luck import influence
from thaw.findings.samples import Sample
from thaw.tables.comparisons import comparisons, depths_table
from thaw.tables.summary import Chosen, summary

DEPTHS = {"fixed-0": 0, "fixed-1": 1, "fixed-2": 2}
PAIRS = [*((depth, "standalone") for depth in DEPTHS), ("fixed-1", "fixed-0")]
FACTORS = (1e-9, 2.0**-40, 1e6)
MODELS, REPEATS, ROWS = 12, 3, 80

# Columns in the score's units; all others have none.
SCORES = (
    *("typical", "these_rows", "rows_error", "mean", "std", "min", "q", "median"),
    *("max", "constant"),
)


def in_units_of(factor, name):
    """Return the factor by which a metric grows when labels do."""
    return {"r2": 1, "mean_squared_error": factor**2}.get(name, factor)


def predictions(labels, quality, seed):
    """Return predictions of networks; a good few are worse than a constant."""
    rng = np.random.default_rng(seed)
    error = rng.lognormal(np.log(quality), 0.3, (MODELS, 1, 1))
    error = error * rng.lognormal(0, 0.2, (MODELS, REPEATS, 1))
    said = labels + error * rng.standard_normal((MODELS, REPEATS, ROWS))
    said[3] += 10 * quality
    said[7, 1] *= 1e5
    return said.reshape(-1, ROWS)


def samples(name, factor):
    """Return a metric's samples of labels in other units, and its margin."""
    metric = METRICS["regression"][name]
    labels = np.random.default_rng(0).gamma(2, size=ROWS)
    constant = np.full((1, ROWS), getattr(np, metric.constant)(labels)) * factor
    score, rows = getattr(scoring, name), np.arange(ROWS)
    by_rows = influence(metric, labels * factor, constant, rows)
    (constant,) = score(labels * factor, constant)
    models, found = np.repeat(np.arange(MODELS), REPEATS), {}
    for seed, quality in enumerate((0.9, 0.45, 0.4, 0.9)):
        said = predictions(labels, quality, seed) * factor
        values = score(labels * factor, said)
        variant = (*DEPTHS, "standalone")[seed]
        failed = np.arange(len(values)) == 5
        found[variant] = Sample(
            np.where(failed, constant, values),
            models if variant in DEPTHS else None,
            failed,
            metric.lower_is_better,
            float(constant),
            None,
            metric.unit(constant),
            float(constant),
            by_rows=influence(metric, labels * factor, said, rows),
            constant_by_rows=by_rows[0],
        )
    return found, metric, 0.02 * in_units_of(factor, name)


def tables(name, factor):
    """Return all statistics in words, with the word margin in the margin's place."""
    found, metric, margin = samples(name, factor)
    arms = {Arm(variant, "all"): sample for variant, sample in found.items()}
    chosen = dict.fromkeys(arms, Chosen(0.01, 100, np.nan))
    compared = comparisons({"all": found}, PAIRS, "standalone", margin)
    compared["verdict"] = compared["verdict"].str.replace(f"{margin:g}", "margin")
    depths = depths_table({"all": found}, DEPTHS, margin)
    return compared, depths, summary(arms, metric, chosen)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("name", METRICS["regression"])
def test_labels_in_other_units_get_the_same_verdicts(name, factor):
    grown = in_units_of(factor, name)
    for one, other in zip(tables(name, 1), tables(name, factor), strict=True):
        for column in one:
            unit = grown if column.startswith(SCORES) else 1
            if pd.api.types.is_float_dtype(one[column]):
                np.testing.assert_allclose(
                    other[column], one[column] * unit, rtol=1e-9, err_msg=column
                )
            else:
                assert list(other[column]) == list(one[column]), column


@pytest.mark.parametrize("name", METRICS["regression"])
def test_these_labels_put_every_statistic_to_work(name):
    compared, depths, summed = tables(name, 1)
    assert compared["verdict"].str.startswith("typically better").any()
    assert compared["verdict"].str.startswith("no clear difference").any()
    assert set(depths["may_be_best"]) == {"yes", "no"}
    assert compared["weak"].between(0, 1, inclusive="neither").any()
    assert summed["no_better"].between(0, 1, inclusive="neither").all()
    assert np.isfinite(compared[["mean_low", "mean_high"]]).all(axis=None)


@pytest.mark.parametrize(
    ("good", "bad", "constant"), [(1800, 2500, 3000), (1e-9, 2e-9, 3e-9)]
)
def test_large_and_tiny_errors_are_told_apart(good, bad, constant):
    one, other = (
        nested([[error]] * 12)._replace(
            lower_is_better=True, constant=constant, scale=constant, worst=constant
        )
        for error in (good, bad)
    )
    found = {"all": {"variant": one, "reference": other}}
    pairs = [("variant", "reference"), ("reference", "variant")]
    table = comparisons(found, pairs, "reference", (bad - good) / 2)
    assert list(table["verdict"]) == ["typically better", "typically worse"]
    gains = pytest.approx([bad - good, good - bad], rel=1e-6, abs=0)
    assert table["typical"].tolist() == gains
    assert table["mean"].tolist() == gains
    sets = depths_table(found, {"variant": 0, "reference": 1}, (bad - good) / 2)
    assert list(sets["may_be_best"]) == ["yes", "no"]


@pytest.mark.parametrize(
    ("good", "bad"), [(1e-9, 2e-9), (2500, 6400), (1.8e6, 2.5e6), (1e12, 1e13)]
)
@pytest.mark.parametrize("matched", [True, False])
def test_errors_far_from_the_constants_are_told_apart(good, bad, matched):
    """As squared errors are, or any where the constant's own error is 0."""
    spread = np.random.default_rng(0).uniform(0.98, 1.02, (2, 12, 2))
    one, other = (
        nested(error * own)._replace(lower_is_better=True, constant=1, worst=1)
        for error, own in zip((good, bad), spread, strict=True)
    )
    if not matched:
        other = other._replace(source_models=None)
    found = {"all": {"variant": one, "reference": other}}
    pairs = [("variant", "reference")]
    row = comparisons(found, pairs, "reference", good / 10).iloc[0]
    assert row["verdict"].startswith("typically better")
    assert row["typical"] == pytest.approx(bad - good, rel=0.05, abs=0)
    assert bad - good < row["typical_high"] < 1.05 * (bad - good) + 0.05 * good
