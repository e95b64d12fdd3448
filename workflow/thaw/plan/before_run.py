"""Checks before a run: obstacles to it."""

import tempfile
from pathlib import Path

from thaw.errors import ThawError


def refuse_read_only(folder: Path) -> None:
    """Raise `ThawError` if a folder is not writable.

    Snakemake would fail with a traceback when the first job begins.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ThawError(f"{folder} cannot be written: {error.strerror}") from error
