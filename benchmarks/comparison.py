"""What one comparison costs as source models grow: time and memory.

    .venv/bin/python benchmarks/comparison.py

Two pretrained variants, 25 repeats of each from every source model, with scores drawn
at random; each size in a process of its own. What a study's stage `compare` takes is
this for each of its comparisons, and the reading of scores.
"""

import argparse
import sys

from measure import (
    MEMORY_NOTE,
    markdown,
    own_versions,
    parse_arguments,
    run,
    write_report,
)

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
Of the first row, most is what Python and its libraries take to start. {MEMORY_NOTE}"""


def main(args: argparse.Namespace) -> None:
    """Compare at each size and write the report."""
    rows = []
    for size in args.sizes:
        command = [sys.executable, "-c", ONE, str(size), str(REPEATS_PER_SOURCE_MODEL)]
        usage, _ = run(command)
        rows.append(
            [
                size,
                f"{usage.wall_seconds:.1f}",
                f"{usage.cpu_seconds:.1f}",
                f"{usage.peak_mib:.0f}",
            ]
        )
    table = markdown(["source models", "wall s", "CPU s", "peak MiB"], rows)
    environment = [f"Thaw: {own_versions()}"]
    parts = [table, NOTE]
    write_report(args.output, "One comparison", environment, parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=SIZES, help="how many source models"
    )
    main(parse_arguments(parser, "comparison.md"))
