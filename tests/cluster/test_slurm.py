"""The workflow on a real Slurm: two nodes of this machine (see slurm.py)."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.slurm import NODES, Cluster, missing
from processes import wait_until, working_in
from projects import LIMIT, SMALL_CONFIG, Project, new_project

pytestmark = [pytest.mark.skipif(missing() != "", reason=missing()), pytest.mark.slow]

# Times shorter than on a cluster; a Slurm without accounts is queried by `squeue`.
SLURM = "--profile profiles/cluster --slurm-status-command squeue"
SLURM += " --slurm-init-seconds-before-status-checks 1"
GENERIC = "--profile profiles/cluster --profile profiles/cluster-generic"
GENERIC += " --seconds-between-status-checks 1"
SETTINGS = {"variants": ["standalone", "fixed-0"], "repeats": 1}
STUDY = SMALL_CONFIG["studies"]["ahead"] | SETTINGS
CONFIG = SMALL_CONFIG | {"studies": {"ahead": STUDY}}
# The fields of Slurm's records.
FIELDS = {"id": "%i", "state": "%T", "name": "%j %k", "time": "%l", "memory": "%m"}


class Run:
    """Snakemake on a cluster, in the background; its results are in `folder`."""

    def __init__(self, cluster: Cluster, project: Project, folder: Path, *options: str):
        self.cluster, self.folder = cluster, folder
        self.output = project.folder / "output.txt"
        with self.output.open("w") as file:
            self.process = subprocess.Popen(
                project.command(*options),
                cwd=project.folder,
                env=cluster.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def jobs(self) -> list[dict[str, str]]:
        """Return Slurm's records of this folder's jobs."""
        form = f"--format=%Z|{'|'.join(FIELDS.values())}"
        lines = self.cluster.ask("squeue", "--noheader", "--states=all", form)
        jobs = [line.split("|") for line in lines.splitlines()]
        here = [values for folder, *values in jobs if folder == str(self.folder)]
        return [dict(zip(FIELDS, values, strict=True)) for values in here]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.mark.parametrize(
    ("profile", "disaster"), [(GENERIC, "time is over"), (SLURM, "a node dies")]
)
def test_what_ends_a_job_is_noticed_and_it_runs_again(
    profile, disaster, cluster, store, tmp_path
):
    """Results, in another folder, are those of a run without a cluster.

    The job that pretrains gets too little memory. One that trains is held up until its
    time is over or its node dies. Limits are lowered while they wait in the queue.
    """
    for node in NODES:
        cluster.set_node(node, "drain")
    folder = tmp_path / "elsewhere"
    options = f"scores --directory {folder} {profile}".split()
    run = Run(cluster, new_project(tmp_path / "thaw", CONFIG), folder, *options)
    pair = wait_until(lambda: len(run.jobs()) == 2 and run.jobs(), run.process)
    training, pretraining = sorted(pair, key=lambda job: "pretrain" in job["name"])
    update = "scontrol", "update"
    cluster.ask(*update, f"jobid={pretraining['id']}", "minmemorynode=100")
    if disaster == "time is over":
        cluster.ask(*update, f"jobid={training['id']}", "timelimit=1")
    for node in NODES:
        cluster.set_node(node, "resume")
    job, *_ = wait_until(lambda: working_in(folder, "train"), run.process)
    job.suspend()
    if disaster == "a node dies":
        node = job.environ()["SLURMD_NODENAME"]
        cluster.kill_node(node)
        cluster.daemon("slurmd", "-N", node)
        cluster.set_node(node, "resume")
    assert run.process.wait(LIMIT) == 0, run.output.read_text()
    expected = store.finished(CONFIG, "scores").results("**/*.*")
    assert Project(folder).results("**/*.*") == expected
    jobs = run.jobs()
    states = {job["id"]: job["state"] for job in jobs}
    assert states[pretraining["id"]] == "FAILED"
    ends = [job for job in jobs if job["state"] == "COMPLETED"]
    (again,) = [job for job in ends if "pretrain" in job["name"]]
    assert number(again["memory"]) == 2 * number(pretraining["memory"])
    if disaster == "time is over":
        assert states[training["id"]] == "TIMEOUT"
        assert 2 * minutes(training["time"]) in [minutes(job["time"]) for job in ends]
    else:
        # Slurm itself ran the job again.
        assert states[training["id"]] == "COMPLETED"
        assert len(ends) == 3


def number(text: str) -> int:
    """Return the megabytes of `9000M`."""
    return int(re.match(r"\d+", text).group())


def minutes(text: str) -> int:
    """Return the minutes of `1:09:00`."""
    *hours, last, _ = map(int, text.split(":"))
    return sum(hours) * 60 + last
