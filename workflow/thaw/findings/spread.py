"""The spread of a variant's values, between and within source models."""

import numpy as np

from thaw.findings.samples import Sample


def variance_components(sample: Sample) -> tuple[float, float]:
    """Return the standard deviations between and within source models.

    Random-effects one-way analysis of variance, with unbalanced counts allowed and
    negative estimates set to 0 (Searle, Casella and McCulloch 1992, "Variance
    Components", section 3.6). With one source model, or none, the part between them
    cannot be estimated and is nan; with one repeat a source model neither part can.
    """
    if not sample.is_nested:
        within = sample.values.std(ddof=1) if len(sample.values) > 1 else np.nan
        return np.nan, float(within)
    counts = np.bincount(sample.unit_numbers)
    means = sample.unit_means()
    total, models = counts.sum(), len(counts)
    if total == models:
        return np.nan, np.nan
    squares_between = (counts * (means - sample.values.mean()) ** 2).sum()
    squares_within = ((sample.values - means[sample.unit_numbers]) ** 2).sum()
    mean_square_between = squares_between / (models - 1)
    mean_square_within = squares_within / (total - models)
    count = (total - (counts**2).sum() / total) / (models - 1)
    between = max(0.0, (mean_square_between - mean_square_within) / count)
    return float(np.sqrt(between)), float(np.sqrt(mean_square_within))
