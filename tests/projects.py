"""Projects: copies of the workflow, each in its own folder and with its own config.

A test that is about Snakemake runs it as its users do (`Project.snakemake`). Every
other test has the same jobs run in its own process (`Project.make`), where a job costs
some milliseconds instead of two seconds of imports. What has been made once is in a
`Store`, for all tests of a run.
"""

import gc
import hashlib
import inspect
import io
import json
import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import yaml
from filelock import FileLock
from snakemake.api import SnakemakeApi
from snakemake.settings.enums import RerunTrigger
from snakemake.settings.types import DAGSettings, OutputSettings, ResourceSettings

from thaw.stages import command

ROOT = Path(__file__).parent.parent
PARTS = ("Snakefile", "config.yaml", "workflow", "profiles")

# Seconds after which a process is taken to hang: ten times the longest run of these
# tests on an idle machine. No test is about time.
LIMIT = 1800

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


class JobError(Exception):
    """A job that ran in this process ended with a status; its log is the message."""


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

    def copy(self, target: Path) -> "Project":
        return Project(shutil.copytree(self.folder, target, symlinks=True))

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
            timeout=LIMIT,
        )
        if check and done.returncode:
            raise AssertionError(done.stdout + done.stderr)
        return done

    def reasons(self, *arguments: str) -> dict[str, str]:
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
        """Return the jobs that would run, named as `reasons` names them.

        In this process, because most of a dry run is starting Snakemake; but it uses
        the package as it is here, and as it was when it was first read.
        """
        with planned(self.folder, targets) as dag:
            jobs = [(job.rule.name, job.wildcards_dict) for job in dag.needrun_jobs()]
        return {
            " ".join([rule, *(v for name, v in wildcards.items() if name != "key")])
            for rule, wildcards in jobs
        } - {"all"}

    def make(self, *targets: str) -> list[str]:
        """Run the stale jobs in this process, one after the other; return their rules.

        Snakemake plans them, and each runs by its rule's own command. Raises `JobError`
        at the first that fails.
        """
        with planned(self.folder, targets) as dag:
            stale = {*dag.needrun_jobs()}
            order = [job for level in dag.toposorted() for job in level]
            # All commands before any job runs: to Snakemake, a file that appears
            # behind its back is a broken link.
            jobs = [job for job in order if job in stale and job.shellcmd]
            for job in jobs:
                run_here(job)
        return [job.rule.name for job in jobs]

    def results(self, pattern: str = "**/*.csv") -> dict[str, bytes]:
        """Return the bytes of the result files that match the pattern."""
        folder = self.folder / "results"
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.glob(pattern))
            if path.is_file()
        }


@contextmanager
def planned(folder: Path, targets, snakefile: Path | None = None) -> Iterator:
    """Yield Snakemake's DAG of a dry run, from within the folder.

    Its own Snakefile is taken unless another is named. What Snakemake changes in a
    process is put back.
    """
    environment, path, here = dict(os.environ), list(sys.path), Path.cwd()
    output = io.StringIO()
    try:
        with (
            redirect_stdout(output),
            redirect_stderr(output),
            SnakemakeApi(OutputSettings(dryrun=True)) as api,
        ):
            api_workflow = api.workflow(
                ResourceSettings(cores=1),
                snakefile=snakefile or folder / "Snakefile",
                workdir=folder,
            )
            triggers = frozenset({RerunTrigger.MTIME})
            api_workflow.dag(DAGSettings(targets={*targets}, rerun_triggers=triggers))
            workflow = api_workflow._workflow
            workflow._prepare_dag(
                forceall=False, ignore_incomplete=True, lock_warn_only=True
            )
            workflow._build_dag()
            os.chdir(folder)
            yield workflow.dag
    finally:
        os.chdir(here)
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = path


def run_here(job) -> None:
    """Run a job by its rule's command: `… python -m thaw.stages JSON 2>LOG || …`."""
    python, option, stages, text, redirection = words_of(job)
    assert (python, option, redirection[:2]) == ("python", "-m", "2>")
    log = Path(redirection[2:])
    for path in (*map(Path, job.output), log):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with (
            log.open("w") as errors,
            as_a_process(stages, text),
            redirect_stderr(errors),
        ):
            runpy.run_module(stages, run_name="__main__")
    except SystemExit as end:
        if end.code:
            log.write_text(f"{log.read_text()}{end.code}\n")
            raise JobError(f"{job.rule.name}: {log.read_text()}") from end


def words_of(job) -> list[str]:
    """Return the words of a job's command, up to what follows if it is killed.

    The first sets a variable of the environment.
    """
    words = shlex.split(job.shellcmd)
    return words[1 : words.index("||")]


@contextmanager
def as_a_process(*arguments: str) -> Iterator[None]:
    """Give a stage its arguments, and put back what it changes before it ends."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    hook, argv, leave = sys.unraisablehook, sys.argv, command.leave
    sys.argv, command.leave = [*arguments], lambda: None
    try:
        yield
    finally:
        sys.unraisablehook, sys.argv, command.leave = hook, argv, leave
        for number, handler in handlers.items():
            signal.signal(number, handler)
        gc.unfreeze()


def new_project(folder: Path, config: dict = SMALL_CONFIG) -> Project:
    """Copy the workflow from the repository, without results."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
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


class Store:
    """Finished projects, made by whichever test comes first, for all tests of a run.

    Tests of all processes share them and only read them; one that changes a project
    takes a copy. `assert_untouched` finds the one that did not.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def finished(
        self,
        config: dict,
        *targets: str,
        write: Callable[[Path], None] | None = None,
        snakemake: bool = False,
    ) -> Project:
        """Return the project of a config after `targets`, or all, were made.

        `write` writes further files into its folder before that. With `snakemake` a
        real run makes it, and what it printed is in its `output.txt`.
        """
        code = inspect.getsource(write) if write else ""
        described = json.dumps([config, targets, code, snakemake], sort_keys=True)
        name = hashlib.blake2b(described.encode(), digest_size=8).hexdigest()
        folder, files = self.folder / name, self.folder / f"{name}.json"
        with FileLock(f"{folder}.lock"):
            if not files.exists():
                # That of a test that failed meanwhile.
                shutil.rmtree(folder, ignore_errors=True)
                project = new_project(folder, config)
                if write:
                    write(folder)
                if snakemake:
                    done = project.snakemake("--cores", "2", *targets)
                    (folder / "output.txt").write_text(done.stdout)
                else:
                    project.make(*targets)
                files.write_text(json.dumps(times_of(folder)))
        return Project(folder)

    def copy(self, target: Path, config: dict, *targets: str, **options) -> Project:
        """Return a copy of such a project, for a test that changes it."""
        return self.finished(config, *targets, **options).copy(target)

    def assert_untouched(self) -> None:
        """Raise `AssertionError` if a shared project has changed, with its files."""
        for files in self.folder.glob("*.json"):
            before, now = json.loads(files.read_text()), times_of(files.with_suffix(""))
            changed = [
                name for name in before | now if before.get(name) != now.get(name)
            ]
            assert not changed, f"a test changed a shared project: {changed}"


def times_of(folder: Path) -> dict[str, int]:
    """Return when each file that tests read was written, by its path."""
    passing = {".snakemake", "logs", "__pycache__"}
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and passing.isdisjoint(path.relative_to(folder).parts)
    }


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
