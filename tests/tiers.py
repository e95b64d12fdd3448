"""Two tiers of tests, and what a run of one costs.

`pytest` runs the first tier: what must never break. `pytest --everything` also runs the
tests marked `slow`. Whoever names a file, a test, `-k` or `-m` gets what is named.
"""

import os
import resource
import time
from collections import Counter

import pytest

# A job's process has one thread for each of its cores; tests run one on each core. Set
# before NumPy is imported, also for the processes of xdist.
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")


# The budget of each tier on two idle cores: minutes by the clock, and of CPU.
BUDGETS = {"first": (5, 9), "everything": (25, 30)}

TIER = pytest.StashKey[str]()

# How much more than its budget a tier may cost where the budget is held.
TOLERANCE = 1.3


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tiers of tests")
    group.addoption(
        "--everything",
        action="store_true",
        help="run all tests: also those of Slurm, kills, browsers, shipped studies, "
        "pages and growth, which a bare `pytest` leaves out. Before a release, and "
        "after a change of what they are about",
    )
    group.addoption(
        "--hold-budget",
        action="store_true",
        help=f"fail if the tests take {TOLERANCE} times the CPU of their budget",
    )


def pytest_configure(config: pytest.Config) -> None:
    workerinput = getattr(config, "workerinput", {})
    config.stash[TIER] = workerinput.get("tier", tier_of(config))
    if config.stash[TIER]:
        config.option.durations = 10
    config.addinivalue_line(
        "markers", "slow: in the second tier, which `pytest --everything` runs"
    )
    config.pluginmanager.register(Costs(config), "costs")


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


def cpu() -> float:
    """Return the CPU seconds of this process and of those that it has waited for."""
    usages = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(sum(resource.getrusage(usage)[:2]) for usage in usages)


class Costs:
    """The time that tests take."""

    def __init__(self, config: pytest.Config):
        self.config = config
        self.began = time.monotonic()
        # That of the processes that xdist starts, as they report it.
        self.of_workers = 0.0
        self.left_out = 0

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        self.left_out += len(items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node) -> None:
        node.workerinput["tier"] = self.config.stash[TIER]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node, error) -> None:
        output = getattr(node, "workeroutput", {})
        self.of_workers += output.get("cpu", 0)
        self.left_out = output.get("left_out", 0)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(self.config, "workeroutput", None)
        if output is not None:
            output |= {"cpu": cpu(), "left_out": self.left_out}
        elif self.is_over():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def minutes_of_cpu(self) -> float:
        # The children of a process that has workers are those workers.
        if not self.of_workers:
            return cpu() / 60
        user_and_system = resource.getrusage(resource.RUSAGE_SELF)[:2]
        return (sum(user_and_system) + self.of_workers) / 60

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter) -> None:
        if not self.config.stash[TIER]:
            return
        write = terminalreporter.write_line
        terminalreporter.section("costs")
        wall, cpu_minutes = BUDGETS[self.config.stash[TIER]]
        minutes = (time.monotonic() - self.began) / 60
        write(
            f"{minutes:.1f} min and {self.minutes_of_cpu():.1f} CPU min; the budget "
            f"on two idle cores is {wall} min and {cpu_minutes} CPU min."
        )
        if self.left_out:
            write(
                f"{self.left_out} tests of the second tier were left out; "
                "`pytest --everything` runs them."
            )
        if self.is_over():
            write(f"That is more than {TOLERANCE} times the CPU budget.", red=True)

    def is_over(self) -> bool:
        """Whether the budget is held, and the tests took too much CPU."""
        tier = self.config.stash[TIER]
        return bool(
            self.config.option.hold_budget
            and tier
            and self.minutes_of_cpu() > TOLERANCE * BUDGETS[tier][1]
        )
