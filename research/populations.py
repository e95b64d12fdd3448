"""Populations: networks of many source models on many rows, with a known truth.

Some are really trained, others are made by a formula. Statements of a study of some of
their source models and rows are compared with the results of all of them.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import yaml

from thaw.data.make import make_problem
from thaw.findings.metrics import METRICS, Metric

ROOT = Path(__file__).parent.parent
BASELINE, REFERENCE = "standalone", "reference"
ACCURACY = METRICS["classification"]["accuracy"]
ERROR = METRICS["regression"]["mean_absolute_error"]
MARGIN = 0.01


class Population(NamedTuple):
    """Networks of source models, and the repeats of each variant.

    outputs: what repeats predict for each row, `[source models, repeats, rows]` by
        variant: the log-odds of class 1, or a number; nan for networks that failed.
        Repeats at the same place have the same address.
    labels: 0 or 1, or numbers, `[rows]`.
    constant: the best constant prediction, `[rows]`.
    margin: the smallest difference that matters.
    family: how many source models, one after the other, are drawn together.
    group: how many rows, likewise.
    """

    metric: Metric
    outputs: Mapping[str, np.ndarray]
    labels: np.ndarray
    constant: np.ndarray
    margin: float
    family: int = 1
    group: int = 1


def train(source: str, target: str, models: int, rows: int) -> Population:
    """Train as in the config, and score so many test rows.

    Problems are the config's, or numbers: one function for source and target, but the
    target's features are in another order. Scores are kept as log-odds of being right,
    1 or -1, or as errors.
    """
    # Imported only here, because no other population needs torch.
    from learned import losses, losses_of, source_models

    from thaw.learning.fully_connected import FullyConnected
    from thaw.learning.seeds import Whose
    from thaw.learning.settings import Training, Variant
    from thaw.learning.tasks import TASKS
    from thaw.learning.training import fix_rounding

    fix_rounding()
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    training, seed = Training(**config["training"]), config["seed"]
    before, problem = (_problem(config, name, rows) for name in (source, target))
    task = TASKS[problem.task]
    width = task.width(problem.classes)
    network = FullyConnected(problem.train_x.shape[1], width=width, **config["network"])

    whose = Whose.source_models(seed, range(models))
    inherited = source_models(network, before, training, whose)
    whose = Whose.repeats(seed, [(s, j) for s in range(models) for j in range(2)])
    outputs = {}
    for name in (BASELINE, "fixed-0", "fixed-1", "fixed-2"):
        variant = Variant(**config["variants"][name])
        loss = losses(network, variant, inherited, problem, training, whose)
        outputs[name] = loss.reshape(models, 2, rows)
    constant = losses_of(task.constant_prediction(problem, "median"), problem.test_y)[0]
    if problem.classes:
        return Population(ACCURACY, outputs, np.ones(rows, np.int64), constant, MARGIN)
    margin = MARGIN * constant.mean()
    return Population(ERROR, outputs, np.zeros(rows), constant, margin)


def _problem(config, name, rows):
    if name.startswith("friedman"):
        number = int(name[-1])
        settings = {
            "make_friedman1": {"n_features": 5, "noise": 1, "random_state": number},
            "task": "regression",
            "train_size": 500,
            "scale": "standard",
        }
    else:
        settings = config["problems"][name]
    (function,) = (key for key in settings if key.startswith("make_"))
    arguments = settings[function] | {"n_samples": settings["train_size"] + rows}
    problem = make_problem(settings | {function: arguments})[0]
    if name != "friedman-2":
        return problem
    return problem._replace(
        train_x=problem.train_x[:, ::-1].copy(), test_x=problem.test_x[:, ::-1].copy()
    )


def simulate(
    metric: Metric = ACCURACY,
    models: int = 500,
    repeats: int = 2,
    rows: int = 4000,
    depths: int = 3,
    between: float = 0.02,
    within: float = 0.01,
    alone: float = 0.03,
    tail: float = np.inf,
    alike: float = 0.0,
    own_rows: float = 0.3,
    noise: float = 0.3,
    bad: float = 0.0,
    together: bool = False,
    fail: bool = False,
    positives: float = 1.0,
    references: int = 0,
    family: int = 1,
    group: int = 1,
) -> Population:
    """Make a population in which no depth differs typically from standalone.

    A network is right on a row if its skill, the row's ease, and chance add up to more
    than 0; an error is an exponential of that sum. So the accuracy is about 0.84, and
    errors are 0.6 of the best constant prediction's.

    between, within: by how much source models and repeats of them differ in score, as
        standard deviations; `alone` is that of standalone's repeats. Luck has Student's
        distribution with `tail` degrees of freedom.
    alike: how a repeat's luck correlates with that of standalone at its address.
    own_rows: the share of a row's ease that belongs to each variant alone; noise: to
    each network alone.
    bad: the share of source models, and of standalone's repeats, that are weak or, with
        `fail`, fail; the same source models for all depths if `together`.
    positives: the share of rows of class 1.
    references: the number of reference estimators, each fitted once.
    family, group: as for `Population`; they share five sixths of their luck.
    """
    rng = np.random.default_rng(0)

    def luck(*shape: int, by: int = 1) -> np.ndarray:
        normal = rng.standard_normal(shape)
        if by > 1:
            shared = rng.standard_normal((shape[0] // by, *shape[1:])).repeat(by, 0)
            normal = np.sqrt(1 / 6) * normal + np.sqrt(5 / 6) * shared
        return normal

    def heavy(luck: np.ndarray) -> np.ndarray:
        squares = rng.chisquare(tail, luck.shape) / tail if tail < np.inf else 1
        return luck / np.sqrt(squares)

    def are_bad(*shape: int) -> np.ndarray:
        count = math.prod(shape)
        return (rng.permutation(count) < round(bad * count)).reshape(shape)

    labels = (rng.permutation(rows) < positives * rows).astype(np.int64)
    side, ease = 2 * labels - 1, luck(rows, by=group)
    at_address, all_bad = luck(models, repeats), are_bad(models, 1)
    outputs = {}
    for name in (BASELINE, *(f"fixed-{depth}" for depth in range(depths))):
        if name == BASELINE:
            rest = np.sqrt(1 - alike**2) * luck(models, repeats)
            skill = alone * heavy(alike * at_address + rest)
            is_bad = are_bad(models, repeats)
        else:
            skill = between * heavy(luck(models, 1, by=family)) + within * at_address
            is_bad = all_bad if together else are_bad(models, 1)
        skill = np.where(is_bad, np.nan if fail else -0.3, skill)[:, :, None]
        ease_here = np.sqrt(own_rows) * luck(rows, by=group)
        chance = rng.standard_normal((models, repeats, rows), np.float32)
        row = np.sqrt(1 - own_rows - noise) * ease + ease_here + np.sqrt(noise) * chance
        if metric is ERROR:
            prediction = 0.6 * np.exp(0.7 * row - 0.245 - skill / 0.6)
        else:
            prediction = side * (1 + skill / 0.24) + row
        outputs[name] = prediction.astype(np.float16)
    for number in range(references):
        rest = np.sqrt(own_rows) * luck(rows) + np.sqrt(noise) * luck(rows)
        fitted = side + np.sqrt(1 - own_rows - noise) * ease + rest
        outputs[f"{REFERENCE}-{number}"] = np.broadcast_to(
            fitted.astype(np.float16), (models, repeats, rows)
        )
    constant = np.exp(0.7 * (ease + luck(rows)) / np.sqrt(2) - 0.245)
    if metric is not ERROR:
        constant = np.where((positives == 1) & (rng.random(rows) < 1 / 3), 1, -1)
    margin = MARGIN * (constant.mean() if metric is ERROR else 1)
    labels = np.zeros(rows) if metric is ERROR else labels
    return Population(metric, outputs, labels, constant, margin, family, group)
