"""Images from a folder, a class a folder in it, read by Pillow."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thaw.data import MODES, shape_of
from thaw.data.tables import Table, numbered
from thaw.errors import ThawError, of_each, refuse
from thaw.keys import files_below

# What shows through transparent points.
WHITE = (255, 255, 255, 255)


def read_images(folder: Path, settings: Mapping[str, Any]) -> Table:
    """Read the images of a folder: a row each, by name, of the `classes` only.

    Rows are numbered by name among all images of the folder, from 1.
    Raises `ThawError` if there are none, or with each file that is no image.
    """
    names = files_below(folder)
    refuse(_misplaced(folder, names))
    wanted = {*map(str, settings.get("classes", []))}
    rows = {
        number: name
        for number, name in enumerate(names, 1)
        if not wanted or class_of(name) in wanted
    }
    shape = shape_of(settings)
    x = pixels([folder / name for name in rows.values()], shape)
    index = pd.Index([*rows])
    labels = pd.Series([*map(class_of, rows.values())], index, object, name="class")
    features = pd.DataFrame(x, index, numbered(x.shape[1]))
    return Table(features, labels, None, str(folder), named=False, files=names)


def class_of(name: str) -> str:
    """Return the class of an image: the first folder of its name."""
    return name.partition("/")[0]


def pixels(paths: Collection[Path], shape: Sequence[int]) -> np.ndarray:
    """Return images as float64 `[rows, features]`, from 0, black, to 1.

    shape: what each becomes, `[channels, height, width]`.
    Raises `ThawError` with each file that is no image.
    """
    rows = of_each(lambda path: _pixels(path, shape), paths)
    return np.array(rows).reshape(len(rows), -1)


def _misplaced(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """Yield which files lie in no class, and which classes hold no file."""
    layout = f"a class is a folder, as in {folder}/cats/1.png"
    for name in names:
        if "/" not in name:
            yield f"{folder / name}: it lies in no class's folder; {layout}"
    if not names:
        yield f"{folder}: it holds no images; {layout}"
        return
    classes = {*map(class_of, names)}
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path.name[0] != "." and path.name not in classes:
            yield f"{path}: this class holds no images; add some, or remove it"


def _pixels(path: Path, shape: Sequence[int]) -> np.ndarray:
    """Return an image as float64 `[channels, height, width]`."""
    from PIL import Image, ImageOps

    channels, height, width = shape
    # Over all points that one stands for, not only its neighbours.
    how = Image.Resampling.BILINEAR
    try:
        with Image.open(path) as opened:
            # As the camera was held. Of several frames, the first.
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I;16"):
                grey = np.asarray(image).astype(np.float32) / (2**16 - 1)
                scaled = Image.fromarray(grey).resize((width, height), how)
                return np.tile(np.asarray(scaled, np.float64), (channels, 1, 1))
            if image.mode in ("I", "F"):
                raise ValueError("its points are numbers of 32 bits; save 8 or 16 bits")
            if image.has_transparency_data:
                image = image.convert("RGBA")
                image = Image.alpha_composite(
                    Image.new("RGBA", image.size, WHITE), image
                )
            image = image.convert(MODES[channels])
            scaled = image.resize((width, height), how)
    except Exception as error:
        # Pillow lets through whatever its parts raise for a broken file.
        reason = " ".join(str(error).split()) or type(error).__name__
        if type(error).__name__ == "UnidentifiedImageError":
            reason = "it is of no format that Pillow knows"
        raise ThawError(
            f"{path}: cannot be read as an image: {reason}; correct or remove it"
        ) from None
    values = np.asarray(scaled, np.float64) / 255
    return values.reshape(height, width, channels).transpose(2, 0, 1)
