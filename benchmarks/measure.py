"""The benchmarks share this: measuring a command, copies of the workflow, tables.

Linux only. It imports little and must stay small, because Linux counts its memory as
the child's until the child has replaced it by its own program.
"""

import os
import platform
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).parents[1]

# The number of runs of a measurement, unless they take so many seconds in all.
MOST_RUNS = 3
ENOUGH_SECONDS = 60


class Usage(NamedTuple):
    """The time and memory of a command and all processes it started and waited for."""

    wall_seconds: float
    cpu_seconds: float
    peak_mib: float

    @property
    def cells(self) -> list[str]:
        """Wall s, CPU s and peak MiB as a table shows them."""
        return [
            f"{self.wall_seconds:.1f}",
            f"{self.cpu_seconds:.1f}",
            f"{self.peak_mib:.0f}",
        ]


def run(
    command: Sequence[str | Path],
    folder: Path = ROOT,
    environment: Mapping[str, str] | None = None,
) -> tuple[Usage, str]:
    """Run a command; return its usage and its standard output.

    `environment` is added to the current one. If the command fails, the benchmark ends
    with its messages.
    """
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | (environment or {}),
            stdout=output,
            stderr=errors,
        )
        _, status, resources = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        usage = Usage(
            time.perf_counter() - start,
            resources.ru_utime + resources.ru_stime,
            resources.ru_maxrss / 1024,
        )
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            print(output.read(), errors.read(), file=sys.stderr)
            sys.exit(f"failed: {shlex.join(map(str, command))}")
        return usage, output.read()


def median_usage(measure: Callable[[], Usage]) -> Usage:
    """Measure once or, if it is short, several times; return medians."""
    runs = []
    while len(runs) < MOST_RUNS and sum(u.wall_seconds for u in runs) < ENOUGH_SECONDS:
        runs.append(measure())
    columns = zip(*runs, strict=True)
    return Usage(*(statistics.median(column) for column in columns))


@contextmanager
def only_cores(count: int) -> Iterator[None]:
    """Confine this process, and all that it starts, to so many cores."""
    available = os.sched_getaffinity(0)
    if count > len(available):
        sys.exit(f"{count} cores are needed, {len(available)} are available")
    os.sched_setaffinity(0, sorted(available)[:count])
    yield
    os.sched_setaffinity(0, available)


def copy_workflow(folder: Path) -> Path:
    """Copy the workflow, without results, into a new folder; return the folder."""
    for name in ("workflow", "profiles"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def change_config(folder: Path, **groups: dict) -> None:
    """Replace whole groups of the config of a copy of the workflow."""
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(config | groups, sort_keys=False), encoding="utf-8")


def snakemake(folder: Path, *arguments: str) -> Usage:
    """Run Snakemake, with the Python that runs this, in a copy of the workflow."""
    command = [sys.executable, "-m", "snakemake", *arguments]
    return run(command, folder)[0]


def machine() -> str:
    """Describe the machine in a line."""
    cpu = _first_value("/proc/cpuinfo", "model name")
    memory = int(_first_value("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, {system}"


def _first_value(path: str, key: str) -> str:
    """Return the value of the first line `key: value`."""
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return "unknown"


def versions(python: str | Path, packages: Iterable[str]) -> str:
    """Return the versions of a Python and of the packages that it has."""
    code = (
        "import platform, sys\n"
        "from importlib.metadata import distributions\n"
        "found = {d.name.lower(): d.version for d in distributions()}\n"
        "named = [f'{p} {found[p]}' for p in sys.argv[1:] if p in found]\n"
        "print(', '.join([f'Python {platform.python_version()}', *named]))"
    )
    return run([python, "-c", code, *packages])[1].strip()


def markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, its numbers (all but the first column) on the right."""
    alignment = [":--", *["--:"] * (len(columns) - 1)]
    lines = [columns, alignment, *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
