"""Plain PyTorch: one `nn.Sequential` after the other, `torch.optim.SGD`, autograd."""

import common
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy


def draw(task: common.Task) -> nn.Sequential:
    """Return a fresh network."""
    layers = []
    for shape, limit in zip(task.shapes, common.initial_limits(task), strict=True):
        linear = nn.Linear(*shape)
        nn.init.uniform_(linear.weight, -limit, limit)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


@torch.no_grad()
def evaluate(network: nn.Sequential, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Return accuracy and loss."""
    logits = network(x)
    correct = (logits.argmax(1) == y).float().mean()
    return correct.item(), cross_entropy(logits, y).item()


def fit(task: common.Task, data: list[Tensor]) -> float:
    """Train one network; return its test accuracy."""
    train_x, train_y, test_x, test_y = data
    network = draw(task)
    optimizer = torch.optim.SGD(network.parameters(), lr=task.learning_rate)
    history = []
    for _ in range(task.epochs):
        for rows in torch.randperm(len(train_x)).split(task.batch_size):
            optimizer.zero_grad()
            cross_entropy(network(train_x[rows]), train_y[rows]).backward()
            optimizer.step()
        scores = evaluate(network, train_x, train_y)
        history.append((*scores, *evaluate(network, test_x, test_y)))
    return history[-1][2]


def train(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy."""
    tensors = [torch.from_numpy(array) for array in data]
    return sum(fit(task, tensors) for _ in range(task.repeats)) / task.repeats


if __name__ == "__main__":
    torch.set_num_threads(1)
    common.time_runs(train)
