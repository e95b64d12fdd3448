"""Thaw used from elsewhere: in another folder, as a module, from git, deployed."""

import copy
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from projects import ONE_JOB_CONFIG, ROOT, Project, new_project

THAW = f'"{ROOT}/workflow/Snakefile"'
OUTER = """
configfile: "settings.yaml"

{module}

rule conclude:
    default_target: True
    input: "transfer/results/ahead/summary.csv"
    output: "conclusion.txt"
    shell: "head -n 1 {{input}} > {{output}}"
"""
WITHOUT_THAW = (
    "import sys; from snakemake.cli import main; sys.modules['thaw'] = None; "
    "sys.argv = ['snakemake', '-n']; main()"
)


def outer_project(folder: Path, snakefile: str, config: dict) -> Project:
    """Return a workflow of someone else's that uses Thaw as a module."""
    folder.mkdir()
    # As the page says it.
    page = (ROOT / "docs/module.md").read_text(encoding="utf-8")
    (module,) = re.findall(r"```python\n(module .*?)```", page, re.DOTALL)
    module = module.replace('"PATH/TO/thaw/workflow/Snakefile"', snakefile)
    (folder / "Snakefile").write_text(OUTER.format(module=module))
    write_settings(folder, config)
    return Project(folder)


def write_settings(folder, config):
    (folder / "settings.yaml").write_text(yaml.safe_dump({"transfer": config}))


@pytest.mark.slow
def test_a_module_makes_tables_below_its_prefix(tmp_path):
    config = copy.deepcopy(ONE_JOB_CONFIG)
    project = outer_project(tmp_path / "outer", THAW, config)
    project.snakemake("--cores", "2")
    conclusion = (project.folder / "conclusion.txt").read_text()
    assert conclusion.startswith("variant,target_size,")
    assert {path.name for path in project.folder.iterdir()} == {
        *(".snakemake", "Snakefile", "settings.yaml", "conclusion.txt", "transfer")
    }
    assert project.stale() == set()

    # A change is seen there too, without Snakemake's records; and it trains only that.
    shutil.rmtree(project.folder / ".snakemake")
    config["variants"]["standalone"]["training"] = {"epochs": 2}
    write_settings(project.folder, config)
    assert project.stale() == {
        "thaw_train two standalone models-00-00-repeats-00-00",
        *("thaw_gather_ahead", "thaw_tables_ahead", "conclude"),
    }


@pytest.mark.slow
def test_a_repository_is_a_module_or_deployed(tmp_path):
    repository = new_project(tmp_path / "repository").folder
    shutil.copytree(ROOT / "config", repository / "config")
    shutil.copy2(ROOT / ".snakemake-workflow-catalog.yml", repository)
    for command in (
        "init --quiet",
        "add --all",
        "-c user.name=a -c user.email=a@b.c commit -qm all",
        "tag v1",
    ):
        subprocess.run(["git", *command.split()], cwd=repository, check=True)
    address = f'gitfile("{repository}", path="workflow/Snakefile", tag="v1")'
    project = outer_project(tmp_path / "outer", address, ONE_JOB_CONFIG)
    assert "thaw_gather_ahead" in project.reasons()

    command = [sys.executable, "-c", WITHOUT_THAW]
    done = subprocess.run(command, cwd=project.folder, capture_output=True, text=True)
    assert done.returncode != 0
    assert "is missing: install Thaw into the environment" in done.stderr
    assert "Traceback" not in done.stderr

    deployed = Project(tmp_path / "deployed")
    snakedeploy = Path(sys.executable).with_name("snakedeploy")
    if not snakedeploy.exists():
        pytest.skip("snakedeploy has no release for this Python")
    deploy = [snakedeploy, "deploy-workflow", repository, deployed.folder]
    subprocess.run([*deploy, "--name", "thaw", "--tag", "v1"], check=True)
    # A local repository is not named in what it writes, one on a host is.
    snakefile = deployed.folder / "workflow/Snakefile"
    text = snakefile.read_text()
    assert '"workflow/Snakefile"' in text
    snakefile.write_text(text.replace('"workflow/Snakefile"', address))
    assert "gather_forward" in deployed.reasons("results/forward/scores.csv")


@pytest.mark.slow
def test_a_run_elsewhere_takes_the_config_that_lies_there(finished, tmp_path):
    run = tmp_path / "else where"
    run.mkdir()
    options = ("--snakefile", f"{finished.folder}/Snakefile", "--cores", "2")
    done = finished.snakemake(*options, "-n", cwd=run)
    assert f"The config is {finished.folder}/config.yaml." in done.stderr

    # In an environment that is not activated.
    (run / "config.yaml").write_text(yaml.safe_dump(ONE_JOB_CONFIG))
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = finished.snakemake(*options, "scores", cwd=run, env=environment)
    # Child processes of Snakemake do not repeat it.
    assert done.stderr.count(f"The config is {run}/config.yaml.") == 1
    assert "this config has results" not in done.stderr
    scores = (run / "results/ahead/scores.csv").read_text()
    assert len(scores.splitlines()) == 2
