"""The drill: treat a project badly, round after round, and look for a wrong byte.

    python tests/drill.py --rounds 50 --seed 1

Each round changes the config of a small project at random. It may lose `.snakemake`,
scramble the times of all results, and move or copy `results/`. It starts a run, often
of yet another config, and disturbs it: one of its jobs, Snakemake or both are killed
with -9, so that orphans go on writing, some of them only at the very end; or the run is
left alone while another one starts beside it. Then the round's config is run to its
end, and this must hold:

- no wrong byte: each study's tables are those of a fresh folder with this study alone,
  and nothing is left to do;
- nothing lost: source models and repeats that were once complete are there, unchanged;
- nothing trained twice: no run trains a job that was complete when it began, nor again
  more of other jobs' networks than it said when it began;
- Snakemake ends with status 0, and nothing that ran left a traceback. Beside another
  live run it may fail, but not when it is started again after that.

A round's choices follow from the seed and its number; the clock decides how far its
processes had come when they were killed. Processes are found by their working
directory, so this needs a system where psutil can tell it, such as Linux.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import yaml

from conftest import new_project, told_again, trained_again
from random_config import changed, first_config

DISTURBANCES = (
    *("job killed", "Snakemake killed", "Snakemake killed and its orphans held up"),
    *("both killed", "second run", ""),
)
# How many files a job leaves: scores and histories; of source models the weights too.
FILES_OF_A_JOB = {"repeats": 2, "source-models": 3}
PATIENCE = 300  # seconds


class Drill:
    """A project under drill, and its history. `faults` lists the errors found."""

    def __init__(self, folder: Path, seed: int):
        self.folder, self.seed, self.rounds = folder.resolve(), seed, 0
        self.config = first_config()
        self.project = new_project(self.folder / "project", self.config)
        self.results = self.project.folder / "results"
        self.runs = self.folder / "runs"
        self.runs.mkdir()
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        # Orphans that go on only after the round's run has ended.
        self.held_up: list[psutil.Process] = []
        # The digests of all trained files so far.
        self.ledger: dict[Path, str] = {}

    def round(self) -> str:
        """Run a round and return its actions in words."""
        rng = random.Random(f"{self.seed} {self.rounds}")
        began, known = time.monotonic(), len(self.ledger)
        words = "the first config"
        if self.rounds:
            self.config, words = changed(self.config, rng)
        done = [words, self.upset(rng), self.disturb(rng), self.upset(rng)]
        self.project.config = self.config
        done.append(self.finish(rng))
        self.check_trained()
        self.check_logs()
        done.append(f"{len(self.ledger) - known} files trained")
        done.append(f"{time.monotonic() - began:.0f} s")
        self.rounds += 1
        return " | ".join(filter(None, done))

    def upset(self, rng: random.Random) -> str:
        """Treat the files as people and file systems do; Snakemake must not run."""
        words = [
            rng.choice([".snakemake lost", ""]),
            rng.choice(["times scrambled", ""]),
            rng.choice(["moved", "copied", "", ""]),
        ]
        times = random.Random(rng.random())
        processes = self.alive()
        if self.snakemakes(processes) or not self.results.exists():
            return ""
        if processes:
            words[2] = ""  # An orphan would make the folder anew meanwhile.
        lost, scrambled, moved = words
        if lost:
            shutil.rmtree(self.project.folder / ".snakemake", ignore_errors=True)
        if scrambled:
            for path in sorted(self.results.rglob("*")):
                at = time.time() + times.uniform(-1e6, 1e6)
                with suppress(FileNotFoundError):  # An orphan renames its files.
                    os.utime(path, (at, at))
        if moved:
            elsewhere = self.results.with_name("elsewhere")
            if moved == "copied":
                subprocess.run(["cp", "-r", self.results, elsewhere], check=True)
                shutil.rmtree(self.results)
            else:
                self.results.rename(elsewhere)
            elsewhere.rename(self.results)
        words = list(filter(None, words))
        self.counts.update(words)
        return ", ".join(words)

    def disturb(self, rng: random.Random) -> str:
        """Start a run, and kill it or some of it or leave it alive."""
        what = rng.choice(DISTURBANCES)
        config, words = changed(self.config, rng)
        if rng.random() < 0.4:
            config, words = self.config, "the same config"
        elif rng.random() < 0.7:
            config["seed"] = rng.randrange(100, 1000)  # nothing of it is trained yet
            words += f"; seed = {config['seed']}"
        moment = rng.choice(
            [self.training, self.has_trained, self.making_tables, lambda: True]
        )
        if what == "job killed":
            moment = self.training
        delay = rng.choice([0, 0.01, 1, 5]) * rng.random()
        if not what:
            return ""
        self.project.config, self.files = config, self.trained_files()
        before = self.complete()
        with self.log("disturbed").open("w") as log:
            run = subprocess.Popen(
                self.project.command("--cores", "2"),
                cwd=self.project.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until(lambda: run.poll() is not None or moment())
        time.sleep(delay)
        if run.poll() is not None:
            what = "ended before it could be disturbed"
        elif what == "both killed":
            os.killpg(run.pid, signal.SIGKILL)
        elif what.startswith("Snakemake killed"):
            run.kill()
            if what.endswith("held up"):
                self.held_up = self.alive()
                self.signal(signal.SIGSTOP, *self.held_up)
        elif what == "job killed":
            self.signal(signal.SIGKILL, *self.training()[:1])
        if what != "second run":
            self.wait_until(lambda: run.poll() is not None)
        self.check_trained_once(before, "disturbed")
        self.counts[what] += 1
        return f"{what} ({words})"

    def finish(self, rng: random.Random) -> str:
        """Run the round's config to its end, and compare its results."""
        target = rng.choice(["all", "tables", "tables"])
        options = rng.choice([["--nolock"], []])
        rival = self.snakemakes(self.alive())
        if rival:
            options = ["--nolock"]
        elif not options and any(self.project.folder.glob(".snakemake/locks/*")):
            self.snakemake("unlock", "--unlock")
        self.snakemake("final", target, *options, may_fail=bool(rival))
        self.signal(signal.SIGCONT, *self.held_up)
        self.held_up = []
        self.wait_until(lambda: not self.alive())
        if rival:
            # Before a job starts, Snakemake deletes its outputs, and then refuses, so
            # the other run may have deleted files that this one had just made.
            self.snakemake("again", target)
        for study in self.config["studies"]:
            self.check_study(study)
        left = self.project.stale(target)
        if left:
            self.faults.append(f"not settled: {left}")
        return target

    def snakemake(self, name: str, *arguments: str, may_fail: bool = False) -> None:
        """Run Snakemake; it must end well and train nothing that is there."""
        before, scores, alone = self.complete(), self.scores(), not self.alive()
        done = self.project.snakemake("--cores", "2", *arguments, check=False)
        self.log(name).write_text(done.stdout + done.stderr)
        if done.returncode and not may_fail:
            self.faults.append(f"status {done.returncode}: {self.log(name)}")
        self.check_trained_once(before, name)
        again = trained_again(scores, self.scores()) if alone else 0
        if again > told_again(done.stderr):
            self.faults.append(f"{again} trained again unsaid: {self.log(name)}")
        self.counts["trained again, as it was said"] += again

    def check_study(self, study: str) -> None:
        """Compare a study's tables with those of a fresh folder."""
        for name, data in self.reference(study).items():
            path = self.results / study / name
            if not path.exists() or path.read_bytes() != data:
                self.faults.append(f"missing or wrong: {path}")

    def reference(self, study: str) -> dict[str, bytes]:
        """Return what a study's tables must hold, by name."""
        own = self.config["studies"][study]
        alone = self.config | {
            "problems": {
                name: self.config["problems"][name]
                for name in (own["source"], own["target"])
            },
            "variants": {
                name: self.config["variants"][name] for name in own["variants"]
            },
            "studies": {study: own},
        }
        name = digest(json.dumps(alone, sort_keys=True).encode())
        fresh = self.folder / "references" / name
        if not fresh.exists():
            fresh.mkdir(parents=True)
            (fresh / "config.yaml").write_text(yaml.safe_dump(alone))
            snakefile = str(self.project.folder / "Snakefile")
            self.project.snakemake(
                *("--snakefile", snakefile, "--cores", "2", "tables"), cwd=fresh
            )
        folder = fresh / "results" / study
        tables = [path for path in folder.iterdir() if path.is_file()]
        return {path.name: path.read_bytes() for path in tables}

    def check_trained(self) -> None:
        """Check that all trained files so far are there and unchanged."""
        found = {
            path: digest(path.read_bytes())
            for files in self.trained().values()
            for path in files
        }
        for path, known in self.ledger.items():
            if found.get(path) != known:
                self.faults.append(f"{'changed' if path in found else 'lost'}: {path}")
        self.ledger |= found

    def check_trained_once(self, before: dict[str, int], run: str) -> None:
        """Check that jobs complete before a run were not trained again."""
        for job, when in before.items():
            if self.began(job) != when:
                self.faults.append(f"trained twice: {job}, see {self.log(run)}")

    def check_logs(self) -> None:
        for log in (*self.runs.iterdir(), *self.project.folder.glob("logs/**/*.log")):
            if "Traceback" in log.read_text():
                self.faults.append(f"traceback: {log}")

    def complete(self) -> dict[str, int]:
        """Return all complete jobs, except running ones, and when they ran."""
        running = {
            job.info["cmdline"][job.info["cmdline"].index("--scores") + 1]
            for job in self.training()
        }
        return {
            job: self.began(job)
            for job in self.trained()
            if f"{job}.csv" not in running
        }

    def began(self, job: str) -> int:
        """Return when a job last wrote to its log, which no fault changes."""
        log = self.project.folder / Path("logs", *Path(f"{job}.log").parts[1:])
        return log.stat().st_mtime_ns if log.exists() else 0

    def trained(self) -> dict[str, list[Path]]:
        """Return the files of all complete jobs, by the path with which they begin."""
        jobs: dict[str, list[Path]] = {}
        for path in sorted(self.trained_files()):
            place = str(path.relative_to(self.project.folder))
            jobs.setdefault(re.sub(r"(\.history)?\.\w+$", "", place), []).append(path)
        return {
            job: files
            for job, files in jobs.items()
            if len(files) == FILES_OF_A_JOB[Path(job).parts[1]]
        }

    def trained_files(self) -> set[Path]:
        """Return the files of all jobs, complete or not."""
        return {
            path
            for kind in FILES_OF_A_JOB
            for path in self.results.glob(f"{kind}/**/[!.]*.*")
        }

    def scores(self) -> set[str]:
        """Return the paths of all scores."""
        return {str(path) for path in self.trained_files() if path.suffix == ".csv"}

    def has_trained(self) -> bool:
        """Whether the disturbed run has written results of its training."""
        return not self.trained_files() <= self.files

    def alive(self) -> list[psutil.Process]:
        """Return the processes that work in the project's folder."""
        here = str(self.project.folder)
        return [
            p for p in psutil.process_iter(["cwd", "cmdline"]) if p.info["cwd"] == here
        ]

    def training(self) -> list[psutil.Process]:
        """Return the training jobs that run."""
        stages = {"thaw.stages.train", "thaw.stages.pretrain"}
        return [p for p in self.alive() if stages.intersection(p.info["cmdline"])]

    def making_tables(self) -> bool:
        """Whether a stage makes tables or figures."""
        return any("--record" in p.info["cmdline"] for p in self.alive())

    def snakemakes(self, processes: list[psutil.Process]) -> list[psutil.Process]:
        program = self.project.command()[0]
        return [p for p in processes if program in p.info["cmdline"]]

    def signal(self, number: signal.Signals, *processes: psutil.Process) -> None:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def wait_until(self, true: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not true():
            if time.monotonic() > end:
                self.faults.append(f"waited for {PATIENCE} seconds")
                return
            time.sleep(0.02)

    def log(self, run: str) -> Path:
        """Return the file with the output of a run of this round."""
        return self.runs / f"{self.rounds:03d}-{run}.txt"


def digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    drill = Drill(Path(tempfile.mkdtemp(prefix="thaw-drill-")), args.seed)
    try:
        for number in range(args.rounds):
            print(f"{number:3d}: {drill.round()}", flush=True)
            if drill.faults:
                sys.exit("\n".join([*drill.faults, f"Look into {drill.folder}"]))
    finally:
        drill.signal(signal.SIGKILL, *drill.alive())
    counts = ", ".join(f"{count} {what}" for what, count in drill.counts.items())
    print(f"{args.rounds} rounds, nothing wrong, lost or trained twice: {counts}")
    shutil.rmtree(drill.folder)


if __name__ == "__main__":
    main()
