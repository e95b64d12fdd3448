"""The workflow as its users run it: real Snakemake in a temporary copy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, new_project

BIN = Path(sys.executable).parent


def test_a_run_makes_every_file_and_ends_with_the_tables(finished):
    names = [
        *(
            "source-models.safetensors",
            "source-models.csv",
            "source-models.history.npz",
        ),
        *("scores.csv", "summary.csv", "summary.md", "comparisons.csv"),
        *("comparisons.md", "learning-curves.csv", "learning-speed.csv"),
        *("boxplot.svg", "boxplot.png", "learning-curves.svg", "learning-curves.png"),
        *("differences.svg", "source-models.svg", "source-models.png"),
        *("fixed-1/repeats-{}.csv", "fixed-1/repeats-{}.history.npz"),
    ]
    expected = {
        f"{study}/{name.format(job)}"
        for study, job in (("ahead", "01-01"), ("back", "00-03"))
        for name in names
    } | {
        *("back/source-accuracy.svg", "back/source-spread.png"),
        *("problems/one.npz", "problems/problems.svg", "problems/problems.png"),
    }
    made = set(finished.results("**/*.*"))
    assert expected <= made
    assert not [name for name in made if Path(name).name.startswith(".")]

    output = (finished.folder / "output.txt").read_text()
    assert output.index("**ahead**: one → two") < output.index("**back**: two → one")
    for study in ("ahead", "back"):
        for table in ("summary.md", "comparisons.md"):
            text = finished.results(f"{study}/{table}").popitem()[1].decode()
            assert text in output
        assert f"Figures in results/{study}, as .svg and .png: boxplot, " in output


def test_one_studys_target_shows_only_its_table(finished):
    (finished.folder / "results/back/boxplot.svg").unlink()
    output = finished.snakemake("back", "--cores", "2").stdout
    assert "**back**" in output
    assert "**ahead**" not in output


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("problems", {"make_problem", "plot_problems"}),
        ("source_models", {"make_problem", "pretrain"}),
        ("scores", {"make_problem", "pretrain", "train", "gather"}),
    ],
)
def test_targets_of_stages(fresh, target, rules):
    planned = {job.split()[0] for job in fresh.stale(target)}
    assert planned == rules | {target}


@pytest.mark.parametrize("option", ["--dag", "--rulegraph", "--filegraph"])
def test_graphs_have_nothing_else_on_standard_output(fresh, option):
    output = fresh.snakemake(option).stdout
    assert output.startswith("digraph")
    assert output.rstrip().endswith("}")


def test_works_unactivated_from_elsewhere_and_with_a_space_in_its_path(tmp_path):
    project = new_project(tmp_path / "a folder" / "thaw")
    project.change("studies", to={"ahead": project.config["studies"]["ahead"]})
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    project.snakemake(
        *("--snakefile", str(project.folder / "Snakefile")),
        *("--directory", str(elsewhere / "run"), "--cores", "2", "scores"),
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert (elsewhere / "run/results/ahead/scores.csv").exists()
    assert not (project.folder / "results").exists()


def test_a_working_directory_with_a_config_uses_it(tmp_path):
    project = new_project(tmp_path / "thaw")
    run = tmp_path / "run"
    run.mkdir()
    config = project.config
    config["studies"] = {"other": config["studies"]["ahead"]}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    output = project.snakemake(
        *("--snakefile", "../thaw/Snakefile", "-n", "other"), cwd=run
    ).stdout
    assert "results/other/boxplot.svg" in output


def test_the_command_line_overrides_a_study(fresh):
    jobs = fresh.stale("scores", "--config", "repeats_per_job=3")
    assert {job for job in jobs if job.startswith("train back fixed-1")} == {
        "train back fixed-1 00 02",
        "train back fixed-1 03 03",
    }


def spoil(project, text):
    path = project.folder / "config.yaml"
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize(
    ("spoil_config", "arguments", "message"),
    [
        (
            lambda project: project.change("studies", "ahead", "repeats", to=0),
            [],
            "studies.ahead.repeats: 0 is too small. Allowed: 1 or more",
        ),
        (
            lambda project: project.change("studies", "ahead", "target", to="tow"),
            [],
            "studies.ahead.target: 'tow' is not a problem of this config "
            "(did you mean 'two'?). Allowed: one, two",
        ),
        (
            lambda project: None,
            ["--config", "repeats_per_jobs=30"],
            "repeats_per_jobs: unknown key (did you mean 'repeats_per_job'?)",
        ),
        (
            lambda project: spoil(project, "seed: 2\n"),
            [],
            "seed: stands twice, again in line",
        ),
        (
            lambda project: project.change("studies", "train", to={}),
            [],
            "studies.train.source: this key is missing",
        ),
        (
            lambda project: project.change(
                "studies", "train", to=project.config["studies"]["ahead"]
            ),
            [],
            "studies.train: 'train' is the name of a target or stage",
        ),
    ],
)
def test_a_wrong_config_ends_before_any_job(fresh, spoil_config, arguments, message):
    spoil_config(fresh)
    done = fresh.snakemake("--cores", "1", *arguments, check=False)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (fresh.folder / "results").exists()


def test_a_failed_job_shows_its_message_and_the_rest_goes_on(finished):
    models = finished.folder / "results/ahead/source-models.safetensors"
    models.write_bytes(models.read_bytes()[:100])
    finished.change("studies", "ahead", "repeats", to=3)
    done = finished.snakemake("--cores", "2", check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "source-models.safetensors does not hold source models" in output
    assert "Traceback" not in output
    assert (finished.folder / "results/ahead/standalone/repeats-02-02.csv").exists()


def test_jobs_and_figures_are_the_same_byte_for_byte_when_made_again(finished):
    before = finished.results("**/*.*")
    finished.snakemake("--cores", "1", "--forceall")
    after = finished.results("**/*.*")
    assert {name for name in before if before[name] != after[name]} == set()


@pytest.mark.parametrize(
    "command",
    [
        ["snakemake", "--lint"],
        ["snakefmt", "--check", "Snakefile", "workflow"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
    ],
    ids=" ".join,
)
def test_style(command):
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
