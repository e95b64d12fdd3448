"""Thaw tells whether transfer learning helps and how many layers to freeze.

`thaw.open("results/forward")` opens the results of a study, `thaw.compare` compares
scores that anyone made. The package knows nothing of Snakemake. `thaw.stages` has the
stages of a study, which also run alone from a shell: `python -m thaw.stages JOB`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from thaw.api.results import Results


# Every job imports this file, so imports that only notebooks need wait for a call.
def open(folder: str | Path) -> Results:
    """Open the results of a study, such as `results/forward`.

    Raises `ThawError` if there are none, or if a file does not match its record.
    """
    from thaw.api.results import Results

    return Results(Path(folder))


def compare(
    scores: pd.DataFrame | str | Path,
    output: str | Path | None = None,
    *,
    higher: bool,
    margin: float,
    bounds: tuple[float, float] | None = None,
    constant: float | None = None,
    baseline: str | None = None,
    paired: bool = False,
) -> Results:
    """Compare variants by scores that you already have, a row each, or by a CSV's.

    Columns are variant, repeat and score (empty or nan: the network failed); if there
    are any, source_model (empty: none) and target_size. `higher` says whether higher
    scores are better, `margin` is the smallest difference that matters. `bounds` are
    the least and the largest score, `constant` is that of the best constant prediction,
    if they are known. `baseline` is by default the first variant. Repeats of one name
    are compared with each other where they are `paired`. What is made is written to the
    folder `output`, by default a temporary one.

    Raises `ThawError` that names column and row if something is wrong with the scores,
    or if the folder holds something else.
    """
    from tempfile import mkdtemp

    from thaw.api.compare import Rules, compared

    folder = Path(output or Path(mkdtemp(prefix="thaw-"), "scores"))
    rules = Rules(higher, margin, bounds, constant, baseline, paired)
    options = [f"{key}={value!r}" for key, value in rules._asdict().items()]
    file = Path(scores) if isinstance(scores, str) else scores
    compared(file, folder, rules, f"thaw.compare(scores, {', '.join(options)})")
    return open(folder)
