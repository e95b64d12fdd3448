"""Shows how far a run is, the time left, and a line for each failure.

Any Snakemake that finds this logger plugin imports it, so it imports nothing slow.
"""

import re
import sys
import time
from collections import Counter
from datetime import timedelta
from logging import DEBUG, WARNING, LogRecord
from pathlib import Path
from typing import Any

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

TRAINING = ("source models", "repeats")
SHOWN = ("thaw", LogEvent.RUN_INFO, LogEvent.SHELLCMD, LogEvent.DEBUG_DAG)
STOPPED = ("Terminating processes on user request", "Will exit after finishing")
REPEATED = r"Exiting because a job|(RuleException:\s+)?CalledProcessError"
KILLED = r"OUT_OF_MEMORY|oom.kill|memory limit|TIMEOUT|TIME LIMIT|NODE_FAIL|CANCELLED"
SECONDS_TO_START = 1.5  # a job with its imports
UNCLEAR = ("interrupted", "its log is empty")  # perhaps by Ctrl-C


class LogHandler(LogHandlerBase):
    """Shows the workflow's messages, and Snakemake's errors and table of jobs."""

    writes_to_stream, writes_to_file, needs_rulegraph = True, False, False
    has_filter = has_formatter = False  # Snakemake's, which heed its options

    def __post_init__(self) -> None:
        """Find out where to write."""
        self.stream = getattr(sys, ("stderr", "stdout")[self.common_settings.stdout])
        self.stream.reconfigure(errors="replace")  # an old terminal lacks characters
        # By job: its stage, its number of results, and the rows that fits learn from.
        self.jobs: dict[int, tuple[str, int, int]] = {}
        self.done, self.total = Counter[str](), Counter[str]()  # results by stage
        self.began: dict[Any, float] = {}  # when a job or a group of jobs did
        # By stage that trains: the jobs and rows that are left, the rows that are done,
        # and the seconds that these took, in all and beyond the start of their jobs.
        self.left, self.rows_left = Counter[str](), Counter[str]()
        self.rows, self.taken = Counter[str](), 0.0
        self.beyond = dict.fromkeys(TRAINING, 0.0)
        self.start = float("inf")  # when the first of them began
        self.failures: dict[int, str] = {}  # by job
        self.is_dry = self.comes_again = self.common_settings.dryrun  # table of jobs
        self.has_begun = self.interrupted = False

    def filter(self, record: LogRecord) -> Any:
        """Let errors pass, whatever `--quiet` leaves out."""
        is_first = getattr(record, "event", None) == LogEvent.WORKFLOW_STARTED
        self.has_begun |= is_first or record.getMessage().startswith("Assuming unre")
        return record.levelno >= WARNING or super().filter(record)

    def emit(self, record: LogRecord) -> None:
        """Show a message; an error in here must not end the thread of all messages."""
        try:
            self._show(record, getattr(record, "event", None), record.getMessage())
        except BrokenPipeError:
            pass  # whoever reads has enough
        except Exception:
            self.handleError(record)

    def _show(self, record: Any, event: LogEvent | None, text: str) -> None:
        self.interrupted |= text.startswith(STOPPED)
        if hasattr(record, "thaw_jobs"):
            self.jobs = record.thaw_jobs
            for stage, size, rows in self.jobs.values():
                self.total[stage] += size
                if stage in TRAINING:
                    self.left[stage] += 1
                    self.rows_left[stage] += rows
        elif self.common_settings.verbose and record.levelno > DEBUG * self.is_dry:
            self._write(self.format(record))
        elif event == LogEvent.JOB_FINISHED and record.job_id in self.jobs:
            self.failures.pop(record.job_id, None)  # it was tried again
            stage, size, rows = self.jobs[record.job_id]
            began = self.began.pop(record.job_id, None)
            if stage in TRAINING:
                self._time(stage, rows, began)
            self._count(stage, size)
        elif event == LogEvent.JOB_ERROR:
            self._fail(record)
        elif "At least one job did not complete" in text:
            stopped = "Interrupted. What is finished is kept; run again to go on."
            failures = "\n".join(self.failures.values())
            self._write(stopped if self.interrupted else failures or text)
        elif record.levelno >= WARNING:
            self._write("" if self.interrupted or re.match(REPEATED, text) else text)
        elif event == LogEvent.RUN_INFO and self.comes_again:
            self.comes_again = False
        elif event == LogEvent.JOB_STARTED:
            self.began |= dict.fromkeys(record.jobs, time.monotonic())
        elif event in SHOWN or not self.has_begun or "Nothing to be done" in text:
            self._write(self.format(record))

    def _count(self, stage: str, size: int) -> None:
        """Count a job's results, and show how far its stage and training are."""
        self.done[stage] += size
        done, total = self.done[stage], self.total[stage]
        line = f"{stage}: {done:,} of {total:,}"
        if seconds := self._seconds_left():
            line += f", about {timedelta(seconds=round(seconds))} of training left"
        is_tenth = done * 10 // total > (done - size) * 10 // total
        if done == total or (is_tenth and stage == "repeats"):
            self._write(line)
        elif self.stream.isatty():
            self._write(line, end="")

    def _time(self, stage: str, rows: int, began: float | None) -> None:
        """Take note of a job that trained; in a group, none says when it began."""
        self.left[stage] -= 1
        self.rows_left[stage] -= rows
        if began is not None:
            self.start = min(self.start, began)
            seconds = time.monotonic() - began
            self.rows[stage] += rows
            self.taken += seconds
            self.beyond[stage] += max(seconds - SECONDS_TO_START, 0)

    def _seconds_left(self) -> float:
        """Return how long training still takes; 0 if that is not known yet.

        A job takes some time to start, and the rest by the rows that it learns from, as
        those of its stage did. As many run at once as did so far, with those that run.
        """
        stages = [stage for stage in TRAINING if self.left[stage]]
        if not stages or not all(self.rows[stage] for stage in stages):
            return 0
        seconds = sum(
            SECONDS_TO_START * self.left[stage]
            + self.rows_left[stage] * self.beyond[stage] / self.rows[stage]
            for stage in stages
        )
        now = time.monotonic()
        running = sum(now - self.began[job] for job in self.began if job in self.jobs)
        return seconds * (now - self.start) / (self.taken + running)

    def _fail(self, record: Any) -> None:
        """Report a failed job; at the end only if Ctrl-C may have ended it."""
        why = reason(record.rule_msg or "", *filter(None, record.log))
        line = f"failed: {record.rule_name}: {why} ({', '.join(record.log[:1])})"
        is_new = self.failures.get(record.jobid) != line  # Snakemake 9.19 reports twice
        self.failures[record.jobid] = line
        self.began.pop(record.jobid, None)
        self._write(line if is_new and not why.startswith(UNCLEAR) else "")

    def _write(self, text: str, end: str = "\n") -> None:
        text = "".join(c if c.isprintable() or c in "\t\n" else "?" for c in text)
        clear = "\r\x1b[K" if self.stream.isatty() else ""  # a line without an end
        self.stream.write(clear + (text + end if text else ""))
        self.stream.flush()


def reason(message: str, *logs: str) -> str:
    """Return why a job failed: Slurm's reason or, in the first log, the last errors."""
    texts = [Path(p).read_text(errors="replace") for p in logs if Path(p).is_file()]
    if killed := re.search(KILLED, "\n".join([message, *texts[1:]])):
        return killed[0]
    log = "".join(texts[:1]).strip()
    errors = re.findall(r"(?:^error: .*\n?)+", log, re.M) or log.splitlines() or UNCLEAR
    return "; ".join(line.removeprefix("error: ") for line in errors[-1].splitlines())
