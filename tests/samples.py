"""Samples of scores, the tables made of them, and studies of them.

The one place where tests of statistics and answers know which classes hold these.
"""

import itertools

import numpy as np
import pandas as pd

from thaw.data.problem import Description
from thaw.findings.arms import Arm, rivals_of_estimators
from thaw.findings.gains import Question
from thaw.findings.metrics import METRICS
from thaw.findings.samples import Sample
from thaw.plan.recipes import variant_in_words
from thaw.tables.comparisons import comparisons, depths_table
from thaw.tables.learning_curves import COLUMNS as CURVES
from thaw.tables.summary import summary
from thaw.tables.training_time import COLUMNS

ACCURACY = METRICS["classification"]["accuracy"]
FAILED = np.nan

SCRATCH = {"pretrained": False}
LADDER = {"standalone": SCRATCH, "fixed-0": {}, "fixed-1": {"freeze": 1}}

SETTINGS = {"source": "one", "target": "two", "baseline": "standalone", "tuned": []}
SETTINGS |= {"metric": [{"task": "classification", "name": "accuracy"}], "margin": 0.01}
SETTINGS |= {"repeats": 2, "source_models": 30, "has_splits": False}
SETTINGS |= {"is_about_pairs": False}
SETTINGS |= {"learning": {"initial": "pytorch", "optimizer": "adam"}}

NOTHING = {"categories": {}, "shape": [], "notes": [], "transforms": [], "files": []}
SCALE = {"centre": [0.0, 0.0], "spread": [1.0, 1.0]}
NAMES = {"columns": ["length", "width"], "classes": ["a", "b", "c"]}
DESCRIPTION = Description(**NAMES, **SCALE, **NOTHING)


def nested(values_by_model, **more):
    """Return a sample from a list of each source model's values."""
    models = [m for m, values in enumerate(values_by_model) for _ in values]
    return Sample(np.concatenate(values_by_model), np.array(models), **more)


def normal(models, repeats, between=0.1, within=0.02, mean=0.8, seed=0):
    """Return a sample whose source models and repeats differ normally."""
    rng = np.random.default_rng(seed)
    effects = rng.normal(0, between, models)
    return nested([rng.normal(mean + effect, within, repeats) for effect in effects])


def scores(mean, models=30, each=2, failed=0.0, spread=0.01, seed=0):
    """Return the scores of a variant; without source models where there are none."""
    rng = np.random.default_rng(seed)
    count = max(models, 1) * each
    values = mean + spread * rng.normal(size=count)
    lost = np.arange(count) < failed * count
    numbers = np.arange(count) % models if models else None
    return Sample(np.where(lost, 0.4, values), numbers, lost, constant=0.4)


def alone(mean, **options):
    return scores(mean, models=0, each=60, seed=9, **options)


def ladder(standalone, fixed_0, fixed_1, **options):
    return {
        "standalone": alone(standalone),
        "fixed-0": scores(fixed_0, seed=1, **options),
        "fixed-1": scores(fixed_1, seed=2, **options),
    }


def changed(samples, **fields):
    return {name: sample._replace(**fields) for name, sample in samples.items()}


def as_losses(sample):
    """Return a sample of which lower values are better."""
    values, constant = 2 - sample.values, 2 - sample.constant
    fields = {"worst": 2.0, "lower_is_better": True}
    return sample._replace(values=values, constant=constant, **fields)


def compared(samples, *pairs, baseline="reference", margin=0.01):
    """Return the comparisons of pairs of samples, a row for each."""
    return comparisons({"all": samples}, pairs, baseline, margin)


def row_of(variant, reference, margin=0.01, more_pairs=0):
    """Return the comparison of two, in a study of that many more comparisons."""
    pairs = [("variant", "reference")] * (1 + more_pairs)
    samples = {"variant": variant, "reference": reference}
    return compared(samples, *pairs, margin=margin).iloc[0]


def ends_of(row, name):
    return [row[f"{name}_low"], row[f"{name}_high"]]


def best_depths(samples):
    """Return the table of the depths that may be the best, by depth."""
    depths, by_size = dict.fromkeys(samples, 0), {"all": samples}
    pairs = [*itertools.pairwise(samples)]
    table = pd.DataFrame(columns=["verdict"])
    if samples:
        table = comparisons(by_size, pairs, next(iter(samples)), 0.01)
    return depths_table(by_size, depths, 0.01, table).set_index("variant")


def summary_of(samples, metric=ACCURACY, at_edge=np.nan):
    """Return the summary of samples by their arms, of networks not validated."""
    return summary(samples, metric, {arm: {"at_edge": at_edge} for arm in samples})


def question(
    samples, variants=LADDER, pairs=(), changes=(), equal=(), curves=(), **settings
):
    """Return a study of these samples, by target size and variant."""
    if not isinstance(next(iter(samples.values())), dict):
        samples = {"all": samples}
    note = settings.pop("without_verdict", None)
    at_edge = settings.pop("at_edge", np.nan)
    settings = SETTINGS | settings
    baseline = settings["baseline"]
    depths = {
        name: variant.get("freeze", 0)
        for name, variant in variants.items()
        if variant.get("pretrained", True) and "estimator" not in variant
    }
    words = {name: variant_in_words(each, {}, []) for name, each in variants.items()}
    settings["words"] = words | settings.pop("words", {})
    pairs = [*((name, baseline) for name in variants if name != baseline), *pairs]
    references = rivals_of_estimators(variants, baseline)
    table = comparisons(samples, pairs, baseline, 0.01, references)
    best = depths_table(samples, depths, 0.01, table)
    arms = {
        Arm(name, size): sample
        for size, of_size in samples.items()
        for name, sample in of_size.items()
    }
    return Question(
        **settings,
        variants=variants,
        target_sizes=list(samples),
        shown_size=[*samples][-1],
        depths=depths,
        comparisons=table.assign(verdict="no verdict", note=note) if note else table,
        best_depths=best.assign(beaten_by=best["beaten_by"].str.split()),
        summary=summary_of(arms, at_edge=at_edge),
        training_time=pd.DataFrame(changes, columns=COLUMNS),
        **({"learning_curves": pd.DataFrame(curves, columns=CURVES)} if curves else {}),
        overlap=pd.DataFrame(equal),
    )
