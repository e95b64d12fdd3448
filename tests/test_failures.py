"""A failure on one machine ends with one line, and the next run is right.

Three failures; `python tests/failures.py` goes through all, and draws more of each.
"""

import random

import pytest

import failures
from failures import FAILURES, PATHS, Case, SkippedError

CASES = ("full disk", "file for a folder", "two runs at once")


@pytest.fixture
def case(tmp_path) -> Case:
    return Case(tmp_path, random.Random(1))


@pytest.mark.parametrize("name", CASES)
def test_it_ends_with_one_line_and_goes_on(name, case):
    try:
        FAILURES[name](case)
    except SkippedError as reason:
        pytest.skip(str(reason))


def test_an_odd_path(case):
    failures.in_path(case, PATHS["quotes and more"])


def test_a_job_killed_for_its_memory(case):
    """A signal stands in for a system that is out of memory."""
    case.project.change("training", "epochs", to=10**6)
    with case.start() as run:
        case.wait_for_job("train", run).kill()
        said = run.communicate()[0]
    line = "error: killed, most likely because memory ran out"
    failures.check_end(run.returncode, said, line)
    assert not case.project.results("repeats/**/*.*")
