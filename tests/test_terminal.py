"""What a run says, with the profile as it is shipped."""

import shutil

import pytest

from conftest import ROOT, Project, new_project

NEW = "ahead: new; 2 repeats of each variant; 6 repeats and 1 source model to train"


@pytest.fixture
def shipped(tmp_path) -> Project:
    project = new_project(tmp_path / "project")
    shutil.copytree(ROOT / "profiles", project.folder / "profiles", dirs_exist_ok=True)
    config = project.config
    del config["studies"]["back"]
    project.config = config
    return project


def test_a_run_says_little_and_ends_with_its_tables(shipped):
    done = shipped.snakemake("--cores", "2")
    assert NEW in done.stderr
    assert len(done.stderr.splitlines()) < 40
    assert "\x1b" not in done.stderr  # plain lines where there is no terminal
    lines = done.stdout.strip().splitlines()
    assert "**ahead**: one → two" in lines[0]
    assert "Figures in results/ahead, as .svg, .pdf and .png: boxplot" in done.stdout
    assert max(map(len, lines)) <= 80


def test_a_failed_job_says_why_where_it_failed(shipped):
    shipped.snakemake("source_models", "--cores", "2")
    (models,) = shipped.folder.glob("results/source-models/*/*.safetensors")
    models.write_bytes(models.read_bytes()[:100])
    done = shipped.snakemake("scores", "--cores", "1", check=False)
    assert done.returncode != 0
    said = " ".join(done.stderr.split())
    assert "✗ Failed train" in said
    assert "error: results/source-models/one-" in said
    assert "delete it and run again" in said
    assert "Traceback" not in said


def test_a_dry_run_names_each_job_when_asked(shipped):
    short = shipped.snakemake("-n").stderr
    assert NEW in short
    assert "repeats-01-01" not in short
    assert "Would run train" in shipped.snakemake("-n", "--verbose").stderr
