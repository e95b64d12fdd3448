"""Runs killed with -9 at random moments, and files treated badly between them.

Orphans of a killed run go on writing, some of them only at the very end. Each round
then runs its config to the end, and this must hold:

- no wrong byte: tables are those of a fresh folder, and nothing is left to do;
- nothing lost or trained twice: source models and repeats that were complete are there,
  unchanged, and no run trains more networks again than it said when it began;
- Snakemake ends with status 0, and nothing that ran left a traceback.

A moment follows from the seed; the clock decides how far processes had come by then.
For a longer drill, give it more seeds.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from processes import send, wait_until, working_in
from projects import Project, new_project
from random_config import changed, first_config
from thaw.output.tiles import Tile

SEEDS = range(1)
# How many files a job leaves: scores, history, predictions; source models also weights.
FILES_OF_A_JOB = {"repeats": 3, "source-models": 4}


def with_study(**settings) -> dict:
    config = first_config()
    config["studies"]["ahead"] |= settings
    return config


# It grows, has another seed, and comes back: what is killed, whether orphans are held
# up, what happens to the files (a copy only takes place without orphans), the config.
ROUNDS = [
    ("Snakemake and its jobs", False, [], with_study()),
    ("Snakemake", False, ["times"], with_study(source_models=2)),
    ("a job", False, ["copied", ".snakemake lost"], with_study() | {"seed": 2}),
    ("Snakemake", True, ["times"], with_study(repeats=3)),
]


class Drill:
    """A project that is treated badly, and its complete jobs so far."""

    def __init__(self, folder: Path, seed: int):
        self.project = new_project(folder / "project", first_config())
        self.results = self.project.folder / "results"
        self.rng = random.Random(seed)
        # The content of their files, and when they ran.
        self.ledger: dict[str, tuple[bytes, int]] = {}

    def start_and_kill(self, victim: str, config: dict) -> None:
        """Kill a run, perhaps of yet another config, at a random moment."""
        rng = self.rng
        if rng.random() < 0.5:
            config, words = changed(config, rng)
            # With another seed, nothing of it is trained yet.
            config["seed"] = rng.randrange(100, 1000)
            print(f"killed: {victim}, with {words} and seed {config['seed']}")
        self.project.config = config
        run = subprocess.Popen(
            self.project.command("--cores", "2", "tables"),
            cwd=self.project.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        moment = rng.choice(
            [self.training, lambda: self.trained().keys() - self.ledger]
        )
        wait_until(self.training if victim == "a job" else moment, run)
        if victim == "a job":
            send(signal.SIGKILL, self.training()[:1])
        else:
            time.sleep(rng.choice([0, 0.01, 1]) * rng.random())
            kill = os.killpg if victim == "Snakemake and its jobs" else os.kill
            kill(run.pid, signal.SIGKILL)
        run.wait()
        self.assert_kept()

    def upset(self, upsets: Sequence[str]) -> None:
        """Treat the files as people and file systems do."""
        if ".snakemake lost" in upsets:
            shutil.rmtree(self.project.folder / ".snakemake")
        if "times" in upsets:
            for path in sorted(self.results.rglob("*")):
                at = time.time() - self.rng.uniform(0, 1e6)
                with suppress(FileNotFoundError):  # An orphan renames its files.
                    os.utime(path, (at, at))
        if "copied" in upsets:
            elsewhere = self.results.rename(self.results.with_name("elsewhere"))
            subprocess.run(["cp", "-r", elsewhere, self.results], check=True)
            shutil.rmtree(elsewhere)

    def finish(self, config: dict, held: Sequence[psutil.Process]) -> None:
        """Run a config to its end; it must train nothing that is there."""
        self.project.config = config
        if any(self.project.folder.glob(".snakemake/locks/*")):
            self.project.snakemake("--unlock")
        before, alone = {*self.trained()}, not working_in(self.project.folder)
        done = self.project.snakemake("--cores", "2", "tables")
        again = trained_again(before, {*self.trained()}) if alone else 0
        assert again <= announced_again(done.stderr), done.stderr
        send(signal.SIGCONT, held)
        wait_until(lambda: not working_in(self.project.folder))
        self.assert_kept()
        logs = [path.read_text() for path in self.project.folder.glob("logs/**/*.log")]
        assert "Traceback" not in "".join([*logs, done.stdout, done.stderr])

    def assert_kept(self) -> None:
        """Assert that complete jobs are there, unchanged and not trained again."""
        trained = self.trained()
        lost = [job for job in self.ledger if trained.get(job) != self.ledger[job]]
        assert not lost, "lost, changed or trained again"
        self.ledger |= trained

    def trained(self) -> dict[str, tuple[bytes, int]]:
        """Return what complete jobs left, and when they ran, by their scores' path.

        The time is that of a job's log, which no upset changes.
        """
        jobs = {}
        for kind, number in FILES_OF_A_JOB.items():
            for scores in self.results.glob(f"{kind}/**/[!.]*.csv"):
                files = sorted(scores.parent.glob(f"{scores.stem}.*"))
                parts = scores.relative_to(self.results).with_suffix(".log").parts
                log = self.project.folder.joinpath("logs", *parts)
                if len(files) == number:
                    content = b"".join(path.read_bytes() for path in files)
                    jobs[str(scores)] = content, log.stat().st_mtime_ns
        return jobs

    def training(self) -> list[psutil.Process]:
        return working_in(self.project.folder, "train", "pretrain")


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


def announced_again(output: str) -> int:
    """Return how many networks a run said that it would train again."""
    numbers = re.findall(r"([\d,]+) of them again", output)
    return sum(int(number.replace(",", "")) for number in numbers)


def tables(project: Project) -> dict[str, bytes]:
    studies = (project.results(f"{study}/*.*") for study in project.config["studies"])
    return {path: data for files in studies for path, data in files.items()}


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_wrong_or_lost_or_trained_twice(seed, store, tmp_path):
    drill = Drill(tmp_path, seed)
    for victim, held_up, upsets, config in ROUNDS:
        drill.start_and_kill(victim, config)
        orphans = working_in(drill.project.folder)
        if held_up:
            send(signal.SIGSTOP, orphans)
        drill.upset(upsets)
        drill.finish(config, orphans)
        assert tables(drill.project) == tables(store.finished(config, "tables"))
        assert not drill.project.stale("tables")
