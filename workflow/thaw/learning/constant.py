"""What no network at all reaches: the best prediction that is the same for all rows."""

import numpy as np

from thaw.data.problem import Problem
from thaw.learning.history import Constant


def constant_prediction(problem: Problem) -> Constant:
    """Return what the best prediction that is the same for all rows reaches."""
    train = np.bincount(problem.train_y, minlength=problem.classes)
    test = np.bincount(problem.test_y, minlength=problem.classes)
    shares = test / test.sum()
    there = test > 0
    with np.errstate(divide="ignore"):  # a class that the train set lacks
        loss = -(shares[there] * np.log(train[there] / train.sum())).sum()
    return Constant(
        test_accuracy=float(shares[train.argmax()]),
        test_loss=float(loss),
        test_balanced_accuracy=float(there[train.argmax()] / there.sum()),
    )
