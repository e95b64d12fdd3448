"""A small convolutional network for small images."""

from torch import nn


class SmallCNN(nn.Module):
    """Two blocks of convolutions between a stem and the output, one after the other."""

    def __init__(self, width: int, num_classes: int, shape: list[int]) -> None:
        """Build it for images of a shape: channels, height, width."""
        super().__init__()
        channels, height, across = shape
        self.stem = block(channels, width)
        self.layer1 = nn.Sequential(block(width, 2 * width), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(block(2 * width, 2 * width), nn.MaxPool2d(2))
        self.head = nn.Linear(2 * width * (height // 4) * (across // 4), num_classes)

    def forward(self, x):
        """Return the logits, `[rows, classes]`."""
        return self.head(self.layer2(self.layer1(self.stem(x))).flatten(1))


def block(before: int, after: int) -> nn.Module:
    """Return a convolution of 3 by 3 points with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(before, after, 3, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(),
    )


def small_cnn(width: int, num_classes: int, shape: list[int]) -> nn.Module:
    """Return the network that the config names."""
    return SmallCNN(width, num_classes, shape)
