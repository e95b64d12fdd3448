"""Torchvision's ResNet-18, trained by Thaw: an epoch on images of 64 by 64 points.

It takes the number of images to learn from and the number of frozen groups, and prints
the CPU seconds of an epoch and of a look at as many images.
"""

import sys
import time

import numpy as np
import torch
from torchvision.models import resnet18

from thaw.data.problem import Problem
from thaw.learning.learner import Phase
from thaw.learning.module import ModuleNetwork
from thaw.learning.seeds import FIRST
from thaw.learning.settings import Training
from thaw.learning.training import fix_rounding

GROUPS = ("conv1|bn1", "layer1", "layer2", "layer3", "layer4", "fc")
SIDE = 64


def main(images: int, frozen: int) -> None:
    """Learn an epoch; print its CPU time."""
    fix_rounding()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(images, 3 * SIDE * SIDE)).astype(np.float32)
    y = np.arange(images) % 10
    network = ModuleNetwork(lambda: resnet18(num_classes=10), GROUPS, (3, SIDE, SIDE))
    start = network.draw(GROUPS, FIRST)
    problem = Problem(x, y, x, y, np.arange(images), 10)
    training = Training(1, 32, 0.01)
    learner = network.learner(start, problem, training, Phase(GROUPS[:frozen]))
    times = [time.process_time()]
    learner.epoch(torch.arange(images)[None])
    times.append(time.process_time())
    learner.outputs("test")
    times.append(time.process_time())
    print(f"{times[1] - times[0]:.1f} {times[2] - times[1]:.1f}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
