"""The scores of a study's variants, as samples."""

from collections.abc import Sequence

import numpy as np

from thaw.arms import Arm, TargetSize
from thaw.findings.samples import Sample
from thaw.output.histories import Histories


def read_samples(
    histories: Histories,
    variants: Sequence[str],
    size: TargetSize = "all",
    metric: str = "test_accuracy",
) -> dict[str, Sample]:
    """Return each variant's scores after the last epoch as a sample, in that order.

    They are those of repeats that learned from so many train rows. The score of a
    network that failed is that of the best constant prediction.
    """
    return {
        variant: _read(histories, Arm(variant, size).name, metric)
        for variant in variants
    }


def _read(histories: Histories, arm: str, metric: str) -> Sample:
    failed = histories.failed(arm)
    constant = getattr(histories.constant(arm), metric)
    values = np.where(failed, constant, histories.final(arm, metric))
    return Sample(values, histories.source_models(arm), failed)
