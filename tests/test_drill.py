"""A few rounds of the drill; `python tests/drill.py` runs any number."""

import pytest

from drill import Drill


@pytest.fixture(scope="module")
def drilled(tmp_path_factory) -> Drill:
    """Return a drill after rounds that treat the project badly in every way."""
    drill = Drill(tmp_path_factory.mktemp("drill"), seed=42090)
    for _ in range(3):
        print(drill.round())
    return drill


def test_nothing_is_wrong_or_lost_or_trained_twice(drilled):
    assert not drilled.faults


@pytest.mark.parametrize(
    "done",
    ["both killed", "Snakemake killed", ".snakemake lost", "times scrambled", "moved"],
)
def test_the_rounds_do(drilled, done):
    """Another seed may be needed after a change of the drill."""
    assert drilled.counts[done]
