"""The budget of training: epochs or steps, and limits on memory.

Learners keep to these and planning reserves resources by them, so nothing here imports
PyTorch.
"""

from collections.abc import Sequence
from typing import NamedTuple

# The most numbers that one activation may hold for the whole train set, over networks
# that learn together. 1 MB of them stays in a core's cache, and the allocator reuses it
# instead of asking for new pages.
CACHED_NUMBERS = 2**18

# Rows that pass through a module at once outside training. Always the same number,
# because some kernels round differently in batches of another size.
ROWS_AT_ONCE = 256

# The most numbers kept of the outputs of a module's frozen parts, 1 GB.
MOST_KEPT = 2**28


def at_once(rows: int, widest: int) -> int:
    """Return how many fully connected networks fit into the cache together."""
    return max(1, CACHED_NUMBERS // (rows * widest))


class Budget(NamedTuple):
    """The number of epochs, and how many rows the last one sees.

    steps: those taken by the start and by the end of each epoch, `[epochs + 1]`.
    """

    epochs: int
    last_rows: int
    steps: Sequence[int]


def budget(epochs: int | None, steps: int | None, batch_size: int, rows: int) -> Budget:
    """Return the budget of networks that learn from so many rows.

    One of `epochs` and `steps` is set. The last epoch is cut after `steps`: a hundred
    epochs of 20 rows and of 500 differ, equal steps do not.
    """
    an_epoch = -(-rows // batch_size)
    total = steps or (epochs or 0) * an_epoch
    last = total - (total - 1) // an_epoch * an_epoch
    taken = [*range(0, total, an_epoch), total]
    return Budget(len(taken) - 1, min(rows, last * batch_size), taken)
