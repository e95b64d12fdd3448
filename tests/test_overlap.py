"""Test rows that are train rows too: counted, named, and refused on request."""

import re

import numpy as np
import pandas as pd
import pytest

from projects import SMALL_CONFIG, JobError, planned
from small_tables import make
from thaw.data.problem import digests_of_rows
from thaw.errors import ThawError
from thaw.findings.overlap import in_words, overlap
from thaw.stages.check_overlap import refuse_other_columns

TABLE = {"label": "class", "scale": "standard", "train_size": 100}
BOTH = {"repeats": 1, "variants": ["standalone", "fixed-0"]}
CONFIG = SMALL_CONFIG | {
    "training": {"epochs": 1, "batch_size": 32, "learning_rate": 0.1},
    "problems": {
        "first": TABLE | {"file": "first.csv", "train_size": 350},
        "second": TABLE | {"file": "second.csv"},
    },
    "variants": {"standalone": {"pretrained": False}, "fixed-0": {"freeze": 0}},
    "studies": {
        "leaks": BOTH | {"source": "first", "target": "second"},
        "clean": BOTH | {"source": "second", "target": "first"},
        "self": BOTH | {"source": "second", "target": "second"},
    },
}
WORDS = (
    "300 of 320 test rows have the same features as train rows of first (rows 101, "
    "102, 103, 104, 105 and 295 more)"
)


def rows(count, seed):
    features = np.random.default_rng(seed).normal(size=(count, 2)) * 10
    frame = pd.DataFrame(features, columns=["heat", "mass"])
    return frame.assign(**{"class": np.arange(count) % 2})


def write_data(folder):
    """Write two tables: 300 train rows of the first are test rows of the second."""
    first, second = rows(400, seed=1), rows(120, seed=2)
    first.to_csv(folder / "first.csv", index=False)
    second = pd.concat([second[:100], first[:300], second[100:]])
    second.to_csv(folder / "second.csv", index=False)


def test_test_rows_among_train_rows_are_counted_and_named(store):
    """Each table is scaled by its train rows, so that only their files show it."""
    answers = [f"results/{study}/answer.md" for study in CONFIG["studies"]]
    project = store.finished(CONFIG, *answers, write=write_data)
    for study, expected in (
        ("leaks", [["second", 0], ["first", 300]]),
        ("clean", [["first", 0], ["second", 0]]),
        ("self", [["second", 0]]),
    ):
        table = pd.read_csv(project.folder / f"results/{study}/overlap.csv")
        assert table[["train_rows_of", "equal"]].values.tolist() == expected
        text = (project.folder / f"results/{study}/answer.md").read_text()
        assert (WORDS in " ".join(text.split())) == (study == "leaks")
    logs = [path.read_text() for path in project.folder.glob("logs/overlaps/*.log")]
    assert [log for log in logs if log] == [f"warning: {WORDS}\n"]


def test_all_that_learns_waits_for_the_check_that_refuses_rows(fresh):
    fresh.config = CONFIG
    write_data(fresh.folder)
    targets = [f"results/{study}/scores.csv" for study in ("leaks", "self", "clean")]
    waits = []
    for settings in ({}, {"overlap": "error"}):
        fresh.change("problems", "second", to=CONFIG["problems"]["second"] | settings)
        with planned(fresh.folder, targets) as dag:
            waits.append({})
            for job in dag.needrun_jobs():
                if job.rule.name in ("pretrain", "train"):
                    needed = {other.rule.name for other in dag.dependencies[job]}
                    which = job.rule.name, job.wildcards.problem, job.wildcards.key
                    waits[-1][which] = "check_overlap" in needed
    before, after = waits
    assert before.keys() == after.keys(), "refusing them trains everything again"
    assert not any(before.values())
    assert {job[:2] for job in after if not after[job]} == {("train", "first")}
    words = f"error: problems.second.overlap: {WORDS}; leave these out of the train or "
    with pytest.raises(JobError, match=re.escape(words)):
        fresh.make("results/leaks/scores.csv")


def test_rows_are_equal_as_they_were_read_or_as_networks_get_them(tmp_path):
    source, noise = rows(60, seed=1), [{"noise": 1}]
    first, _ = make(tmp_path, source, shuffle=None, scale="standard")
    other = rows(60, seed=2)
    target = pd.concat([other[:50], source[:5], other[55:]])
    noisy, _ = make(tmp_path, target, shuffle=None, transforms=noise)
    row = overlap("one", first, noisy)
    assert row["equal"] == 5
    assert (row["rows"], row["test_rows"]) == ("51, 52, 53, 54, 55", 20)
    # A table in other units, each scaled by its train rows.
    target = source.mul({"heat": 2, "mass": 2, "class": 1})
    target = pd.concat([target[:40], target[:3], target[43:]])
    second, _ = make(tmp_path, target, shuffle=None, scale="standard")
    row = overlap("one", first, second)
    assert row["equal"] == 3
    words = "as train rows of one (rows 41, 42, 43)"
    assert in_words(row) == f"3 of 20 test rows have the same features {words}"
    # Drawn in another order, they are named in that of the file.
    problem, _ = make(tmp_path, pd.concat([rows(30, seed=1)] * 2), shuffle=2)
    among = sorted({*range(1, 61)} - {(row + 29) % 60 + 1 for row in problem.test_rows})
    among = [row for row in among if row in problem.test_rows]
    assert overlap("self", problem, problem)["rows"].startswith(
        ", ".join(map(str, among[:5]))
    )


def test_equal_numbers_have_equal_digests_everywhere():
    x = np.array([[0.0, 1.0], [-0.0, 1.0], [1.0, 0.0]])
    digests = digests_of_rows(x)
    assert digests[0] == digests[1] != digests[2]
    assert digests_of_rows(np.asfortranarray(x)).tolist() == digests.tolist()
    assert digests[2] == 16806853427626166859


def test_sources_need_the_columns_of_their_target_in_its_order():
    settings = {"source": "first", "target": "second", "columns": True}
    for columns, words in [(["b", "a"], "'b' as column 1"), (["a"], "1 columns")]:
        with pytest.raises(ThawError, match=words):
            refuse_other_columns(settings, {"source": columns, "target": ["a", "b"]})
    refuse_other_columns(settings, {"source": ["a", "b"], "target": ["a", "b"]})
