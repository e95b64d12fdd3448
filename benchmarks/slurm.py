"""A study on a real Slurm, beside the same study without: jobs, files, time, CPU.

It starts the Slurm of the tests (tests/cluster/): two nodes, of two cores each, both on
this machine. Four variants, 25 repeats of each from every source model; everything
else, `repeats_per_job: auto` and the profile too, as shipped.
"""

import ctypes
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from large import CORES, FOLDERS, RULES, STUDY, jobs_of, megabytes, new_study
from measure import ROOT, markdown, run, versions

sys.path.append(str(ROOT / "tests"))

from cluster.slurm import NODES, Cluster, find, missing

# A source model and its repeats are 101 fits.
SOURCE_MODELS = 100

LOCAL = ("--cores", str(CORES))
SLURM = ("--workflow-profile", "slurm", "--slurm-status-command", "squeue")

PLUGIN = "snakemake-executor-plugin-slurm"

# Of Linux's prctl: orphans of this process's children become its own children.
PR_SET_CHILD_SUBREAPER = 36

NOTES = f"""\
From an empty folder to all tables and figures of the study, once each way, on {CORES}
cores of one machine; first without a cluster, then through Slurm. Source models count
as fits. Submissions are the jobs in Slurm's queue. Files are those in results/, logs/
and .snakemake/. "Slurm's daemons" are controller, nodes and munge without their jobs;
the CPU time above them is of all processes, the daemons included: Snakemake here,
Snakemake once more in each job, submitting and asking, and the stages. Wall time says
little about a cluster: both nodes share these cores, and Snakemake asks Slurm what has
ended every 10 seconds and more."""


FACTS = (
    *("training jobs", "submissions", "files", "MB on disk", "wall s"),
    *("CPU s, all processes", "CPU s, Slurm's daemons", "CPU ms a fit, all included"),
)


class Run(NamedTuple):
    """A run: its facts, in order, and its results."""

    facts: tuple[object, ...]
    submissions: int
    cpu_seconds: float
    results: dict[str, bytes]


def measured(folder: Path, cluster: Cluster | None, fits: int) -> Run:
    """Run the study in a folder; through Slurm, if given, which is then stopped."""
    before = cpu_of_children()
    if cluster:
        cluster.start()
    command = [sys.executable, "-m", "snakemake", STUDY, *(SLURM if cluster else LOCAL)]
    usage, _ = run(command, folder, cluster.environment if cluster else None)
    submissions = daemons = 0
    if cluster:
        submissions = len(cluster.ask("squeue", "-h", "-t", "all").splitlines())
        daemons = cpu_of_daemons(cluster)
        cluster.stop()
        with suppress(ChildProcessError):
            while True:
                os.wait()
    cpu_seconds, jobs = cpu_of_children() - before, list(jobs_of(folder))
    tops = [folder / name for name in FOLDERS]
    files = [path for top in tops for path in top.rglob("*") if path.is_file()]
    facts = (
        sum(job.rule in RULES.values() for job in jobs),
        *(submissions, len(files), f"{sum(map(megabytes, tops)):.1f}"),
        *(usage.cells[0], f"{cpu_seconds:.1f}", f"{daemons:.1f}"),
        f"{1000 * cpu_seconds / fits:.2f}",
    )
    results = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if path.is_relative_to(folder / "results")
    }
    return Run(facts, submissions, cpu_seconds, results)


def cpu_of_children() -> float:
    """Return the CPU time of all ended processes that this one started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_of_daemons(cluster: Cluster) -> float:
    """Return the CPU time of Slurm's daemons without that of their children."""
    names = ("slurmctld", "munge", *NODES)
    pids = [int((cluster.folder / f"{name}.pid").read_text()) for name in names]
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def report(peers: Path | None) -> Iterator[str]:
    """Run the study both ways; yield the part's tables."""
    if missing():
        yield f"Left out: {missing()}."
        return
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        cluster = Cluster(Path(temporary, "cluster"))
        for name, executor in (("local", None), ("slurm", cluster)):
            folder = Path(temporary, name)
            folder.mkdir()
            fits = new_study(folder, SOURCE_MODELS)
            runs.append(measured(folder, executor, fits))
    local, slurm = runs
    if local.results != slurm.results:
        sys.exit("results through Slurm are not those of the local run")
    more = (slurm.cpu_seconds - local.cpu_seconds) / slurm.submissions
    facts = [*zip(FACTS, local.facts, slurm.facts, strict=True)]
    facts.append(("CPU s beyond the local run, a submission", "-", f"{more:.2f}"))
    version = run([find("slurmctld") or "slurmctld", "-V"])[1].strip()
    plugin = versions(sys.executable, [PLUGIN]).partition(", ")[2]
    yield (
        f"With {version}, {plugin}. All files under results/ are the same bytes both "
        "ways."
    )
    yield markdown(["", "local", "Slurm"], facts)
    yield NOTES
