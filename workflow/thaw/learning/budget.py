"""How long a network learns: in epochs, or in steps of gradient descent.

Twenty rows and five hundred are not the same hundred epochs; so many steps are. Where a
budget is in steps, the last epoch is cut after the last of them.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Budget(NamedTuple):
    """How many epochs there are, and how many rows the last one sees.

    steps: those taken by the start and by the end of each epoch, `[epochs + 1]`.
    """

    epochs: int
    last_rows: int
    steps: Sequence[int]


def budget(epochs: int | None, steps: int | None, batch_size: int, rows: int) -> Budget:
    """Return the budget of networks that learn from so many rows.

    One of `epochs` and `steps` is set.
    """
    an_epoch = -(-rows // batch_size)
    total = steps or (epochs or 0) * an_epoch
    last = total - (total - 1) // an_epoch * an_epoch
    taken = [*range(0, total, an_epoch), total]
    return Budget(len(taken) - 1, min(rows, last * batch_size), taken)
