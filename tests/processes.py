"""Processes that tests wait for, hold up and kill."""

import json
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen

import psutil

from projects import LIMIT


def wait_until(answer: Callable, run: Popen | None = None):
    """Return the first true answer, which must come before a run ends."""
    end = time.monotonic() + LIMIT
    while not (value := answer()):
        assert run is None or run.poll() is None, "the run ended too early"
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return value


def working_in(folder: Path, *stages: str) -> list[psutil.Process]:
    """Return the processes that work in a folder, or only those of some stages."""
    here = str(folder.resolve())
    return [
        process
        for process in psutil.process_iter(["cwd", "cmdline"])
        if process.info["cwd"] == here
        and (not stages or stage_of(process.info["cmdline"] or []) in stages)
    ]


def stage_of(words: list[str]) -> str | None:
    """Return the stage that a command runs, `python -m thaw.stages JSON`."""
    return json.loads(words[-1])["stage"] if "thaw.stages" in words else None


def send(number: signal.Signals, processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
