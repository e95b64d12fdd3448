"""Does the set of best sources hold the best one? Draw studies with a known truth.

A teacher network labels the target's rows. Each source has the same teacher, whose
input is turned by an angle: the further, the less of it is left. Networks of 1,000
source models of each are really trained, and studies draw some of them, and some of the
test rows. `.venv/bin/python research/sources.py` renews its tables in
docs/calibration.md.
"""

import argparse
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from calibration import percent, put
from learned import losses, losses_of, source_models
from populations import ACCURACY, BASELINE, ERROR, MARGIN, Population
from scipy import stats
from studies import all_of, draw, samples

from thaw.data.problem import Problem
from thaw.findings.arms import OF_DEPTHS
from thaw.findings.best import Candidates, beaten, statements, unbeaten
from thaw.findings.logme import logme
from thaw.findings.pairs import Pair
from thaw.findings.samples import Sample
from thaw.findings.typical import typical_difference
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import SourceModels
from thaw.learning.rows import narrowed_rows
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training, Variant
from thaw.learning.tasks import TASKS
from thaw.learning.training import fix_rounding
from thaw.output.tables import markdown

# The sources by the angle of their teacher, in degrees. One has other source models
# only, and one has the opposite labels.
ANGLES = {
    **{"10°": 10, "10° again": 10, "15°": 15, "20°": 20, "45°": 45, "90°": 90},
    "10°, opposite": 10,
}
SETS = {
    "growing distance": ["10°", "20°", "45°", "90°"],
    "close": ["10°", "15°", "20°"],
    "tied": ["10°", "10° again", "45°", "90°"],
    "opposite": ["20°", "45°", "10°, opposite"],
}
DEPTHS = {f"fixed-{depth}": depth for depth in range(3)}
SIZES = (20, 100)
FEATURES, HIDDEN, SOURCE_ROWS, TEST_ROWS = 8, [16, 16], 500, 2000
TRAINING = Training(epochs=25, batch_size=10, learning_rate=0.03, momentum=0.9)
PRETRAINING = TRAINING._replace(epochs=40, batch_size=50, learning_rate=0.05)

# Of a study.
UNITS, ROWS = 30, 200

# The columns that identify a study.
STUDY = ["labels", "rows", "sources", "trial"]

# So small that no study has enough units for an interval, which takes long.
NO_INTERVAL = 1e-300


class Known(NamedTuple):
    """The networks of all sources at one size, and the truth about them.

    scores: what LogME says of each source's models, `[source models]`.
    gains: the typical gain of each source's best depth, over all networks and rows.
    """

    kind: str
    size: int
    population: Population
    scores: Mapping[str, np.ndarray]
    gains: Mapping[str, float]


def train_targets(kind: str, models: int, seed: int) -> list[Known]:
    """Train the networks of a target with labels of this kind, "numbers" or "classes".

    The scores of LogME are those of the rows that the first repeat learns from.
    """
    rng = np.random.default_rng([seed, kind == "classes"])
    teacher = rng.standard_normal((FEATURES, 4)) / np.sqrt(2)
    weights = rng.standard_normal(4)

    def problem(source: str, rows: int, tested: int) -> Problem:
        x = rng.standard_normal((rows + tested, FEATURES)).astype(np.float32)
        angle = np.deg2rad(ANGLES.get(source, 0))
        truth = np.tanh(rotate(x, angle) @ teacher) @ weights
        if source.endswith("opposite"):
            truth = -truth
        y = truth + 0.2 * truth.std() * rng.standard_normal(len(truth))
        if kind == "classes":
            y = (y > 0).astype(np.int64)
        parts = x[:rows], y[:rows], x[rows:], y[rows:]
        is_kind = (2, "classification") if kind == "classes" else (0, "regression")
        return Problem(*parts, np.arange(1, tested + 1), *is_kind)

    target = problem("", max(SIZES), TEST_ROWS)
    task = TASKS[target.task]
    network = FullyConnected(FEATURES, HIDDEN, task.width(target.classes))
    addresses = Whose.repeats(seed, [(number, 0) for number in range(models)])
    inherited = {}
    for source in ANGLES:
        if source == "10° again":
            numbers = range(models, 2 * models)
        else:
            numbers, before = range(models), problem(source, SOURCE_ROWS, 2)
        whose = Whose.source_models(seed, numbers)
        inherited[source] = source_models(network, before, PRETRAINING, whose)
    constant = losses_of(task.constant_prediction(target, "median"), target.test_y)[0]
    targets = []
    for size in SIZES:
        rows = narrowed_rows(target, addresses, size)
        outputs, scores = {}, {}
        fresh = Variant(pretrained=False)
        for source, parent in inherited.items():
            variants = {
                f"{source}/{name}": Variant(freeze=depth)
                for name, depth in DEPTHS.items()
            }
            if not outputs:
                variants[BASELINE] = fresh
            for name, variant in variants.items():
                how = network, variant, parent, target, TRAINING, addresses, size
                outputs[name] = losses(*how).reshape(models, 1, -1)
            scores[source] = _logme(parent, target, rows)
        if kind == "classes":
            labels = np.ones(TEST_ROWS, np.int64)
            population = Population(ACCURACY, outputs, labels, constant, MARGIN)
        else:
            margin = MARGIN * constant.mean()
            labels = np.zeros(TEST_ROWS)
            population = Population(ERROR, outputs, labels, constant, margin)
        every = samples(population, all_of(population), {})
        gains = {name: max(depths.values()) for name, depths in _gains(every).items()}
        targets.append(Known(kind, size, population, scores, gains))
    return targets


