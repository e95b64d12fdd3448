"""The studies on real data that are shipped, made small."""

import shutil
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pandas as pd
import pytest
import yaml

from conftest import ROOT, Project, new_project

VARIANTS = {"standalone": {"pretrained": False}, "fixed-1": {"freeze": 1}}

# The files that a run leaves in a folder.
MADE = shutil.ignore_patterns("data", "logs", "results", ".snakemake")


def shipped(folder, name):
    """Return a shipped study, in a copy of the repository that has not run."""
    thaw = new_project(folder / "thaw")
    shutil.copytree(ROOT / "studies", thaw.folder / "studies", ignore=MADE)
    return Project(thaw.folder / "studies" / name)


def test_flash_points(tmp_path):
    """From the installed package to a map in kelvin, and the same tables as classes."""
    study = shipped(tmp_path, "flash-points")
    config = study.config
    config["training"]["epochs"] = config["pretraining"]["epochs"] = 1
    named = ("from-boiling", "from-melting-thirds")
    config["studies"] = {name: config["studies"][name] for name in named}
    config["maps"] = {"flash-point": ["from-boiling"]}
    for one in config["studies"].values():
        one |= {"repeats": 1, "source_models": 3, "target_sizes": [20, "all"]}
        one["variants"] = [*VARIANTS]
    study.config = config | {"variants": VARIANTS}
    targets = ["results/answers.md", "results/maps/flash-point/freeze-map.png"]
    profile = ("--workflow-profile", "../../profiles/default")
    study.snakemake(*targets, "--cores", "2", *profile)
    assert all((study.folder / target).exists() for target in targets)
    made = pd.read_csv(study.folder / "data/flash-point.csv")
    assert len(made) > 700
    assert made["flash_point"].between(150, 600).all()
    kelvin, thirds = (study.folder / targets[0]).read_text().split("\n# ")
    assert "absolute error (K)" in kelvin
    assert "K" not in thirds
    assert not study.planned(*targets, *profile)


def test_which_source(tmp_path):
    """From the installed package to a ranking of two sources."""
    study = shipped(tmp_path, "which-source")
    config = study.config
    config["training"]["epochs"] = config["pretraining"]["epochs"] = 1
    config["studies"] = {"which-source": config["studies"]["which-source"]}
    config["studies"]["which-source"] |= {
        "sources": ["boiling-point", "permittivity"],
        "variants": [*VARIANTS],
        "repeats": 1,
        "source_models": 2,
        "target_sizes": [20],
    }
    study.config = config | {"variants": VARIANTS}
    profile = ("--workflow-profile", "../../profiles/default")
    study.snakemake("which-source", "--cores", "2", *profile)
    ranked = pd.read_csv(study.folder / "results/which-source/best-sources.csv")
    assert {*ranked["source"]} == {"boiling-point", "permittivity"}
    assert len(pd.read_csv(study.folder / "data/permittivity.csv")) == 711
    # All are scaled alike, so networks from scratch are trained once.
    trained = [*(study.folder / "results/repeats/flash-point").glob("standalone*")]
    assert len(trained) == 1


def test_recipes(tmp_path):
    """Every recipe, of either network, from the packages to the scores."""
    study = shipped(tmp_path, "recipes")
    config = study.config
    named = ("beyond", "to-mnist")
    config["studies"] = {name: config["studies"][name] for name in named}
    for one in config["studies"].values():
        one |= {"repeats": 2, "source_models": 1, "target_sizes": [20]}
    for variant in config["variants"].values():
        for phase in variant.get("phases", []):
            phase["epochs"] = 1
    for one in (config, config["studies"]["to-mnist"]):
        one["pretraining"]["epochs"] = one["training"]["epochs"] = 1
    study.config = config
    profile = ("--workflow-profile", "../../profiles/default")
    targets = [f"results/{name}/scores.csv" for name in named]
    study.snakemake(*targets, "--cores", "2", *profile)
    for name, target in zip(named, targets, strict=True):
        scores = pd.read_csv(study.folder / target)
        assert {*scores["variant"]} == {*config["studies"][name]["variants"]}
        assert not scores["failed"].any()
    turned = {
        path.stem: np.load(path) for path in (study.folder / "data").glob("*.npz")
    }
    both = turned["turned-30-60"]
    assert all((file["y"] == both["y"]).all() for file in turned.values())
    assert (both["X"][:1000] == turned["turned-30"]["X"][:1000]).all()
    assert (both["X"][1000:] == turned["turned-60"]["X"][1000:]).all()


