"""Shows a run's stages, repeats done, time left, and a line for each failure.

A logger plugin of Snakemake, named in the profiles. Only the process that plans a run
has one, and calls it in its own thread, with one message at a time. But any Snakemake
that finds this module imports it, whatever the workflow. So it imports nothing slow,
and nothing of `thaw` before the workflow has chosen which copy counts.
"""

import atexit
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from logging import INFO, WARNING, LogRecord
from pathlib import Path
from typing import Any, NamedTuple

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

REPEATS, REST = "repeats", "tables and pages"
STAGES = ("problems", "checks", "source models", REPEATS, REST)

# Snakemake's messages before the first job. After that, only its warnings and errors
# are shown.
CHATTER = re.compile(
    r"Building DAG|Using shell|Provided |Rules claiming|host: |Group jobs: inactive|"
    r"(Conda|Singularity) \S+: ignored|Assuming unrestricted shared|Select jobs|"
    r"\d+ jobs have (missing|outdated)|This was a dry-run|Reasons:"
)
# Its messages after an interruption, and after a run with failed jobs.
INTERRUPTED = ("Terminating processes on user request", "Will exit after finishing")
OVER = "At least one job did not complete successfully"
FAILED = ("Exiting because a job execution failed", OVER)

# Slurm's reasons for ending a job, in a status or in the job's log there.
REASONS = {
    r"OUT_OF_MEMORY|oom.kill|memory limit": "out of memory",
    r"TIMEOUT|DUE TO TIME LIMIT": "over its time limit",
    r"NODE_FAIL": "its node failed",
    r"CANCELLED": "cancelled",
}

# An error that only says that a job's command failed; the job's own line gives the
# reason.
OF_A_COMMAND = re.compile(r"(RuleException:\s+)?CalledProcessError")


MOST_REPEATED = 20  # failures, at the end

# A job that Ctrl-C reached before Snakemake ends so. Its failure is shown if the run
# goes on.
EMPTY = "its log is empty"
UNEXPLAINED = (EMPTY, "interrupted")


class Job(NamedTuple):
    """A job: its name, its stage, how many results it makes, and whether it trains."""

    name: str
    stage: str
    size: int
    trains: bool

    @classmethod
    def of(cls, rule: str, wildcards: Mapping[str, str]) -> "Job":
        """Return the job of a rule, by its wildcards: a module may rename rules."""
        from thaw.output.tiles import Tile

        stage = REST
        if "arm" in wildcards:
            stage = REPEATS
        elif "tile" in wildcards:
            stage = "source models"
        elif wildcards:
            kinds = {"make_problem": "problems", "transferability": REST}
            own = [kind for name, kind in kinds.items() if rule.endswith(name)]
            stage = own[0] if own else "checks"
        named = [value for key, value in wildcards.items() if key != "key"]
        # Neither source models read from files, nor a tile of another workflow.
        trains = {"tile", "problem", "key"} <= wildcards.keys()
        size = Tile.named(wildcards["tile"]).fits if trains else 1
        return cls(" ".join([rule, *named]), stage, size, trains)


