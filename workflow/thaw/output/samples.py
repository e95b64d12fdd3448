"""The scores of a study's variants, as samples."""

from collections.abc import Sequence

import numpy as np

from thaw.findings.arms import Arm, TargetSize
from thaw.findings.metrics import Metric
from thaw.findings.samples import Sample
from thaw.output.histories import Histories


def read_samples(
    histories: Histories,
    variants: Sequence[str],
    size: TargetSize,
    metric: Metric,
) -> dict[str, Sample]:
    """Return each variant's scores after the last epoch as a sample, in that order.

    They are those of repeats that learned from so many train rows. The score of a
    network that failed is that of the best constant prediction.
    """
    return {
        variant: _read(histories, Arm(variant, size).name, metric)
        for variant in variants
    }


def _read(histories: Histories, arm: str, metric: Metric) -> Sample:
    failed = histories.failed(arm)
    constant = getattr(histories.constant(arm), metric.score)
    values = np.where(failed, constant, histories.score(arm, metric.score))
    models = histories.source_models(arm)
    return Sample(values, models, failed, metric.lower_is_better)
