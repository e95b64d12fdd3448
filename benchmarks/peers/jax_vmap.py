"""Hand-written JAX: one repeat as a scan over epochs and batches, `vmap` over repeats.

All of it is one compiled program, so the first run is cold: it includes compiling. Two
choices halve the time: data points are columns, and NumPy draws the batch orders
(`jax.random.permutation` sorts).
"""

import functools

import common
import jax
import numpy as np
from jax import Array, lax
from jax import numpy as jnp

SEED = 1

# Weights `[out, in]` and biases `[out, 1]`, the output layer last.
Network = list[tuple[Array, Array]]


def logits(network: Network, x: Array) -> Array:
    """Return the logits `[classes, rows]` for x `[features, rows]`."""
    *hidden, (output, output_bias) = network
    for weight, bias in hidden:
        x = jax.nn.relu(weight @ x + bias)
    return output @ x + output_bias


def loss(network: Network, x: Array, y: Array) -> Array:
    """Return the mean cross-entropy."""
    chances = jax.nn.log_softmax(logits(network, x), axis=0)
    return -jnp.take_along_axis(chances, y[None], axis=0).mean()


def accuracy(network: Network, x: Array, y: Array) -> Array:
    """Return the share of rows whose class is right."""
    return (logits(network, x).argmax(0) == y).mean()


def draw(task: common.Task, key: Array) -> Network:
    """Return a fresh network."""
    network = []
    for number, ((fan_in, fan_out), limit) in enumerate(
        zip(task.shapes, common.initial_limits(task), strict=True)
    ):
        weight = jax.random.uniform(
            jax.random.fold_in(key, number), (fan_out, fan_in), float, -limit, limit
        )
        network.append((weight, jnp.zeros((fan_out, 1))))
    return network


def fit(
    task: common.Task, data: common.Data, key: Array, orders: Array
) -> tuple[Network, tuple]:
    """Train one repeat; return its network and its history."""
    train_x, test_x = data.train_x.T, data.test_x.T
    rows = len(data.train_x)
    whole = rows // task.batch_size * task.batch_size

    def step(network: Network, batch: tuple[Array, Array]) -> tuple[Network, None]:
        gradient = jax.grad(loss)(network, *batch)
        moved = jax.tree.map(
            lambda weight, slope: weight - task.learning_rate * slope, network, gradient
        )
        return moved, None

    def epoch(network: Network, order: Array) -> tuple[Network, tuple]:
        x, y = train_x[:, order], data.train_y[order]
        batches = (
            x[:, :whole].reshape(task.features, -1, task.batch_size).swapaxes(0, 1),
            y[:whole].reshape(-1, task.batch_size),
        )
        network, _ = lax.scan(step, network, batches)
        if whole < rows:
            network, _ = step(network, (x[:, whole:], y[whole:]))
        return network, (
            accuracy(network, train_x, data.train_y),
            loss(network, train_x, data.train_y),
            accuracy(network, test_x, data.test_y),
            loss(network, test_x, data.test_y),
        )

    return lax.scan(epoch, draw(task, key), orders)


@functools.partial(jax.jit, static_argnums=0)
def fit_all(
    task: common.Task, data: common.Data, keys: Array, orders: Array
) -> tuple[Network, tuple]:
    """Train a repeat for each key and its orders, `[repeats, epochs, rows]`."""
    return jax.vmap(functools.partial(fit, task, data))(keys, orders)


def train(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy."""
    keys = jax.random.split(jax.random.key(SEED), task.repeats)
    unshuffled = np.arange(len(data.train_x), dtype=np.int32)
    orders = np.tile(unshuffled, (task.repeats, task.epochs, 1))
    np.random.default_rng(SEED).permuted(orders, axis=2, out=orders)
    _, history = jax.block_until_ready(fit_all(task, data, keys, orders))
    return history[2][:, -1].mean().item()


if __name__ == "__main__":
    jax.devices()  # starts JAX, which is not part of the first run
    common.time_runs(train, warm_up=False)
