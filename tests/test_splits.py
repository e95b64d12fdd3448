"""`shuffle: each`: a split for each source model and the repeats from it."""

import copy
import csv
import functools
import io

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from configs import TRAINER
from conftest import copy_project, new_project, trained_again
from test_answer import ladder
from test_answer import said as answered
from thaw.config.resolve import resolve
from thaw.data.make import Other, make_problem
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.findings.new_rows import drawn, luck
from thaw.findings.overlap import in_words, overlap
from thaw.findings.samples import Sample
from thaw.keys import key
from thaw.learning import estimators
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import Phase, take
from thaw.learning.module import ModuleNetwork
from thaw.learning.seeds import Whose
from thaw.learning.settings import Training
from thaw.learning.splits import check, of_each, places, split
from thaw.learning.training import train
from thaw.output.problems import load_described, save_problem
from trained import bits, same

SEED = 3
BLOBS = {
    "make_blobs": {
        **{"n_samples": 150, "centers": 3, "n_features": 2},
        **{"cluster_std": 4, "random_state": 1},
    },
    "train_size": 0.6,
    "shuffle": "each",
    "scale": "standard",
}
NOISY = BLOBS | {"transforms": [{"noise": 1.0}, {"label_noise": 0.2}]}
RECIPE = {"settings": {}, "inputs": {}, "stage": "s", "code": "", "versions": {}}
RECIPE["format"] = 1
# Several source models, in arbitrary order.
ADDRESSES = [(2, 0), (0, 0), (0, 1), (5, 0), (2, 1), (1, 0), (7, 3)]


def pool_of(settings=BLOBS, **more):
    return make_problem(settings, **more)[0]


