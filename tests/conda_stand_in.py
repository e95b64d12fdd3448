"""A stand-in for conda in the tests: its environments are this Python's.

As in a real one, libraries there have other versions than in the planning process (or
torch claims to), and there is no Snakemake, nor anything that only its process needs.
An environment notes in the file `ran` what runs in it.
"""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

ACTIVATE = 'export PATH="$1/bin:$PATH"\n'
IN_ENVIRONMENT = """\
import sys
sys.modules |= dict.fromkeys(("snakemake", "pydantic", "yaml"))
with open(sys.prefix + "/ran", "a") as file:
    print(*sys.orig_argv[1:3], file=file)
"""


def install(folder: Path) -> None:
    """Put a command `conda` into a folder's `bin`."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/activate").write_text(ACTIVATE)
    conda = folder / "bin/conda"
    call = f'"{sys.executable}" "{__file__}" "{folder}" "$@"'
    conda.write_text(f"#!/bin/sh\nexec {call}\n")
    conda.chmod(0o755)


def create(folder: Path) -> None:
    """Make an environment."""
    command = [sys.executable, "-m", "venv", "--without-pip", folder]
    subprocess.run(command, check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "tests.pth").write_text(sysconfig.get_path("purelib"))
    (packages / "sitecustomize.py").write_text(IN_ENVIRONMENT)
    metadata = packages / "torch-9.9.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Name: torch\nVersion: 9.9\n")


def main(prefix: str, *arguments: str) -> None:
    """Answer Snakemake's questions to the conda in `prefix`."""
    match arguments:
        case ["--version"]:
            print("conda 24.7.1")
        case ["info", "--json"]:
            print(json.dumps({"conda_prefix": prefix, "platform": "linux-64"}))
        case ["config", "--get", "channel_priority", "--json"]:
            print(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create", *options]:
            create(Path(options[options.index("--prefix") + 1]))
        case ["clean", *_]:
            pass
        case _:
            sys.exit(f"not stood in for: {arguments}")


if __name__ == "__main__":
    main(*sys.argv[1:])
