"""A study's metrics other than that of its verdicts.

They get no verdicts: with several metrics, one of them would look good by chance.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from thaw.findings.arms import OF_VERDICTS, alpha_of_each
from thaw.findings.metrics import Metric, metric_of
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.shown import gain, number
from thaw.findings.typical import typical_difference
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, markdown, of_size, paragraph


def rows_of(
    samples: Mapping[str, Sample], baseline: str, alpha: float
) -> Iterator[dict[str, Any]]:
    """Yield each variant's median, and its typical gain on the baseline."""
    for variant, sample in samples.items():
        gain = [np.nan] * 3
        if variant != baseline:
            pair = Pair(sample, samples[baseline])
            gain = [*typical_difference(pair, alpha).estimate]
        yield {
            "variant": variant,
            "median": np.median(sample.values),
            "std": sample.values.std(ddof=1) if len(sample.values) > 1 else np.nan,
            "constant": sample.constant,
            **dict(zip(("typical", "typical_low", "typical_high"), gain, strict=True)),
            "scale": sample.scale,
        }


def for_people(
    table: pd.DataFrame, metrics: Sequence[Metric], settings: Mapping[str, Any]
) -> str:
    """Return a Markdown table of the largest size: a row a metric and variant."""
    names = {metric.name: metric for metric in metrics}
    rows = []
    for row in table.to_dict("records"):
        metric, digits = names[row["metric"]], row["scale"] / 100
        value, low, high = (row[f"typical{end}"] for end in ("", "_low", "_high"))
        is_baseline = row["variant"] == settings["baseline"]
        shown = "baseline" if is_baseline else gain(value, low, high, digits)
        rows.append((metric.axis, row["variant"], number(row["median"], digits), shown))
    words = (
        f"**{settings['study']}**: its metrics side by side{of_size(settings)}. "
        f"Verdicts are of the first, {metrics[0].axis}. Gains are typical differences "
        "from the baseline, more than 0 is better; the intervals of one metric all "
        f"hold at once with {100 * (1 - OF_VERDICTS):g} %."
    )
    header = ("metric", "variant", "median", "gain")
    return f"{paragraph(words)}\n" + markdown(header, rows)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return all metrics as CSV, and the largest size's as Markdown."""
    settings = inputs.settings
    alpha = alpha_of_each(settings["comparisons"])
    metrics = [*map(metric_of, settings["metric"])]
    rows = [
        {"target_size": size, "metric": metric.name} | row
        for metric in metrics
        for size in settings["target_sizes"]
        for row in rows_of(
            inputs.samples(settings["variants"], size, metric),
            settings["baseline"],
            alpha,
        )
    ]
    table = pd.DataFrame(rows)
    shown = table[table["target_size"] == settings["shown_size"]]
    return {
        "metrics.csv": frame(table.drop(columns="scale")),
        "metrics.md": for_people(shown, metrics, settings).encode(),
    }
