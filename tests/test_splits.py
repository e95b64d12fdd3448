"""`shuffle: each`: a split for each source model and the repeats from it."""

import numpy as np
import pytest

import saved
import thaw
from configs import TRAINER, message_of, small_config
from small_tables import SEED, assert_equal, pool_of_table
from thaw.data.make import Other, make_problem
from thaw.errors import ThawError
from thaw.findings.new_rows import count_row_units, luck_of_rows
from thaw.findings.overlap import in_words, overlap
from thaw.findings.samples import Sample
from thaw.keys import key
from thaw.learning import splits
from thaw.learning.splits import check, places, split
from thaw.output.problems import load_described, save_problem

ARGUMENTS = {"n_samples": 150, "centers": 3, "n_features": 2}
BLOBS = {
    "make_blobs": ARGUMENTS | {"cluster_std": 4, "random_state": 1},
    "train_size": 0.6,
    "shuffle": "each",
    "scale": "standard",
}
NOISY = BLOBS | {"transforms": [{"noise": 1.0}]}
RECIPE = {"settings": {}, "inputs": {}, "stage": "s", "code": "", "versions": {}}
RECIPE["format"] = 1


@pytest.mark.parametrize("more", [{}, {"groups": True}, {"numbers": True}])
@pytest.mark.parametrize("sizes", [{}, {"train_size": 50, "test_size": 40}])
def test_sides_are_apart_stratified_and_of_one_size(tmp_path, more, sizes):
    pool = pool_of_table(tmp_path, **more, **sizes)
    tested = np.zeros(len(pool.rows), int)
    for number in range(60):
        train, test = places(pool, SEED, number)
        assert (len(train), len(test)) == (pool.train_size, pool.test_size)
        assert not {*train} & {*test}
        if more.get("groups"):
            assert not {*pool.groups[train]} & {*pool.groups[test]}
        else:
            shares = np.bincount(pool.strata) / len(pool.rows)
            for rows in (train, test):
                counts = np.bincount(pool.strata[rows], minlength=len(shares))
                assert abs(counts - len(rows) * shares).max() <= 1
        tested[test] += 1
    if not sizes:
        # Whole groups leave out fewer rows than the largest has.
        largest = np.bincount(pool.groups).max() if len(pool.groups) else 1
        assert pool.train_size + pool.test_size == 200 - largest + 1
        assert pool.train_size == pytest.approx(1.5 * pool.test_size, abs=2)
    assert (tested > 0).all(), "a row is never a test row"


def test_a_split_depends_on_the_seed_and_the_source_model_alone():
    """So no test row of the target is a train row of the source model."""
    clean, noisy = make_problem(BLOBS)[0], make_problem(NOISY)[0]
    tests = [places(clean, *which)[1].tobytes() for which in ((3, 0), (3, 1), (4, 0))]
    assert len({*tests}) == 3
    expected = [split(clean, 3, number).test_rows for number in (0, 1, 1)]
    np.testing.assert_array_equal(splits.test_rows(clean, 3, [0, 1, 1]), expected)
    row = overlap("clean", clean, noisy, SEED, range(20))
    assert (row["equal"], row["splits"]) == (0, 20)
    # Where they differ, the split with most such rows counts.
    other = clean._replace(strata=np.zeros(150, int))
    counts = [overlap("clean", clean, other, SEED, [n])["equal"] for n in range(5)]
    row = overlap("clean", clean, other, SEED, np.argsort(counts).tolist())
    assert row["equal"] == max(counts) > min(counts)
    words = f"{max(counts)} of 60 test rows have the same features as train rows of "
    assert f"{words}clean, in the worst of 5 splits" in in_words(row)


def test_the_same_rows_with_other_labels_are_split_alike(tmp_path):
    """By their labels they would not, and test rows would leak."""
    source = pool_of_table(tmp_path, groups=True)
    _, described = make_problem(BLOBS)
    described = described._replace(columns=["heat", "mass"], categories={})
    other = Other("source", described, source)
    alone = pool_of_table(tmp_path, groups=True, numbers=True)
    target = pool_of_table(tmp_path, groups=True, numbers=True, source=other)
    leaks = [overlap("s", source, pool, SEED, range(9)) for pool in (alone, target)]
    assert leaks[0]["equal"] > leaks[1]["equal"] == 0
    # Other rows have other strata.
    fewer = pool_of_table(tmp_path, groups=True, rows=190, source=other)
    assert len(fewer.strata) == fewer.groups.max() + 1


