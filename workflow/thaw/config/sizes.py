"""Sizes of jobs, and the memory and time that they take.

These are upper limits for schedulers of clusters, not forecasts: a job that takes more
is killed; one that takes less only loses its place in the queue.
"""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from thaw.config.checkpoints import weight_files
from thaw.config.extents import Extent
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

# So many classes, at most, count for the memory that predictions take.
SOME_PREDICTED = 10

# The speed of the slowest machine: multiplications a second on one core. Large
# matrices are ten times as fast; small ones pay for each step, of all networks that
# learn together.
MULTIPLICATIONS_A_SECOND = 3e8
STEPS_A_SECOND = 2e3

# A module's size is known only when it is built, so some size is assumed; the
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

# An estimator's model beside the data: a forest of trees, each with all of its rows.
ESTIMATOR_MEGABYTES = 500
# The time of a fit on the slowest machine: a gradient boosting of 100 rounds needs some
# microseconds for each number of its rows.
SECONDS_A_FIT = 1
SECONDS_A_NUMBER = 1e-4

# How long a job of modules should be, on a machine that is so many times as fast as the
# slowest.
MINUTES_A_JOB = 3
USUAL_SPEED = 5
MOST_IN_A_JOB = 30

# Scores without training fit linear models to what the last hidden layer passes on. At
# each target size, that takes less than so many epochs of training.
EPOCHS_TO_SCORE = 10

# The least that is asked for: imports from a slow network file system take time, too.
LEAST_MINUTES = 10


class Size(NamedTuple):
    """The size of a job of fully connected networks.

    `widths` are those of one network's layers, from input to output.
    """

    networks: int
    widths: list[int]
    rows: int
    epochs: int
    batch_size: int

    @property
    def megabytes(self) -> int:
        """The memory, in MB, that the job may take."""
        # Networks whose activations fit a core's cache train together; a larger one
        # trains alone.
        widest = max(self.widths)
        activations = max(CACHED_NUMBERS, self.rows * widest) * len(self.widths)
        histories = self.networks * (self.epochs + 1) * 4
        weights = self.networks * weights_between(self.widths)
        # Classes that are not counted yet are taken for many; a job that needs more
        # than this is tried again with more.
        predictions = self.networks * self.rows * min(self.widths[-1], SOME_PREDICTED)
        numbers = weights + activations + histories + predictions / 2
        return BASE_MEGABYTES + math.ceil(COPIES * BYTES * numbers / 1e6)

    @property
    def minutes(self) -> int:
        """The time, in minutes, that the job may take."""
        # Forward, backward and the step, each a product with every weight.
        weights = weights_between(self.widths)
        products = 3 * self.networks * self.epochs * self.rows * weights
        together = math.ceil(self.networks / at_once(self.rows, max(self.widths)))
        steps = self.epochs * math.ceil(self.rows / self.batch_size) * together
        seconds = products / MULTIPLICATIONS_A_SECOND + steps / STEPS_A_SECOND
        return LEAST_MINUTES + math.ceil(seconds / 60)

    @property
    def networks_a_job(self) -> Literal["auto"]:
        """The number of networks that a job should train: see `thaw.output.tiles`."""
        return "auto"


class UnseenSize(NamedTuple):
    """The size of a job with user-supplied networks, as far as it is known.

    `weights` are those of one network.
    """

    networks: int
    weights: int
    features: int
    rows: int
    epochs: int
    batch_size: int

    @property
    def megabytes(self) -> int:
        """The memory, in MB, that the job may take."""
        passing = max(self.batch_size, ROWS_ASKED) * self.features * NUMBERS_A_FEATURE
        # One network learns at a time; the source models of all are in memory.
        weights = (self.networks + COPIES) * self.weights
        numbers = weights + passing + 3 * self.rows * self.features + MOST_KEPT
        return BASE_MEGABYTES + math.ceil(BYTES * numbers / 1e6)

    @property
    def minutes(self) -> int:
        """The time, in minutes, that the job may take."""
        seconds = self.networks * self._seconds_a_network(MOST_PRODUCTS)
        return LEAST_MINUTES + math.ceil(seconds / 60)

    @property
    def networks_a_job(self) -> int:
        """The number of networks that take some minutes.

        It follows from the settings alone, because the ends of jobs stand in paths.
        """
        seconds = self._seconds_a_network(USUAL_PRODUCTS) / USUAL_SPEED
        return min(MOST_IN_A_JOB, max(1, int(60 * MINUTES_A_JOB / seconds)))

    def _seconds_a_network(self, products_a_feature: int) -> float:
        products = 3 * self.epochs * self.rows * self.features * products_a_feature
        steps = self.epochs * math.ceil(self.rows / self.batch_size)
        return products / CONVOLVED_A_SECOND + steps / STEPS_A_SECOND


class EstimatorSize(NamedTuple):
    """The size of an estimator's job: the numbers that it loads, and those of a fit."""

    fits: int
    loaded: int
    learned: int

    @property
    def megabytes(self) -> int:
        """The memory, in MB, that the job may take."""
        # Estimators compute with float64.
        data = 2 * COPIES * BYTES * self.loaded / 1e6
        return BASE_MEGABYTES + ESTIMATOR_MEGABYTES + math.ceil(data)

    @property
    def minutes(self) -> int:
        """The time, in minutes, that the job may take."""
        seconds = self.fits * (SECONDS_A_FIT + SECONDS_A_NUMBER * self.learned)
        return LEAST_MINUTES + math.ceil(seconds / 60)


# The size of a job that this machine would not run: the job says so at once (see
# `thaw.keys.check`).
UNKNOWN = Size(networks=1, widths=[1, 1], rows=1, epochs=1, batch_size=1)


def size_of(
    widths: list[int] | None,
    files: Sequence[str],
    networks: int,
    problem: Extent,
    epochs: int,
    batch_size: int,
) -> Size | UnseenSize:
    """Return the size of a job.

    `widths` are those of a network's layers, where they are known (see
    `thaw.config.network`), and `files` those with the weights of source models.
    """
    if widths:
        return Size(networks, widths, problem.rows, epochs, batch_size)
    held = [
        sum(part.stat().st_size for part in weight_files(Path(file))) // BYTES
        for file in files
    ]
    weights = max(held, default=SOME_WEIGHTS)
    rows, features = problem.rows, problem.features
    return UnseenSize(networks, weights, features, rows, epochs, batch_size)


def weights_between(widths: Sequence[int]) -> int:
    """Return how many weights, biases included, connect layers of these widths."""
    return sum((before + 1) * after for before, after in itertools.pairwise(widths))


def megabytes_to_read(rows: int, features: int) -> int:
    """Return the memory, in MB, that making a problem of this size may take."""
    return BASE_MEGABYTES + math.ceil(BYTES_READ * rows * features / 1e6)
