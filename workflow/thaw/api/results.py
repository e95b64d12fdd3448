"""The results of a study as data frames, for notebooks and scripts."""

from pathlib import Path


class Results:
    """The results of a study, in its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
