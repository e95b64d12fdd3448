"""How the repeats of a variant are shared out among training jobs, and their files."""

from collections.abc import Iterator
from typing import Literal, NamedTuple

# With `repeats_per_job: auto`, the size of a job by the number of its first repeat. The
# sizes divide the bounds, so that no block crosses one.
AUTOMATIC_SIZES = {0: 1, 30: 30, 300: 100, 3_000: 1_000}


class Job(NamedTuple):
    """A training job: repeats `first` to `last` (included) of one variant."""

    first: int
    last: int

    @property
    def stem(self) -> str:
        """The name of the job's files without their suffix."""
        return f"repeats-{self.first:02d}-{self.last:02d}"

    @property
    def repeats(self) -> range:
        """The numbers of the job's repeats."""
        return range(self.first, self.last + 1)


def jobs(repeats: int, repeats_per_job: int | Literal["auto"]) -> Iterator[Job]:
    """Yield the jobs that train `repeats` repeats.

    With `"auto"` a job's size depends on the number of its first repeat alone: the
    first 30 repeats have a job each, later ones share ever larger jobs. However many
    repeats are added, at most the last job, cut short by the end, is not the same.
    """
    first = 0
    while first < repeats:
        size = repeats_per_job
        if size == "auto":
            size = next(
                size
                for bound, size in reversed(AUTOMATIC_SIZES.items())
                if first >= bound
            )
        yield Job(first, min(first + size, repeats) - 1)
        first += size
