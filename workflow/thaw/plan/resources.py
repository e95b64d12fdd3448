"""What a job that trains takes: memory and time, from the sizes of what it trains.

They are upper limits for schedulers of clusters, not forecasts: a job that takes more
is killed, one that takes less loses nothing but its place in the queue.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from thaw.learning.budget import CACHED_NUMBERS, MOST_KEPT, ROWS_ASKED, at_once

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
# matrices are ten times as fast; small ones pay for each step, of all networks that
# learn together.
MULTIPLICATIONS_A_SECOND = 3e8
STEPS_A_SECOND = 2e3

# What a module weighs is known only when it is built, so some size is taken; the
# checkpoints that a study starts from tell better.
SOME_WEIGHTS = 12_000_000  # ResNet-18's
# While a module learns from a batch, or is asked about some rows, so many numbers stand
# in memory for each feature: ResNet-18 has 200 of an image of 64 by 64 points.
NUMBERS_A_FEATURE = 300
# Multiplications for each feature of a row: some 2,000 in a small convolutional network
# for images of 8 by 8 points, 12,000 in ResNet-18. Convolutions are fast.
USUAL_PRODUCTS = 5_000
MOST_PRODUCTS = 20_000
CONVOLVED_A_SECOND = 3e9

# How long a job of modules should be, on a machine that is so many times as fast as the
# slowest.
MINUTES_A_JOB = 3
USUAL_SPEED = 5
MOST_IN_A_JOB = 30

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


class ModuleSize(NamedTuple):
    """How large a job is whose networks are modules, and what it starts from."""

    networks: int
    weights: int
    features: int
    rows: int
    epochs: int
    batch_size: int


# A job that this machine would not run: it says so at once (see `thaw.keys.check`).
UNKNOWN = Size(networks=1, widths=[1, 1], rows=1, epochs=1, batch_size=1)


def weights_between(widths: Sequence[int]) -> int:
    """Return how many weights, biases included, connect layers of these widths."""
    return sum((before + 1) * after for before, after in itertools.pairwise(widths))


def megabytes(size: Size) -> int:
    """Return the memory, in MB, that a job of this size may take."""
    # Networks whose activations fit a core's cache train together; a larger one alone.
    widest = max(size.widths)
    activations = max(CACHED_NUMBERS, size.rows * widest) * len(size.widths)
    histories = size.networks * (size.epochs + 1) * 4
    numbers = size.networks * size.weights + activations + histories
    return BASE_MEGABYTES + math.ceil(COPIES * BYTES * numbers / 1e6)


def megabytes_of_modules(size: ModuleSize) -> int:
    """Return the memory, in MB, that a job of this size may take."""
    passing = max(size.batch_size, ROWS_ASKED) * size.features * NUMBERS_A_FEATURE
    # One learns at a time; the source models of all are there.
    weights = (size.networks + COPIES) * size.weights
    numbers = weights + passing + 3 * size.rows * size.features + MOST_KEPT
    return BASE_MEGABYTES + math.ceil(BYTES * numbers / 1e6)


def megabytes_to_read(rows: int, features: int) -> int:
    """Return the memory, in MB, that making a problem of this size may take."""
    return BASE_MEGABYTES + math.ceil(BYTES_READ * rows * features / 1e6)


def minutes(size: Size) -> int:
    """Return the time, in minutes, that a job of this size may take."""
    # Forward, backward and the step, each a product with every weight.
    products = 3 * size.networks * size.epochs * size.rows * size.weights
    together = math.ceil(size.networks / at_once(size.rows, max(size.widths)))
    steps = size.epochs * math.ceil(size.rows / size.batch_size) * together
    seconds = products / MULTIPLICATIONS_A_SECOND + steps / STEPS_A_SECOND
    return LEAST_MINUTES + math.ceil(seconds / 60)


def minutes_of_modules(size: ModuleSize) -> int:
    """Return the time, in minutes, that a job of this size may take."""
    seconds = size.networks * _seconds_a_module(size, MOST_PRODUCTS)
    return LEAST_MINUTES + math.ceil(seconds / 60)


def modules_a_job(size: ModuleSize) -> int:
    """Return how many networks of such a size are some minutes' work.

    It follows from the settings alone, for the ends of jobs stand in paths.
    """
    seconds = _seconds_a_module(size, USUAL_PRODUCTS) / USUAL_SPEED
    return min(MOST_IN_A_JOB, max(1, int(60 * MINUTES_A_JOB / seconds)))


def _seconds_a_module(size: ModuleSize, products_a_feature: int) -> float:
    products = 3 * size.epochs * size.rows * size.features * products_a_feature
    steps = size.epochs * math.ceil(size.rows / size.batch_size)
    return products / CONVOLVED_A_SECOND + steps / STEPS_A_SECOND
