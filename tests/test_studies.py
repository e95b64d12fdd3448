"""The studies on real data that are shipped, made small."""

import shutil

import pytest
import yaml

from conftest import ROOT, Project, new_project


def test_flash_points(tmp_path):
    """From the installed package to the map of both sources."""
    thaw = new_project(tmp_path / "thaw")
    shutil.copytree(ROOT / "studies", thaw.folder / "studies")
    study = Project(thaw.folder / "studies/flash-points")
    config = study.config
    config["training"]["epochs"] = config["pretraining"]["epochs"] = 1
    for one in config["studies"].values():
        one |= {"repeats": 3, "source_models": 3, "target_sizes": [20, "all"]}
    study.config = config
    targets = ["results/answers.md", "results/maps/flash-point/freeze-map.png"]
    profile = ("--workflow-profile", "../../profiles/default")
    study.snakemake(*targets, "--cores", "2", *profile)
    assert all((study.folder / target).exists() for target in targets)
    assert len((study.folder / "data/flash-point.csv").read_text().splitlines()) > 700
    assert study.stale(*targets, *profile) == set()


@pytest.mark.parametrize("name", ["digits", "digits-cnn"])
def test_a_study_that_is_a_folder(tmp_path, name):
    """All problems, and two studies of them, to the answers and the map.

    `test_tutorial` runs `your-table` as it is.
    """
    thaw = new_project(tmp_path / "thaw")
    shutil.copytree(ROOT / "studies" / name, thaw.folder / "studies" / name)
    study = Project(thaw.folder / "studies" / name)
    config = study.config
    for one in (config["training"], config.get("pretraining", {})):
        one["epochs"] = 1
    first = dict([*config["studies"].items()][:2])
    for one in first.values():
        one |= {"repeats": 3, "source_models": 3, "target_sizes": [20, "all"]}
        one["variants"] = ["standalone", "fixed-1"]
    config["variants"] = {"standalone": {"pretrained": False}, "fixed-1": {"freeze": 1}}
    config |= {"studies": first, "maps": {"map": [*first]}}
    study.config = config
    targets = ["results/answers.md", "results/maps/map/freeze-map.png", "problems"]
    folder = ("--directory", f"studies/{name}")
    thaw.snakemake(*targets, "--cores", "2", *folder)
    assert all((study.folder / target).exists() for target in targets[:2])
    assert thaw.stale(*targets, *folder) == set()


@pytest.mark.parametrize(
    ("name", "repeats"), [("flash-points", 60), ("your-table", 60), ("digits", 30)]
)
def test_it_is_shipped_with_the_sizes_that_its_page_tells(name, repeats):
    text = (ROOT / "studies" / name / "config.yaml").read_text()
    studies = yaml.safe_load(text)["studies"]
    assert {study["repeats"] for study in studies.values()} == {repeats}
    assert {study["source_models"] for study in studies.values()} == {30}


def test_the_digits_targets_test_on_no_image_that_their_source_learns():
    """By the split: same rows, same seed, other transforms or classes."""
    text = (ROOT / "studies/digits/config.yaml").read_text()
    problems = yaml.safe_load(text)["problems"]
    splits = {
        (problem["train_size"], problem["shuffle"])
        for problem in problems.values()
        if "classes" not in problem
    }
    assert len(splits) == 1
    assert {*problems["zero-to-four"]["classes"]}.isdisjoint(
        problems["five-to-nine"]["classes"]
    )