def test_features_are_scaled_by_the_train_rows_of_their_split(tmp_path):
    clean, described = make_problem(BLOBS)
    _, fixed = make_problem(BLOBS | {"shuffle": 1})
    raw, _ = make_problem({k: v for k, v in NOISY.items() if k != "scale"})
    like, path = {**NOISY, "scale": "like"}, tmp_path / "p.npz"
    train, test = places(clean, SEED, 4)
    for settings, other, centre, spread in (
        (NOISY, None, raw.x[train].mean(0), raw.x[train].std(0)),
        # Like the split of another pool, or like the one split of a problem.
        (like, (described, clean), clean.x[train].mean(0), clean.x[train].std(0)),
        (like, (fixed, None), fixed.centre, fixed.spread),
    ):
        pool, about = make_problem(settings, like=other and Other("other", *other))
        problem = split(pool, SEED, 4)
        assert problem.test_rows.tolist() == pool.rows[test].tolist()
        for x, rows in ((problem.train_x, train), (problem.test_x, test)):
            expected = (raw.x[rows] - centre) / spread
            np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-6)
        # On disk it is the same.
        save_problem(path, pool, about, RECIPE, {})
        read, again, _ = load_described(path, key(RECIPE))
        assert again == about
        assert_equal(split(read, SEED, 4), problem)


def test_a_split_that_teaches_nothing_is_refused(tmp_path):
    for sizes, words in (
        (
            {"train_size": 190, "test_size": 20},
            "ask for 190 and 20 rows of 179",
        ),
        ({"train_size": 0.001}, "ask for 0 and 179 rows of 179"),
    ):
        with pytest.raises(ThawError, match=words):
            pool_of_table(tmp_path, groups=True, **sizes)
    names = ["a", "b", "c"]
    check(pool_of_table(tmp_path), names, SEED, range(50))
    few = pool_of_table(tmp_path, train_size=4)
    with pytest.raises(ThawError, match="split of number 0 no train row has the class"):
        check(few, names, SEED, range(50))
    numbers = pool_of_table(tmp_path, numbers=True)
    check(numbers, [], SEED, range(9))
    with pytest.raises(ThawError, match="the label is 0 in every train row"):
        check(numbers._replace(y=np.zeros(200)), [], SEED, range(9))


def test_one_split_is_no_part_of_several(folder):
    config = small_config() | {"problems": {"one": BLOBS, "two": BLOBS}}
    config["problems"]["fixed"] = BLOBS | {"shuffle": 1, "scale": {"like": "one"}}
    words = "problems.fixed.scale.like: it has other train rows for each"
    assert words in message_of(config)
    config = small_config(TRAINER) | {"problems": {"one": BLOBS, "two": BLOBS}}
    assert "and 'two' has shuffle: each or fill: median" in message_of(config)


def test_the_luck_of_rows_is_over_those_that_are_tested():
    def sample_of(scores, by_rows):
        return Sample(
            *(np.array(scores), np.arange(len(scores)), np.array(scores) == 0.5),
            by_rows=by_rows.astype(np.float32),
            constant=0.5,
            constant_by_rows=np.full(by_rows.shape[1], 0.5),
            has_splits=True,
        )

    apart, alike = np.full((2, 2, 200), np.nan)
    apart[0, :60] = apart[1, 60:120] = alike[:, :60] = np.arange(60) % 2
    for by_rows, rows in ((apart, 120), (alike, 60)):
        sample = sample_of([0.4, 0.4], by_rows)
        luck = luck_of_rows((sample, sample.weights))
        assert luck.units == rows
        assert luck.error == pytest.approx(0.5 / rows**0.5, rel=0.01)
    # A failed network, of a score of a half, has none.
    failed = np.full((3, 10), np.nan)
    failed[0, :4], failed[1, 2:6], failed[2] = 1, 0, 0.5
    assert count_row_units(sample_of([1, 0, 0.5], failed)) == 6


def test_all_of_a_study_is_about_the_split_of_its_source_model(saved_once):
    results = thaw.open(saved_once.folder / "results/each")
    (path,) = (saved_once.folder / "results/problems").glob("kind-2-each-*.npz")
    pool, description, _ = load_described(path, path.stem.rpartition("-")[2])
    where = ["variant", "source_model", "repeat"]
    scores = results.scores.set_index(where)["test_accuracy"]
    networks = results.predictions.groupby(where)
    assert len(networks) == len(scores) == 2 * 2 * 2
    for address, rows in networks:
        test = places(pool, saved.CONFIG["seed"], address[1])[1]
        assert rows["row"].tolist() == pool.rows[test].tolist()
        labels = [description.classes[label] for label in pool.y[test]]
        assert rows["label"].tolist() == labels
        right = (rows["predicted"] == rows["label"]).mean()
        assert right == pytest.approx(scores[address])
    assert {*results.comparisons["matched_by"]} == {"source model"}
    words = "for other source models, splits, repeats and test rows"
    assert words in " ".join(results.answer.split())
