"""The output of a run with the shipped profile, on a terminal and without one."""

import os
import pty
import re
import shutil
import signal
import time
from logging import INFO, makeLogRecord
from types import SimpleNamespace

import numpy as np
import pytest
from snakemake_interface_logger_plugins.common import LogEvent

from projects import ROOT, SMALL_CONFIG, Project
from snakemake_logger_plugin_thaw import LogHandler, reason
from thaw.plan.run import advice

KEPT = "Interrupted. What is finished is kept; run again to go on."
FAILED = (
    r"failed: train: "
    r"results/source-models/one-.*00-00.safetensors is not the result it should be: .* "
    r"delete it and run again \(logs/repeats/two/fixed-0-.*\.log\)"
)


def use_shipped(project: Project) -> Project:
    """Return the project with the profiles as they are shipped."""
    shutil.copytree(ROOT / "profiles", project.folder / "profiles", dirs_exist_ok=True)
    return project


@pytest.fixture
def complete(finished) -> Project:
    return use_shipped(finished)


def test_a_damaged_file_is_named_with_the_remedy_and_the_rest_goes_on(complete):
    """All but a repeat of two variants is made, and one of these cannot be."""
    results = complete.folder / "results"
    (models,) = results.glob("source-models/one-*/*.safetensors")
    models.write_bytes(models.read_bytes()[:100])
    for variant in ("standalone", "fixed-0"):
        for path in results.glob(f"repeats/two/{variant}-*/*-repeats-01-01.*"):
            path.unlink()
    (results / "ahead/records/gather.json").unlink()
    done = complete.snakemake("--cores", "1", check=False)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    # One line, said again at the end.
    assert re.fullmatch(FAILED, lines[-1]), done.stderr
    assert len(re.findall(FAILED, done.stderr)) == 2
    assert len(lines) < 30
    for word in ("Exception", "shell", "Traceback", "Exiting", "At least one"):
        assert word not in done.stderr
    assert complete.results("repeats/two/standalone-*/*-repeats-01-01.csv")

    models.unlink()
    assert {"pretrain", "train", "gather_ahead"} <= {*complete.make("scores")}


def test_a_dry_run_says_what_changed_and_what_is_trained_again(complete):
    """Back, source model 1 is alone in a tile that a third one joins."""
    complete.change("studies", "ahead", "training", to={"epochs": 2})
    complete.change("variants", "fixed-0", "freeze", to=2)
    complete.change("studies", "back", "margin", to=0.5)
    complete.change("studies", "back", "source_models", to=3)
    complete.change("studies", "new", to=SMALL_CONFIG["studies"]["ahead"])
    *lines, total = complete.snakemake("-n").stdout.strip().splitlines()
    assert lines[:4] == [
        "ahead: training.epochs 3 → 2, variants.fixed-0.freeze default → 2; 2 repeats "
        "of each variant; 6 repeats and 1 source model to train",
        "back: source_models 2 → 3, margin 0.01 → 0.5; 3 source models × 2 repeats of "
        "each = 6 of each variant; 8 repeats and 2 source models to train, 5 of them "
        "again",
        "back: warning: 3 source models allow no verdict: it takes 6 for 1 comparison",
        "new: new; 2 repeats of each variant; 2 repeats to train",
    ]
    # Snakemake's own table of jobs by rule follows, and nothing else.
    assert lines[4] == "Job stats:"
    assert re.fullmatch(r"total +\d+", total)
    assert re.search(r"^train +\d+$", "\n".join(lines), re.M)


@pytest.mark.slow
def test_a_dry_run_is_a_summary_or_a_line_a_job(complete):
    output = complete.snakemake("-n").stdout
    assert "ahead: no change; nothing to train" in output
    assert "Nothing to be done" in output
    forced = complete.snakemake("-n", "-F").stdout
    assert "1 source model to train, 7 of them again" in forced
    assert re.search(r"^pretrain +3$", forced, re.M)
    output = complete.snakemake("-n", "-F", "--verbose", "ahead").stdout
    assert not re.search("^back", output, re.M)
    assert re.search(
        r"^rule train:\n(    .*\n)+    reason: Forced execution", output, re.M
    )


