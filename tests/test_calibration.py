"""Intervals cover the truth and verdicts are rarely false; the naive ones fail.

The quick version of benchmarks/calibration.py, whose full table is docs/calibration.md.
"""

import gc
import math

import pytest
from calibration import Scenario, calibrate

TRIALS = 500
# Two standard errors of a share of 95 % in so many trials.
LUCK = 2 * math.sqrt(0.95 * 0.05 / TRIALS)
SPREADS = {"no spread": (0.0, 0.05), "spread": (0.1, 0.01)}


@pytest.fixture(autouse=True)
def quick_garbage_collection():
    """Spare statsmodels' multipletests, which collects garbage at every call."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("models", [5, 10, 30])
@pytest.mark.parametrize("spread", SPREADS)
def test_intervals_cover_and_verdicts_hold(models, spread):
    shares = calibrate(Scenario(models, *SPREADS[spread]), TRIALS, seed=1)
    for name, share in shares.items():
        if name.startswith("false verdict"):
            assert share < 0.06, name
        else:
            assert 0.92 - LUCK <= share <= 0.97 + LUCK, name


@pytest.mark.parametrize("models", [5, 30])
def test_the_naive_analysis_fails(models):
    shares = calibrate(Scenario(models, *SPREADS["spread"]), 100, seed=1, naive=True)
    for name, share in shares.items():
        if name.startswith("false verdict"):
            assert share > 0.2, name
        else:
            assert share < 0.75, name
