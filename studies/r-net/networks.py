"""R-Net, which refines where faces are, as the package facenet-pytorch builds it."""

from collections import OrderedDict

from torch import Tensor, nn


class Unrolled(nn.Module):
    """Unroll what the convolutions see column by column, as R-Net was trained."""

    def forward(self, x: Tensor) -> Tensor:
        """Return a row for each image."""
        return x.permute(0, 3, 2, 1).flatten(1)


def r_net(num_classes: int) -> nn.Module:
    """Return R-Net for images of 3 by 24 by 24 points, with an output for our classes.

    Parts are called as in the package, so that its weights find their place. Its two
    outputs are whether there is a face (dense5_1) and where; ours takes the place of
    the first.
    """
    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(3, 28, kernel_size=3),
            prelu1=nn.PReLU(28),
            pool1=nn.MaxPool2d(3, 2, ceil_mode=True),
            conv2=nn.Conv2d(28, 48, kernel_size=3),
            prelu2=nn.PReLU(48),
            pool2=nn.MaxPool2d(3, 2, ceil_mode=True),
            conv3=nn.Conv2d(48, 64, kernel_size=2),
            prelu3=nn.PReLU(64),
            unrolled=Unrolled(),
            dense4=nn.Linear(576, 128),
            prelu4=nn.PReLU(128),
            dense5_1=nn.Linear(128, num_classes),
        )
    )
