"""The workflow on a real Slurm: two nodes of this machine (see slurm.py)."""

import contextlib
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from cluster.slurm import NODES, Cluster, missing
from conftest import ONE_JOB_CONFIG, SMALL_CONFIG, Project, new_project

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=missing()),
    # A job may end before it is held: then nothing was shown, and it is tried again.
    pytest.mark.flaky(reruns=2),
]

# Times shorter than on a cluster; a Slurm without accounts is queried by `squeue`.
SLURM = (
    *("--workflow-profile", "slurm", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "1"),
)
GENERIC = (
    *("--workflow-profile", "cluster-generic"),
    *("--seconds-between-status-checks", "1"),
)
PATIENCE = 400  # seconds

CONFIG = SMALL_CONFIG | {
    "studies": {
        "ahead": SMALL_CONFIG["studies"]["ahead"]
        | {"variants": ["standalone", "fixed-0"]}
    }
}


class Run:
    """Snakemake on a cluster, in the background."""

    def __init__(
        self,
        cluster: Cluster,
        project: Project,
        *arguments: str,
        directory: Path | None = None,
    ):
        self.cluster, self.project = cluster, project
        command = project.command(*arguments)
        if directory:
            command += ["--directory", str(directory)]
            directory.mkdir()
            self.project = Project(directory)
            self.project.config = project.config
        self.folder = str(self.project.folder.resolve())
        self.output = project.folder / "output.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                command,
                cwd=project.folder,
                env=cluster.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def end(self, status: int = 0) -> str:
        """Wait for the end and return the output."""
        assert self.process.wait(PATIENCE) == status, self.output.read_text()
        return self.output.read_text()

    def training(self, stage: str = "train") -> list[psutil.Process]:
        """Return the processes of this folder that train, or that pretrain."""
        return [
            process
            for node in NODES
            for process in self.cluster.processes(node)
            if process.info["cwd"] == self.folder
            and f"thaw.stages.{stage}" in process.info["cmdline"]
        ]

    def hold(
        self, number: int = 1, stage: str = "train", megabytes: int = 0
    ) -> list[psutil.Process]:
        """Wait until so many jobs train and take so much memory; hold them up."""

        def enough():
            assert self.process.poll() is None, self.output.read_text()
            found = self.training(stage)
            grown = (p for p in found if p.memory_info().rss >= megabytes * 1e6)
            return found if len(list(grown)) == number else []

        processes = wait_until(enough)
        for process in processes:
            process.suspend()
        return processes

    def jobs(self) -> list[dict[str, str]]:
        """Return Slurm's records of this folder's jobs, in the order of their ids."""
        fields = {"id": "%i", "state": "%T", "node": "%N", "comment": "%k"}
        lines = self.cluster.ask(
            *("squeue", "--noheader", "--states=all", "--sort=i"),
            f"--format=%Z|{'|'.join(fields.values())}",
        ).splitlines()
        return [
            dict(zip(fields, values, strict=True))
            for folder, *values in (line.split("|") for line in lines)
            if folder == self.folder
        ]


