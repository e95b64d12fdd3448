"""The histories of a variant, of which each training job wrote a part."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from thaw.jobs import Job
from thaw.scores import load_metric


def load_variant_metric(folder: Path, jobs: Iterable[Job], metric: str) -> np.ndarray:
    """Return a metric of all repeats of a variant, float32 `[repeats, epochs + 1]`.

    One metric at a time, for with very many repeats all four would fill the memory.
    """
    return np.concatenate(
        [
            load_metric(folder / f"{job.stem}.history.npz", job.repeats, metric)
            for job in jobs
        ]
    )
