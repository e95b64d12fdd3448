"""Thaw tells whether transfer learning helps and how many layers to freeze.

`thaw.open("results/forward")` opens the results of a study. The package knows nothing
of Snakemake. Each module in `thaw.stages` is one stage of a study and runs alone from a
shell: `python -m thaw.stages.train --help`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from thaw.api.results import Results


# Every job imports this file, so imports that only notebooks need wait for a call.
def open(folder: str | Path) -> Results:
    """Open the results of a study, such as `results/forward`.

    Raises `ThawError` if there are none, or if a file does not match its record.
    """
    from thaw.api.results import Results

    return Results(Path(folder))
