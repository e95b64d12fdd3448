"""Samples for statistics."""

import numpy as np

from thaw.findings.samples import Sample


def nested(values_by_model):
    """Return a sample from a list of each source model's values."""
    models = [m for m, values in enumerate(values_by_model) for _ in values]
    return Sample(np.concatenate(values_by_model), np.array(models))


def normal(models, repeats, between=0.1, within=0.02, mean=0.8, seed=0):
    """Return a sample whose source models and repeats differ normally."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, between, models)
    return nested([rng.normal(mean + effect, within, repeats) for effect in effects])
