"""What figures say in numbers, and what they must not pick up from outside."""

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from conftest import ROOT
from thaw.figures.source_accuracy import correlation
from thaw.findings.arms import in_order


def test_the_correlation_is_by_ranks():
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    y = x + rng.normal(size=30)
    rho = stats.spearmanr(x, y).statistic
    assert f"{rho:.2f} (" in correlation(x, y)
    # One point far away does not decide.
    y[0] -= 1000
    moved = float(correlation(x, y).split()[2])
    assert abs(moved - rho) < 0.15
    assert correlation(x, np.ones(30)) == "rank correlation not estimable"
    assert correlation(x[:3], y[:3]) == "rank correlation not estimable"
    assert correlation(x, x) == "rank correlation 1.00 (1.00 to 1.00)"
    # Of a source model that failed there may be no score.
    failed = np.append(x, np.nan)
    assert correlation(failed, np.append(y, 0)) == correlation(x, y)


def test_the_interval_covers():
    """Of 2,000 correlated samples of 30, as Bonett and Wright have it."""
    rng = np.random.default_rng(1)
    big = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 200_000)
    truth = stats.spearmanr(*big.T).statistic
    covered = 0
    for _ in range(2000):
        x, y = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 30).T
        low, high = correlation(x, y).partition("(")[2].rstrip(")").split(" to ")
        covered += float(low) <= truth <= float(high)
    assert 0.93 < covered / 2000 < 0.97


def test_sizes_are_in_order():
    assert in_order(["all", 50, 9, 100]) == [9, 50, 100, "all"]


@pytest.mark.parametrize("name", ["matplotlibrc", "csv.py"])
def test_nothing_in_the_working_folder_is_picked_up(tmp_path, name):
    """A file of settings, or a module named like one of Python's."""
    content = {"matplotlibrc": "font.size: 40\n", "csv.py": "raise SystemExit(3)\n"}
    (tmp_path / name).write_text(content[name])
    code = (
        "import csv, matplotlib as mpl; from thaw.figures.style import figure;"
        "figure(1, 1); print(mpl.rcParams['font.size'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "workflow"), "PYTHONSAFEPATH": "1"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "9.0\n")