class LogHandler(LogHandlerBase):
    """Shows a run's progress: in place on a terminal, elsewhere in plain lines."""

    writes_to_stream = True
    writes_to_file = False
    has_filter = True
    has_formatter = False
    needs_rulegraph = False

    def __post_init__(self) -> None:
        """Find out where to write, and how much."""
        from rich.console import Console

        settings = self.common_settings
        stream: Any = sys.stdout if settings.stdout else sys.stderr
        self.console = Console(
            file=stream,
            force_terminal=stream.isatty(),
            no_color=settings.nocolor or None,
            markup=False,
            emoji=False,
            highlight=False,
        )
        self.quiet = {what.name for what in settings.quiet or ()}
        self.jobs: dict[int, Job] = {}
        self.total: Counter[str] = Counter()  # by stage
        self.done: Counter[str] = Counter()
        self.to_train = self.trained = 0
        self.began: float | None = None  # when training did
        self.until = 0.0  # when it ends at this rate
        self.failures: dict[Any, str] = {}  # by job
        self.held: list[str] = []  # of them, those not shown yet
        self.live: Any = None
        self.runs = self.interrupted = False
        sys.excepthook = without_traceback

    def emit(self, record: LogRecord) -> None:
        """Show a message; an error in here must not end the run."""
        try:
            self.show(record)
        except Exception:
            self.handleError(record)

    def show(self, record: Any) -> None:
        """Show a message of Snakemake, or of the workflow, by its kind."""
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO:
                if self.common_settings.dryrun and self.runs:
                    self.say_plan(len(self.jobs))
                self.runs = True
            case LogEvent.JOB_INFO:
                self.begin(record)
            case LogEvent.JOB_FINISHED:
                self.finish(record.job_id)
            case LogEvent.JOB_ERROR:
                self.fail(record)
            case LogEvent.ERROR:
                self.say_error(record.getMessage())
            case LogEvent.SHELLCMD if self.common_settings.printshellcmds:
                self.say(self.format(record))
            case LogEvent.DEBUG_DAG if self.common_settings.debug_dag:
                self.say(self.format(record))
            case None:
                self.say_message(record)

    def begin(self, record: Any) -> None:
        """Note a job that begins, or would; with `--verbose`, give its reason."""
        self.say_held()
        job = Job.of(record.rule_name, record.wildcards)
        self.failures.pop(record.jobid, None)  # it is tried again
        if record.output:
            self.jobs[record.jobid] = job
            if self.common_settings.dryrun:
                self.total[job.stage] += job.size
        if job.trains and self.began is None:
            self.began = time.monotonic()
        if self.common_settings.verbose and (record.output or record.log):
            # Files that are missing, or made by other jobs, follow from the job.
            why = re.sub(r"(?<!Updated input files): [^;]*", "", record.reason)
            needs = [
                f"{record.resources.get(name)} {unit}"
                for name, unit in (("mem_mb", "MB"), ("runtime", "min"))
                if job.trains and record.resources.get(name)
            ]
            self.say(f"{job.name}: {', '.join([why, *needs])}")

    def finish(self, number: int) -> None:
        """Count a job's results; without a display, report its stage's progress."""
        self.say_held()
        self.failures.pop(number, None)
        job = self.jobs.get(number)
        if job is None or not self.total[job.stage]:
            return
        done, total = self.done[job.stage] + job.size, self.total[job.stage]
        tenths = done * 10 // total - self.done[job.stage] * 10 // total
        self.done[job.stage] = done
        if job.trains and self.began is not None:
            self.trained += job.size
            now, left = time.monotonic(), self.to_train - self.trained
            self.until = now + (now - self.began) * left / self.trained
        news = done == total or (job.stage == REPEATS and tenths)
        if news and not (self.live or self.quiet):
            so_far = f"{job.stage}: {done:,} of {total:,}"
            self.say(", ".join([so_far, *self.outlook()]))

    def outlook(self) -> Iterator[str]:
        """Yield how many jobs failed, and how long training takes at this rate."""
        if self.failures:
            yield f"{len(self.failures)} failed"
        if 0 < self.trained < self.to_train:
            seconds = max(self.until - time.monotonic(), 0)
            yield f"about {duration(seconds)} of training left"

    def fail(self, record: Any) -> None:
        """Report a failed job in a line: its name, the reason, and its log."""
        from thaw.errors import visible

        # Snakemake 9.19 reports each twice.
        if self.interrupted or record.jobid in self.failures:
            return
        job, logs = self.jobs.get(record.jobid), [log for log in record.log if log]
        name = job.name if job else record.rule_name
        why, *more = reasons(record.rule_msg or "", logs)
        log = ", ".join(logs[:1]) or "no log"
        line = visible(f"failed: {name}: {why} ({log})")
        if more:
            mistakes = [visible(f"  {mistake}") for mistake in (why, *more)]
            first = visible(f"failed: {name}: {len(mistakes)} mistakes ({log})")
            line = "\n".join([first, *mistakes])
        self.failures[record.jobid] = line
        if why in UNEXPLAINED:
            self.held.append(line)
        else:
            self.say(line, "red")

    def say_held(self) -> None:
        """Show failures that were held back, because the run was not interrupted."""
        for line in self.held:
            self.say(line, "red")
        self.held.clear()

    def say_error(self, text: str) -> None:
        """Show an error or, at the end of a failed run, the closing message."""
        if OVER in text:
            self.say_last()
        elif not (self.interrupted or OF_A_COMMAND.match(text)):
            if self.runs:
                self.failures[text] = text
            self.say(text, "red")

    def say_last(self) -> None:
        """Report what an interrupted run kept, or repeat a run's failures."""
        self.stop()
        if self.interrupted:
            stage = REPEATS if self.total[REPEATS] else "source models"
            again = "run the same command to go on."
            if total := self.total[stage]:
                again = f"{self.done[stage]:,} of {total:,} {stage} are kept; {again}"
            self.say(f"Interrupted. {again[0].upper()}{again[1:]}")
            return
        lines = [*self.failures.values()]
        for line in lines[:MOST_REPEATED]:
            self.say(line, "red")
        if len(lines) > MOST_REPEATED:
            self.say(f"and {len(lines) - MOST_REPEATED} more", "red")

    def say_message(self, record: Any) -> None:
        """Show a message without a kind: the workflow's own, warnings and errors."""
        text = record.getMessage()
        if hasattr(record, "thaw_jobs"):
            self.start(record.thaw_jobs)
        elif hasattr(record, "thaw_is_over"):
            self.stop()
        elif text.startswith(INTERRUPTED):
            self.interrupted = True
            self.stop()
        elif self.common_settings.verbose and not self.common_settings.dryrun:
            self.say(text)
        elif record.levelno >= WARNING:
            if not text.startswith(FAILED):
                self.say(text, "yellow")
        elif record.levelno == INFO and "ALL" not in self.quiet:
            ours = getattr(record, "thaw", False)
            if ours or not (self.runs or CHATTER.match(text)):
                self.say(text)

    def start(self, jobs: Iterable[tuple[str, Mapping[str, str]]]) -> None:
        """Report a run's work, and show its progress on a terminal."""
        from rich.live import Live

        planned = [Job.of(*job) for job in jobs]
        for job in planned:
            self.total[job.stage] += job.size
            self.to_train += job.size * job.trains
        self.say_plan(len(planned))
        can_show = self.console.is_terminal and not self.console.is_dumb_terminal
        if can_show and planned and not self.quiet:
            self.live = Live(
                get_renderable=self.display,
                console=self.console,
                transient=True,
                redirect_stdout=False,
                redirect_stderr=False,
            )
            self.live.start()
            atexit.register(self.stop)  # it hides the cursor

    def display(self) -> Any:
        """Return a line for each stage, and what to expect."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        for stage in STAGES:
            done, total = self.done[stage], self.total[stage]
            if total:
                bar = ProgressBar(total=total, completed=done, width=30)
                grid.add_row(stage, f"{done:,} of {total:,}", bar)
        return Group(grid, Text(", ".join(self.outlook())))

    def stop(self) -> None:
        """Remove the display from the terminal."""
        if self.live:
            self.live.stop()
            self.live = None

    def say_plan(self, jobs: int) -> None:
        """Report the work of each stage."""
        counts = [f"{name} {self.total[name]:,}" for name in STAGES if self.total[name]]
        if counts and not self.quiet:
            number = "1 job" if jobs == 1 else f"{jobs:,} jobs"
            self.say(f"To do in {number}: {', '.join(counts)}")

    def say(self, text: str, style: str | None = None) -> None:
        """Write text as it is, above the display if there is one."""
        self.console.print(text, style=style, soft_wrap=True)


def reasons(message: str, logs: list[str]) -> list[str]:
    """Return the reasons for a job's failure, from its cluster or its own log.

    The first log is the job's, others are the cluster's. These are the job's
    last errors, in lines without another between them, or else the last line.
    """
    own, *others = [[*lines(log)] for log in logs] or [[]]
    told = "\n".join([message, *(line for log in others for line in log)])
    for pattern, why in REASONS.items():
        if re.search(pattern, told):
            return [why]
    runs = groupby(own, lambda line: line.startswith("error: "))
    errors = [[*run] for are_errors, run in runs if are_errors]
    last = errors[-1] if errors else own[-1:] or [EMPTY]
    return [line.removeprefix("error: ") for line in last]


def lines(log: str) -> Iterator[str]:
    """Yield the lines of a log that are not empty; none if it is missing."""
    try:
        text = Path(log).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    yield from filter(str.strip, text.splitlines())


def duration(seconds: float) -> str:
    """Return a duration in words."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def without_traceback(kind: type[BaseException], error: Any, trace: Any) -> None:
    """Report an unhandled exception; Ctrl-C before the first job is not an error."""
    if issubclass(kind, KeyboardInterrupt):
        print("Interrupted before anything ran.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)
