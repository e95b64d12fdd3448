"""A small transformer for sequences of tokens, of which 0 is none."""

import torch
from torch import Tensor, nn


class Embedding(nn.Module):
    """A vector for each token, and for its place."""

    def __init__(self, vocabulary: int, length: int, width: int) -> None:
        """Build it for tokens below `vocabulary`, in rows of so many."""
        super().__init__()
        self.token = nn.Embedding(vocabulary, width)
        self.place = nn.Parameter(0.02 * torch.randn(length, width))

    def forward(self, x: Tensor) -> Tensor:
        """Return vectors `[rows, length, width]` for tokens `[rows, length]`."""
        return self.token(x) + self.place


class Transformer(nn.Module):
    """Two layers of attention, the mean over all tokens, and an output."""

    def __init__(
        self, vocabulary: int, shape: list[int], outputs: int, width: int = 16
    ) -> None:
        """Build it for rows of a shape: `[length]`."""
        super().__init__()
        self.embedding = Embedding(vocabulary, *shape, width)
        # Twice the same call: nn.TransformerEncoder would copy one layer's weights.
        self.layer1, self.layer2 = (
            nn.TransformerEncoderLayer(
                *(width, 4, 2 * width), dropout=0.0, batch_first=True, norm_first=True
            )
            for _ in range(2)
        )
        self.output = nn.Linear(width, outputs)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the outputs `[rows, outputs]` for tokens `[rows, length]`."""
        none = tokens == 0
        x = self.embedding(tokens)
        for layer in (self.layer1, self.layer2):
            x = layer(x, src_key_padding_mask=none)
        there = (~none)[..., None]
        mean = (x * there).sum(1) / there.sum(1).clamp(min=1)
        return self.output(mean)


def transformer(vocabulary: int, shape: list[int], outputs: int) -> nn.Module:
    """Return the network that the config names."""
    return Transformer(vocabulary, shape, outputs)