def wait_until(true: Callable):
    """Return the first true answer."""
    end = time.monotonic() + PATIENCE
    while not (answer := true()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return answer


def running(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A Slurm shared by tests that leave its nodes alone."""
    yield from running(tmp_path_factory.mktemp("shared"))


@pytest.fixture
def own_cluster(tmp_path_factory) -> Iterator[Cluster]:
    """A Slurm that one test may break."""
    yield from running(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="module")
def limited(cluster, tmp_path_factory) -> Run:
    """A run whose jobs get too little at first; it goes on while other tests run.

    The one that pretrains gets too little memory, and is held up once it takes more,
    until Slurm, which looks once a second, has seen it. The first one that trains is
    held up until its minute is over.
    """
    project = new_project(tmp_path_factory.mktemp("limited") / "project", CONFIG)
    project.change("studies", "ahead", "repeats", to=1)
    limits = project.folder / "workflow/thaw/config/sizes.py"
    text = limits.read_text()
    text = text.replace("BASE_MEGABYTES = 600", "BASE_MEGABYTES = 150")
    limits.write_text(text.replace("LEAST_MINUTES = 10", "LEAST_MINUTES = 0"))
    run = Run(cluster, project, "scores", *SLURM, "--set-resources", "train:mem_mb=900")
    held = run.hold(stage="pretrain", megabytes=210)
    wait_until(lambda: "FAILED" in [job["state"] for job in run.jobs()])
    # Where memory grows slowly, Slurm ended one before: then this is the next attempt.
    for process in held:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()
    run.hold()
    return run


@pytest.fixture(scope="module")
def local(tmp_path_factory) -> Project:
    """The study as it comes out without a cluster."""
    project = new_project(tmp_path_factory.mktemp("local") / "project", CONFIG)
    project.snakemake("--cores", "2")
    return project


def test_results_are_those_of_a_local_run(limited, cluster, local, tmp_path):
    """Ungrouped, grouped, and with user-supplied commands for another folder."""
    groups = ("--groups", "train=trained", "--group-components", "trained=2")
    runs = {
        name: Run(
            cluster,
            new_project(tmp_path / name, CONFIG),
            *arguments,
            directory=tmp_path / "elsewhere" if name == "generic" else None,
        )
        for name, arguments in {
            "ungrouped": (*SLURM,),
            "grouped": ("scores", *SLURM, *groups),
            "generic": ("scores", *GENERIC),
        }.items()
    }
    expected = local.results("**/*.*")
    nodes = set()
    for name, run in runs.items():
        run.end()
        found = run.project.results("**/*.*")
        assert {path for path in found if found[path] != expected.get(path)} == set()
        assert set(found) == set(expected) or name != "ungrouped"
        assert "ahead/scores.csv" in found
        jobs = run.jobs()
        assert {job["state"] for job in jobs} == {"COMPLETED"}, jobs
        assert len(jobs) == (3 if name == "grouped" else 5)
        nodes |= {job["node"] for job in jobs}
    assert nodes == set(NODES)


def test_a_killed_node_loses_nothing(own_cluster, local, tmp_path):
    """Slurm itself runs the job again or, if that is off, Snakemake does."""
    first, second = NODES
    own_cluster.set_node(first, "drain")
    requeued = new_project(tmp_path / "requeued", ONE_JOB_CONFIG)
    retried = new_project(tmp_path / "retried", ONE_JOB_CONFIG)
    profile = retried.folder / "profiles/slurm/profile.yaml"
    profile.write_text(profile.read_text().replace("\nslurm-requeue: true\n", "\n"))
    runs = (
        Run(own_cluster, requeued, "scores", *SLURM),
        Run(own_cluster, retried, "scores", *SLURM, "--slurm-no-requeue"),
    )
    for run in runs:
        run.hold()
    own_cluster.set_node(first, "resume")
    own_cluster.kill_node(second)
    # Slurm would wait for two minutes before it starts the job again.
    wait_until(lambda: runs[0].jobs()[0]["state"] == "PENDING")
    job = runs[0].jobs()[0]["id"]
    own_cluster.ask("scontrol", "update", f"jobid={job}", "starttime=now")
    for run in runs:
        run.end()
        repeats = run.project.results("repeats/**/*.*")
        assert repeats.items() <= local.results("repeats/**/*.*").items()
        assert len(repeats) == 3
    states = [[job["state"] for job in run.jobs()] for run in runs]
    assert states == [["COMPLETED"], ["NODE_FAIL", "COMPLETED"]]


def test_orphans_of_a_killed_run_spoil_and_lose_nothing(cluster, local, tmp_path):
    project = new_project(tmp_path / "project", CONFIG)
    project.change("studies", "ahead", "variants", to=["standalone"])
    killed = Run(cluster, project, "scores", *SLURM)
    orphans = killed.hold(2)
    killed.process.kill()
    killed.process.wait()
    project.snakemake("--unlock")

    project.change("training", "epochs", to=4)
    run = Run(cluster, project, "scores", *SLURM)
    wait_until(lambda: len(run.training()) > len(orphans))
    for orphan in orphans:
        orphan.resume()
    said = run.end()
    assert re.search("To cancel them: scancel --name=[-0-9a-f]+\n", said)
    wait_until(lambda: not run.training())

    elsewhere = new_project(tmp_path / "elsewhere", project.config)
    elsewhere.snakemake("--cores", "2", "scores")
    found, expected = project.results("**/*.*"), elsewhere.results("**/*.*")
    assert {path for path in expected if found[path] != expected[path]} == set()
    of_orphans = {path for path in found if path not in expected}
    kept = local.results("repeats/**/*.*")
    assert of_orphans == {path for path in kept if "standalone" in path}
    assert {path for path in of_orphans if found[path] != kept[path]} == set()


def test_orphans_that_finish_before_the_rerun_are_kept(cluster, local, tmp_path):
    project = new_project(tmp_path / "project", CONFIG)
    project.change("studies", "ahead", "variants", to=["standalone"])
    killed = Run(cluster, project, "scores", *SLURM)
    orphans = killed.hold(2)
    killed.process.kill()
    killed.process.wait()
    for orphan in orphans:
        orphan.resume()
    wait_until(lambda: {job["state"] for job in killed.jobs()} == {"COMPLETED"})
    project.snakemake("--unlock")
    kept = project.results("repeats/**/*.*")
    assert kept.items() <= local.results("repeats/**/*.*").items()
    assert len(kept) == 6

    project.change("training", "epochs", to=4)
    project.snakemake("--cores", "2", "scores")
    elsewhere = new_project(tmp_path / "elsewhere", project.config)
    elsewhere.snakemake("--cores", "2", "scores")
    assert project.results("**/*.*") == kept | elsewhere.results("**/*.*")

    project.change("training", "epochs", to=3)
    run = Run(cluster, project, "scores", *SLURM)
    said = run.end()
    assert "To cancel them" not in said
    assert len(run.jobs()) == len(orphans)  # Nothing was submitted again.
    assert kept.items() <= project.results("repeats/**/*.*").items()
    scores = local.results("ahead/scores.csv")["ahead/scores.csv"].decode()
    own = [line for line in scores.splitlines(True) if "fixed" not in line]
    assert (project.folder / "results/ahead/scores.csv").read_text() == "".join(own)


def test_a_node_with_other_code_or_libraries_refuses(own_cluster, tmp_path):
    """Both are changed while the jobs wait in the queue."""
    projects = [
        new_project(tmp_path / name, ONE_JOB_CONFIG) for name in ("code", "torch")
    ]
    for node in NODES:
        own_cluster.set_node(node, "drain")
    runs = [
        Run(own_cluster, project, "scores", *SLURM, "--retries", "0")
        for project in projects
    ]
    wait_until(lambda: all(run.jobs() for run in runs))
    edited, upgraded = (project.folder / "workflow" for project in projects)
    with (edited / "thaw/learning/ensemble.py").open("a") as file:
        file.write("\nEDITED = 1\n")
    # The nodes look here first for what is installed.
    metadata = upgraded / "torch-9.9.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Name: torch\nVersion: 9.9\n")
    for node in NODES:
        own_cluster.set_node(node, "resume")
    for run in runs:
        said = run.end(status=1)
        assert said.count("\nerror: not what the run asked for") == 1
        assert ("torch 9.9)" in said) == (run.project.folder.name == "torch")
        assert "Traceback" not in said
        assert not run.project.results("repeats/**/*.*")


def test_a_job_over_its_memory_or_time_gets_more(limited, local):
    """The run that began before all the others."""
    limited.end()
    found, expected = (p.results("**/*-00-00.*") for p in (limited.project, local))
    assert found == expected
    ends: dict[str, list[str]] = {}
    for job in limited.jobs():
        ends.setdefault(job["comment"], []).append(job["state"])
    assert {states.pop() for states in ends.values()} == {"COMPLETED"}
    assert ["TIMEOUT"] in ends.values()
    (pretraining,) = (ends[comment] for comment in ends if "pretrain" in comment)
    assert {*pretraining} == {"FAILED"}
