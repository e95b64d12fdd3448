"""A study's metrics other than that of its verdicts.

They get no verdicts: with several metrics, one of them would look good by chance.
"""

import itertools

import numpy as np
import pandas as pd

from thaw.findings.arms import OF_VERDICTS, alpha_of_each
from thaw.findings.metrics import metric_of
from thaw.findings.pairs import Pair
from thaw.findings.shown import gain, number
from thaw.findings.typical import typical_difference
from thaw.output.inputs import Inputs
from thaw.output.tables import frame, markdown, paragraph

COLUMNS = (
    *("target_size", "metric", "variant", "median", "std", "constant"),
    *("typical", "typical_low", "typical_high"),
)


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return all metrics as CSV, and the largest size's as Markdown."""
    settings, rows, shown = inputs.settings, [], []
    metrics = [*map(metric_of, settings["metric"])]
    alpha = alpha_of_each(settings["comparisons"])
    for metric, size in itertools.product(metrics, settings["target_sizes"]):
        samples = inputs.samples(settings["variants"], size, metric)
        baseline = samples[settings["baseline"]]
        for variant, sample in samples.items():
            value = low = high = np.nan
            words = "baseline"
            median, digits = np.median(sample.values), sample.scale / 100
            if sample is not baseline:
                pair = Pair(sample, baseline)
                value, low, high = typical_difference(pair, alpha).estimate
                words = gain(value, low, high, digits)
            spread = sample.values.std(ddof=1) if len(sample.values) > 1 else np.nan
            values = median, spread, sample.constant, value, low, high
            rows.append((size, metric.name, variant, *values))
            if size == settings["shown_size"]:
                shown.append((metric.axis, variant, number(median, digits), words))
    several = len(settings["target_sizes"]) > 1
    place = f" (target size: {settings['shown_size']})" if several else ""
    words = (
        f"**{settings['study']}**: its metrics side by side{place}. "
        f"Verdicts are of the first, {metrics[0].axis}. Gains are typical differences "
        "from the baseline, more than 0 is better; the intervals of one metric all "
        f"hold at once with {100 * (1 - OF_VERDICTS):g} %."
    )
    table = markdown(("metric", "variant", "median", "gain"), shown)
    return {
        "metrics.csv": frame(pd.DataFrame(rows, columns=COLUMNS)),
        "metrics.md": f"{paragraph(words)}\n{table}".encode(),
    }
