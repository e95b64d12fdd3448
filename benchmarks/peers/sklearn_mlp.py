"""scikit-learn's `MLPClassifier`, with settings as near to the task's as possible.

It draws initial weights and biases in its own way (Glorot uniform) and computes no
scores after an epoch, only the running loss.
"""

import warnings

import common
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier


def fit(task: common.Task, data: common.Data, repeat: int) -> float:
    """Train one network; return its test accuracy."""
    network = MLPClassifier(
        hidden_layer_sizes=task.hidden,
        activation="relu",
        solver="sgd",
        alpha=0,
        batch_size=task.batch_size,
        learning_rate_init=task.learning_rate,
        momentum=0,
        max_iter=task.epochs,
        n_iter_no_change=task.epochs + 1,  # never stop early
        random_state=repeat,
    )
    network.fit(data.train_x, data.train_y)
    return network.score(data.test_x, data.test_y)


def train(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy."""
    return sum(fit(task, data, repeat) for repeat in range(task.repeats)) / task.repeats


if __name__ == "__main__":
    warnings.simplefilter("ignore", ConvergenceWarning)
    common.time_runs(train)
