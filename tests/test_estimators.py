"""Reference estimators: their data, their results, and messages about them."""

import re

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn import metrics
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from configs import MODULE, TRAINER, put, recipes, small_config
from projects import JobError, modules_of
from thaw import keys
from thaw.errors import ThawError
from thaw.learning.estimators import learned
from thaw.learning.rows import narrowed_rows
from thaw.learning.trainer import seeds_of
from trained import repeats, with_numbers


def fitted(kind, problem, numbers=(0, 1), size=None, **arguments):
    """Return the scores of an estimator's repeats, and their predictions."""
    return learned(kind, arguments, problem, repeats(numbers), size, lambda done: None)


def with_forest(network=None):
    config, forest = small_config(network), "sklearn.ensemble.RandomForestClassifier"
    put(config, "variants/forest/estimator", forest)
    put(config, "variants/forest/arguments/n_estimators", 5)
    config["studies"]["ahead"]["variants"].append("forest")
    return config


def test_a_key_holds_the_estimator_alone(folder, monkeypatch):
    config = with_forest()
    forest = recipes(config)["forest"]
    assert forest.recipe["settings"].keys() == {"seed", "estimator"}
    assert forest.recipe["inputs"].keys() == {"problem"}
    assert {"numpy", "scipy", "sklearn"} <= forest.recipe["versions"].keys()
    for network in (MODULE, TRAINER, None):
        other = with_forest(network)
        put(other, "training/epochs", 7)
        put(other, "studies/ahead/source_models", 2)
        assert recipes(other)["forest"] == forest
    every, trees = {forest.key}, "sklearn.ensemble._forest.ExtraTreesClassifier"
    for name, key, value in (
        ("forest", "variants/forest/arguments/n_estimators", 6),
        ("forest", "variants/forest/estimator", trees),
        ("forest@10", "studies/ahead/target_sizes", [10]),
    ):
        put(config, key, value)
        every.add(recipes(config)[name].key)
    monkeypatch.setattr(keys, "version", lambda package: "9.9")
    every.add(recipes(config)["forest@10"].key)
    assert len(every) == 5


def test_the_jobs_of_estimators_need_no_torch():
    modules = modules_of("stages.train", "learning.estimators", "external.estimators")
    assert not {*modules} & {"torch", "safetensors", "pydantic", "matplotlib", "yaml"}


@pytest.mark.parametrize("size", [None, 12])
def test_repeats_learn_from_the_rows_of_networks_with_different_seeds(problem, size):
    """Alone they have the bytes of their company; scores are scikit-learn's."""
    options, whose = {"size": size, "n_estimators": 5}, repeats(range(3))
    reached, together = fitted(RandomForestClassifier, problem, range(3), **options)
    rows = narrowed_rows(problem, whose, size) if size else [np.arange(50)] * 3
    for number, seed in enumerate(seeds_of(whose)):
        scores, alone = fitted(RandomForestClassifier, problem, [number], **options)
        assert alone.tobytes() == together[number : number + 1].tobytes()
        for column, values in zip(scores.history, reached.history, strict=True):
            assert column.tobytes() == values[number : number + 1].tobytes()
        model = RandomForestClassifier(5, random_state=seed)
        model.fit(problem.train_x[rows[number]], problem.train_y[rows[number]])
        p = model.predict_proba(problem.test_x)
        expected = metrics.log_loss(problem.test_y, p, labels=range(3))
        np.testing.assert_allclose(scores.history.test_loss, expected, rtol=1e-5)
        expected = metrics.accuracy_score(problem.test_y, p.argmax(1))
        np.testing.assert_allclose(scores.history.test_score, expected, rtol=1e-6)
        np.testing.assert_allclose(np.exp(alone[0].astype(float)), p, atol=1e-6)
    assert len({predictions.tobytes() for predictions in together}) == 3


def test_numbers_are_predicted_and_what_is_not_finite_failed(problem):
    numbers = with_numbers(problem)
    numbers = numbers._replace(train_y=numbers.train_y + problem.train_y)
    reached, predictions = fitted(LinearRegression, numbers, [0])
    model = LinearRegression().fit(numbers.train_x, numbers.train_y)
    expected = model.predict(numbers.test_x)
    np.testing.assert_allclose(predictions[0], expected, rtol=1e-4)
    error = abs(expected - numbers.test_y).mean()
    np.testing.assert_allclose(reached.history.test_score, [[error]], rtol=1e-3)
    error = abs(model.predict(numbers.train_x) - numbers.train_y).mean()
    np.testing.assert_allclose(reached.history.train_score, [[error]], rtol=1e-3)

    class Lost(LinearRegression):
        def predict(self, x):
            return np.where(x[:, 0] > 0.5, np.inf, 1.0)

    reached, predictions = fitted(Lost, numbers)
    assert reached.final.failed.all()
    assert np.isnan(predictions).all()


def test_classes_that_a_repeat_lacks_stand_in_their_places(problem):
    """With a class alone, and with the same for all rows, none has failed."""
    labels = np.where(problem.train_y == 1, 2, problem.train_y)
    lacking = problem._replace(train_y=labels)
    for kind in (KNeighborsClassifier, LogisticRegression, GaussianNB, DummyClassifier):
        reached, predictions = fitted(kind, lacking, [0])
        expected = kind().fit(problem.train_x, labels).predict_proba(problem.test_x)
        expected = np.insert(expected, 1, np.finfo(float).eps, axis=1)
        np.testing.assert_allclose(np.exp(predictions[0]), expected, atol=1e-5)
        assert np.isfinite(predictions).all()
        assert not reached.final.failed.any()
    lacking = problem._replace(train_y=np.full(50, 2))
    reached, predictions = fitted(LogisticRegression, lacking, [0])
    assert (predictions[0].argmax(1) == 2).all()
    assert not reached.final.failed.any()


