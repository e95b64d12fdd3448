"""Write scikit-learn's handwritten digits, upright and turned.

    python make_digits.py upright.npz turned-30.npz turned-30-60.npz …

A file's name says by how many degrees its images are turned; with two numbers, its
train images by the first and its test images by the second. In every file the first
1,000 rows are to learn from, the other 797 to test on, and row for row the files show
the same digits: what a source model learns from is never tested, in whatever position.
"""

import sys
from pathlib import Path

import numpy as np
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

TRAIN = 1000


def turned(images: np.ndarray, degrees: int) -> np.ndarray:
    """Return images `[rows, 8, 8]` turned, with paper in the corners that come in."""
    return ndimage.rotate(images, degrees, axes=(-1, -2), reshape=False, order=1)


def main(*outputs: str) -> None:
    """Write a file for each name."""
    images, digits = load_digits().images, load_digits().target
    parts = train_test_split(
        np.arange(len(digits)), train_size=TRAIN, random_state=1, stratify=digits
    )
    for output in map(Path, outputs):
        degrees = [int(word) for word in output.stem.split("-")[1:]] or [0]
        angles = (degrees[0], degrees[-1])
        pixels = np.concatenate(
            [turned(images[rows], by) for rows, by in zip(parts, angles, strict=True)]
        )
        output.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            output, X=pixels.reshape(len(pixels), -1), y=digits[np.concatenate(parts)]
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