def test_mistakes_in_the_config_are_said_once_before_any_job(fresh):
    use_shipped(fresh).change("studies", "ahead", "repeats", to=0)
    done = fresh.snakemake("--cores", "1", check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 1
    assert "the config is wrong:\n" in output
    assert (
        output.count("studies.ahead.repeats: 0 should be greater than or equal to 1")
        == 1
    )
    assert not re.search("Traceback|WorkflowError|File", output)
    assert not (fresh.folder / "results").exists()


@pytest.mark.slow
def test_a_study_that_is_named_shows_its_tables_as_they_should_be(complete):
    """From another folder, with letters that the terminal does not have."""
    folder = complete.folder
    answer = folder / "results/back/answer.md"
    answer.write_text("Transfer always helps.\n")
    done = complete.snakemake(
        *("--directory", folder.name, "--snakefile", f"{folder.name}/Snakefile"),
        *("back", "--cores", "1"),
        cwd=folder.parent,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )
    lines = done.stdout.strip().splitlines()
    assert "**back**: two ? one" in lines[0]
    assert not re.search("always helps|ahead", done.stdout + answer.read_text())
    assert lines[-1] == f"To read: {folder.name}/results/back/page.html"
    assert max(map(len, lines)) <= 80


def stopped_on_a_terminal(project, number, pattern) -> str:
    """Run Snakemake on a terminal of its own, and return its output.

    The terminal's processes get a signal when its output matches the pattern.
    """
    pid, file = pty.fork()
    if not pid:
        os.chdir(project.folder)
        # A shell has processes in the background ignore it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        command = project.command("--cores", "2")
        os.execve(command[0], command, os.environ | {"TERM": "xterm", "COLUMNS": "100"})
    output, sent = "", False
    while True:
        try:
            output += os.read(file, 65536).decode(errors="replace")
        except OSError:  # that is how a terminal ends
            break
        if not sent and re.search(pattern, output):
            # Snakemake hangs if signalled while it holds a lock, as when a job has
            # ended.
            time.sleep(0.5)
            os.killpg(pid, number)
            sent = True
    os.close(file)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 1
    return output


def last_line(output: str) -> str:
    """Return the last line of a terminal, without what moves the cursor."""
    plain = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", output)
    return re.split(r"[\r\n]+", plain.strip())[-1]


@pytest.mark.slow
def test_a_run_that_is_stopped_on_a_terminal_goes_on(fresh, finished_once):
    use_shipped(fresh)
    outputs = []
    for number, pattern in (
        (signal.SIGINT, r"repeats: [2-9] of 14"),
        (signal.SIGTERM, r"repeats: [2-9] of "),
    ):
        output = stopped_on_a_terminal(fresh, number, pattern)
        assert re.search(r"\r\x1b\[Krepeats: .+, about \S+ of training left", output)
        assert last_line(output) == KEPT
        assert not re.search("rror|Traceback|failed|results/answers", output)
        outputs.append(output)
    # Progress is shown in place; a tenth of the repeats keeps its line.
    assert re.search(r": 1 of \d+[^\n]*\r\x1b\[K", outputs[0])

    # Without a terminal it says a line a stage and every tenth.
    done = fresh.snakemake("scores", "--cores", "2")
    lines = done.stderr.splitlines()
    assert "\x1b" not in done.stderr and len(lines) < 40
    stages = [line.partition(",")[0] for line in lines if re.match(r"[\w ]+: \d", line)]
    assert "tables and pages: 2 of 2" in stages
    assert "repeats: 14 of 14" not in stages
    assert re.search(r"repeats: \d+ of \d+, about 0:0\S+ of training left", done.stderr)
    assert fresh.results("*/scores.csv") == finished_once.results("*/scores.csv")


def test_why_a_job_failed(tmp_path):
    log = tmp_path / "job.log"
    for message, text, expected in (
        ("", "error: tried\nepoch 1\nerror: no a\nerror: no b\n", "no a; no b"),
        ("", "Traceback\nValueError: odd\n\n", "ValueError: odd"),
        ("", "", "its log is empty"),
        ("SLURM status is: 'OUT_OF_MEMORY'", "error: killed\n", "OUT_OF_MEMORY"),
        ("status is: 'TIMEOUT'", "error: interrupted\n", "TIMEOUT"),
        ("status is: 'FAILED'", "error: odd\n", "odd"),
    ):
        log.write_text(text)
        assert reason(message, str(log)) == expected


def test_the_time_left_is_right_within_a_factor_of_two(monkeypatch, capsys):
    """Jobs learn from 20 to 2,000 rows, the fewest first, two at a time."""
    rng, clock, ends = np.random.default_rng(0), [0.0], []
    jobs = {0: ("source models", 30, 15_000)}
    for number in range(1, 61):
        rows = (20, 200, 2_000)[(number - 1) // 20]
        jobs[number] = ("repeats", 10, 10 * rows)
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    handler = LogHandler(
        SimpleNamespace(stdout=True, dryrun=False, verbose=False), None
    )

    def tell(**facts):
        handler.emit(makeLogRecord({"levelno": INFO, **facts}))

    tell(thaw_jobs=jobs)
    for number, (_, _, rows) in jobs.items():
        if len(ends) == 2:
            clock[0], done = ends.pop(0)
            tell(event=LogEvent.JOB_FINISHED, job_id=done)
            print("at", clock[0])
        tell(event=LogEvent.JOB_STARTED, jobs=[number])
        seconds = 1.5 + rows * 0.01 * rng.uniform(0.7, 1.3)
        ends = sorted([*ends, (clock[0] + seconds, number)])
    end, lines = ends[-1][0], capsys.readouterr().out
    seen = re.findall(r"about (\d+):(\d+):(\d+) of training left\nat ([\d.]+)", lines)
    assert len(seen) >= 6
    for *left, now in seen:
        seconds = sum(
            int(n) * unit for n, unit in zip(left, (3600, 60, 1), strict=True)
        )
        assert 1 / 2 < seconds / (end - float(now)) < 2, (left, now, end)


def test_advice_in_a_line():
    for sentences, line in (
        (["Train from scratch.", "No other gains."], "Train from scratch."),
        (["With 5 rows: a.", "So.", "With all: b."], "With 5 rows: a. With all: b."),
    ):
        answer = [{"heading": "What to do", "sentences": sentences}]
        pairs = {"heading": "What was compared", "sentences": ["c.", "d."]}
        assert advice([*answer, pairs]) == line
        assert advice([pairs, *answer]) == "c. d."
