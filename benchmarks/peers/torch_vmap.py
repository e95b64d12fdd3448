"""PyTorch's own way to train an ensemble: `torch.func.vmap` of a module's gradient."""

import common
import torch
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy
from torch_loop import draw


def train(task: common.Task, data: common.Data) -> float:
    """Train all repeats; return their mean test accuracy."""
    train_x, train_y, test_x, test_y = (torch.from_numpy(array) for array in data)
    networks = [draw(task) for _ in range(task.repeats)]
    weights, _ = stack_module_state(networks)
    weights = {name: weight.detach() for name, weight in weights.items()}

    def loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return cross_entropy(functional_call(networks[0], weights, (x,)), y)

    def scores(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> tuple:
        logits = functional_call(networks[0], weights, (x,))
        return (logits.argmax(1) == y).float().mean(), cross_entropy(logits, y)

    gradient = vmap(grad(loss))
    evaluate = vmap(scores, in_dims=(0, None, None))
    history = []
    for _ in range(task.epochs):
        order = torch.rand(task.repeats, len(train_x)).argsort(1)
        for rows in order.split(task.batch_size, dim=1):
            gradients = gradient(weights, train_x[rows], train_y[rows])
            for name, weight in weights.items():
                weight.sub_(gradients[name], alpha=task.learning_rate)
        of_train = evaluate(weights, train_x, train_y)
        history.append((*of_train, *evaluate(weights, test_x, test_y)))
    return history[-1][2].mean().item()


if __name__ == "__main__":
    torch.set_num_threads(1)
    with torch.no_grad():
        common.time_runs(train)
