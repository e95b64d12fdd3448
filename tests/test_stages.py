"""How a job ends: what it imports, what it logs, and one line for each error."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import pages
from projects import (
    ONE_JOB_CONFIG,
    JobError,
    modules_of,
    planned,
    run_here,
    words_of,
)
from thaw import keys
from thaw.errors import ThawError


@pytest.fixture
def job(request, store, tmp_path):
    """The only job of a project, with changes to its config; in its directory."""
    project = store.copy(tmp_path / "project", ONE_JOB_CONFIG, "problems")
    project.config = ONE_JOB_CONFIG | getattr(request, "param", {})
    with planned(project.folder, ()) as dag:
        (train,) = (j for j in dag.needrun_jobs() if j.rule.name.startswith("train"))
        for path in train.output:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
        yield train


def command_of(job):
    """Return a job's command in words, without the log that it writes to."""
    return words_of(job)[:-1]


def error_in(job):
    """Return the line of error of a job that leaves nothing half-written."""
    with pytest.raises((JobError, KeyboardInterrupt)) as caught:
        run_here(job)
    assert "Traceback" not in str(caught.value)
    assert not [*Path(job.output[0]).parent.glob(".*")]
    *_, line = str(caught.value).splitlines()
    assert "error: " in line
    return line


def test_a_training_job_imports_torch_and_numpy_only_and_leaves_at_once(job):
    """Taking torch apart would be a quarter of the time of a small job."""
    python, *words = command_of(job)
    done = subprocess.run([python, "-v", *words], stderr=subprocess.PIPE, text=True)
    assert done.returncode == 0, done.stderr
    modules = {*re.findall(r"^import '([\w.]+)'", done.stderr, re.M)}
    assert {"torch", "numpy"} <= modules
    slow = {"torch._dynamo", "pandas", "sklearn", "scipy", "matplotlib", "snakemake"}
    assert not modules & (slow | {"pydantic", "yaml"})
    assert "# cleanup" not in done.stderr
    assert "drawn anew: hidden-1, hidden-2, output" in done.stderr


def test_figures_and_help_import_nothing_slow():
    figures = {*modules_of("stages.make", "figures.boxplot", "figures.differences")}
    assert "matplotlib" in figures and not figures & {"scipy", "torch"}
    # Help is there at once: in 0.05 s instead of a second.
    help_texts = {*modules_of("cli.main")}
    assert "click" in help_texts
    assert not help_texts & {"numpy", "yaml", "torch", "pandas"}


def test_logs_say_what_was_made_and_what_failed(store):
    project = store.finished(pages.CONFIG, write=pages.write)
    logs = "".join(path.read_text() for path in project.folder.glob("logs/**/*.log"))
    assert "features: 2; train rows: 40 (" in logs
    assert "of 12 repeats failed (their loss is not finite" in logs


def test_a_problem_that_is_missing_is_one_line(job):
    (path,) = (Path(path) for path in job.input if "/problems/" in path)
    path.unlink()
    assert ".npz: No such file or directory" in error_in(job)


def test_other_libraries_code_and_config_are_refused(job, monkeypatch):
    """As on another node of a cluster."""
    with monkeypatch.context() as patch:
        patch.setattr(keys, "version", lambda library: "9.9")
        assert "torch is 9.9 here and" in error_in(job)
    with monkeypatch.context() as patch:
        patch.setattr(keys, "code_of", lambda _: "edited")
        assert "the code was edited since" in error_in(job)
    assert not [path for path in job.output if Path(path).exists()]
    with pytest.raises(ThawError, match=r"run asked for \(result 0123456789ab\)"):
        keys.check("train", {}, "0123456789ab")


def test_a_job_that_ends_while_it_writes_says_why(job, monkeypatch):
    write = np.lib.format.write_array
    for event, words in (
        (lambda: Path("/dev/full").write_text("x"), "npz: No space left on device"),
        (lambda: np.empty(2**58), "out of memory; lower repeats_per_job"),
        (lambda: torch.empty(2**55), "out of memory; lower repeats_per_job"),
        (lambda: signal.raise_signal(signal.SIGINT), "interrupted; nothing was writ"),
        (lambda: signal.raise_signal(signal.SIGTERM), "interrupted; nothing was wri"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(
                *(np.lib.format, "write_array"),
                lambda *a, e=event, **b: (write(*a, **b), e()),
            )
            assert words in error_in(job)


def test_a_file_that_changed_since_the_run_began_is_one_line(store, tmp_path):
    project = store.copy(tmp_path / "project", pages.CONFIG, write=pages.write)
    for path in project.folder.glob("results/problems/*.npz"):
        path.unlink()
    with planned(project.folder, ["problems"]) as dag:
        job = next(j for j in dag.needrun_jobs() if j.rule.name == "make_problem")
        path = Path("named.csv")
        path.write_text(path.read_text() + path.read_text().splitlines()[-1])
        assert "named.csv was changed since the run began" in error_in(job)


@pytest.mark.slow
@pytest.mark.parametrize("job", [{"network": {"hidden": [300, 300]}}], indirect=True)
def test_the_numbers_do_not_depend_on_the_threads(job):
    outputs = []
    for threads in ("1", "2"):
        environment = os.environ | {"OMP_NUM_THREADS": threads}
        subprocess.run(command_of(job), env=environment, check=True)
        outputs.append([Path(path).read_bytes() for path in job.output])
    assert outputs[0] == outputs[1]


@pytest.mark.slow
def test_a_job_that_is_interrupted_while_it_imports_has_no_traceback(job):
    command = command_of(job)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        maps = Path(f"/proc/{process.pid}/maps")
        while "libtorch" not in maps.read_text():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() in (
            "",
            "error: interrupted; nothing was written\n",
        )
    assert process.returncode != 0
