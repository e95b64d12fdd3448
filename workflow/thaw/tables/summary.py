"""Summarize a study: the distribution of its metric, a row a variant."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from thaw.findings.arms import ALPHA, Arm, TargetSize
from thaw.findings.failures import FEW
from thaw.findings.mean import mean_of
from thaw.findings.metrics import METRICS, Metric
from thaw.findings.samples import CONDITION, Sample
from thaw.findings.spread import share_interval, variance_components
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, interval, markdown, number, paragraph


class Chosen(NamedTuple):
    """What is kept: its learning rate and epoch, and its loss on validation rows."""

    learning_rate: float = np.nan
    epoch: float = np.nan
    validation_loss: float = np.nan


FAILED = "failed networks count as the best constant prediction"


def summary(
    found: Mapping[Arm, Sample],
    metric: Metric,
    constant: float,
    chosen: Mapping[Arm, Chosen] = MappingProxyType({}),
) -> pd.DataFrame:
    """Return a row an arm.

    Columns: variant, target size, repeats, source models, mean, std (n-1) and quartiles
    of the metric; the mean's 95 % interval; the std between and within source models
    and the share of the variance that lies between them; the share of networks that
    failed, which count as the best constant prediction, with its interval; what that
    prediction reaches, the `constant`; the learning rate and the epoch of what was
    kept, and its loss on validation rows, if there are any (medians, of what was
    `chosen`); a note on what cannot be estimated. Where there are several source
    models, each has the same weight in the mean, however many repeats start from it.
    """
    rows = []
    for arm, sample in found.items():
        values = sample.values
        q25, median, q75 = np.quantile(values, (0.25, 0.5, 0.75))
        mean = mean_of(sample, ALPHA)
        mean_low, mean_high = np.clip(mean[1:], 0, metric.highest)
        components = variance_components(sample)
        failed = sample.unit_means(~sample.sound)
        failed_low, failed_high = share_interval(failed)
        rows.append(
            {
                **arm._asdict(),
                "repeats": len(values),
                "source_models": len(sample.models),
                "mean": mean.value,
                "std": values.std(ddof=1) if len(values) > 1 else np.nan,
                "min": values.min(),
                "q25": q25,
                "median": median,
                "q75": q75,
                "max": values.max(),
                "mean_low": mean_low,
                "mean_high": mean_high,
                "std_between": components.between,
                "std_within": components.within,
                "share_between": components.share,
                "failed": failed.mean(),
                "failed_low": failed_low,
                "failed_high": failed_high,
                "constant": constant,
                **chosen.get(arm, Chosen())._asdict(),
                "note": note(sample),
            }
        )
    return pd.DataFrame(rows)


def note(sample: Sample) -> str:
    """Say on what a variant's row is conditional, and what it cannot estimate."""
    if not sample.sound.all():
        return FAILED
    if sample.is_conditional:
        return f"{CONDITION}; the spread between source models is not estimable"
    if sample.is_nested and len(sample.models) == len(sample.values):
        return (
            "one repeat a source model: the two parts of the spread are not estimable"
        )
    return ""


def for_people(
    table: pd.DataFrame, warnings: Sequence[str], settings: Mapping[str, Any]
) -> str:
    """Return the summary as Markdown, narrow enough for a terminal.

    A row a variant; with several target sizes, a column a size.
    """
    first = table.iloc[0]
    title = (
        f"**{settings['study']}**: {settings['source']} → {settings['target']}, "
        f"{METRICS[settings['metric']].words} of {first.repeats} "
        f"repeat{'s' if first.repeats > 1 else ''}"
    )
    models = table["source_models"].max()
    if models == 1:
        title += f", {CONDITION}"
    elif models:
        title += f" from {models} source models"
    sizes = settings["target_sizes"]
    rows = one_size(table) if len(sizes) == 1 else by_size(table, sizes)
    return "\n".join([*map(paragraph, [title, *warnings]), markdown(*rows)])


def what_was_chosen(table: pd.DataFrame, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield what was chosen on validation rows, if anything was."""
    swept = len(settings["target_sizes"]) > 1
    said = [
        row.variant
        + (f" from {row.target_size}" if swept else "")
        + f" {row.learning_rate:g} and {row.epoch:g}"
        for row in table.itertuples()
        if row.variant in settings["tuned"]
    ]
    if said:
        yield (
            "Chosen on validation rows, learning rate and epoch (medians over "
            f"repeats): {'; '.join(said)}."
        )


def one_size(table: pd.DataFrame) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return header and rows with each variant's mean, interval and spread."""
    header = ("variant", "mean (std)", "95 % interval", "between", "within")
    return header, [
        (
            row.variant,
            f"{number(row.mean)} ({number(row.std)})",
            interval(row.mean_low, row.mean_high),
            # A variant without source models has no spread between them.
            number(row.std_between) if row.source_models else "",
            number(row.std_within),
        )
        for row in table.itertuples()
    ]


def by_size(
    table: pd.DataFrame, sizes: Sequence[TargetSize]
) -> tuple[Sequence[str], list[Sequence[str]]]:
    """Return header and rows with each variant's mean at each size."""
    header = ("mean from rows:", *map(str, sizes))
    return header, [
        (variant, *(number(mean) for mean in rows["mean"]))
        for variant, rows in table.groupby("variant", sort=False)
    ]


def failures(
    found: Mapping[Arm, Sample], failed_models: np.ndarray | None
) -> Iterator[str]:
    """Yield a warning where more than a few networks failed."""
    failed = {arm.name: ~sample.sound for arm, sample in found.items()}
    if failed_models is not None:
        failed = {"source models": failed_models} | failed
    lost = [
        f"{which.sum()} of {len(which)} {name}"
        for name, which in failed.items()
        if which.mean() > FEW
    ]
    if lost:
        yield (
            f"Warning: networks failed ({', '.join(lost)}): their loss is not finite, "
            "or they give all test rows one class. Scaled inputs, a lower learning "
            "rate or more epochs usually mend it. Failed networks count here as the "
            "best constant prediction."
        )


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the summary as CSV and as Markdown."""
    settings, histories = inputs.settings, inputs.histories
    metric = METRICS[settings["metric"]]
    found: dict[Arm, Sample] = {}
    for size in settings["target_sizes"]:
        samples = inputs.samples(settings["variants"], size, metric)
        found |= {Arm(name, size): sample for name, sample in samples.items()}
    chosen = {
        arm: Chosen(
            *(
                float(np.median(histories.final(arm.name, what)))
                for what in Chosen._fields
            )
        )
        for arm in found
    }
    constant = inputs.constant(settings["target_sizes"][0], metric)
    table = summary(found, metric, constant, chosen)
    lost = histories.failed_source_models()
    warnings = [*failures(found, lost), *what_was_chosen(table, settings)]
    words = for_people(table, warnings, settings)
    return {"summary.csv": frame(table), "summary.md": words.encode()}
