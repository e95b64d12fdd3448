"""Two tiers of tests.

`pytest` runs the first tier: what must never break. `pytest --everything` also runs the
tests marked `slow`. Whoever names a file, a test, `-k` or `-m` gets what is named.
"""

import os
from collections import Counter

import pytest

# A job's process has one thread for each of its cores; tests run one on each core. Set
# before NumPy is imported, also for the processes of xdist.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

TIER = pytest.StashKey[str]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tiers of tests")
    group.addoption(
        "--everything",
        action="store_true",
        help="run all tests: also those of Slurm, kills, browsers, shipped studies, "
        "pages and growth, which a bare `pytest` leaves out. Before a release, and "
        "after a change of what they are about",
    )


def pytest_configure(config: pytest.Config) -> None:
    workerinput = getattr(config, "workerinput", {})
    config.stash[TIER] = workerinput.get("tier", tier_of(config))
    if config.stash[TIER]:
        config.option.durations = 10
    config.addinivalue_line(
        "markers", "slow: in the second tier, which `pytest --everything` runs"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Give a process of xdist the tier; it does not see the command line."""
    node.workerinput["tier"] = node.config.stash[TIER]


def tier_of(config: pytest.Config) -> str:
    """Return the tier that a command line runs, or "" if it names some of the tests."""
    named = config.args_source is not pytest.Config.ArgsSource.TESTPATHS
    if named or config.option.markexpr or config.option.keyword:
        return ""
    return "everything" if config.option.everything else "first"


# Before xdist hands out the tests in this order.
@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out the second tier, and begin with the files that take longest."""
    if config.stash[TIER] == "first":
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in {*slow}]
    runs = Counter(item.path for item in items if "store" in item.fixturenames)
    slow_ones = Counter(item.path for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: (-slow_ones[item.path], -runs[item.path]))
