"""Shared by the tests: a small problem, and real Snakemake in a temporary copy."""

import io
import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pytest
import yaml
from filelock import FileLock
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import RerunTrigger
from snakemake.settings.types import DAGSettings, OutputSettings, ResourceSettings

from thaw.data.problem import Description
from thaw.output.tiles import Tile

ROOT = Path(__file__).parent.parent
PARTS = ("Snakefile", "config.yaml", "workflow", "profiles")

# Every kind of stage and of variant, in a few seconds.
SMALL_CONFIG = {
    "seed": 1,
    "repeats_per_job": 1,
    "network": {"hidden": [4, 3]},
    "training": {"epochs": 3, "batch_size": 8, "learning_rate": 0.1},
    "problems": {
        name: {
            "make_blobs": {
                "n_samples": 40,
                "centers": 3,
                "n_features": 2,
                "cluster_std": 2,
                "random_state": state,
            },
            "train_size": 20,
        }
        for name, state in (("one", 1), ("two", 2))
    },
    "variants": {
        "standalone": {"pretrained": False},
        "fixed-0": {"freeze": 0},
        "fixed-1": {"freeze": 1},
        "fixed-2-added": {"freeze": 2, "add": [3]},
    },
    "studies": {
        "ahead": {
            "source": "one",
            "target": "two",
            "variants": ["standalone", "fixed-0", "fixed-1"],
            "repeats": 2,
        },
        "back": {
            "source": "two",
            "target": "one",
            "variants": ["fixed-1", "fixed-2-added"],
            "repeats": 2,
            "pairs": [["fixed-2-added", "fixed-1"]],
            "source_models": 2,
            "repeats_per_job": 4,
        },
    },
}

# One problem, and one job that trains.
ONE_JOB_CONFIG = SMALL_CONFIG | {
    "studies": {
        "ahead": SMALL_CONFIG["studies"]["ahead"]
        | {"variants": ["standalone"], "repeats": 1}
    }
}


# A study's four stages, while none of them is done.
FOUR = ("gather", "tables", "figures", "page")


def modules_of(*modules: str) -> list[str]:
    """Return the modules that importing some of the package loads."""
    names = ", ".join(f"thaw.{module}" for module in modules)
    code = f"import sys, {names}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "workflow",
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


class Project:
    """A copy of the workflow in its own folder, with its own config."""

    def __init__(self, folder: Path):
        self.folder = folder

    @property
    def config(self) -> dict:
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    @config.setter
    def config(self, config: dict) -> None:
        text = yaml.safe_dump(config, sort_keys=False)
        (self.folder / "config.yaml").write_text(text)

    def change(self, *path: str, to) -> None:
        """Set one value of the config."""
        config = self.config
        *groups, key = path
        group = config
        for name in groups:
            group = group[name]
        group[key] = to
        self.config = config

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("snakemake")), *arguments]

    def snakemake(self, *arguments: str, check: bool = True, **options):
        """Run Snakemake in the project's folder and return the finished process."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=options.pop("cwd", self.folder),
            env=options.pop("env", None),
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check and done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        return done

    def planned(self, *arguments: str) -> dict[str, str]:
        """Return the jobs of a dry run and Snakemake's reasons for each.

        A job is named by its rule and the values of its wildcards, without the key.
        """
        output = self.snakemake("-n", *arguments).stdout
        jobs = {}
        for block in re.split(r"\n(?=(?:local)?rule )", output)[1:]:
            rule = re.match(r"(?:local)?rule ([\w-]+):", block).group(1)
            wildcards = re.search(r"\n    wildcards: (.*)", block)
            named = (
                re.findall(r"(\w+)=([^,]+)", wildcards.group(1)) if wildcards else []
            )
            values = [value for name, value in named if name != "key"]
            jobs[" ".join([rule, *values])] = block
        return {job: block for job, block in jobs.items() if job != "all"}

    def stale(self, *targets: str) -> set[str]:
        """Return the jobs that would run, as `planned` names them.

        In this process, because most of a dry run is starting Snakemake; but it uses
        the package as it is here, and as it was when it was first read.
        """
        environment, path = dict(os.environ), list(sys.path)
        output, said = OutputSettings(dryrun=True), io.StringIO()
        try:
            with (
                redirect_stdout(said),
                redirect_stderr(said),
                SnakemakeApi(output) as api,
            ):
                found = api.workflow(
                    ResourceSettings(cores=1),
                    snakefile=self.folder / "Snakefile",
                    workdir=self.folder,
                )
                found.dag(
                    DAGSettings(
                        targets={*targets},
                        rerun_triggers=frozenset({RerunTrigger.MTIME}),
                    )
                )
                workflow = found._workflow
                workflow._prepare_dag(
                    forceall=False, ignore_incomplete=True, lock_warn_only=True
                )
                workflow._build_dag()
                jobs = [
                    (job.rule.name, job.wildcards_dict)
                    for job in workflow.dag.needrun_jobs()
                ]
        finally:
            os.environ.clear()
            os.environ.update(environment)
            sys.path[:] = path
        return {
            " ".join([rule, *(v for name, v in wildcards.items() if name != "key")])
            for rule, wildcards in jobs
        } - {"all"}

    def results(self, pattern: str = "**/*.csv") -> dict[str, bytes]:
        """Return the bytes of the result files that match the pattern."""
        folder = self.folder / "results"
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.glob(pattern))
        }

    def start_and_kill(self, until: str, *arguments: str) -> None:
        """Start Snakemake and kill it and its jobs once a result matches `until`."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            # Not read, because a temporary file among them may soon be gone.
            while not any((self.folder / "results").glob(until)):
                assert process.poll() is None, "the run ended before it could be killed"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def trained_again(before: set[str], after: set[str]) -> int:
    """Return how many networks were trained that other jobs had trained before.

    Jobs are named by the paths of their scores, of before a run and of after it.
    """
    held: dict[Path, set[str]] = {}
    for path in map(Path, before):
        held.setdefault(path.parent, set()).update(Tile.named(path.stem).labels)
    return sum(
        len(held.get(path.parent, set()).intersection(Tile.named(path.stem).labels))
        for path in map(Path, after - before)
    )


