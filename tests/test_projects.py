"""The tests' own machinery: shared projects, and jobs that run in this process."""

import json
import re

import numpy as np
import pytest

from projects import ONE_JOB_CONFIG, ROOT, SMALL_CONFIG, Store
from same_results import differences


def test_jobs_in_this_process_leave_what_a_run_leaves(finished_once, store):
    """To the byte; so a test may take either."""
    here = store.finished(SMALL_CONFIG)
    assert here.results("**/*.*") == finished_once.results("**/*.*")
    assert here.stale() == finished_once.stale() == set()


def test_a_shared_project_that_a_test_changes_is_found(store, tmp_path):
    shared = Store(tmp_path)
    project = shared.finished(ONE_JOB_CONFIG, "problems")
    shared.copy(tmp_path / "copy", ONE_JOB_CONFIG, "problems").make()
    shared.assert_untouched()
    assert shared.finished(ONE_JOB_CONFIG, "problems").folder == project.folder
    next(project.folder.glob("results/problems/*.npz")).touch()
    with pytest.raises(AssertionError, match="results/problems/"):
        shared.assert_untouched()


def results_of(folder, key, score="0.5"):
    """Write a folder of results in which keys stand wherever Thaw writes them."""
    jobs = folder / f"repeats/two/fixed-1-{key}"
    jobs.mkdir(parents=True)
    (folder / "records").mkdir()
    of_the_page = key[::-1]
    (folder / "records/page.json").write_text(json.dumps({"key": of_the_page}))
    (jobs / "models-00-00.csv").write_text(score)
    np.savez(jobs / "models-00-00.npz", scores=[0.5], record=key)
    (folder / "page.html").write_text(f"<p>{key} {of_the_page} 0.123456789012</p>")
    (folder / "figures.json").write_text(json.dumps([{"made_by": key}]))
    overlap = {"key": key, "recipe": {"code": key}, "rows": [{"equal": 0}]}
    (folder / f"overlap-{key}.json").write_text(json.dumps(overlap))
    return folder


def test_results_are_the_same_whatever_their_keys(tmp_path):
    first = results_of(tmp_path / "first", "0123456789ab")
    second = results_of(tmp_path / "second", "ba9876543210")
    assert differences(first, second) == []
    (second / "figures.json").write_text("[]")
    page = second / "page.html"
    page.write_text(page.read_text().replace("0.123456789012", "0.123456789013"))
    (second / "new.csv").write_text("")
    lines = ["differs: figures.json", "only in one: new.csv", "differs: page.html"]
    assert differences(first, second) == lines
    third = results_of(tmp_path / "third", "0123456789ab", score="0.6")
    assert differences(first, third) == [
        "differs: repeats/two/fixed-1-KEY/models-00-00.csv"
    ]


TESTS = """
import pytest

def test_quick(): pass

@pytest.mark.slow
def test_slow(): pass
"""


@pytest.mark.parametrize(
    ("arguments", "tests"),
    [
        ([], ["test_quick"]),
        (["--everything"], ["test_quick", "test_slow"]),
        (["tests/test_some.py"], ["test_quick", "test_slow"]),
        (["-m", "slow"], ["test_slow"]),
        (["-k", "slow"], ["test_slow"]),
        (["-n", "2"], ["test_quick"]),
    ],
)
def test_a_command_line_runs_a_tier_or_what_it_names(
    pytester, monkeypatch, arguments, tests
):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests"))
    pytester.makeini("[pytest]\ntestpaths = tests\n")
    pytester.mkdir("tests")
    plugins = 'pytest_plugins = ["tiers"]'
    pytester.makepyfile(**{"tests/conftest": plugins, "tests/test_some": TESTS})
    done = pytester.runpytest_subprocess("-v", *arguments)
    assert done.ret == 0
    passed = re.findall(r"::(\w+) PASSED|PASSED \S+::(\w+)", str(done.stdout))
    assert {first or second for first, second in passed} == {*tests}
