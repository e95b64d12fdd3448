"""Schedules of the learning rate, as those of `torch.optim.lr_scheduler`, by step."""

import math

from thaw.learning.settings import Training


def factor(training: Training, step: int) -> float:
    """Return by what the learning rate is multiplied in a step, the first one being 0.

    With a warm-up of W steps it rises evenly: `LinearLR` from 1 / (W + 1). Then follow
    `CosineAnnealingLR` over the rest of all steps, or `StepLR`.
    """
    if step < training.warmup:
        return (step + 1) / (training.warmup + 1)
    step -= training.warmup
    if training.schedule == "cosine":
        assert training.steps is not None  # the loop has counted them
        return (1 + math.cos(math.pi * step / (training.steps - training.warmup))) / 2
    if training.schedule == "step":
        return training.gamma ** (step // training.step_size)
    return 1.0
