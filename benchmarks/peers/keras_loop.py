"""Keras: one `Sequential` after the other. KERAS_BACKEND chooses the backend."""

import common
import keras
from keras import layers

HIDDEN = {"activation": "relu", "kernel_initializer": "he_uniform"}


def fit(task: common.Task, data: common.Data) -> float:
    """Train one network; return its test accuracy."""
    *hidden, (_, classes) = task.shapes
    network = keras.Sequential(
        [
            keras.Input((task.features,)),
            *(layers.Dense(width, **HIDDEN) for _, width in hidden),
            layers.Dense(classes),
        ]
    )
    network.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        optimizer=keras.optimizers.SGD(learning_rate=task.learning_rate),
        metrics=["accuracy"],
    )
    history = network.fit(
        data.train_x,
        data.train_y,
        batch_size=task.batch_size,
        epochs=task.epochs,
        validation_data=(data.test_x, data.test_y),
        verbose=0,
    ).history
    return history["val_accuracy"][-1]


def train(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy."""
    return sum(fit(task, data) for _ in range(task.repeats)) / task.repeats


if __name__ == "__main__":
    common.time_runs(train)
