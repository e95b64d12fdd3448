"""The site builds without a warning, and holds what is made of the package itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import thaw
from conftest import ROOT
from thaw.cli.main import main


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Build it by the README's command, into another folder."""
    folder = tmp_path_factory.mktemp("site")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (options,) = re.findall(r"\.venv/bin/sphinx-build (.*) site\n", readme)
    build = Path(sys.executable).with_name("sphinx-build")
    command = [build, *options.split(), "--keep-going", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_command_has_its_help(site):
    page = (site / "command.html").read_text(encoding="utf-8")
    for name in main.commands:
        assert f'id="thaw-{name}"' in page
        assert f"Usage: thaw {name} " in page


def test_all_that_is_imported_has_its_docstring(site):
    page = (site / "python.html").read_text(encoding="utf-8")
    for name, value in vars(thaw).items():
        if getattr(value, "__module__", "") == "thaw":
            assert f'id="thaw.{name}"' in page
