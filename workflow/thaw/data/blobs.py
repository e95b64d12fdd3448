"""Generated problems: scikit-learn's blobs."""

from collections.abc import Mapping

import numpy as np
from sklearn.datasets import make_blobs

from thaw.data.problem import Problem


def make_problem(settings: Mapping) -> Problem:
    """Generate the problem that the config describes.

    The first `train_size` rows are the train set, the rest the test set, in the order
    in which scikit-learn generates them; features are not scaled.
    """
    x, y = make_blobs(**settings["make_blobs"])
    x, y = x.astype(np.float32), y.astype(np.int64)
    size = settings["train_size"]
    classes = settings["make_blobs"]["centers"]
    return Problem(x[:size], y[:size], x[size:], y[size:], classes)
