"""A large study on a real Slurm, beside the same study without: jobs, files, time, CPU.

    .venv/bin/python benchmarks/slurm_study.py

It starts the Slurm of the tests (tests/cluster/): two nodes, of two cores each, both on
this machine. Four variants, 25 repeats of each from every source model; everything
else, `repeats_per_job: auto` and the profile too, as shipped.
"""

import argparse
import ctypes
import os
import resource
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from large_study import CORES, FOLDERS, RULES, STUDY, Job, jobs_of, megabytes, new_study
from measure import ROOT, markdown, run, start, use_cores, versions, write_report

sys.path.append(str(ROOT / "tests"))

from cluster.slurm import NODES, Cluster, find, missing

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
    jobs: list[Job]
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
    return Run(facts, submissions, cpu_seconds, jobs, results)


def cpu_of_children() -> float:
    """Return the CPU time of all ended processes that this one started."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def cpu_of_daemons(cluster: Cluster) -> float:
    """Return the CPU time of Slurm's daemons without that of their children."""
    names = ("slurmctld", "munge", *NODES)
    pids = [int((cluster.folder / f"{name}.pid").read_text()) for name in names]
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def main(args: argparse.Namespace) -> None:
    """Run the study both ways and write the report."""
    if missing():
        sys.exit(missing())
    use_cores(CORES)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    runs = []
    with tempfile.TemporaryDirectory() as temporary:
        cluster = Cluster(Path(temporary, "cluster"))
        for name, executor in (("local", None), ("slurm", cluster)):
            folder = Path(temporary, name)
            folder.mkdir()
            fits = new_study(folder, args.source_models)
            runs.append(measured(folder, executor, fits))
    local, slurm = runs
    if local.results != slurm.results:
        sys.exit("results through Slurm are not those of the local run")
    more = (slurm.cpu_seconds - local.cpu_seconds) / slurm.submissions
    facts = [*zip(FACTS, local.facts, slurm.facts, strict=True)]
    facts.append(("CPU s beyond the local run, a submission", "-", f"{more:.2f}"))
    stages = []
    for rule in sorted({job.rule for job in local.jobs}):
        own = [job for job in local.jobs if job.rule == rule]
        seconds, peak = sum(j.cpu_seconds for j in own), max(j.peak_mib for j in own)
        cells = f"{seconds:.1f}", f"{1000 * seconds / fits:.3f}", f"{peak:.0f}"
        stages.append((rule, *cells))
    ratio = slurm.cpu_seconds / local.cpu_seconds
    parts = [
        f"All {len(local.results)} files under results/ are the same bytes both ways. "
        f"Through Slurm the study took\n{ratio:.2f} times the CPU time.",
        markdown(["", "local", "Slurm"], facts),
        "Of the local run, as Snakemake's `benchmark:` files sample it:",
        markdown(["rule", "CPU s", "CPU ms a fit", "peak MiB"], stages),
        NOTES,
    ]
    slurm_version = run([find("slurmctld") or "slurmctld", "-V"])[1].strip()
    plugin = versions(sys.executable, [PLUGIN]).partition(", ")[2]
    title = f"{fits:,} fits through Slurm"
    write_report(args.output, title, parts, f"{slurm_version}, {plugin}")


if __name__ == "__main__":
    words = "how many (100); a source model and its repeats are 101 fits"
    source_models = {"type": int, "default": 100, "help": words}
    start(main, __doc__, "slurm_study.md", source_models=source_models)
