"""A small convolutional network for images."""

from collections import OrderedDict

from torch import nn


def small_cnn(shape: list[int], num_classes: int) -> nn.Module:
    """Return two convolutions and an output, for images [channels, height, width]."""
    channels, height, width = shape
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(channels, 8, kernel_size=3, padding=1),
            relu1=nn.ReLU(),
            pool1=nn.MaxPool2d(2),
            conv2=nn.Conv2d(8, 16, kernel_size=3, padding=1),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            flat=nn.Flatten(),
            output=nn.Linear(16 * (height // 4) * (width // 4), num_classes),
        )
    )
