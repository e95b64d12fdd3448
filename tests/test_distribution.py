"""The wheel, the locked versions, and the versions that CI tries."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement

from conftest import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "project"
]
PACKAGES = ("thaw", "snakemake_logger_plugin_thaw")
NO_CACHES = shutil.ignore_patterns("__pycache__", "*.egg-info")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "workflow", folder / "workflow", ignore=NO_CACHES)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    pip = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", folder, folder], check=True)
    (made,) = folder.glob("*.whl")
    return made


def test_the_wheel_holds_all_files_of_the_packages(wheel):
    files = {
        path.relative_to(ROOT / "workflow").as_posix()
        for package in PACKAGES
        for path in (ROOT / "workflow" / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert {"thaw/py.typed", "thaw/page/template.html"} < files
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == files


def test_the_wheel_gives_the_command(wheel, tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", site]
    subprocess.run([*pip, wheel], check=True)
    done = subprocess.run(
        [site / "bin/thaw", "--help"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "transfer learning helps" in done.stdout


def test_the_lock_has_all_that_is_required():
    locked = dict(re.findall(r"^(\S+)==(\S+)", text_of("requirements.lock"), re.M))
    extras = PROJECT["optional-dependencies"].values()
    for line in [*PROJECT["dependencies"], *(line for some in extras for line in some)]:
        required = Requirement(line)
        if required.name != PROJECT["name"]:
            assert required.specifier.contains(locked[required.name]), line


def test_the_lock_names_no_host():
    assert "//" not in text_of("requirements.lock")


def test_the_version_is_the_same_everywhere():
    version = PROJECT["version"]
    assert yaml.safe_load(text_of("CITATION.cff"))["version"] == version
    (latest, date), *older = re.findall(
        r"^## (\S+) \((.+)\)$", text_of("CHANGELOG.md"), re.M
    )
    assert latest == version
    assert re.fullmatch(r"unreleased|\d{4}-\d\d-\d\d", date)
    assert "unreleased" not in {date for _, date in older}


def test_ci_tries_the_oldest_versions_that_are_allowed():
    matrix = yaml.safe_load(text_of(".github/workflows/ci.yml"))["jobs"]["tests"][
        "strategy"
    ]["matrix"]
    (snakemake,) = [
        line for line in PROJECT["dependencies"] if line.startswith("snakemake")
    ]
    floor = re.search(r">=([\d.]+)", snakemake)[1]
    assert f'min_version("{floor}")' in text_of("workflow/Snakefile")
    assert f"snakemake=={floor}.*" in {one["versions"] for one in matrix["include"]}
    python = PROJECT["requires-python"].removeprefix(">=")
    assert python in matrix["python-version"]


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name
)
def test_what_github_reads_is_valid(path):
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)
