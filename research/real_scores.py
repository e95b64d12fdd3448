"""Which scores do real source models reach? Train 1,000 of each of four studies.

`.venv/bin/python research/real_scores.py --folder FOLDER` runs Thaw in FOLDER, which
takes twelve minutes of two cores. It writes tests/real-scores.npz: how many of the 500
test rows each repeat got right; and tests/real-errors.npz: errors of a regression, in
ten-thousandths of the best constant prediction's. FOLDER keeps the networks, so that a
second run trains only the missing ones.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from judging import BASELINE, ROOT
from populations import DEPTHS, REAL_SCORES, REPEATS, ROWS

SOURCE_MODELS = 1000
STUDIES = {
    "blobs 1 → 2": ("blobs-1", "blobs-2"),
    "blobs 2 → 1": ("blobs-2", "blobs-1"),
    "selfer": ("blobs-2", "blobs-2"),
}
SEED = 7  # not that of config.yaml

# One function in both, but source models get its features in another order. From 20
# rows many networks are no better than the best constant prediction.
REGRESSION, SIZES = "friedman", ("20", "all")
PROBLEMS = {
    f"{REGRESSION}-{number}": {
        "make_friedman1": {
            "n_samples": 1000,
            "n_features": 5,
            "noise": 1,
            "random_state": number,
        },
        "task": "regression",
        "train_size": 500,
        "scale": "standard",
        "transforms": [{"permute": 1}] if number == 2 else [],
    }
    for number in (1, 2)
}
ERRORS = ("mean_absolute_error", "root_mean_squared_error")
REAL_ERRORS = ROOT / "tests/real-errors.npz"


def write_config(folder: Path) -> None:
    """Write a config with the studies, and all else as in `config.yaml`."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    config["seed"] = SEED
    config["problems"] |= PROBLEMS
    config["predictions"] = False
    config["studies"] = {
        f"study-{number}": {
            "source": source,
            "target": target,
            "variants": [BASELINE, *DEPTHS],
            "repeats": REPEATS,
            "source_models": SOURCE_MODELS,
        }
        for number, (source, target) in enumerate(STUDIES.values())
    }
    config["studies"][REGRESSION] = {
        "source": f"{REGRESSION}-1",
        "target": f"{REGRESSION}-2",
        "variants": [BASELINE, *DEPTHS],
        "repeats": 2,
        "source_models": SOURCE_MODELS,
        "target_sizes": [size if size == "all" else int(size) for size in SIZES],
        "metric": list(ERRORS),
        "margin": 0.1,
    }
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(config, sort_keys=False)
    (folder / "config.yaml").write_text(text, encoding="utf-8")


def train(folder: Path) -> None:
    """Run the workflow as far as the scores."""
    snakemake = Path(sys.executable).with_name("snakemake")
    subprocess.run(
        [
            *(snakemake, "scores", "--cores", str(os.cpu_count()), "--quiet", "rules"),
            *("--snakefile", ROOT / "Snakefile", "--directory", folder),
        ],
        check=True,
    )


def right_answers(folder: Path) -> dict[str, np.ndarray]:
    """Return the scores of all studies, by study and variant.

    Those of depths are `[source models, repeats]`; standalone's are in one row, first
    the first repeat of every source model.
    """
    found = {}
    for number, study in enumerate(STUDIES):
        table = pd.read_csv(folder / f"results/study-{number}/scores.csv")
        for variant, rows in table.groupby("variant"):
            of_all = rows.pivot(index="source_model", columns="repeat")["test_accuracy"]
            right = np.rint(ROWS * of_all.to_numpy()).astype(np.uint16)
            if variant == BASELINE:
                right = right.T.ravel()
            found[f"{study}/{variant}"] = right
    return found


def errors(folder: Path) -> dict[str, np.ndarray]:
    """Return a regression's errors, by metric, size and variant; the constant's.

    Those of depths are `[source models, repeats]`; standalone's are in one row.
    """
    found = {}
    results = folder / f"results/{REGRESSION}"
    table = pd.read_csv(results / "scores.csv", dtype={"target_size": str})
    with np.load(results / "histories.npz") as histories:
        for metric in ERRORS:
            found[f"{metric}/constant"] = histories[f"constant/{metric}"]
    for (size, variant), rows in table.groupby(["target_size", "variant"]):
        for metric in ERRORS:
            of_all = rows.pivot(
                index="source_model", columns="repeat", values=f"test_{metric}"
            )
            units = 10_000 * of_all.to_numpy() / found[f"{metric}/constant"]
            units = np.rint(units).astype(np.uint16)
            if variant == BASELINE:
                units = units.ravel()
            found[f"{metric}/{size}/{variant}"] = units
    return found


def main() -> None:
    """Train what is missing, and write the scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    write_config(args.folder)
    train(args.folder)
    np.savez_compressed(REAL_SCORES, **right_answers(args.folder))
    np.savez_compressed(REAL_ERRORS, **errors(args.folder))


if __name__ == "__main__":
    main()
