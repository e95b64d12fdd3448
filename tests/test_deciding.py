"""The number of source models or repeats that decides a comparison, and its cost."""

import csv
import math
import time

import numpy as np
import pytest

from conftest import SMALL_CONFIG
from samples import nested
from test_answer import ALIKE, question
from thaw.config.resolve import resolve
from thaw.findings.deciding import Needed, fits, needed, what_would_decide
from thaw.findings.samples import Sample
from thaw.plan.after_run import time_to_decide
from thaw.plan.plan import Plan
from thaw.tables.answer import recommendations
from thaw.tables.comparisons import comparisons


def row(typical, half, rows_error=0.0, units=30, level=0.95):
    return {
        "typical": typical,
        "these_rows_low": typical - half,
        "these_rows_high": typical + half,
        "rows_error": rows_error,
        "row_units": 500 if rows_error else 0,
        "level": level,
        "units": units,
        "reference_units": units,
    }


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        # Half the width takes four times as many, and somewhat more to be fairly sure.
        (row(0.02, 0.04), Needed(300, 1)),
        (row(-0.02, 0.04), Needed(300, 1)),
        (row(0.02, 0.02), Needed(100, 1)),
        # Equivalence, with a margin of 0.01.
        (row(0.0, 0.02), Needed(300, 1)),
        (row(0.004, 0.2), Needed(None, 1)),
        # Rows: 1.96 * 0.01 is as wide as the gain allows, and more.
        (row(0.0199, 0.001, rows_error=0.01), Needed(100, 1)),
        (row(0.01, 0.001, rows_error=0.01), Needed(None, (1.9647 * 0.01 / 0.01) ** 2)),
        (row(0.0, 0.001, rows_error=0.02), Needed(None, (1.9647 * 0.02 / 0.01) ** 2)),
        (row(math.nan, 0.01), None),
        (row(0.02, math.inf), None),
    ],
)
def test_what_would_decide_a_comparison(found, expected):
    result = needed(found, 0.01)
    if expected is None:
        assert result is None
    else:
        assert result.units == expected.units
        assert result.rows == pytest.approx(expected.rows, rel=1e-3)


def test_so_many_source_models_do_decide_it():
    """In four of five studies, if the gain is what it seems."""
    rng = np.random.default_rng(0)
    baseline = Sample(rng.normal(0.8, 0.01, 400))

    def study(models, gain):
        variant = nested(rng.normal(0.8 + gain, 0.03, (models, 1)).tolist())
        return comparisons(
            {"all": {"a": variant, "b": baseline}}, [("a", "b")], "b", 0.01
        ).iloc[0]

    found = (study(20, 0.012) for _ in range(100))
    seen = next(row for row in found if row["verdict"] == "no clear difference")
    asked = needed(seen, 0.01)
    decided = [
        study(asked.units, seen["typical"])["verdict"] != "no clear difference"
        for _ in range(60)
    ]
    assert np.mean(decided) > 0.65


def test_fits_are_those_that_are_new():
    several = question(ALIKE)
    assert several.source_models == 30 and several.repeats == 2
    # 70 source models, and two repeats of three variants from each of them.
    assert fits(several, 100) == 70 * (1 + 3 * 2)
    one = question(ALIKE, source_models=1, repeats=30)
    assert fits(one, 100) == 70 * 3


def test_repeats_of_a_control_come_with_source_models():
    """Two of each: 500 repeats are 250 source models."""
    study = undecided()
    table = study.comparisons.copy()
    table["these_rows_low"] = table["typical"] - 0.03
    table["these_rows_high"] = table["typical"] + 0.03
    of_models = study._replace(comparisons=table.assign(unit="source model"))
    of_repeats = study._replace(comparisons=table.assign(unit="repeat"))
    more, fewer = (
        recommendations(one)["more_fits"].iloc[0] for one in (of_models, of_repeats)
    )
    assert fewer < more
    assert "source models" in " ".join(what_would_decide(of_repeats))


def undecided(**changed):
    wide = {
        name: sample._replace(values=0.8 + (sample.values - 0.8) * 8)
        for name, sample in ALIKE.items()
    }
    return question(wide, **changed)


def test_the_sentence_and_the_table_agree():
    study = undecided()
    words = " ".join(what_would_decide(study))
    table = recommendations(study).iloc[0]
    assert table["kind"] == "undecided" and table["variant"] == ""
    assert table["ties"] == "fixed-0 fixed-1"
    assert "source models would probably decide it" in words
    assert f": {table['more_fits']:,.0f} more networks to train" in words


def test_with_two_repeats_from_source_models_that_agree_one_would_do():
    rng = np.random.default_rng(1)
    effects = np.repeat(rng.normal(0, 0.05, 30), 2)
    alike = {
        name: sample._replace(values=0.8 + effects[sample.source_models])
        for name, sample in ALIKE.items()
        if name != "standalone"
    }
    study = question({"standalone": ALIKE["standalone"]} | alike)
    words = " ".join(what_would_decide(study))
    # 30 × (1 + 3 × 2) networks are 52 × (1 + 3).
    assert "networks as this study's tell more as 52 source models with 1 rep" in words


def test_minutes_follow_the_runs_rate(tmp_path):
    plan = Plan(resolve(SMALL_CONFIG))
    study = plan.studies["ahead"]
    folder = tmp_path / "ahead"
    folder.mkdir()
    with (folder / "recommendation.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["kind", "more_fits"], ["undecided", 120]])
    now = time.time()
    assert [*time_to_decide(plan, study, tmp_path, now - 60)] == []
    (tile, stem) = study.training_jobs[0]
    path = tmp_path / f"{stem}.csv"
    path.parent.mkdir(parents=True)
    path.touch()
    (words,) = time_to_decide(plan, study, tmp_path, now - 60)
    minutes = round(120 / tile.fits)
    assert words == (
        f"ahead: to decide it, 120 more networks would take about {minutes} min at "
        "this run's rate."
    )