def rotate(x: np.ndarray, angle: float) -> np.ndarray:
    """Return rows turned by an angle in the planes of features 1-2, 3-4 and so on."""
    pairs = x[:, 0::2] + 1j * x[:, 1::2]
    pairs = pairs * np.exp(1j * angle)
    return np.stack([pairs.real, pairs.imag], axis=2).reshape(x.shape)


def _logme(models: SourceModels, target: Problem, rows: np.ndarray) -> np.ndarray:
    x = target.train_x[rows]
    for number in range(1, len(HIDDEN) + 1):
        weight, bias = (
            models.state[f"hidden-{number}.{part}"].numpy()
            for part in ("weight", "bias")
        )
        x = np.maximum(x @ weight.swapaxes(1, 2) + bias[:, None], 0)
    labels, has_classes = target.train_y[rows], target.classes > 0
    return np.array(
        [
            logme(features.astype(np.float64), label, has_classes)
            for features, label in zip(x, labels, strict=True)
        ]
    )


def _by_source(by_name: Mapping[str, Sample], sources: Sequence[str]) -> Candidates:
    return {s: {name: by_name[f"{s}/{name}"] for name in DEPTHS} for s in sources}


def _gains(by_name: Mapping[str, Sample]) -> dict[str, dict[str, float]]:
    """Return the typical gain of each source's variants."""
    return {
        source: {
            name: typical_difference(Pair(sample, by_name[BASELINE]), NO_INTERVAL).value
            for name, sample in depths.items()
        }
        for source, depths in _by_source(by_name, list(ANGLES)).items()
    }


def look_at(known: Known, trials: int, seed: int) -> list[dict]:
    """Return what each of some studies says of each set of sources, and whether it is
    true: a row for each source.
    """
    rng = np.random.default_rng([seed, known.size, known.kind == "classes"])
    rows = []
    for trial in range(trials):
        drawn = draw(known.population, UNITS, ROWS, rng)
        by_name = samples(known.population, drawn, {})
        gains = _gains(by_name)
        for words, sources in SETS.items():
            most = max(known.gains[source] for source in sources)
            tied = most - known.population.margin / 5
            best = [source for source in sources if known.gains[source] >= tied]
            candidates = _by_source(by_name, sources)
            alpha = OF_DEPTHS / statements(candidates) / len(SIZES)
            kept = unbeaten(beaten(candidates, alpha, known.population.margin))
            for source in sources:
                rows.append(
                    {
                        "labels": known.kind,
                        "rows": known.size,
                        "sources": words,
                        "trial": trial,
                        "source": source,
                        "stays": source in kept,
                        "best": source in best,
                        "gain": max(gains[source].values()),
                        "score": known.scores[source][drawn.models].mean(),
                        "truth": known.gains[source] / known.population.margin,
                    }
                )
    return rows


def by_study(looked: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each study: whether its set holds the best, and what the choices
    cost in margins: the largest gain of the set, and the highest score.
    """
    studies = []
    for names, rows in looked.groupby(STUDY, sort=False):
        stay = rows[rows["stays"]]
        chosen = {"answer": stay["gain"].idxmax(), "score": rows["score"].idxmax()}
        study = dict(zip(STUDY, names, strict=True))
        study["holds"] = rows.loc[rows["best"], "stays"].all()
        study |= {"stay": len(stay), "of": len(rows)}
        for name, place in chosen.items():
            study[f"cost of {name}"] = rows["truth"].max() - rows["truth"][place]
        studies.append(study)
    return pd.DataFrame(studies)


def table_of_sets(studies: pd.DataFrame) -> str:
    """Return how often sets hold the best, and what choices cost, by target and size;
    last over all sources.
    """
    rows = []
    for (labels, size), same in studies.groupby(["labels", "rows"], sort=False):
        for words in (*SETS, "all"):
            part = same if words == "all" else same[same["sources"] == words]
            held, count = int(part["holds"].sum()), len(part)
            # Several sets of one study are not independent.
            low, high = stats.binomtest(held, count).proportion_ci()
            ends = f" ({100 * low:.1f} to {100 * high:.1f})" * (words != "all")
            costs = [part[f"cost of {name}"] for name in ("answer", "score")]
            rows.append(
                (
                    *(labels, str(size), words, percent(held / count) + ends),
                    f"{part['stay'].mean():.1f} of {part['of'].mean():.1f}",
                    *(f"{cost.mean():.2f}" for cost in costs),
                )
            )
    header = ("labels", "rows", "sources", "holds the best, %", "stay")
    return markdown((*header, "the answer's cost", "LogME's"), rows)


def table_of_truth(looked: pd.DataFrame) -> str:
    """Return the true gain of each source, in margins."""
    truth = looked.drop_duplicates(["labels", "rows", "source"])
    truth = truth.pivot(index=["labels", "rows"], columns="source", values="truth")
    rows = [
        (labels, str(size), *(f"{gains[source]:+.1f}" for source in ANGLES))
        for (labels, size), gains in truth.iterrows()
    ]
    return markdown(("labels", "rows", *ANGLES), rows)


def main() -> None:
    """Train, draw the studies, and put the tables below their markers in the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    fix_rounding()
    looked = pd.DataFrame(
        [
            row
            for kind in ("numbers", "classes")
            for target in train_targets(kind, args.models, args.seed)
            for row in look_at(target, args.trials, args.seed)
        ]
    )
    how = f"--trials {args.trials} --models {args.models} --seed {args.seed}"
    put(
        {
            "sources-made": f"Made by `.venv/bin/python research/sources.py {how}`.",
            "sources-truth": table_of_truth(looked),
            "sources": table_of_sets(by_study(looked)),
        }
    )


if __name__ == "__main__":
    main()
