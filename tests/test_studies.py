"""The studies on real data that are shipped, made small."""

import shutil

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
    study.snakemake("--cores", "2", "--workflow-profile", "../../profiles/default")
    for path in ("answers.md", "maps/flash-point/freeze-map.png"):
        assert (study.folder / "results" / path).exists()
    assert len((study.folder / "data/flash-point.csv").read_text().splitlines()) > 700
    assert study.stale("--workflow-profile", "../../profiles/default") == set()


def test_it_is_shipped_with_the_sizes_of_the_readme():
    text = (ROOT / "studies/flash-points/config.yaml").read_text()
    studies = yaml.safe_load(text)["studies"]
    assert {study["repeats"] for study in studies.values()} == {60}
    assert {study["source_models"] for study in studies.values()} == {30}
