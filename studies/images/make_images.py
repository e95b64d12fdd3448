"""Write scikit-learn's handwritten digits as images, a folder for each class.

    python make_images.py FOLDER

The digits 0 to 4 come below FOLDER/low, 5 to 9 below FOLDER/high.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


def main() -> None:
    """Write the images."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    digits = load_digits()
    for number, (image, digit) in enumerate(
        zip(digits.images, digits.target, strict=True)
    ):
        place = folder / ("low" if digit < 5 else "high") / str(digit)
        place.mkdir(parents=True, exist_ok=True)
        points = (image / 16 * 255).astype(np.uint8)  # ink counts from 0 to 16
        Image.fromarray(points).save(place / f"{number:04}.png")


if __name__ == "__main__":
    main()
