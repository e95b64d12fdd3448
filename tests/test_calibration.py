"""Statements of a study are rarely false, and its intervals cover.

The quick version of research/calibration.py, whose page is docs/calibration.md.
"""

import numpy as np
import pandas as pd
from populations import ACCURACY, ERROR, made
from scipy import stats
from studies import Known, draw, samples

from thaw.findings.arms import OF_DEPTHS
from thaw.findings.best_sources import beaten, chances, statements

TRIALS = 60


def shares(population, units, rows, gain=0.0):
    known, rng = Known(population, gain), np.random.default_rng(1)
    looked = [known.look(draw(population, units, rows, rng)) for _ in range(TRIALS)]
    return pd.DataFrame(looked).astype(float).mean()


def at_most(share):
    return stats.binom.isf(0.001, TRIALS, share) / TRIALS


def small(metric=ACCURACY, **how):
    narrow = {"between": 0.007, "within": 0.007, "alone": 0.01}
    return made(metric, models=200, rows=2000, **narrow | how)


def test_rows_that_differ_mislead_no_verdict():
    """Given these rows, as before, nearly all studies say something false."""
    found = shares(small(own_rows=0.7, noise=0.1), 30, 150)
    assert found["false verdict before"] > 0.5
    assert found["anything false"] <= at_most(0.05)
    assert 1 - found["all typical"] <= at_most(0.05)
    # But intervals are no wider than it takes.
    assert found["all typical"] < 1


def test_weak_source_models_of_numbers_mislead_nothing():
    found = shares(small(ERROR, bad=0.2), 30, 150)
    assert found["anything false"] <= at_most(0.05)
    for measure in ("mean", "typical", "weak"):
        assert 1 - found[f"{measure}, fixed-0"] <= at_most(0.05), measure


def test_gains_are_found():
    found = shares(small(own_rows=0.05), 30, 500, gain=5)
    assert found["better, fixed-0"] > 0.9
    assert found["anything false"] <= at_most(0.05)


def test_no_source_is_beaten_by_its_equals_on_rows_that_differ():
    population = small(own_rows=0.7, noise=0.1, depths=4)
    gains, rng = Known(population, 0).gains, np.random.default_rng(1)
    out, chance = [], []
    for _ in range(TRIALS):
        found = samples(population, draw(population, 30, 150, rng), gains)
        sources = {name: {"": found[name]} for name in gains}
        rivals = beaten(sources, OF_DEPTHS / statements(sources), population.margin)
        out.append(any(rivals.values()))
        chance.append([*chances(sources).values()])
    assert np.mean(out) <= at_most(0.05)
    # Each is likely the best as often as the others.
    assert abs(np.mean(chance, axis=0) - 0.25).max() < 0.12
    assert np.std(chance) > 0.1