def table_of(folder, groups=False, numbers=False, rows=200, source=None, **settings):
    """Return the pool of a table with a rare class, in groups if wanted."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["heat", "mass"])
    who = rng.choice(40, rows, p=rng.dirichlet(np.full(40, 2)))
    frame["class"] = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    if numbers:
        frame["class"] = rng.normal(size=rows)
        settings |= {"task": "regression"}
    if groups:
        frame["who"] = who
        settings |= {"group": "who"}
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    told = {"file": {}, "label": "class", "train_size": 0.6, "shuffle": "each"}
    return make_problem(told | settings, [path], source=source)[0]


# Splits


@pytest.mark.parametrize("more", [{}, {"groups": True}, {"numbers": True}])
@pytest.mark.parametrize("sizes", [{}, {"train_size": 50, "test_size": 40}])
def test_the_sides_of_a_split_are_apart_and_of_one_size(tmp_path, more, sizes):
    pool = table_of(tmp_path, **more, **sizes)
    seen = np.zeros(len(pool.rows), int)
    for number in range(60):
        train, test = places(pool, SEED, number)
        assert (len(train), len(test)) == (pool.train_size, pool.test_size)
        assert not {*train} & {*test}
        if more.get("groups"):
            assert not {*pool.groups[train]} & {*pool.groups[test]}
        seen[test] += 1
    if not sizes:
        # Whole groups leave out fewer rows than the largest has.
        largest = np.bincount(pool.groups).max() if len(pool.groups) else 1
        assert pool.train_size + pool.test_size == 200 - largest + 1
        assert pool.train_size == pytest.approx(1.5 * pool.test_size, abs=2)
    assert (seen > 0).all(), "a row is nobody's test row"


def test_splits_are_stratified(tmp_path):
    pool = table_of(tmp_path)
    for number in range(30):
        for rows in places(pool, SEED, number):
            fair = len(rows) * np.bincount(pool.test_y) / len(pool.rows)
            assert abs(np.bincount(pool.test_y[rows]) - fair).max() <= 1


def test_a_split_depends_on_the_seed_and_the_source_model_alone(tmp_path):
    pool = table_of(tmp_path)
    found = [places(pool, *which)[1].tobytes() for which in ((3, 0), (3, 1), (4, 0))]
    assert len({*found}) == 3
    # Not on features, labels that are disturbed, or how a problem is scaled.
    other = table_of(tmp_path, scale="standard", transforms=[{"label_noise": 0.3}])
    for number in range(9):
        for one, same_one in zip(
            places(pool, SEED, number), places(other, SEED, number), strict=True
        ):
            np.testing.assert_array_equal(one, same_one)


def test_equal_tables_are_split_alike_so_that_no_test_row_leaks():
    """No test row of the target is a train row of the source model."""
    clean, noisy = pool_of(), pool_of(NOISY)
    for number in range(20):
        source, target = (split(pool, SEED, number) for pool in (clean, noisy))
        assert not np.isin(target.test_digests, source.train_digests).any()
        np.testing.assert_array_equal(source.test_rows, target.test_rows)
        # With another seed they do.
        other = split(clean, SEED + 1, number)
        assert np.isin(target.test_digests, other.train_digests).any()
    found = overlap("clean", clean, noisy, SEED, range(20))
    assert (found["equal"], found["splits"]) == (0, 20)


def test_the_same_rows_with_other_labels_are_split_alike(tmp_path):
    """By labels of their own they would not, and test rows would leak."""
    source = table_of(tmp_path, groups=True)
    _, described = make_problem(BLOBS)
    described = described._replace(columns=["heat", "mass"], categories={})
    other = Other("source", described, source)
    for numbers in (False, True):
        alone = table_of(tmp_path, groups=True, numbers=numbers)
        target = table_of(tmp_path, groups=True, numbers=numbers, source=other)
        leaks = [overlap("s", source, own, SEED, range(9)) for own in (alone, target)]
        assert (leaks[0]["equal"] > 0) == numbers
        assert leaks[1]["equal"] == 0
    # Other rows have their own strata.
    fewer = table_of(tmp_path, groups=True, rows=190, source=other)
    assert len(fewer.strata) == fewer.groups.max() + 1


def test_leakage_is_that_of_the_split_with_most_of_it():
    clean, fewer = pool_of(), pool_of(BLOBS | {"train_size": 0.5})
    counts = [
        np.isin(
            split(fewer, SEED, number).test_digests,
            split(clean, SEED, number).train_digests,
        ).sum()
        for number in range(5)
    ]
    found = overlap("clean", clean, fewer, SEED, np.argsort(counts).tolist())
    assert found["equal"] == max(counts) > 0
    assert f"{max(counts)} of 75 test rows" in in_words(found)
    assert "train rows of clean, in the worst of 5 splits" in in_words(found)


def test_features_are_scaled_by_each_splits_train_rows():
    pool = pool_of()
    for number in (0, 4):
        train, test = places(pool, SEED, number)
        found = split(pool, SEED, number)
        np.testing.assert_allclose(found.train_x.mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(found.train_x.std(0), 1, rtol=1e-6)
        learned = pool.x[train]
        expected = (pool.x[test] - learned.mean(0)) / learned.std(0)
        np.testing.assert_allclose(found.test_x, expected, rtol=1e-6)
    plain = pool_of({k: v for k, v in BLOBS.items() if k != "scale"})
    as_read = plain.x[places(plain, SEED, 0)[1]].astype(np.float32)
    np.testing.assert_array_equal(split(plain, SEED, 0).test_x, as_read)


def test_a_problem_is_scaled_like_anothers_split():
    clean, description = make_problem(BLOBS)
    like = Other("clean", description, clean)
    noisy = pool_of(NOISY | {"scale": "like"}, like=like)
    theirs = clean.x[places(clean, SEED, 2)[0]]
    own = noisy.x[places(noisy, SEED, 2)[1]]
    expected = (own - theirs.mean(0)) / theirs.std(0)
    np.testing.assert_allclose(split(noisy, SEED, 2).test_x, expected, rtol=1e-6)
    # Like a problem with one split it is the same in all.
    _, description = make_problem(BLOBS | {"shuffle": 1})
    noisy = pool_of(NOISY | {"scale": "like"}, like=Other("one", description))
    own = noisy.x[places(noisy, SEED, 2)[1]]
    raw = pool_of(NOISY).x[places(noisy, SEED, 2)[1]]
    expected = (raw - description.centre) / description.spread
    np.testing.assert_allclose(own, expected)
    np.testing.assert_array_equal(
        split(noisy, SEED, 2).test_x, expected.astype(np.float32)
    )


@pytest.mark.parametrize("scale", [{}, {"scale": "like"}])
def test_a_pool_on_disk_is_what_it_was(tmp_path, scale):
    other, description = make_problem(BLOBS)
    like = {"like": Other("clean", description, other)} if scale else {}
    pool, described = make_problem(NOISY | scale, **like)
    save_problem(tmp_path / "p.npz", pool, described, RECIPE, {})
    found, again, _ = load_described(tmp_path / "p.npz", key(RECIPE))
    assert again == described
    for number in range(3):
        for one, two in zip(
            split(found, SEED, number), split(pool, SEED, number), strict=True
        ):
            np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"strata": np.zeros(149, int)}, "its splits do not fit"),
        ({"train_size": 91}, "its splits do not fit"),
        ({"test_y": np.full(150, 3)}, "labels are not of classification"),
        ({"digests": np.zeros(150, int)}, "digests of its rows do not fit"),
    ],
)
def test_an_impossible_pool_is_refused(tmp_path, changed, reason):
    pool, described = make_problem(BLOBS)
    save_problem(tmp_path / "p.npz", pool._replace(**changed), described, RECIPE, {})
    with pytest.raises(ThawError, match=f"{reason}; delete it and run again"):
        load_described(tmp_path / "p.npz", key(RECIPE))


# Learning


def fit(problem, addresses, training, size=None, at_once=None, network=None, freeze=0):
    width = 1 if problem.task == "regression" else 3
    network = network or FullyConnected(2, [5], width)
    if at_once:
        network.at_once = lambda rows: at_once
    whose, groups = Whose.repeats(SEED, addresses), list(network.groups)
    start = functools.partial(network.draw, groups)
    phases = [Phase(groups[:freeze])]
    return [*train(network, start, problem, training, whose, phases, size)]


@pytest.mark.parametrize("numbers", [False, True])
@pytest.mark.parametrize(
    ("training", "size"),
    [
        (Training(4, 8, 0.05), None),
        (Training(4, 8, 0.05), 20),
        (Training(4, 8, [0.05, 0.01], validation_size=0.2, keep="best"), None),
        (Training(4, 8, 0.05, validation_size=0.2, keep="best"), 20),
    ],
)
def test_a_network_learns_what_it_would_from_its_split_alone(
    tmp_path, training, size, numbers
):
    pool = table_of(tmp_path, numbers=numbers, scale="standard")
    (together,) = fit(pool, ADDRESSES, training, size, at_once=100)
    apart = fit(pool, ADDRESSES, training, size, at_once=2)
    for place, address in enumerate(ADDRESSES):
        own = split(pool, SEED, address[0])
        (alone,) = fit(own, [address], training, size)
        assert same(alone.state, take(together.state, [place])) == {*alone.state}
        for one, other in zip(alone.reached[:2], together.reached[:2], strict=True):
            assert bits(one) == bits(other, [place])
        said = np.concatenate([part.predictions for part in apart])[place]
        assert said.tobytes() == alone.predictions[0].tobytes()
        assert together.predictions[place].tobytes() == said.tobytes()


def test_modules_learn_from_their_split_and_frozen_parts_run_once_for_it(monkeypatch):
    made = []

    def counted(*args):
        made.append(of_each(*args))
        return made[-1]

    monkeypatch.setattr("thaw.learning.training.of_each", counted)
    pool, training = pool_of(), Training(3, 8, 0.05)
    layers = nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)
    network = ModuleNetwork(lambda: nn.Sequential(*copy.deepcopy(layers)))
    addresses = [(0, 0), (0, 1), (0, 2), (3, 0), (3, 1)]
    parts = fit(pool, addresses, training, network=network, freeze=1)
    assert len(made) == 2, "repeats from one source model got other arrays"
    for address, part in zip(addresses, parts, strict=True):
        own = split(pool, SEED, address[0])
        (alone,) = fit(own, [address], training, network=network, freeze=1)
        assert same(alone.state, part.state) == {*alone.state}
        assert alone.predictions.tobytes() == part.predictions.tobytes()


def test_repeats_and_source_models_have_the_same_split():
    pool = pool_of()
    repeats = Whose.repeats(SEED, [(4, 0), (4, 7), (0, 1)])
    models = Whose.source_models(SEED, [4, 0])
    assert (repeats.models, models.models) == ([4, 4, 0], [4, 0])
    found = of_each(pool, SEED, repeats.models)
    for place, model in enumerate(repeats.models):
        own = split(pool, SEED, model)
        for name in ("train_x", "train_y", "test_x", "test_y", "test_rows"):
            np.testing.assert_array_equal(
                getattr(found, name)[place], getattr(own, name)
            )


def test_estimators_learn_from_their_repeats_split():
    pool = pool_of()
    fits = []

    class Counted(KNeighborsClassifier):
        def fit(self, x, y):
            fits.append(x)
            return super().fit(x, y)

    addresses = [(0, 0), (0, 1), (3, 0), (3, 1)]
    whose = Whose.repeats(SEED, addresses)
    reached, said = estimators.learned(Counted, {}, pool, whose, None, lambda n: None)
    assert len(fits) == 2, "the same split was learned twice"
    for place, (model, _) in enumerate(addresses):
        own = split(pool, SEED, model)
        expected = KNeighborsClassifier().fit(own.train_x, own.train_y)
        right = expected.predict(own.test_x) == own.test_y
        assert reached.history.test_score[place, 0] == pytest.approx(right.mean())
        np.testing.assert_array_equal(said[place].argmax(1) == own.test_y, right)


# Refusals


def config_of(**problems):
    problems = {"clean": BLOBS, "noisy": NOISY} | problems
    return {
        **{"seed": SEED, "repeats_per_job": "auto", "network": {"hidden": [4]}},
        "training": {"epochs": 3, "batch_size": 16, "learning_rate": 0.1},
        "problems": problems,
        "variants": {
            "standalone": {"pretrained": False},
            "fixed-0": {"freeze": 0},
            "nearest": {"estimator": "sklearn.neighbors.KNeighborsClassifier"},
        },
        "studies": {
            "ahead": {
                **{"source": "clean", "target": "noisy", "source_models": 9},
                **{"variants": ["standalone", "fixed-0", "nearest"], "repeats": 2},
            }
        },
    }


def refusal(config):
    with pytest.raises(ThawError) as error:
        resolve(config)
    return str(error.value)


def test_what_has_one_split_is_not_scaled_by_many():
    fixed = BLOBS | {"shuffle": 1, "scale": {"like": "clean"}}
    expected = "problems.fixed.scale.like: 'clean' has other train rows for each"
    assert expected in refusal(config_of(fixed=fixed))
    config = config_of(noisy=NOISY | {"shuffle": 1})
    resolve(config)
    config["studies"]["ahead"]["target_sizes"] = [20, "all"]
    expected = "studies.ahead.target: with target sizes 'noisy' is scaled like 'clean'"
    assert expected in refusal(config)


def test_a_trainer_reads_one_split(folder):
    config = config_of() | {"network": copy.deepcopy(TRAINER)}
    found = refusal(config)
    for role, name in (("source", "clean"), ("target", "noisy")):
        assert f"studies.ahead.{role}: '{name}' has shuffle: each, and a" in found


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"train_size": 190, "test_size": 20}, "ask for 210 rows, and whole groups"),
        ({"train_size": 300}, "ask for 301 rows, and whole groups leave"),
        ({"train_size": 0.001}, "too few for a train and a test set"),
    ],
)
def test_too_few_rows_are_reported(tmp_path, sizes, message):
    with pytest.raises(ThawError, match=message):
        table_of(tmp_path, groups=True, **sizes)


def test_a_split_without_a_class_is_reported(tmp_path):
    pool = table_of(tmp_path)
    check(pool, ["a", "b", "c"], SEED, range(50))
    few = table_of(tmp_path, train_size=4)
    with pytest.raises(
        ThawError, match=r"split of number 0 no train row has the class 'c'"
    ):
        check(few, ["a", "b", "c"], SEED, range(50))
    numbers = table_of(tmp_path, numbers=True)
    check(numbers, [], SEED, range(9))
    equal = numbers._replace(test_y=np.zeros(200))
    with pytest.raises(ThawError, match="the label is 0 in every train row"):
        check(equal, [], SEED, range(9))


# The luck of rows


def test_the_luck_of_rows_is_over_the_pool():
    """The error is how a difference of medians varies over pools drawn anew."""
    rng = np.random.default_rng(2)
    rows, models, tested = 200, 40, 60
    ease = rng.normal(0, 1.5, 100_000)  # of a population of rows
    own = {name: rng.normal(0, 1, 100_000) for name in "ab"}
    skill = {"a": 1.2, "b": 1.0}

    def study():
        pool = rng.integers(0, len(ease), rows)
        test = np.array([rng.permutation(rows)[:tested] for _ in range(models)])
        found = {}
        for name in own:
            odds = skill[name] + ease[pool] + own[name][pool]
            right = (rng.random((models, rows)) < 1 / (1 + np.exp(-odds))) * 1.0
            hidden = np.ones((models, rows), bool)
            np.put_along_axis(hidden, test, False, axis=1)
            right[hidden] = np.nan
            found[name] = Sample(
                np.nanmean(right, axis=1),
                np.arange(models),
                constant=0.3,
                by_rows=right.astype(np.float32),
                constant_by_rows=(np.arange(rows) % 10 < 3).astype(float),
                has_splits=True,
            )
        return found

    differences, errors = [], []
    for number in range(300):
        found = study()
        differences.append(np.subtract(*(np.median(s.values) for s in found.values())))
        if number < 15:
            on_rows = drawn(found)
            own_luck = luck(on_rows["a"], on_rows["b"])
            assert own_luck.units == rows
            errors.append(own_luck.typical)
    assert np.mean(errors) == pytest.approx(np.std(differences), rel=0.25)


def test_units_are_those_that_somebody_was_tested_on():
    by_rows = np.full((3, 10), np.nan, np.float32)
    by_rows[0, :4], by_rows[1, 2:6] = 1, 0
    by_rows[2] = 0.5  # it failed, and stands for the constant
    sample = Sample(
        np.array([1.0, 0.0, 0.5]),
        np.arange(3),
        np.array([False, False, True]),
        by_rows=by_rows,
        constant=0.5,
        constant_by_rows=np.full(10, 0.5),
        has_splits=True,
    )
    assert drawn({"": sample})[""].units == 6
    by_rows[1] = np.nan
    assert drawn({"": sample})[""].units == 1, "too few rows to tell were taken"


# From the config to the answer


def scores(project):
    text = (project.folder / "results/ahead/scores.csv").read_text()
    rows = csv.DictReader(io.StringIO(text))
    return {(r["variant"], r["source_model"], r["repeat"]): r for r in rows}


def trained(project):
    return {*project.results("source-models/**/*.csv")} | {
        *project.results("repeats/**/*.csv")
    }


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    project = new_project(tmp_path_factory.mktemp("splits") / "project", config_of())
    project.snakemake("--cores", "2", "results/ahead/answer.md")
    return project


def words(project, name):
    return " ".join((project.folder / f"results/ahead/{name}").read_text().split())


def test_comparisons_are_matched_by_source_model(told):
    table = pd.read_csv(told.folder / "results/ahead/comparisons.csv")
    assert {*table["matched_by"]} == {"source model"}
    assert {*table["unit"], *table["reference_unit"]} == {"source model"}
    assert {*table["units"], *table["reference_units"]} == {9}
    assert (table["row_units"] > 100).all()
    assert not pd.read_csv(told.folder / "results/ahead/overlap.csv")["equal"].any()


def test_it_is_said_that_other_splits_are_covered(told):
    said = (
        "Intervals cover the luck of 9 source models, each with a split of its own, 18 "
        "repeats and the test rows. They do not cover other rows to learn from."
    )
    assert said in words(told, "answer.md")
    own = "9 source models, each with a split of its own"
    assert own in words(told, "comparisons.md")
    assert own in words(told, "summary.md")


def test_of_one_split_another_is_not_covered():
    found = ladder(0.5, 0.7, 0.8, models=1)
    text = answered(found, has_splits=True, source_models=1)
    assert "another split of these rows, or other rows to learn from" in text
    assert "holds for this one source model and its split; another" in text
    alone = {"standalone": found["standalone"], "deeper": found["standalone"]}
    own = {name: {"pretrained": False} for name in alone}
    text = answered(alone, own, has_splits=True)
    assert "Intervals cover the luck of 30 splits and 60 repeats. They" in text


def test_rows_are_those_of_the_pool(told):
    """Each network's score is the mean over its own test rows, those of its split."""
    (path,) = (told.folder / "results/problems").glob("noisy-*.npz")
    pool, _, _ = load_described(path, path.stem.rpartition("-")[2])
    record = np.load(told.folder / "results/ahead/histories.npz")
    reached = record["standalone/test_score"][:, -1]
    by_rows, addresses = record["standalone/rows/accuracy"], record["addresses"]
    predicted = record["standalone/predicted"]
    assert by_rows.shape == (18, 150) and not isinstance(pool, Problem)
    tested = np.zeros(150, int)
    for own, (model, _), score in zip(by_rows, addresses, reached, strict=True):
        test = places(pool, SEED, model)[1]
        assert np.flatnonzero(np.isfinite(own)).tolist() == test.tolist()
        assert np.nanmean(own) == pytest.approx(score)
        tested[test] += 1
    assert predicted.sum(1).tolist() == tested.tolist()
    right = predicted[np.arange(150), pool.test_y]
    assert right.tolist() == np.nansum(by_rows, axis=0).tolist()
    table = pd.read_csv(told.folder / "results/ahead/rows.csv")
    assert table["row"].tolist() == pool.rows[tested > 0].tolist()
    shares = right[tested > 0] / tested[tested > 0]
    np.testing.assert_allclose(table["standalone"], shares)


def test_more_source_models_train_only_what_is_new(told, tmp_path):
    project = copy_project(told.folder, tmp_path / "project")
    before, known = scores(project), trained(project)
    project.change("studies", "ahead", "source_models", to=11)
    # Other cuts of jobs train all again, to the same bytes.
    project.snakemake("--cores", "2", "results/ahead/scores.csv")
    after = scores(project)
    assert len(after) == 3 * 11 * 2
    assert {key: after[key] for key in before} == before
    problems = project.results("problems/*.npz")
    assert problems.keys() == told.results("problems/*.npz").keys()
    assert len(trained(project) - known) == 4
    project.change("repeats_per_job", to=5)
    project.snakemake("--cores", "2", "results/ahead/scores.csv")
    assert scores(project) == after
    assert trained_again(known, trained(project))
