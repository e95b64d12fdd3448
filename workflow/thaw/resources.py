"""What a job that trains takes: memory and time, from the sizes of what it trains.

They are upper limits for schedulers of clusters, not forecasts: a job that takes more
is killed, one that takes less loses nothing but its place in the queue.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

# Python, torch and what they allocate before there is any data: 390 MB were measured.
BASE_MEGABYTES = 600

# While a problem is made, a number of its table stands in memory as read, encoded and
# scaled: 40 to 50 bytes were measured, with 100,000 rows of 100 features.
BYTES_READ = 80

# Numbers are float32. Of each weight there are its value, its start, its gradient and
# what is written; of each activation about as many at once.
COPIES = 4
BYTES = 4

# What the slowest machine learns from: multiplications a second on one core. Large
# matrices are ten times as fast; many small ones pay for each step.
MULTIPLICATIONS_A_SECOND = 3e8
STEPS_A_SECOND = 2e3

# The least that is asked for: imports from a slow network file system take time, too.
LEAST_MINUTES = 10


class Size(NamedTuple):
    """How large a job is: its networks, their widths from input to output, the data."""

    networks: int
    widths: list[int]
    rows: int
    epochs: int
    batch_size: int

    @property
    def weights(self) -> int:
        """How many weights a network has, biases included."""
        return weights_between(self.widths)


# A job that this machine would not run: it says so at once (see `thaw.keys.check`).
UNKNOWN = Size(networks=1, widths=[1, 1], rows=1, epochs=1, batch_size=1)


def weights_between(widths: Sequence[int]) -> int:
    """Return how many weights, biases included, connect layers of these widths."""
    return sum((before + 1) * after for before, after in itertools.pairwise(widths))


def megabytes(size: Size) -> int:
    """Return the memory, in MB, that a job of this size may take."""
    # Networks whose activations fit a core's cache train together; a larger one alone.
    activations = max(2**18, size.rows * max(size.widths)) * len(size.widths)
    histories = size.networks * (size.epochs + 1) * 4
    numbers = size.networks * size.weights + activations + histories
    return BASE_MEGABYTES + math.ceil(COPIES * BYTES * numbers / 1e6)


def megabytes_to_read(rows: int, features: int) -> int:
    """Return the memory, in MB, that making a problem of this size may take."""
    return BASE_MEGABYTES + math.ceil(BYTES_READ * rows * features / 1e6)


def minutes(size: Size) -> int:
    """Return the time, in minutes, that a job of this size may take."""
    # Forward, backward and the step, each a product with every weight.
    products = 3 * size.networks * size.epochs * size.rows * size.weights
    steps = size.epochs * math.ceil(size.rows / size.batch_size) * size.networks
    seconds = products / MULTIPLICATIONS_A_SECOND + steps / STEPS_A_SECOND
    return LEAST_MINUTES + math.ceil(seconds / 60)
