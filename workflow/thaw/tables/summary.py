"""Summarize a study: the distribution of its metric, a row for each variant."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import ALPHA, Arm
from thaw.findings.failures import is_no_better
from thaw.findings.mean import mean_of
from thaw.findings.metrics import Metric
from thaw.findings.new_rows import count_row_units
from thaw.findings.samples import BEYOND, CONDITION, Sample
from thaw.findings.shown import counted, from_to, interval, number
from thaw.findings.spread import variance_components
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, markdown, paragraph


def summary(
    samples: Mapping[Arm, Sample],
    metric: Metric,
    chosen: Mapping[Arm, Mapping[str, float]],
) -> pd.DataFrame:
    """Return a row for each arm; docs/files.md says what its columns hold.

    `chosen` are further columns: the learning rate, epoch and loss on validation rows
    that networks chose, and `at_edge`, the share that chose the lowest or highest rate.
    If there are several source models, each has the same weight in the mean and in
    shares, however many repeats start from it.
    """
    rows = []
    for arm, sample in samples.items():
        values = sample.values
        mean = mean_of(sample, ALPHA)
        low, high = sorted([metric.worst, metric.best])
        mean_low, mean_high = np.clip(mean[1:], low, high)
        between, within = variance_components(sample)
        # One known value says nothing about many.
        failed = sample.unit_means(~sample.sound)[: sample.units]
        least, q25, median, q75, most = np.quantile(values, (0, 0.25, 0.5, 0.75, 1))
        rows.append(
            {
                **arm._asdict(),
                "repeats": len(values),
                "source_models": len(sample.models),
                "mean": mean.value,
                "std": values.std(ddof=1) if len(values) > 1 else np.nan,
                **{"min": least, "q25": q25, "median": median, "q75": q75, "max": most},
                "mean_low": mean_low,
                "mean_high": mean_high,
                "row_units": count_row_units(sample),
                "std_between": between,
                "std_within": within,
                "failed": failed.mean(),
                "no_better": sample.unit_means(is_no_better(sample)).mean(),
                "constant": sample.constant,
                **chosen[arm],
            }
        )
    return pd.DataFrame(rows)


def for_people(
    table: pd.DataFrame,
    metric: Metric,
    settings: Mapping[str, Any],
) -> str:
    """Return the summary as Markdown, narrow enough for a terminal.

    It has a row for each variant, with mean, interval and spread; with several target
    sizes, the mean alone, in a column for each size.
    """
    margin, models = settings["margin"], table["source_models"].max()
    about = ", ".join(filter(None, [from_to(settings), metric.axis]))
    words = (
        f"**{settings['study']}**: {about} of {counted(table['repeats'][0], 'repeat')}"
    )
    if models == 1:
        words += f", {CONDITION}"
    elif models:
        words += f" from {models} source models"
        words += ", each with a split of its own" * settings["has_splits"]
    # Where it is not known how bad a score can be, means have none.
    if table["mean_low"].notna().any():
        words += ". Means have 95 % intervals"
        words += ", also for other test rows" * bool((table["row_units"] > 0).all())
        if models != 1 or not table["source_models"].all():
            words += "; " + "where networks have no source model, " * bool(models == 1)
            words += "they allow for rare failures that did not occur here, so they "
            words += "reach further to bad scores"
        words += ". Variants are compared by their gains"
    if not metric.has_bounds:
        words += f". In means, {BEYOND}"
    if models > 1 and len(settings["target_sizes"]) == 1:
        words += ". Between and within source models: the two parts of the spread"
    means = [number(mean, margin) for mean in table["mean"]]
    rows: list[Sequence[str]]
    if len(settings["target_sizes"]) > 1:
        header = ["mean from rows:", *map(str, settings["target_sizes"])]
        by_variant = pd.Series(means).groupby(table["variant"], sort=False)
        rows = [(variant, *of_sizes) for variant, of_sizes in by_variant]
    else:
        header = ["variant", "mean (std)", "95 % interval", "between", "within"]
        rows = [
            (
                row.variant,
                f"{mean} ({number(row.std, margin)})",
                interval(row.mean_low, row.mean_high, margin),
                number(row.std_between, margin),
                number(row.std_within, margin),
            )
            for row, mean in zip(table.itertuples(), means, strict=True)
        ]
    names = [
        f"{name}: {settings['words'][name]}."
        for name in settings["networks"]
        if name not in settings["ladder"]
    ]
    return "\n".join([*map(paragraph, [f"{words}.", *names]), markdown(header, rows)])


def share_at_edge(
    rate: np.ndarray, epoch: np.ndarray, rates: Sequence[float] | None
) -> float:
    """Return the share of networks that chose the lowest or highest of the `rates`.

    One that is kept as it started, at epoch 0, chose none; nor where rates are None.
    """
    if not rates:
        return np.nan
    at_edge = np.isclose(rate[:, None], [min(rates), max(rates)]).any(1)
    return float((at_edge & (epoch > 0)).mean())


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the summary as CSV and as Markdown."""
    settings, histories = inputs.settings, inputs.histories()
    metric, sizes = inputs.metric, settings["target_sizes"]
    samples = {
        Arm(name, size): sample
        for size in sizes
        for name, sample in inputs.samples(settings["variants"], size, metric).items()
    }
    chosen = {}
    for arm in samples:
        names = ("learning_rate", "epoch", "validation_loss")
        kept = {name: histories.final(arm.name, name) for name in names}
        rates = settings["rates"].get(arm.variant)
        edge = share_at_edge(kept["learning_rate"], kept["epoch"], rates)
        medians = {name: float(np.median(values)) for name, values in kept.items()}
        chosen[arm] = medians | {"at_edge": edge}
    table = summary(samples, metric, chosen)
    words = for_people(table, metric, settings)
    return {"summary.csv": frame(table), "summary.md": words.encode()}
