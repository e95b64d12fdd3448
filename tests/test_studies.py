"""The shipped studies: their configs as they are, and their results, made small."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from configs import message_of
from projects import ROOT, Project, new_project

CONFIGS = ["config.yaml", "examples/trainer/config.yaml"] + [
    str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("studies/*/config.yaml"))
]

# The files that a run leaves in a folder.
LEFT_BY_A_RUN = shutil.ignore_patterns("data", "logs", "results", ".snakemake")

TRAININGS = ("training", "pretraining")
# Where a study names variants that come by themselves, the ladder's.
VARIANTS = {"standalone": {"pretrained": False}, "fixed-1": {"freeze": 1}}
FEW = ["standalone", "fixed-1"]
R_NET = {"source_models": {"files": ["data/r-net.safetensors"]}, "repeats": 2}


def config_of(path: str) -> dict:
    return yaml.safe_load((ROOT / path).read_text())


@pytest.mark.parametrize("path", CONFIGS)
def test_a_shipped_config_is_right(path, monkeypatch):
    """Apart from files that a program writes first."""
    monkeypatch.chdir((ROOT / path).parent)
    mistakes = message_of(config_of(path)).splitlines()[1:]
    assert not [line for line in mistakes if "'data/" not in line]


@pytest.mark.parametrize(
    "name", ["flash-points", "which-source", "your-table", "digits"]
)
def test_a_page_gives_the_sizes_of_its_shipped_study(name):
    page = "tutorial" if name == "your-table" else name
    words = " ".join((ROOT / f"docs/{page}.md").read_text().split())
    for study in config_of(f"studies/{name}/config.yaml")["studies"].values():
        assert f"{study['source_models']} source models" in words
        assert f"{study['repeats']} repeats of each" in words


def test_the_digits_targets_test_on_no_image_that_their_source_learns():
    """By the split: same rows, same seed, other transforms or classes."""
    problems = config_of("studies/digits/config.yaml")["problems"]
    whole = [problem for problem in problems.values() if "classes" not in problem]
    assert len({(each["train_size"], each["shuffle"]) for each in whole}) == 1
    low, high = (problems[name]["classes"] for name in ("zero-to-four", "five-to-nine"))
    assert {*low}.isdisjoint(high)


def small(folder: Path, name: str, studies: list[str], **settings) -> Project:
    """Return a copy of some shipped studies that learn from a few rows for an epoch."""
    thaw = new_project(folder / "thaw")
    shutil.copytree(ROOT / "studies", thaw.folder / "studies", ignore=LEFT_BY_A_RUN)
    project = Project(thaw.folder / "studies" / name)
    if not (project.folder / "Snakefile").exists():
        # Its users name the Snakefile in the root instead.
        (project.folder / "Snakefile").write_text('include: "../../Snakefile"\n')
    config = project.config
    config["variants"] = VARIANTS | config.get("variants", {})
    sizes = {"repeats": 1, "source_models": 2, "target_sizes": [20]}
    config["studies"] = {s: config["studies"][s] | sizes | settings for s in studies}
    config.pop("maps", None)
    groups = [config, *config["studies"].values(), *config["variants"].values()]
    trainings = [group.get(key) for group in groups for key in TRAININGS]
    phases = [phase for group in groups for phase in group.get("phases", [])]
    for training in filter(None, trainings + phases):
        if "epochs" in training:
            training["epochs"] = 1
    project.config = config
    return project


def make_data(study: Project, *files: str) -> None:
    """Make files by the rules that all these studies share, by Snakemake."""
    profile = "--workflow-profile", "../../profiles/default"
    study.snakemake(*files, "-c2", "--snakefile", "../Snakefile", *profile)


@pytest.mark.slow
def test_flash_points(tmp_path):
    """From the installed package to a map in kelvin, and the same tables as classes."""
    names = ["from-boiling", "from-melting-thirds"]
    sizes = {"source_models": 3, "target_sizes": [20, "all"]}
    study = small(tmp_path, "flash-points", names, variants=FEW, **sizes)
    study.config |= {"maps": {"flash-point": ["from-boiling"]}}
    properties = "boiling-point", "melting-point", "flash-point"
    make_data(study, *(f"data/{name}.csv" for name in properties))
    targets = ["results/answers.md", "results/maps/flash-point/freeze-map.png"]
    study.make(*targets)
    assert not study.stale(*targets)
    assert (study.folder / targets[1]).exists()
    kelvin, thirds = (
        (study.folder / f"results/{name}/summary.md").read_text() for name in names
    )
    assert "absolute error (K)" in kelvin
    assert "K" not in thirds
    points = pd.read_csv(study.folder / "data/flash-point.csv")["flash_point"]
    assert len(points) > 700 and points.between(150, 600).all()


@pytest.mark.slow
def test_which_source(tmp_path):
    """From the installed package to a ranking of two sources."""
    sources = ["boiling-point", "permittivity"]
    names, target = ["which-source"], "results/which-source/best-sources.csv"
    study = small(tmp_path, "which-source", names, sources=sources, variants=FEW)
    make_data(study, *(f"data/{name}.csv" for name in [*sources, "flash-point"]))
    study.make(target)
    assert {*pd.read_csv(study.folder / target)["source"]} == {*sources}
    assert len(pd.read_csv(study.folder / "data/permittivity.csv")) == 711
    # All are scaled alike, so networks from scratch are trained once.
    assert len([*study.folder.glob("results/repeats/flash-point/standalone*")]) == 1


@pytest.mark.slow
def test_recipes(tmp_path):
    """Every recipe, of either network, from the packages to the scores."""
    names = ["beyond", "to-mnist"]
    study = small(tmp_path, "recipes", names, source_models=1, repeats=2)
    turned = "upright", "turned-30", "turned-60", "turned-30-60"
    make_data(study, "data/mnist.csv", *(f"data/{name}.npz" for name in turned))
    study.make(*(f"results/{name}/scores.csv" for name in names))
    for name in names:
        scores = pd.read_csv(study.folder / f"results/{name}/scores.csv")
        assert {*scores["variant"]} == {*study.config["studies"][name]["variants"]}
        assert not scores["failed"].any()
    mnist = pd.read_csv(study.folder / "data/mnist.csv")
    assert (mnist["digit"].value_counts() == 500).all()
    points = mnist.filter(like="pixel").to_numpy()
    assert (points.shape[1], points.min(), points.max()) == (64, 0, 16)
    digits = {path.stem: np.load(path) for path in study.folder.glob("data/*.npz")}
    both = digits["turned-30-60"]
    assert all((file["y"] == both["y"]).all() for file in digits.values())
    assert (both["X"][:1000] == digits["turned-30"]["X"][:1000]).all()
    assert (both["X"][1000:] == digits["turned-60"]["X"][1000:]).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "source", "study", "settings"),
    [
        ("digits", None, "to-rotated", {}),
        ("digits-cnn", "data/mnist.csv", "to-mnist", {}),
        ("images", "make_images.py", "from-low", {}),
        ("sequences", "../scripts/make_tokens.py", "from-boiling", {}),
        ("imbalance", "make_tables.py", "weighted", {}),
        ("r-net", "make_files.py", "from-faces", R_NET),
    ],
)
def test_a_study_from_its_data_to_its_scores(tmp_path, name, source, study, settings):
    """A program or a rule writes its files, if any."""
    if name == "r-net" and not find_spec("facenet_pytorch"):
        pytest.skip("no R-Net: pip install --no-deps facenet-pytorch")
    project = small(tmp_path, name, [study], variants=["fixed-1"], pairs=[], **settings)
    if source and source.endswith(".py"):
        words = [sys.executable, source, "data"]
        subprocess.run(words, cwd=project.folder, check=True)
    elif source:
        make_data(project, source)
    project.make(f"results/{study}/scores.csv")
    scores = pd.read_csv(project.folder / f"results/{study}/scores.csv")
    assert len(scores) == 2 and not scores["failed"].any()
    if name == "r-net":
        target = f"results/{study}/network.md"
        project.make(target)
        assert "812 of 100,694" in (project.folder / target).read_text()
