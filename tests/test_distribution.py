"""The wheel, the locked versions, and the versions that CI tries."""

import re
import shutil
import subprocess
import sys
import tomllib
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement

from projects import ROOT


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PROJECT = tomllib.loads(text_of("pyproject.toml"))["project"]
PACKAGES = ("thaw", "snakemake_logger_plugin_thaw")


def test_the_lock_has_all_that_is_required_and_names_no_host():
    lock = text_of("requirements.lock")
    locked = dict(re.findall(r"^(\S+)==(\S+)", lock, re.MULTILINE))
    lines = sum(PROJECT["optional-dependencies"].values(), PROJECT["dependencies"])
    for required in map(Requirement, lines):
        if required.name != PROJECT["name"]:
            assert required.specifier.contains(locked[required.name]), required
    assert "//" not in lock


def test_the_version_is_the_same_everywhere():
    version = PROJECT["version"]
    assert yaml.safe_load(text_of("CITATION.cff"))["version"] == version
    (latest, date), *older = re.findall(
        r"^## (\S+) \((.+)\)$", text_of("CHANGELOG.md"), re.MULTILINE
    )
    assert latest == version
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", date)
    assert "unreleased" not in {date for _, date in older}


def test_ci_tries_the_oldest_versions_that_are_allowed():
    for path in (ROOT / ".github").rglob("*.yml"):
        assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict), path
    workflow = yaml.safe_load(text_of(".github/workflows/ci.yml"))
    matrix = workflow["jobs"]["tests"]["strategy"]["matrix"]
    (floor,) = re.findall(r"'snakemake\S*>=([\d.]+)", str(PROJECT["dependencies"]))
    assert f'min_version("{floor}")' in text_of("workflow/Snakefile")
    assert f"snakemake=={floor}.*" in {case["versions"] for case in matrix["include"]}
    assert PROJECT["requires-python"].removeprefix(">=") in matrix["python-version"]


@pytest.mark.slow
def test_the_wheel_holds_the_packages_and_gives_the_command(tmp_path):
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "workflow", tmp_path / "workflow", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path / name)
    pip = [sys.executable, "-m", "pip"]
    options = ["--no-deps", "--no-build-isolation", "--wheel-dir", tmp_path]
    subprocess.run([*pip, "wheel", *options, tmp_path], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    files = {
        path.relative_to(ROOT / "workflow").as_posix()
        for package in PACKAGES
        for path in (ROOT / "workflow" / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {"thaw/py.typed", "thaw/page/template.html"} < files
    with ZipFile(wheel) as archive:
        assert {
            name for name in archive.namelist() if ".dist-info/" not in name
        } == files
    site = tmp_path / "site"
    subprocess.run([*pip, "install", "--no-deps", "--target", site, wheel], check=True)
    done = subprocess.run(
        [site / "bin/thaw", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "transfer learning helps" in done.stdout