def smallest(tmp_path, name: str, study: str) -> Project:
    """Return a copy of a study of modules: two repeats of one variant, for an epoch."""
    thaw = new_project(tmp_path / "thaw")
    folder = thaw.folder / "studies" / name
    shutil.copytree(ROOT / "studies" / name, folder, ignore=MADE)
    small = Project(folder)
    config = small.config
    for one in (config["training"], config.get("pretraining", {})):
        one["epochs"] = 1
    asked = config["studies"][study] | {"repeats": 2, "target_sizes": [20]}
    asked |= {"variants": ["fixed-1"], "pairs": []}
    if isinstance(asked["source_models"], int):
        asked |= {"repeats": 1, "source_models": 2}
    config |= {"variants": {"fixed-1": {"freeze": 1}}, "studies": {study: asked}}
    small.config = config
    return small


def test_digits_cnn(tmp_path):
    """From the installed package to the scores."""
    study = smallest(tmp_path, "digits-cnn", "to-mnist")
    profile = ("--workflow-profile", "../../profiles/default")
    study.snakemake("results/to-mnist/scores.csv", "--cores", "1", *profile)
    made = pd.read_csv(study.folder / "data/mnist.csv")
    assert (made["digit"].value_counts() == 500).all()
    points = made.filter(like="pixel")
    assert points.shape[1] == 64
    assert (points.min(axis=None), points.max(axis=None)) == (0, 16)
    assert len(pd.read_csv(study.folder / "results/to-mnist/scores.csv")) == 2


@pytest.mark.skipif(
    find_spec("facenet_pytorch") is None,
    reason="no R-Net: pip install --no-deps facenet-pytorch",
)
def test_r_net(tmp_path):
    """From the weights that the package holds to scores of what starts from them."""
    study = smallest(tmp_path, "r-net", "from-faces")
    subprocess.run(
        [sys.executable, "make_files.py", "data"], cwd=study.folder, check=True
    )
    targets = ["results/from-faces/network.md", "results/from-faces/scores.csv"]
    study.snakemake(*targets, "--cores", "1", "--snakefile", "../../Snakefile")
    network, scores = ((study.folder / target) for target in targets)
    assert "812 of 100,694" in network.read_text()
    assert len(pd.read_csv(scores)) == 2


@pytest.mark.parametrize(
    ("name", "program", "study"),
    [
        ("images", "make_images.py", "from-low"),
        ("sequences", "make_tokens.py", "from-boiling"),
        ("imbalance", "make_tables.py", "weighted"),
    ],
)
def test_a_study_whose_files_a_program_writes(tmp_path, name, program, study):
    small = smallest(tmp_path, name, study)
    # The tokens are of the flash points' compounds.
    there = tmp_path / "thaw/studies/flash-points"
    shutil.copytree(ROOT / "studies/flash-points", there, ignore=MADE)
    subprocess.run([sys.executable, program, "data"], cwd=small.folder, check=True)
    target = f"results/{study}/scores.csv"
    small.snakemake(target, "--cores", "1", "--snakefile", "../../Snakefile")
    scores = pd.read_csv(small.folder / target)
    assert len(scores) == 2 and not scores["failed"].any()


def test_a_study_that_is_a_folder(tmp_path):
    """All problems, and two studies of them, to the answers and the map.

    `test_tutorial` runs `your-table` as it is.
    """
    thaw = new_project(tmp_path / "thaw")
    shutil.copytree(ROOT / "studies/digits", thaw.folder / "studies/digits")
    study = Project(thaw.folder / "studies/digits")
    config = study.config
    for one in (config["training"], config.get("pretraining", {})):
        one["epochs"] = 1
    first = dict([*config["studies"].items()][:2])
    for one in first.values():
        one |= {"repeats": 1, "source_models": 3, "target_sizes": [20, "all"]}
        one["variants"] = [*VARIANTS]
    config |= {"variants": VARIANTS, "studies": first, "maps": {"map": [*first]}}
    study.config = config
    targets = ["results/answers.md", "results/maps/map/freeze-map.png", "problems"]
    folder = ("--directory", "studies/digits")
    thaw.snakemake(*targets, "--cores", "2", *folder)
    assert all((study.folder / target).exists() for target in targets[:2])
    assert not thaw.planned(*targets, *folder)


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("flash-points", "docs/flash-points"),
        ("which-source", "docs/which-source"),
        ("your-table", "docs/tutorial"),
        ("digits", "docs/digits"),
    ],
)
def test_it_is_shipped_with_the_sizes_that_its_page_tells(name, page):
    told = " ".join((ROOT / f"{page}.md").read_text().split())
    text = (ROOT / "studies" / name / "config.yaml").read_text()
    for study in yaml.safe_load(text)["studies"].values():
        assert f"{study['source_models']} source models" in told
        assert f"{study['repeats']} repeats of each" in told


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
