"""Are the intervals and verdicts right? Try them on nested data whose truth is known.

`.venv/bin/python benchmarks/calibration.py` writes docs/calibration.md.
"""

import argparse
import gc
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from thaw.findings.samples import Sample
from thaw.findings.statistics import mean_interval
from thaw.output.tables import markdown
from thaw.stages.compare import comparisons

REPEATS_PER_MODEL = 10
STANDALONE_STD = 0.05
CORRELATION = 0.5
MARGIN = 0.01
FAILURE = 0.3
PAIRS = [("first", "standalone"), ("second", "standalone"), ("first", "second")]


class Scenario(NamedTuple):
    """What is true: the spreads of a variant, and how much better the first one is."""

    source_models: int
    between: float
    within: float
    gain: float = 0.0
    failing: float = 0.0  # the share of source models that fail, both variants alike

    @property
    def truths(self) -> list[tuple[float, float]]:
        """The true difference and probability to win of each of `PAIRS`."""
        norm = stats.norm.cdf
        independent = np.sqrt(self.between**2 + self.within**2 + STANDALONE_STD**2)
        same_model = np.sqrt(
            2 * self.within**2 + 2 * self.between**2 * (1 - CORRELATION)
        )
        # Standalone is as good as the mean over failing and sound source models.
        loss = FAILURE * self.failing

        def wins(gain: float) -> float:
            sound = (1 - self.failing) * norm((gain + loss) / independent)
            return sound + self.failing * norm((gain + loss - FAILURE) / independent)

        return [
            (self.gain, wins(self.gain)),
            (0.0, wins(0.0)),
            (self.gain, norm(self.gain / same_model)),
        ]


# Without and with spread between source models; all variants equal, and one better.
SCENARIOS = [
    Scenario(source_models, between, within, gain)
    for between, within in ((0.0, 0.05), (0.1, 0.01))
    for gain in (0.0, 0.02)
    for source_models in (5, 10, 30)
]
# A few source models fail and the others are alike, as those of `many-sources` do.
SCENARIOS += [Scenario(models, 0.01, 0.01, failing=0.13) for models in (5, 10, 30, 100)]


def simulate(scenario: Scenario, rng: np.random.Generator) -> dict[str, Sample]:
    """Draw one study's scores."""
    models = np.repeat(np.arange(scenario.source_models), REPEATS_PER_MODEL)
    covariance = scenario.between**2 * np.array([[1, CORRELATION], [CORRELATION, 1]])
    effects = rng.multivariate_normal([0, 0], covariance, scenario.source_models)
    effects[rng.random(scenario.source_models) < scenario.failing] -= FAILURE
    noise = scenario.within * rng.standard_normal((len(models), 2))
    values = 0.8 + effects[models] + noise + [scenario.gain, 0]
    standalone = 0.8 - FAILURE * scenario.failing
    standalone = standalone + STANDALONE_STD * rng.standard_normal(len(models))
    return {
        "first": Sample(values[:, 0], models),
        "second": Sample(values[:, 1], models),
        "standalone": Sample(standalone),
    }


def calibrate(
    scenario: Scenario, trials: int, seed: int, naive: bool = False
) -> dict[str, float]:
    """Return in what share of trials each interval covered the truth.

    Also, as "false verdict, …", in what share two equal variants were told apart.
    `naive` takes all repeats as independent.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    counts = Counter()
    for _ in range(trials):
        found = simulate(scenario, rng)
        if naive:
            found = {name: Sample(sample.values) for name, sample in found.items()}
        low, high = mean_interval(found["first"].unit_means())
        mean = 0.8 + scenario.gain - FAILURE * scenario.failing
        counts["mean"] += low <= mean <= high
        table = comparisons(found, PAIRS, MARGIN)
        for row, (difference, probability) in zip(
            table.itertuples(), scenario.truths, strict=True
        ):
            kind = f"{row.variant} - {row.reference}"
            counts[f"difference, {kind}"] += (
                row.difference_low <= difference <= row.difference_high
            )
            counts[f"probability, {kind}"] += (
                row.probability_low <= probability <= row.probability_high
            )
            if difference == 0:
                counts[f"false verdict, {kind}"] += row.verdict in ("helps", "hurts")
    return {name: float(count) / trials for name, count in counts.items()}


def report(trials: int, seed: int) -> str:
    """Return the page with the table of all scenarios and both analyses."""
    header = (
        "analysis",
        "source models",
        "std between",
        "std within",
        "gain",
        "failing",
        "mean",
        "difference",
        "probability",
        "paired difference",
        "paired probability",
        "false verdicts",
    )
    rows = []
    for naive in (False, True):
        for scenario in SCENARIOS:
            shares = calibrate(scenario, trials, seed, naive)
            false = [share for name, share in shares.items() if "false" in name]
            covered = (
                "mean",
                "difference, first - standalone",
                "probability, first - standalone",
                "difference, first - second",
                "probability, first - second",
            )
            rows.append(
                (
                    "naive" if naive else "Thaw",
                    str(scenario.source_models),
                    f"{scenario.between:g}",
                    f"{scenario.within:g}",
                    f"{scenario.gain:g}",
                    f"{100 * scenario.failing:g} %",
                    *(f"{100 * shares[name]:.1f} %" for name in covered),
                    f"{100 * max(false):.1f} %",
                )
            )
    return PAGE.format(trials=trials, seed=seed, table=markdown(header, rows))


PAGE = """# Are the intervals and verdicts right?

Made by `.venv/bin/python benchmarks/calibration.py --trials {trials} --seed {seed}`.

Each trial simulates a study whose truth is known: two transfer variants that share S
source models, ten repeats from each, and as many repeats of standalone. A source model
shifts all its repeats by a normal effect; its effects on the two variants correlate by
one half. The scores go through the code that makes `summary.csv` and `comparisons.csv`.

The columns from *mean* on say in what share of the trials the 95 % interval covered the
truth (it should be near 95 %): of the mean of the first variant; of its difference from
standalone and its probability to beat it; of the same two against the second variant,
paired by source model. *False verdicts* is the share of trials in which two equal
variants were told apart (*helps* or *hurts*), the worst of the comparisons that are
equal in truth; it should be below 5 %.

In the rows with *failing*, that share of the source models loses 0.3 for both variants
and the others are alike, as the source models of `many-sources` do. No interval can
know of failures that were not drawn: with 5 source models half of the studies hold
none. So take few source models with care, above all if they agree. Thirty are no
guarantee either: where 2 % fail, more than half of the studies with thirty hold none.

*Naive* is the analysis that takes all repeats as independent. It is right only where
there is no spread between source models.

{table}"""


def main() -> None:
    """Run all scenarios and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path("docs/calibration.md"))
    args = parser.parse_args()
    # multipletests collects garbage at each call, which is slow with much loaded.
    gc.freeze()
    page = report(args.trials, args.seed)
    args.output.parent.mkdir(exist_ok=True)
    args.output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
