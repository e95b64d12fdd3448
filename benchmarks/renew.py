"""Measure how fast Thaw is, and write docs/benchmarks.md anew.

    .venv/bin/python benchmarks/renew.py

Parts that are named are measured alone; the others stay on the page as they are. Linux
only. Other libraries are measured if they are installed in an environment of their own,
as benchmarks/peers.txt says.
"""

import argparse
import datetime
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import fits
import modules
import runs
from measure import ROOT, machine, only_cores, versions

PAGE = ROOT / "docs/benchmarks.md"

INTRODUCTION = """\
# Benchmarks

How long Thaw takes, beside other ways to do the same.
`.venv/bin/python benchmarks/renew.py` measures all of it and writes this page, part by
part; each says when and on what it was measured. Other libraries have an environment of
their own:

```sh
python3 -m venv .venv-peers && .venv-peers/bin/pip install -r benchmarks/peers.txt
.venv/bin/python benchmarks/renew.py
```

CPU time is that of all processes and threads, peak memory the resident memory of the
largest single process (`ru_maxrss` of `wait4`). Numbers vary by a tenth or more from
run to run; ratios within a table hold better.
"""


class Part(NamedTuple):
    """A part of the page: it runs on so many cores.

    report: yields its Markdown; takes the peers' Python, None if there is none.
    """

    title: str
    report: Callable[[Path | None], Iterator[str]]
    cores: int


PARTS = {
    "runs": Part("Whole runs", runs.report, cores=2),
    "fits": Part("A fit, alone and in company", fits.report, cores=1),
    "modules": Part("A module", modules.report, cores=1),
}
PACKAGES = ("snakemake", "torch", "numpy")
PEERS = ("jax", "keras", "tensorflow_cpu", "torch", "torchvision", "skorch", "numpy")


def about(part: Part, peers: Path | None) -> str:
    """Say when and on what a part is measured."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    thaw = f"Thaw {project['project']['version']}"
    cores = "one core" if part.cores == 1 else f"{part.cores} cores"
    installed = versions(peers, PEERS) if peers else "not installed, so left out"
    return (
        f"- Measured on {datetime.date.today()}, on {cores} of: {machine()}\n"
        f"- {thaw}, {versions(sys.executable, PACKAGES)}\n"
        f"- Peers: {installed}"
    )


def sections() -> dict[str, str]:
    """Return the parts that the page has, by name."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    _, *parts = re.split(r"<!-- (\w+) -->\n", text)
    return {
        name: part.strip() for name, part in zip(parts[::2], parts[1::2], strict=True)
    }


def main() -> None:
    """Measure some parts, and write each as soon as it is measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; or all")
    names = parser.parse_args().parts or [*PARTS]
    if unknown := sorted({*names} - {*PARTS}):
        parser.error(f"no such part: {', '.join(unknown)}")
    python = ROOT / ".venv-peers/bin/python"
    peers = python if python.exists() else None
    for name in names:
        part = PARTS[name]
        with only_cores(part.cores):
            pieces = [f"## {part.title}", about(part, peers), *part.report(peers)]
        texts = sections() | {name: "\n\n".join(pieces)}
        blocks = [f"<!-- {part} -->\n{texts[part]}\n" for part in PARTS]
        PAGE.write_text("\n".join([INTRODUCTION, *blocks]), encoding="utf-8")


if __name__ == "__main__":
    main()
