"""Leftovers: files that a config no longer uses are listed, and deleted on request."""

import re

import pytest


def listed(project, target="leftovers"):
    """Return the target's output, with keys replaced: size and folder, or a line."""
    output = project.snakemake(target, "--cores", "1").stdout
    return re.sub("-[0-9a-f]{12}", "-KEY", output).splitlines()


@pytest.fixture
def changed(finished):
    """A project with leftovers of a study, of a variant, of repeats and of a kill."""
    config = finished.config
    del config["studies"]["back"]
    config["studies"]["ahead"]["variants"].remove("fixed-0")
    config["variants"]["fixed-1"]["fresh"] = ["output"]
    config["studies"]["ahead"]["repeats"] = 1
    finished.config = config
    results = finished.folder / "results"
    (results / "repeats/.stray.0123456789abcdef.npz").write_text("not a name of Thaw's")
    (results / "ahead/.scores.0123456789abcdef.csv").write_text("half a ta")
    (results / "ahead/notes.txt").write_text("mine")
    return finished


def test_a_config_that_uses_all_has_no_leftovers(finished):
    assert "Nothing is left over: the config uses all results." in listed(finished)


def test_leftovers_are_listed_by_folder_and_stay(changed):
    before = set(changed.results("**/*.*"))
    found = {line.partition("  ")[::2] for line in listed(changed) if "  " in line}
    counts = {folder: size.partition(",")[0] for size, folder in found}
    # Two jobs a variant, three files a job; of standalone, the second job.
    assert counts["results/repeats/two/fixed-0-KEY"] == "6 files"
    assert counts["results/repeats/two/fixed-1-KEY"] == "6 files"
    assert counts["results/repeats/two/standalone-KEY"] == "3 files"
    assert counts["results/source-models/two-KEY"] == "8 files"
    assert counts["results/ahead"] == "1 file"
    assert {"results/back", "results/back/records"} <= {*counts}
    assert "results/source-models/one-KEY" not in counts
    assert before - set(changed.results("**/*.*")) == set()


def test_leftovers_are_deleted_and_nothing_else(changed):
    changed.snakemake("--cores", "2")
    kept = changed.results("**/*.*")
    assert any(
        line.endswith(" deleted") for line in listed(changed, "delete_leftovers")
    )
    left = changed.results("**/*.*")
    assert left == {name: kept[name] for name in left}
    assert "ahead/notes.txt" in left
    assert not [name for name in left if name.startswith(("back/", "ahead/."))]
    assert not (changed.folder / "results/back").exists()
    assert not [name for name in left if re.search("fixed-0|repeats-01-01", name)]
    assert changed.stale() == set()
    assert "Nothing is left over: the config uses all results." in listed(changed)
