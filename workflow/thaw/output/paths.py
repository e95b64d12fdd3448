"""Where results lie below `results/`, and how jobs share them out."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

# The files of a job that trains: scores, histories, and weights where they are kept.
SUFFIXES = (".csv", ".history.npz", ".safetensors")


def problem_file(name: str, key: str) -> str:
    """Return the file of a problem, below `results/`."""
    return f"problems/{name}-{key}.npz"


def models_begin(source: str, key: str) -> str:
    """Return how the paths of source models begin, below `results/`.

    A job's numbers and a suffix follow.
    """
    return f"source-models/{source}-{key}/models-"


def repeats_begin(target: str, arm: str, key: str) -> str:
    """Return how the paths of an arm's repeats begin, as `models_begin`."""
    return f"repeats/{target}/{arm}-{key}/repeats-"


# How many repeats a job trains, or that Thaw chooses.
JobSize = int | Literal["auto"]

# Where the first jobs end with `repeats_per_job: auto`; later ones are as large as the
# last of these. Starting Python and PyTorch costs as much as some 200 fits of the
# textbook's network, so jobs grow until that no longer matters.
AUTOMATIC_ENDS = (30, 100, 300, 1_000, 3_000)


class Job(NamedTuple):
    """A job trains the repeats, or the source models, `first` to `last` (included)."""

    first: int
    last: int

    @property
    def numbers(self) -> range:
        """The numbers of what the job trains."""
        return range(self.first, self.last + 1)

    @property
    def stem(self) -> str:
        """The two numbers as they stand in the names of the job's files."""
        return f"{self.first:02d}-{self.last:02d}"


def jobs(repeats: int, repeats_per_job: JobSize) -> Iterator[Job]:
    """Yield the jobs that train `repeats` repeats, or so many source models.

    With `"auto"` jobs end at 30, 100, 300, 1,000 and 3,000 repeats, and then after
    every 3,000 more. However many repeats are added, at most the last job, cut short by
    the end, is not the same.
    """
    ends: Iterable[int]
    if repeats_per_job == "auto":
        *growing, largest = AUTOMATIC_ENDS
        ends = itertools.chain(growing, itertools.count(largest, largest))
    else:
        ends = itertools.count(repeats_per_job, repeats_per_job)
    first = 0
    for end in ends:
        yield Job(first, min(end, repeats) - 1)
        if end >= repeats:
            return
        first = end
