"""Write two generated tables: one of both classes alike, one with a rare class.

    python make_tables.py FOLDER

The rows of both are drawn from the same 20,000; none is in both. In balanced.csv every
other row is ill, in rare.csv 3 of 100 are.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification

FEATURES = 12


def main() -> None:
    """Write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    x, y = make_classification(
        20_000,
        FEATURES,
        n_informative=6,
        n_clusters_per_class=3,
        class_sep=0.8,
        flip_y=0.02,
        random_state=1,
    )
    table = pd.DataFrame(x.round(4), columns=[f"x{n}" for n in range(1, FEATURES + 1)])
    table.insert(0, "state", np.where(y == 1, "ill", "well"))
    ill, well = (table[table["state"] == state] for state in ("ill", "well"))
    tables = {
        "balanced": pd.concat([ill[:500], well[:500]]),
        "rare": pd.concat([ill[500:680], well[500:6320]]),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        rows.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
