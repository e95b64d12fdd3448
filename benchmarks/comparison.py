"""One comparison, as the number of source models grows: time and memory.

    .venv/bin/python benchmarks/comparison.py

Two pretrained variants, 25 repeats of each from every source model, with random scores;
each size in its own process. A study pays this for each comparison, and for reading its
scores.
"""

import argparse
import sys

from measure import MEMORY_NOTE, markdown, run, start, write_report

SIZES = (100, 1_000, 10_000, 100_000)
REPEATS_PER_SOURCE_MODEL = 25

ONE = """
import sys
import numpy as np
from thaw.findings.samples import Sample
from thaw.tables.comparisons import comparisons

total = int(sys.argv[1])
rng = np.random.default_rng(1)
models = np.tile(np.arange(total), int(sys.argv[2]))

def sample(mean):
    of_model = rng.normal(mean, 0.05, total)[models]
    return Sample(np.clip(of_model + rng.normal(0, 0.01, len(models)), 0, 1), models)

samples = {name: sample(mean) for name, mean in (("a", 0.80), ("b", 0.805))}
comparisons({"all": samples}, [("b", "a")], "a", 0.01)
"""

NOTE = f"""\
Most of the first row is starting Python and its libraries.

{MEMORY_NOTE}"""


def main(args: argparse.Namespace) -> None:
    """Compare at each size and write the report."""
    rows = []
    for size in args.sizes:
        command = [sys.executable, "-c", ONE, str(size), str(REPEATS_PER_SOURCE_MODEL)]
        rows.append([size, *run(command)[0].cells])
    table = markdown(["source models", "wall s", "CPU s", "peak MiB"], rows)
    write_report(args.output, "One comparison", [table, NOTE])


if __name__ == "__main__":
    sizes = {"type": int, "nargs": "+", "default": SIZES, "help": "source models"}
    start(main, __doc__, "comparison.md", sizes=sizes)
