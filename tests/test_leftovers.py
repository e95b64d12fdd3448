"""Leftovers: files that a config no longer uses are listed, and deleted on request."""

import re
import shutil

import pytest
from click.testing import CliRunner

from thaw.cli.main import main


@pytest.fixture
def project(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    return finished


def leftovers(*options):
    """Return the names of leftovers by folder, with keys replaced, and the end."""
    done = CliRunner().invoke(main, ["leftovers", *options])
    assert done.exit_code == 0, done.output
    *lines, end = done.output.splitlines()
    folders = {}
    for line in lines:
        folder, names = re.fullmatch(
            r" +[\d,]+\.\d MB  results/?(.*): (.*)", line
        ).groups()
        folders[re.sub("-[0-9a-f]{12}", "-KEY", folder)] = names
    return folders, end


def test_the_only_copy_is_no_leftover(project):
    """That of jobs that are cut differently now, which train nothing."""
    assert leftovers() == ({}, "0.0 MB that no study uses")
    project.change("studies", "back", "repeats_per_job", to=1)
    assert not project.stale() and not leftovers()[0]


def test_leftovers_of_studies_variants_repeats_and_kills_are_deleted(project):
    config = project.config
    del config["studies"]["back"]
    config["studies"]["ahead"]["variants"].remove("fixed-0")
    config["variants"]["fixed-1"]["fresh"] = ["output"]
    config["studies"]["ahead"]["repeats"] = 1
    project.config = config
    results = project.folder / "results"
    (fixed_0,) = results.glob("repeats/two/fixed-0-*")
    killed = [
        fixed_0 / ".models-00-00.0123456789abcdef.csv",
        results / "ahead/.histories.0123456789abcdef.npz",
    ]
    for path in killed:
        path.write_text("half a ta")
    users = {"ahead/notes-0123456789ab.txt", "ahead/notes.csv", "ahead/summary.xlsx"}
    for name in users:
        (results / name).write_text("mine")
    # Of variants that learned from more rows, before the tables were made again.
    shutil.copy(results / "back/boxplot.svg", results / "ahead/source-spread.svg")

    folders, _ = leftovers()
    # Two jobs a variant, three files a job; of standalone, the second job.
    assert folders["repeats/two/fixed-0-KEY"].endswith(" and 4 more")
    assert folders["repeats/two/fixed-0-KEY"].startswith(killed[0].name)
    assert folders["repeats/two/fixed-1-KEY"].endswith(" and 3 more")
    assert folders["repeats/two/standalone-KEY"].count("repeats-01-01") == 3
    assert folders["source-models/two-KEY"].endswith(" and 5 more")
    assert folders["ahead"] == f"{killed[1].name}, source-spread.svg"
    assert "back/records" in folders and "source-models/one-KEY" not in folders

    project.make("tables")
    before = project.results("**/*.*")
    _, end = leftovers("--delete")
    assert re.fullmatch(r"\d\.\d MB deleted", end)
    after = project.results("**/*.*")
    assert after == {name: before[name] for name in after}
    assert users | {"ahead/records/gather.json"} <= after.keys()
    assert not re.search("back|spread|/[.]|/fixed-0|repeats-01-01", " ".join(after))
    assert not (results / "back").exists()
    assert not project.stale("tables") and not leftovers()[0]


def test_nothing_is_deleted_while_a_run_is_under_way(project):
    locks = project.folder / ".snakemake/locks"
    locks.mkdir(parents=True, exist_ok=True)
    (locks / "0.input.lock").touch()
    path = project.folder / "results/ahead/.scores.0123456789abcdef.csv"
    path.touch()
    done = CliRunner().invoke(main, ["leftovers", "--delete"])
    assert "error: a run is under way here" in done.output and path.exists()
