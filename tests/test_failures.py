"""What goes wrong on one machine ends with one line, and the next run is right.

`python tests/failures.py` draws more of each (see there).
"""

import random

import pytest

import failures
from failures import FAILURES, PATHS, Case, SkippedError

# What has tests of its own.
BELOW = {"odd path", "job killed"}


@pytest.fixture
def case(tmp_path) -> Case:
    return Case(tmp_path, random.Random(1))


@pytest.mark.parametrize("name", sorted(FAILURES.keys() - BELOW))
def test_it_ends_with_one_line_and_goes_on(name, case):
    try:
        FAILURES[name](case)
    except SkippedError as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("path", PATHS.values(), ids=list(PATHS))
def test_any_odd_path(path, case):
    failures.in_path(case, path)


@pytest.mark.parametrize("stage", ["train", "pretrain"])
def test_a_job_killed_for_its_memory(stage, case):
    """A signal stands in for a system that has no more memory."""
    case.project.change("training", "epochs", to=10**6)
    if stage == "pretrain":
        case.project.change("studies", "ahead", "variants", to=["fixed-0"])
    with case.start() as run:
        case.wait_for_job(stage, run).kill()
        said = run.communicate()[0]
    line = "error: killed, as a rule by the system for want of memory"
    failures.check_end(run.returncode, said, line)
    assert not case.project.results("repeats/**/*.*")
