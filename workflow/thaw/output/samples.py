"""The scores of a study's variants, as samples."""

from collections.abc import Sequence

import numpy as np

from thaw.findings.samples import Sample
from thaw.output.histories import Histories


def read_samples(
    histories: Histories, variants: Sequence[str], metric: str = "test_accuracy"
) -> dict[str, Sample]:
    """Return each variant's scores after the last epoch as a sample, in that order.

    A network whose test loss is not finite failed.
    """
    return {
        variant: Sample(
            histories.final(variant, metric),
            histories.source_models(variant),
            ~np.isfinite(histories.final(variant, "test_loss")),
        )
        for variant in variants
    }
