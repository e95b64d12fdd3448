"""Settings of training and variants, with their defaults.

The defaults stand only here. The config's models take them from here, and recipes leave
them out; a changed default changes the keys because this module is in their closure. It
does not import torch, so that reading a config is quick.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

# Two ways to set how long networks learn; a config that sets one replaces the other.
BUDGETS = ("epochs", "steps")

# What a variant freezes if only norm layers learn, and what is drawn anew.
ALL_BUT_NORM_LAYERS: Final = "all but norm layers"


class Training(NamedTuple):
    """The training of a network; the config's reference page explains each setting.

    Either `epochs` or `steps` is set. With several learning rates each network keeps
    the one that is best on rows held out of its own train rows, a share of
    `validation_size`. A learner gets one rate, or one for each network, as `steps` all
    that it will take in a phase, and as `class_weight` None or an array
    `[R or 1, classes]`. Only modules have a `device` other than the CPU.
    """

    epochs: int | None
    batch_size: int
    learning_rate: Any
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    steps: int | None = None
    validation_size: float | None = None
    keep: Literal["last", "best"] = "last"
    device: Literal["cpu", "cuda", "auto"] = "cpu"
    class_weight: Any = None
    schedule: Literal["constant", "cosine"] = "constant"
    warmup: int = 0

    @property
    def rates(self) -> Sequence[float]:
        """The learning rates to choose from."""
        several = isinstance(self.learning_rate, Sequence)
        return self.learning_rate if several else [self.learning_rate]

    def rate_factor(self, step: int) -> float:
        """Return by what the rate is multiplied in a step of a phase, from 0.

        With a warm-up of W steps it rises evenly: PyTorch's `LinearLR` from 1 / (W + 1)
        on. Then may follow `CosineAnnealingLR` over the rest of all steps.
        """
        if step < self.warmup:
            return (step + 1) / (self.warmup + 1)
        step -= self.warmup
        if self.schedule == "cosine":
            assert self.steps is not None  # the loop has counted them
            return (1 + math.cos(math.pi * step / (self.steps - self.warmup))) / 2
        return 1.0


class Variant(NamedTuple):
    """A variant as the config describes it.

    Layers are hidden layers by number from 1, and `"output"`.

    pretrained: start from a source model (otherwise every layer is fresh).
    freeze: what does not learn: so many hidden layers from the first, these layers in
    order, or `ALL_BUT_NORM_LAYERS`.
    fresh: the layers drawn anew.
    add: widths of fresh hidden layers between the source model's and the output.
    rate_factors: what a layer's learning rate is multiplied by, by layer as text.
    phases: what replaces `freeze` (0 if left out) and the `learning_rate` (the
    training's if left out) for so many `epochs`, one phase after the other.
    towards: how strongly inherited weights are drawn to where they started.
    inherit: `output` keeps the source models' output where its classes have other
    names.
    """

    pretrained: bool = True
    freeze: int | Sequence[int | Literal["output"]] | str = 0
    fresh: Sequence[int | Literal["output"]] = ()
    add: Sequence[int] = ()
    rate_factors: Mapping[str, float] = {}
    phases: Sequence[Mapping[str, Any]] = ()
    towards: float = 0.0
    inherit: Literal["output"] | None = None
