"""The output of a run with the shipped profile, on a terminal and without one."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable

import pytest

from conftest import ROOT, Project
from snakemake_logger_plugin_thaw import duration, reasons
from thaw.plan.after_run import advice

AHEAD = "ahead: new; 2 repeats of each variant; 6 repeats and 1 source model to train"
TO_DO = (
    "To do in 28 jobs: problems 2, checks 2, source models 3, repeats 14, "
    "tables and pages 11"
)


def use_shipped(project: Project) -> Project:
    """Return the project with the profiles as they are shipped."""
    shutil.copytree(ROOT / "profiles", project.folder / "profiles", dirs_exist_ok=True)
    return project


@pytest.fixture
def shipped(fresh) -> Project:
    return use_shipped(fresh)


@pytest.fixture
def damaged(finished) -> Project:
    """All but the repeats of two variants is made, and the one cannot be."""
    project = use_shipped(finished)
    (models,) = project.folder.glob("results/source-models/one-*/*.safetensors")
    models.write_bytes(models.read_bytes()[:100])
    for path in project.folder.glob("results/repeats/two/*/*"):
        if "fixed-1" not in path.parent.name:
            path.unlink()
    (project.folder / "results/ahead/records/gather.json").unlink()
    return project


def heed_ctrl_c():
    """Undo a shell's settings for background processes."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """Snakemake on a terminal of its own, 100 columns wide."""

    def __init__(self, project: Project, *arguments: str):
        self.output = ""
        self.pid, self.file = pty.fork()
        if not self.pid:
            os.chdir(project.folder)
            heed_ctrl_c()
            command = project.command(*arguments)
            environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
            os.execve(command[0], command, environment)

    def read(self, until: Callable[[str], object] = lambda output: False) -> str:
        """Return the output until it is as wanted, or ends."""
        end = time.monotonic() + 200
        while not until(self.output):
            assert select.select([self.file], [], [], end - time.monotonic())[0]
            try:
                self.output += os.read(self.file, 65536).decode(errors="replace")
            except OSError:  # that is how a terminal ends
                break
        return self.output

    def end(self) -> int:
        """Return the exit status."""
        self.read()
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def left_on_screen(output: str) -> list[str]:
    """Return the lines of a terminal after all that was written and taken back."""
    lines, row = [""], 0
    for code, text in re.findall(
        r"(\x1b\[[?\d;]*[A-Za-z]|\r\n|\n|\r)|([^\x1b\r\n]+)", output
    ):
        if code in ("\r\n", "\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif code.endswith("A"):
            row -= int(code[2:-1] or 1)
        elif code.endswith("K"):
            lines[row] = ""
        lines[row] += text
    return [line for line in lines if line.strip()]


def test_a_run_without_a_terminal_says_a_line_a_stage_and_every_tenth(shipped):
    done = shipped.snakemake("--cores", "2")
    said = done.stderr.splitlines()
    assert AHEAD in said
    assert TO_DO in said
    assert "\x1b" not in done.stderr
    stages = [line.partition(",")[0] for line in said if re.match(r"[\w ]+: \d", line)]
    assert {
        *("problems: 2 of 2", "checks: 2 of 2", "source models: 3 of 3"),
        *("repeats: 14 of 14", "tables and pages: 11 of 11"),
    } <= {*stages}
    assert 3 <= sum(line.startswith("repeats") for line in stages) <= 11
    assert not [line for line in said if line.startswith("problems") and "left" in line]
    assert re.search(
        r"\nrepeats: \d+ of 14, about \d+ s of training left\n", done.stderr
    )
    assert len(said) < 30
    # A line a study, and where to read on.
    assert done.stdout.splitlines() == [
        "ahead: No recommendation: too few repeats: 2 of the 8 it takes.",
        "back: No recommendation: too few source models: 2 of the 7 it takes.",
        "To read: results/report.html",
    ]


def test_a_study_that_is_named_shows_its_tables(finished):
    project = use_shipped(finished)
    (project.folder / "results/back/records/figures.json").unlink()
    done = project.snakemake("back", "--cores", "1")
    lines = done.stdout.strip().splitlines()
    assert "**back**: two → one" in lines[0]
    assert "Figures in results/back, as .svg, .pdf and .png: boxplot" in done.stdout
    assert lines[-1] == "To read: results/back/page.html"
    assert max(map(len, lines)) <= 80
    assert "ahead" not in done.stdout


def test_on_a_terminal_stages_are_shown_in_place(shipped):
    terminal = Terminal(shipped, "--cores", "2")
    assert terminal.end() == 0
    assert re.search(r"repeats +\d+ of 14 ", terminal.output)
    assert re.search(r"about \d+ s of training left", terminal.output)
    shown = left_on_screen(terminal.output)
    assert shown[-4] == TO_DO
    assert shown[-1] == "To read: results/report.html"
    assert terminal.output.count("\x1b[?25l") == terminal.output.count("\x1b[?25h")


@pytest.mark.parametrize("arguments", [(), ("--verbose",), ("--quiet",)])
def test_a_failed_job_is_one_line_and_said_again_at_the_end(damaged, arguments):
    done = damaged.snakemake("--cores", "1", *arguments, check=False)
    assert done.returncode == 1
    pattern = (
        r"failed: train two fixed-0 models-00-00-repeats-0\d-0\d: "
        r"results/source-models/one-.* delete it and run again "
        r"\(logs/repeats/two/fixed-0-.*\.log\)"
    )
    last = done.stderr.splitlines()[-2:]
    assert all(re.fullmatch(pattern, line) for line in last), done.stderr
    assert len(re.findall(pattern, done.stderr)) == 4
    if not arguments:
        assert re.search(r"repeats: 2 of 4(, 1 failed)?", done.stderr)
        assert len(done.stderr.splitlines()) < 14
    if arguments != ("--verbose",):
        for word in ("Exception", "shell", "Traceback", "Exiting", "At least one"):
            assert word not in done.stderr


def test_on_a_terminal_failures_are_last(damaged):
    terminal = Terminal(damaged, "--cores", "1")
    assert terminal.end() == 1
    assert "1 failed" in terminal.output
    shown = left_on_screen(terminal.output)
    assert all(line.startswith("failed: train two fixed-0") for line in shown[-2:])
    assert "To read: results/report.html" in shown[-3]


def test_ctrl_c_says_what_is_kept_and_nothing_else(shipped):
    terminal = Terminal(shipped, "--cores", "2")
    terminal.read(lambda output: re.search(r"repeats +[2-9] of 14", output))
    os.write(terminal.file, b"\x03")
    assert terminal.end() == 1
    trained = len([*shipped.folder.glob("results/repeats/*/*/*.csv")])
    *_, before, last = left_on_screen(terminal.output)
    found = re.fullmatch(
        r"Interrupted\. (\d+) of 14 repeats are kept; run the same command to go on\.",
        last,
    )
    assert found, terminal.output
    assert before == TO_DO
    # Those that `back` trains are two a job.
    assert 2 <= int(found[1]) <= 2 * trained
    done = shipped.snakemake("scores", "--cores", "2")
    assert "repeats: 14 of 14" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_is_ended_without_a_terminal(shipped, number):
    process = subprocess.Popen(
        shipped.command("--cores", "1"),
        cwd=shipped.folder,
        preexec_fn=heed_ctrl_c,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith("problems: 2 of 2"):
            # Snakemake hangs if signalled while it holds a lock, as when a job has
            # ended.
            time.sleep(0.5)
            process.send_signal(number)
    assert process.wait() == 1
    assert re.match(r"Interrupted\. \d of 14 repeats are kept; run the same", said[-1])
    assert not re.search("rror|Traceback|failed|results/answers", "".join(said))


def test_ctrl_c_before_the_first_job(shipped):
    process = subprocess.Popen(
        shipped.command("--cores", "1"),
        cwd=shipped.folder,
        preexec_fn=heed_ctrl_c,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith("The config is"):
            process.send_signal(signal.SIGINT)
            break
    assert "Traceback" not in process.stderr.read()
    assert process.wait()


def test_a_dry_run_is_a_summary_or_a_line_a_job(shipped):
    short = shipped.snakemake("-n").stdout.splitlines()
    assert [short[0], short[-1]] == [AHEAD, TO_DO]
    assert len(short) == 3
    long = shipped.snakemake("-n", "--verbose").stdout.splitlines()
    assert {*short} < {*long}
    assert len(long) == 3 + 28
    assert (
        "train two fixed-0 models-00-00-repeats-01-01: Missing output files; "
        "Input files updated by another job, 617 MB, 11 min"
    ) in long
    only = shipped.snakemake("-n", "ahead").stdout.splitlines()
    assert only[0] == AHEAD
    assert not [line for line in only if line.startswith("back")]


def test_forced_runs_are_said_to_train_again(finished):
    project = use_shipped(finished)
    nothing = project.snakemake("-n")
    assert "ahead: no change; nothing to train" in nothing.stdout
    assert "Nothing to be done" in nothing.stdout
    for option in ("-F", "--forceall"):
        said = project.snakemake("-n", option).stdout.splitlines()
        assert said[0] == (
            "ahead: no change; 2 repeats of each variant; 6 repeats and 1 source model "
            "to train, 7 of them again (forced)"
        )
        assert said[-1] == TO_DO


def test_a_mistake_in_the_config_is_said_once(shipped):
    shipped.change("training", "epochs", to=-1)
    for arguments in (("-n",), ("--cores", "1")):
        done = shipped.snakemake(*arguments, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == 1
        assert (
            "the config is wrong:\n  training.epochs: -1 is too small. "
            "Allowed: 1 or more\n"
        ) in said
        assert said.count("training.epochs") == 1
        assert not re.search("Traceback|WorkflowError|File", said)


@pytest.mark.parametrize(
    ("message", "own", "clusters", "why"),
    [
        ("", "epoch 1\nerror: no such column\n", None, "no such column"),
        ("", "Traceback\nValueError: odd\n\n", None, "ValueError: odd"),
        ("", "", None, "its log is empty"),
        ("", None, None, "its log is empty"),
        ("SLURM status is: 'OUT_OF_MEMORY'", "error: killed\n", "", "out of memory"),
        ("status is: 'TIMEOUT'", "error: interrupted\n", "", "over its time limit"),
        (
            "SLURM status is: 'FAILED'",
            "error: interrupted\n",
            "slurmstepd: error: JOB 5 CANCELLED AT 2026-11-26 DUE TO TIME LIMIT\n",
            "over its time limit",
        ),
        ("SLURM status is: 'FAILED'", "error: odd\n", "error: odd\n", "odd"),
    ],
)
def test_why_a_job_failed(tmp_path, message, own, clusters, why):
    logs = []
    for name, text in (("own.log", own), ("cluster.log", clusters)):
        if text is not None:
            (tmp_path / name).write_text(text)
        if text is not None or name == "own.log":
            logs.append(str(tmp_path / name))
    assert reasons(message, logs) == [why]


def test_a_job_may_fail_for_several_reasons(tmp_path):
    log = tmp_path / "own.log"
    log.write_text("error: tried\nepoch 1\nerror: no mass\nerror: no heat\n\n")
    assert reasons("", [str(log)]) == ["no mass", "no heat"]


def test_durations():
    said = [duration(seconds) for seconds in (0, 89, 91, 5_000, 9_000)]
    assert said == ["0 s", "89 s", "2 min", "83 min", "2 h 30 min"]


@pytest.mark.parametrize(
    ("sentences", "said"),
    [
        (["Train from scratch (a).", "No other gains."], "Train from scratch (a)."),
        (["Undecided.", "It may gain 0.02.", "So."], "Undecided. It may gain 0.02."),
        (["Undecided."], "Undecided."),
        (
            [
                *("With 5 rows: use a.", "It gains 0.1."),
                *("With all rows: undecided.", "Compared.", "Up to 5 rows."),
            ],
            "With 5 rows: use a. With all rows: undecided.",
        ),
    ],
)
def test_a_line_says_what_to_do(sentences, said):
    assert advice([{"sentences": sentences}]) == said


def test_other_loggers_show_results_too(finished):
    (finished.folder / "results/back/records/figures.json").unlink()
    done = finished.snakemake("back", "--cores", "1", "--quiet", "all")
    assert "**back**: two → one" in done.stdout


def test_from_another_folder_the_page_is_named_as_seen_from_there(finished):
    project = use_shipped(finished)
    (project.folder / "results/records/page.json").unlink()
    options = ("--directory", project.folder.name, "--snakefile")
    snakefile = f"{project.folder.name}/Snakefile"
    above = project.folder.parent
    done = project.snakemake(*options, snakefile, "--cores", "1", cwd=above)
    page = f"{project.folder.name}/results/report.html"
    assert done.stdout.splitlines()[-1] == f"To read: {page}"
    assert (above / page).exists()
