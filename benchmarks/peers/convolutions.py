"""A small convolutional network, trained by Thaw, by a plain loop or by skorch.

It takes which of them (`thaw`, `loop` or `skorch`), how many groups are frozen, for how
many epochs and how often, and prints one line of JSON: the CPU seconds of each
training, and the digest of the last weights.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

SIDE, CLASSES = 16, 10
TRAIN, TEST = 1_000, 500
BATCH_SIZE, LEARNING_RATE, MOMENTUM = 32, 0.05, 0.9
# The convolutions, each with what follows it, and the output.
GROUPS = ("0", "2", "5", "8", "12")

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Train = Callable[[], Mapping[str, Tensor]]


def network() -> nn.Sequential:
    """Return the network."""
    return nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
        nn.Linear(64 * (SIDE // 8) ** 2, CLASSES),
    )


def make_data() -> Data:
    """Return noisy images of a bright spot, whose place is the class.

    Features `[rows, points]` and classes of the train rows, then of the test rows.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, TRAIN + TEST)
    x = rng.normal(size=(len(y), SIDE, SIDE))
    x[np.arange(len(y)), 3 + y, 12 - y] += 4
    x = x.reshape(len(y), -1).astype(np.float32)
    return x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:]


def by_thaw(data: Data, epochs: int, frozen: int) -> Train:
    """Return a function that trains one network and returns its weights."""
    from thaw.data.problem import Problem
    from thaw.learning.learner import Phase
    from thaw.learning.module import ModuleNetwork
    from thaw.learning.seeds import FIRST
    from thaw.learning.settings import Training
    from thaw.learning.training import learn, shuffled_orders

    problem = Problem(*data, np.arange(TRAIN, TRAIN + TEST), CLASSES)
    training = Training(epochs, BATCH_SIZE, LEARNING_RATE, momentum=MOMENTUM)
    kind = ModuleNetwork(network, GROUPS, (1, SIDE, SIDE))
    start = kind.draw(GROUPS, FIRST)

    def train() -> Mapping[str, Tensor]:
        learner = kind.learner(start, problem, training, Phase(GROUPS[:frozen]))
        learn(learner, problem, shuffled_orders(FIRST, TRAIN, epochs))
        return {name: values[0] for name, values in learner.state().items()}

    return train


def by_loop(data: Data, epochs: int, frozen: int) -> Train:
    """Return the same by the usual loop, from Thaw's initial weights, in its order."""
    from thaw.learning.module import ModuleNetwork
    from thaw.learning.seeds import FIRST
    from thaw.learning.training import shuffled_orders

    kind = ModuleNetwork(network, GROUPS, (1, SIDE, SIDE))
    start = {name: values[0] for name, values in kind.draw(GROUPS, FIRST).items()}
    train_x, train_y, test_x, test_y = map(torch.from_numpy, data)
    shape = (-1, 1, SIDE, SIDE)
    x, y = train_x.reshape(shape), train_y
    sets = [(x, y), (test_x.reshape(shape), test_y)]

    @torch.no_grad()
    def score(module: nn.Module) -> list[tuple[float, float]]:
        module.eval()
        scores = []
        for features, labels in sets:
            logits = module(features)
            right = (logits.argmax(1) == labels).float().mean()
            scores.append((right.item(), cross_entropy(logits, labels).item()))
        return scores

    def train() -> Mapping[str, Tensor]:
        module = network()
        module.load_state_dict(start)
        end = int(GROUPS[frozen])
        still, rest = module[:end], module[end:]
        still.requires_grad_(False)
        optimizer = torch.optim.SGD(rest.parameters(), LEARNING_RATE, MOMENTUM)
        score(module)
        for order in shuffled_orders(FIRST, TRAIN, epochs):
            module.train()
            still.eval()
            for rows in order[0].split(BATCH_SIZE):
                optimizer.zero_grad()
                cross_entropy(module(x[rows]), y[rows]).backward()
                optimizer.step()
            score(module)
        return module.state_dict()

    return train


def by_skorch(data: Data, epochs: int, frozen: int) -> Train:
    """Return the same by skorch, which draws initial weights and orders itself."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Freezer
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    train_x, train_y, test_x, test_y = data
    shape = (-1, 1, SIDE, SIDE)
    test = Dataset(test_x.reshape(shape), test_y)

    def train() -> Mapping[str, Tensor]:
        learner = NeuralNetClassifier(
            network,
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.SGD,
            optimizer__momentum=MOMENTUM,
            lr=LEARNING_RATE,
            max_epochs=epochs,
            batch_size=BATCH_SIZE,
            iterator_train__shuffle=True,
            train_split=predefined_split(test),
            callbacks=[Freezer([f"{group}.*" for group in GROUPS[:frozen]])],
            verbose=0,
        )
        learner.fit(train_x.reshape(shape), train_y)
        return learner.module_.state_dict()

    return train


KINDS = {"thaw": by_thaw, "loop": by_loop, "skorch": by_skorch}


def main(kind: str, frozen: str, epochs: str, runs: str) -> None:
    """Train once to warm up, then several times; print what it took."""
    torch.set_num_threads(1)
    train = KINDS[kind](make_data(), int(epochs), int(frozen))
    weights, seconds = train(), []
    for _ in range(int(runs)):
        start = time.process_time()
        weights = train()
        seconds.append(time.process_time() - start)
    digest = hashlib.blake2b()
    for name in sorted(weights):
        digest.update(weights[name].numpy().tobytes())
    print(json.dumps({"seconds": seconds, "weights": digest.hexdigest()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
