"""Thaw used from elsewhere: as a module, from a git repository, deployed."""

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import ROOT, SMALL_CONFIG, Project, new_project

PARTS = ("workflow", "config", "config.yaml", ".snakemake-workflow-catalog.yml")

OUTER = """
configfile: "settings.yaml"

{module}

rule conclude:
    default_target: True
    input: "transfer/results/ahead/summary.csv"
    output: "conclusion.txt"
    shell: "head -n 1 {{input}} > {{output}}"
"""

# Python as it is where Thaw is not installed.
WITHOUT_THAW = """
import sys
from snakemake.cli import main

class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "thaw":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide())
sys.argv = ["snakemake", "-n"]
main()
"""


@pytest.fixture
def one_study() -> dict:
    config = copy.deepcopy(SMALL_CONFIG)
    del config["studies"]["back"]
    return config


@pytest.fixture
def repository(tmp_path) -> Path:
    """A git repository that holds the workflow."""
    folder = new_project(tmp_path / "repository").folder
    for command in (
        ["init", "--quiet"],
        ["add", "--all"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "all"],
        ["tag", "v1"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def outer_project(folder: Path, snakefile: str, config: dict) -> Project:
    """A workflow of someone else's that uses Thaw as a module."""
    folder.mkdir()
    # As in the README.
    (module,) = re.findall(
        r"```python\n(module .*?)```",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.DOTALL,
    )
    module = module.replace('"PATH/TO/thaw/workflow/Snakefile"', snakefile)
    (folder / "Snakefile").write_text(OUTER.format(module=module))
    (folder / "settings.yaml").write_text(yaml.safe_dump({"transfer": config}))
    return Project(folder)


def test_a_module_makes_tables_below_its_prefix(tmp_path, one_study):
    path = f'"{ROOT}/workflow/Snakefile"'
    project = outer_project(tmp_path / "outer", path, one_study)
    done = project.snakemake("--cores", "2")
    assert "thaw_tables_ahead" in done.stderr
    conclusion = (project.folder / "conclusion.txt").read_text()
    assert conclusion.startswith("variant,target_size,")
    assert {path.name for path in project.folder.iterdir()} == {
        *(".snakemake", "Snakefile", "settings.yaml", "conclusion.txt", "transfer")
    }
    assert project.stale() == set()

    # A change is seen there too, without Snakemake's records; and it trains only that.
    shutil.rmtree(project.folder / ".snakemake")
    one_study["variants"]["fixed-1"]["fresh"] = ["output"]
    text = yaml.safe_dump({"transfer": one_study})
    (project.folder / "settings.yaml").write_text(text)
    assert project.stale() == {
        *(
            f"thaw_train two fixed-1 models-00-00-repeats-{repeat}-{repeat}"
            for repeat in ("00", "01")
        ),
        *("thaw_gather_ahead", "thaw_tables_ahead", "conclude"),
    }


def test_a_module_says_what_is_wrong_with_its_config(tmp_path, one_study):
    one_study["training"]["epoch"] = 3
    path = f'"{ROOT}/workflow/Snakefile"'
    project = outer_project(tmp_path / "outer", path, one_study)
    done = project.snakemake("-n", check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "training.epoch: unknown key (did you mean 'epochs'?)" in output
    assert "Traceback" not in output


def test_a_module_from_a_git_repository_needs_the_package_installed(
    tmp_path, repository, one_study
):
    address = f'gitfile("{repository}", path="workflow/Snakefile", tag="v1")'
    project = outer_project(tmp_path / "outer", address, one_study)
    assert "thaw_gather_ahead" in project.planned()

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_THAW],
        cwd=project.folder,
        capture_output=True,
        text=True,
    )
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert "package thaw is missing: install Thaw into the environment" in output
    assert "Traceback" not in output


def test_snakedeploy_deploys_the_workflow(tmp_path, repository):
    for part in PARTS:
        if not (repository / part).exists():
            copied = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
            copied(ROOT / part, repository / part)
    deployed = Project(tmp_path / "deployed")
    snakedeploy = Path(sys.executable).with_name("snakedeploy")
    deploy = [snakedeploy, "deploy-workflow", repository, deployed.folder]
    subprocess.run([*deploy, "--name", "thaw", "--tag", "v1"], check=True)
    # A local repository is not named in what it writes, one on a host is.
    snakefile = deployed.folder / "workflow/Snakefile"
    text = snakefile.read_text()
    assert '"workflow/Snakefile"' in text
    address = f'gitfile("{repository}", path="workflow/Snakefile", tag="v1")'
    snakefile.write_text(text.replace('"workflow/Snakefile"', address))
    assert {"forward", "all"} <= set(deployed.snakemake("--list-rules").stdout.split())
    last = "train blobs-2 fixed-0 models-00-00-repeats-29-29"
    assert last in deployed.planned("forward")