def told_again(said: str) -> int:
    """Return how many networks a run said that it would train again."""
    found = re.findall(r"([\d,]+) of them again", said)
    return sum(int(number.replace(",", "")) for number in found)


def copy_project(source: Path, target: Path) -> Project:
    shutil.copytree(source, target, symlinks=True)
    return Project(target)


def new_project(folder: Path, config: dict = SMALL_CONFIG) -> Project:
    """Copy the workflow from the repository, without results."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / part, ignore=ignored)
        else:
            shutil.copy2(source, folder / part)
    # The tests read Snakemake's own lines, which name every job.
    for profile in folder.glob("profiles/*/profile.yaml"):
        text = profile.read_text().replace("logger: thaw", "show-failed-logs: true")
        profile.write_text(text)
    project = Project(folder)
    project.config = config
    return project


@pytest.fixture
def fresh(tmp_path) -> Project:
    """A project in which nothing has run."""
    return new_project(tmp_path / "project")


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory with files of all kinds that configs name."""
    from configs import write_files

    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    return tmp_path


# The tests that run Snakemake most begin first, so that none is left at the end.
LONG = (
    *("cluster/test_slurm.py", "test_workflow.py", "test_stale.py", "test_numbers.py"),
    *("test_studies.py", "test_own_data.py", "test_failures.py", "test_drill.py"),
    *("test_target_sizes.py", "test_checkpoints.py", "test_trainer.py"),
    *("test_tutorial.py", "test_network_check.py", "test_leftovers.py"),
    *(
        "test_predict.py",
        "test_saved_weights.py",
        "test_terminal.py",
        "test_sources.py",
        "test_transferability.py",
        "test_config_properties.py",
    ),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(ROOT / "tests").as_posix()
        return LONG.index(name) if name in LONG else len(LONG)

    items.sort(key=place)


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id):
    """Make a project once for all processes: the first makes it, the others wait."""
    parent = tmp_path_factory.getbasetemp()
    # With several processes, each has its own folder in that of this run of pytest.
    parent = parent if worker_id == "master" else parent.parent

    def made(name: str, config: dict, write=lambda folder: None, targets=()) -> Project:
        folder = parent / name
        with FileLock(f"{folder}.lock"):
            if (folder / "output.txt").exists():
                return Project(folder)
            project = new_project(folder, config)
            write(folder)
            done = project.snakemake("--cores", "2", *targets)
            (folder / "output.txt").write_text(done.stdout)
        return project

    return made


@pytest.fixture(scope="session")
def finished_once(once) -> Project:
    return once("finished", SMALL_CONFIG)


@pytest.fixture(scope="session")
def saved_once(once) -> Project:
    """Studies of a table, up to their tables, with saved networks of every kind."""
    import saved

    studies = [f"results/{study}/study.json" for study in saved.CONFIG["studies"]]
    return once("saved", saved.CONFIG, saved.write, studies)


@pytest.fixture
def finished(finished_once, tmp_path) -> Project:
    """A project in which everything has run; each test has a copy to spoil."""
    return copy_project(finished_once.folder, tmp_path / "project")


@pytest.fixture(scope="session")
def problem():
    """A small problem with three classes."""
    from thaw.data.problem import Problem

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 90)
    x = rng.normal(size=(90, 2)) + 2 * np.stack([y == 1, y == 2], axis=1)
    x = x.astype(np.float32)
    rows = np.arange(1, 91)
    return Problem(
        *(x[:50], y[:50], x[50:], y[50:], rows[50:], 3),
        train_digests=rows[:50].astype(np.uint64),
        test_digests=rows[50:].astype(np.uint64),
    )


@pytest.fixture(scope="session")
def images():
    """Rows of 16 features, which are images of 4 by 4, in three classes."""
    from thaw.data.problem import Problem

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 600)
    x = rng.normal(size=(600, 16)).astype(np.float32)
    x[:, 5] += 2 * y
    return Problem(x[:300], y[:300], x[300:], y[300:], np.arange(301, 601), 3)


DESCRIPTION = Description(
    columns=["length", "width"],
    classes=["a", "b", "c"],
    categories={},
    centre=[0.0, 0.0],
    spread=[1.0, 1.0],
    shape=[],
    notes=[],
    transforms=[],
    files=[],
)