def test_what_cannot_be_fitted_is_one_message(problem):
    numbers = with_numbers(problem)
    numbers = numbers._replace(train_y=numbers.train_y.round())
    forest = RandomForestClassifier
    for rows, kind, arguments, words in (
        (problem, LinearSVC, {}, "LinearSVC' object has no attribute 'predict_proba'"),
        (problem, forest, {"trees": 3}, "unexpected keyword argument 'trees'"),
        (problem, forest, {"n_estimators": 0}, "InvalidParameterError: The 'n_"),
        (problem, dict, {}, "'dict' object has no attribute 'get_params'"),
        (numbers, GaussianNB, {}, "it is a classifier, and the target's labels"),
    ):
        with pytest.raises(ThawError, match=rf"^.*{words}.*\Z"):
            fitted(kind, rows, **arguments)


CONFIG = yaml.safe_load("""
seed: 1
network: {hidden: [4]}
training: {epochs: 2, batch_size: 8, learning_rate: 0.1}
problems:
  classes:
    make_blobs:
      {n_samples: 300, centers: 3, n_features: 2, cluster_std: 2, random_state: 1}
    train_size: 30
  numbers:
    make_friedman1: {n_samples: 60, random_state: 1}
    task: regression
    train_size: 30
variants:
  standalone: {pretrained: false}
  fixed-0: {}
  bayes: {estimator: sklearn.naive_bayes.GaussianNB}
  near: {estimator: sklearn.neighbors.KNeighborsClassifier}
  linear: {estimator: sklearn.linear_model.LinearRegression}
studies:
  of-classes:
    {source: classes, target: classes, repeats: 12, margin: 0.001,
     variants: [standalone, fixed-0, bayes, near], pairs: [[bayes, near]],
     training: {learning_rate: 0.003}, pretraining: {epochs: 15, learning_rate: 0.1}}
  of-numbers:
    {source: numbers, target: numbers, repeats: 8, margin: 0.1, target_sizes: [20, all],
     variants: [standalone, linear]}
""")
ANSWERS = [f"results/{study}/answer.md" for study in CONFIG["studies"]]


def test_an_estimator_that_is_the_same_in_all_repeats_is_one_value(store):
    """Beside it stands each unit of the other side, and nothing is matched."""
    results = store.finished(CONFIG, *ANSWERS).folder / "results"
    tables = results / "of-classes"
    pairs = pd.read_csv(tables / "comparisons.csv", index_col=["variant", "reference"])
    summary = pd.read_csv(tables / "summary.csv", index_col="variant")
    scores = pd.read_csv(tables / "scores.csv")
    units = pairs[["unit", "units", "reference_unit", "reference_units"]].agg(list, 1)
    assert units["bayes", "standalone"] == ["draw of rows", 1, "repeat", 12]
    assert units["bayes", "near"] == ["draw of rows", 1, "draw of rows", 1]
    assert units["fixed-0", "standalone"] == ["repeat", 12, "repeat", 12]
    of_numbers = pd.read_csv(results / "of-numbers/comparisons.csv")
    assert of_numbers["units"].tolist() == [8, 1]
    assert np.isnan(summary["mean_low"]["bayes"])
    known, both = pairs.loc["bayes", "standalone"], pairs.loc["bayes", "near"]
    assert pd.isna(known["matched_by"])
    assert known["verdict"] == "typically better"
    networks = scores.query("variant == 'standalone'")["test_accuracy"]
    gain = summary["median"]["bayes"] - networks
    assert known["typical"] == pytest.approx(gain.median(), abs=2e-3)
    assert known["mean"] == pytest.approx(gain.mean())
    # A network's mean may have missed bad ones, which a known value has not.
    assert known["mean_high"] - known["mean"] > known["mean"] - known["mean_low"]
    difference = summary["median"]["bayes"] - summary["median"]["near"]
    assert both["typical"] == pytest.approx(difference)
    assert both["typical_low"] < difference < both["typical_high"]  # the rows' luck
    answers = ((results.parent / answer).read_text() for answer in ANSWERS)
    of_classes, of_numbers = (" ".join(text.split()) for text in answers)
    assert re.search(
        r"all rows: use linear: \S+ to .* network \(standalone\)", of_numbers
    )
    headline = r"Use near: \S+ to \S+ better than the best network \(fixed-0\)\. It ty"
    assert re.search(headline, of_classes)
    assert (
        "near is typically better than fine-tune all layers (fixed-0): +0."
        in of_classes
    )
    assert "near is typically better than standalone: +0." in of_classes
    assert ("near", "fixed-0") in pairs.index and ("bayes", "fixed-0") in pairs.index


def test_a_job_names_the_estimator_that_fails(store, tmp_path):
    project = store.copy(tmp_path / "project", CONFIG, *ANSWERS)
    project.change("variants", "near", "arguments", to={"n_neighbors": -1})
    with pytest.raises(JobError, match=r"error: sklearn\S*\(n_neighbors=-1\): Inval"):
        project.make("results/of-classes/scores.csv")
