"""Problems from files and functions: rows that are read, encoded, scaled and split."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from small_tables import (
    SETTINGS,
    assert_equal,
    make,
    make_arrays,
    make_with_test_file,
    message,
    three_classes,
    with_ages,
    write,
)
from thaw.config.problem import FUNCTIONS
from thaw.data.make import Other, make_problem
from thaw.data.strata import quantiles
from thaw.errors import ThawError

NUMBERS = {"label": "heat", "task": "regression", "drop": ["class"]}
AGES = {"label": "age", "task": "regression"}


@pytest.fixture
def frame() -> pd.DataFrame:
    return three_classes()


def test_a_file_becomes_tables_scaled_by_its_train_rows(tmp_path, frame):
    problem, description = make(tmp_path, frame, scale="standard")
    assert description.columns == ["heat", "mass"]
    assert description.classes == ["blue", "green", "red"]
    assert (problem.train_x.dtype, problem.train_y.dtype) == (np.float32, np.int64)
    spread = problem.train_x.mean(0), problem.train_x.std(0)
    np.testing.assert_allclose(spread, [[0, 0], [1, 1]], atol=1e-6)
    # Each row is there once, with its label.
    x = np.concatenate([problem.train_x, problem.test_x])
    y = np.concatenate([problem.train_y, problem.test_y])
    rows = pd.DataFrame(x * description.spread + description.centre)
    rows = rows.assign(label=np.take(description.classes, y)).sort_values(0)
    expected = frame.sort_values("heat")
    np.testing.assert_allclose(rows[[0, 1]], expected[["heat", "mass"]], rtol=1e-4)
    assert rows["label"].tolist() == expected["class"].tolist()
    scaled, counts = description.notes[-2:]
    assert scaled == "scaled by the mean and standard deviation of its train rows"
    assert "40 (14 blue, 13 green, 13 red); test rows: 20 (6 blue, 7 green" in counts


@pytest.mark.parametrize("task", [{}, NUMBERS])
def test_every_kind_of_table_gives_the_same(tmp_path, frame, task):
    frame["size"] = np.repeat([1.5, 2.5], 30)
    settings = task | {"categorical": ["size"]}
    expected, csv = make(tmp_path, frame, **settings)
    european = {"sep": ";", "decimal": ","}, {"separator": ";", "decimal": ","}
    kinds = ("b.tsv", {}, {}), ("b.parquet", {}, {}), ("b.csv", *european)
    for name, how, read in kinds:
        problem, description = make(tmp_path, frame, name, how=how, **settings, **read)
        assert description.columns == csv.columns
        assert (problem.classes, problem.task) == (expected.classes, expected.task)
        for array, expected_array in zip(problem[:5], expected[:5], strict=True):
            np.testing.assert_allclose(array, expected_array, rtol=1e-6)
        joined = {"joined": {"files": [{}], "rows": {}, **read}}
        files = [tmp_path / "data.csv"], [tmp_path / name]
        _, other = make_problem(SETTINGS | settings | joined, *files)
        assert other.categories == {"size": ["1.5", "2.5"]}
    frame["mass"] = ["1.234", "2,5", "1"] * 20
    words = "column mass holds numbers as text, such as '1.234'; correct the row"
    assert words in message(tmp_path, frame, how=european[0], **european[1])


def test_a_name_like_an_address_is_a_file(tmp_path, frame, monkeypatch):
    monkeypatch.chdir(tmp_path)
    expected, _ = make(tmp_path, frame)
    for name in ("file:a.csv", "http:a.parquet"):
        path = write(tmp_path / f"a{Path(name).suffix}", frame).rename(name)
        assert_equal(make_problem(SETTINGS, [path])[0], expected)


def test_arrays_are_a_table_without_names(tmp_path, frame):
    expected, _ = make(tmp_path, frame)
    x, y = frame[["heat", "mass"]].to_numpy(), frame["class"].to_numpy(str)
    problem, description = make_arrays(tmp_path, x[..., None], y, shape=[2, 1])
    assert description.columns == ["feature 1", "feature 2"]
    assert description.classes == ["blue", "green", "red"]
    assert description.shape == [2, 1]
    assert_equal(problem, expected)
    # Labels may be a column, and bytes come in any order.
    x, y = x.astype(">f8"), np.repeat([[0], [1], [2]], 20, axis=0).astype(">i4")
    expected, _ = make_arrays(tmp_path, x.astype(float), y.ravel().astype(int))
    assert_equal(make_arrays(tmp_path, x, y)[0], expected)


def test_labels_are_kept_as_they_stand(tmp_path, frame):
    large = [2**63, 2**63 + 1, 1]
    for name, labels, expected in (
        ("a.csv", ["10", "9", "007"], ["007", "9", "10"]),
        ("a.csv", ["1.5", "-2", "0"], ["-2", "0", "1.5"]),
        ("a.csv", ["NA", "None", "null"], ["NA", "None", "null"]),
        ("a.csv", ["é", "Z", "so, so"], ["Z", "so, so", "é"]),
        ("a.csv", large, ["1", str(2**63), str(2**63 + 1)]),
        ("a.parquet", large, ["1", str(2**63), str(2**63 + 1)]),
        ("a.parquet", [1.0, 2.0, 3.0], ["1", "2", "3"]),
    ):
        frame["class"] = np.repeat(np.array(labels, object), 20)
        _, description = make(tmp_path, frame.infer_objects(), name)
        assert description.classes == expected


def test_columns_and_rows_that_are_left_out_may_hold_anything(tmp_path, frame):
    expected, _ = make(tmp_path, frame)
    wide = frame.assign(**{"": 1, "cas": [None, "x", "1"] * 20})
    problem, description = make(tmp_path, wide, drop=["cas", "Unnamed: 3"])
    assert_equal(problem, expected)
    assert "dropped: cas, Unnamed: 3" in description.notes
    both = pd.concat([frame.assign(set="1"), frame.assign(set="2", mass=None)])
    assert_equal(make(tmp_path, both, rows={"set": 1})[0], expected)
    problem, _ = make(tmp_path, frame, train_size=20, classes=["red", "blue"])
    assert len(problem.test_x) == 20
    assert ((problem.test_x[:, 0] > 4) == (problem.test_y == 0)).all()
    # A mark before the header is none of a name; truth values are numbers.
    frame["wet"] = frame["heat"] > 0
    problem, _ = make(tmp_path, frame, how={"encoding": "utf-8-sig"})
    assert set(problem.train_x[:, 2]) == {0, 1}


def test_categories_of_source_and_target_are_joined(tmp_path, frame):
    settings = {"categorical": ["solvent"], "scale": "standard"}
    order = ["solvent", "mass", "class", "heat"]
    backwards = frame.assign(solvent=["water", "NA"] * 30)[order]
    path = write(tmp_path / "target.csv", backwards)
    first, joined = frame.assign(solvent=["oil", "water"] * 30), {"joined": [path]}
    _, source = make(tmp_path, first, **settings, joined={"rows": {}}, known=joined)
    known = {"source": Other("first", source)}
    target, description = make(tmp_path, backwards, **settings, known=known)
    columns = ["heat", "mass", "solvent=NA", "solvent=oil", "solvent=water"]
    assert source.columns == description.columns == columns
    # Categories are not scaled.
    one_hot = np.concatenate([target.train_x, target.test_x])[:, 2:]
    assert {*one_hot.ravel()} == {0, 1} and one_hot.sum(0).tolist() == [30, 0, 30]
    expected, _ = make(tmp_path, frame, scale="standard")
    np.testing.assert_allclose(target.train_x[:, :2], expected.train_x, rtol=1e-5)


def test_columns_in_common_are_taken_and_the_others_named(tmp_path, frame):
    first = frame.assign(solvent=["oil", "acid"] * 30, old="x", left=np.nan, id=1)
    second = frame.assign(solvent=["water", "oil"] * 30, new=np.nan, kind="y", id=2)
    read = {"label": "class", "drop": ["id"], "columns": "common"}
    settings = SETTINGS | read | {"categorical": ["solvent"]}
    settings |= {"missing": {"drop": "rows"}}
    joined = {"joined": {"files": [{}], "rows": {}, **read}}
    files = [write(tmp_path / "one.csv", first)], [write(tmp_path / "two.csv", second)]
    _, first_table = make_problem(settings | joined, *files)
    source = Other("one", first_table)
    _, second_table = make_problem(settings, files[1], source=source)
    columns = ["heat", "mass", "solvent=acid", "solvent=oil", "solvent=water"]
    assert first_table.columns == second_table.columns == columns
    taken = "heat, mass, solvent; left out here:"
    words = f"the target: {taken} old, left; left out there: kind, new"
    assert first_table.notes[0] == f"columns in common with {words}"
    assert second_table.notes[0] == f"columns in common with one: {taken} new, kind"
    assert "0 of 60 rows" in first_table.missing
    write(tmp_path / "two.csv", second[["class"]].assign(hot=1, id=1))
    with pytest.raises(ThawError, match="no column with the target, which has hot"):
        make_problem(settings | joined, *files)


def test_a_problem_is_scaled_like_another(tmp_path, frame):
    _, like = make(tmp_path, frame)
    known = {"like": Other("first", like)}
    other = frame[["mass", "class", "heat"]] * {"mass": 2, "heat": 3, "class": 1}
    plain, _ = make(tmp_path, other)
    problem, description = make(tmp_path, other, scale="like", known=known)
    assert description.columns == ["mass", "heat"]
    centre, spread = np.array(like.centre)[::-1], np.array(like.spread)[::-1]
    expected = (plain.train_x - centre) / spread
    np.testing.assert_allclose(problem.train_x, expected, rtol=1e-4, atol=1e-5)
    renamed = frame.rename(columns={"mass": "weight"})
    words = "the column weight is not one of first, by which it would be"
    assert words in message(tmp_path, renamed, scale="like", known=known)
    known["like"] = Other("first", like._replace(spread=[1, 1e-38]))
    words = "data.csv: column mass: scaled, a value is too large"
    assert words in message(tmp_path, frame, scale="like", known=known)


OF_NUMBERS = ("make_friedman1", "make_regression", "load_diabetes")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_makes_a_problem(function):
    arguments = {"random_state": 1} if function.startswith("make_") else {}
    settings = {function: arguments, "train_size": 0.5, "shuffle": 1}
    settings |= {"task": "regression"} if function in OF_NUMBERS else {}
    problem, description = make_problem(settings)
    assert problem.train_x.shape[1] == len(description.columns) > 0
    assert (problem.classes > 0) == (function not in OF_NUMBERS)


def test_functions_return_their_rows_in_their_order():
    arguments = {"n_samples": 90, "centers": 3, "random_state": 1}
    x, y = make_blobs(**arguments)
    problem, _ = make_problem({"make_blobs": arguments, "train_size": 50})
    np.testing.assert_array_equal(problem.train_x, x[:50].astype(np.float32))
    np.testing.assert_array_equal(problem.test_y, y[50:])
    assert problem.test_rows.tolist() == list(range(51, 91))
    for argument in ({"nois": 1}, {"noise": "x"}):
        with pytest.raises(ThawError, match=r"make_moons: .*nois"):
            make_problem({"make_moons": argument | {"random_state": 1}})
    with pytest.raises(ThawError, match=r"regression: .*several labels a row"):
        make_problem({"make_regression": {"n_targets": 2, "random_state": 1}})


def test_transforms_change_train_and_test_alike_and_follow_each_other(tmp_path, frame):
    digits = {"load_digits": {}, "train_size": 100, "shape": [1, 8, 8]}
    plain, _ = make_problem(digits)
    for steps, is_right in (
        # Two noises are independent.
        ([{"noise": 4.0}, {"noise": 3.0}], lambda x, y: abs((y - x).std() - 5) < 0.2),
        ([{"invert": 16}, {"invert": 0}], lambda x, y: (y == x - 16).all()),
        ([{"rotate": 90}], lambda x, y: np.allclose(y, np.rot90(x, axes=(1, 2)))),
    ):
        changed, description = make_problem(digits | {"transforms": steps})
        for part in ("train_x", "test_x"):
            pair = (getattr(each, part).reshape(-1, 8, 8) for each in (plain, changed))
            assert is_right(*pair), steps
        words = ", ".join(f"{kind} {step[kind]}" for step in steps for kind in step)
        assert f"transformed: {words}" in description.notes
    # Also where test rows are those of another file.
    noisy, _ = make_with_test_file(tmp_path, frame, frame, transforms=[{"noise": 1.0}])
    assert abs(noisy.train_x - noisy.test_x).mean() > 0.5


def test_rows_are_drawn_stratified_by_the_seed_or_in_their_order(tmp_path):
    frame, sizes = three_classes(), {"train_size": 30, "test_size": 15}
    problem, _ = make(tmp_path, frame, **sizes)
    assert np.bincount(problem.train_y).tolist() == [10, 10, 10]
    assert np.bincount(problem.test_y).tolist() == [5, 5, 5]
    other, _ = make(tmp_path, frame, **sizes, shuffle=2)
    assert {*other.test_rows} != {*problem.test_rows}
    mixed = frame.sample(frac=1, random_state=1)
    problem, _ = make(tmp_path, mixed, shuffle=None, test_size=15)
    assert problem.test_rows.tolist() == [*range(41, 56)]


PAIRS = {"group": "pair"}
SIZES = [
    ({"train_size": 0.7}, (42, 18)),
    ({"train_size": 20, "test_size": 0.5}, (20, 30)),
    ({"train_size": None, "test_size": 0.25}, (45, 15)),
    (PAIRS | {"train_size": 30, "test_size": 0.3}, (30, 18)),
    (PAIRS | {"train_size": None, "test_size": 0.2}, (48, 12)),
    (PAIRS | {"train_size": 47, "test_size": 12}, (47, 12)),
    (PAIRS | {"train_size": 30} | AGES, (30, 30)),
]


@pytest.mark.parametrize(("settings", "sizes"), SIZES)
def test_sizes_are_rows_or_shares_and_groups_lie_on_one_side(tmp_path, settings, sizes):
    frame = with_ages() if "task" in settings else three_classes()
    pairs = np.arange(60) // 2
    frame = frame.assign(place=pairs, pair=[f"g{pair}" for pair in pairs])
    settings = ({} if "group" in settings else {"drop": ["pair"]}) | settings
    problem, description = make(tmp_path, frame, **settings)
    assert (len(problem.train_x), len(problem.test_x)) == sizes
    if "group" not in settings:
        return
    column = description.columns.index("place")
    assert not {*problem.train_x[:, column]} & {*problem.test_x[:, column]}
    names = frame["pair"][problem.test_rows - 1]
    assert {*problem.test_groups} == {*range(names.nunique())}
    both = {*zip(names, problem.test_groups, strict=True)}
    assert len(both) == names.nunique() < len(names)
    # As far as groups allow, stratified.
    assert "task" in settings or np.ptp(np.bincount(problem.test_y)) <= 2


def test_test_rows_have_their_numbers_in_the_file(tmp_path):
    """A feature that is a row's number in the file shows which row it is."""
    frame = three_classes().sample(frac=1, random_state=1)
    pairs = [f"p{row // 2}" for row in range(60)]
    frame = frame.assign(line=range(1, 61), set=["1", "2"] * 30, pair=pairs)
    for changes in (
        {"shuffle": None},
        {"classes": ["red", "blue"], "train_size": 20},
        {"name": "data.parquet", "rows": {"set": 2}, "train_size": 15},
        {"group": "pair", "train_size": 30},
    ):
        drop = [column for column in ("set", "pair") if column not in str(changes)]
        problem, description = make(tmp_path, frame, drop=drop, **changes)
        lines = problem.test_x[:, description.columns.index("line")]
        assert problem.test_rows.tolist() == lines.astype(int).tolist()


def test_test_rows_from_a_file_of_their_own(tmp_path):
    frame = three_classes()
    test = frame[["mass", "heat", "class"]].assign(mass=range(1, 61))
    problem, description = make_with_test_file(tmp_path, frame, test)
    assert description.columns == ["heat", "mass"]
    np.testing.assert_array_equal(problem.train_x[:, 0], problem.test_x[:, 0])
    changes = {"shuffle": 1, "train_size": 30, "test_size": 0.5}
    problem, _ = make_with_test_file(tmp_path, frame, test, **changes)
    assert problem.test_rows.tolist() == problem.test_x[:, 1].tolist()
    for labels in (problem.train_y, problem.test_y):
        assert np.bincount(labels).tolist() == [10, 10, 10]
    problem, _ = make_with_test_file(tmp_path, frame, test, train_size=41)
    assert problem.train_y.tolist() == [2] * 20 + [1] * 20 + [0]
    for size, rows in ((61, 61), (0.01, 0)):
        with pytest.raises(ThawError, match=rf"test.csv: test_size asks for {rows} of"):
            make_with_test_file(tmp_path, frame, test, test_size=size)
    numbers = with_ages().assign(age=np.arange(60.0))
    changes = {"shuffle": 1, "test_size": 20, **AGES}
    problem, _ = make_with_test_file(tmp_path, with_ages(), numbers, **changes)
    assert np.bincount((problem.test_y // 6).astype(int)).tolist() == [2] * 10


def test_labels_may_be_numbers_in_their_own_unit(tmp_path):
    ages = with_ages()
    x, y = ages.drop(columns="age"), ages["age"]
    for problem, description in (
        make(tmp_path, ages, **AGES),
        make(tmp_path, ages, "data.parquet", **AGES),
        make_arrays(tmp_path, x, y, task="regression"),
    ):
        assert (problem.task, problem.classes) == ("regression", 0)
        rows = np.concatenate([problem.train_x, problem.test_x])[:, -1].astype(int)
        labels = np.concatenate([problem.train_y, problem.test_y])
        assert labels.dtype == np.float64
        assert labels.tolist() == y[rows - 1].tolist()
        low, high, mean = *np.quantile(labels[:40], [0, 1]), labels[:40].mean()
        words = f"train rows: 40 (labels {low:g} to {high:g}, mean {mean:g}); test row"
        assert any(words in note for note in description.notes)


def test_strata_of_numbers_are_quantiles_of_five_rows_or_more():
    ties = [0, 1, 2, 3, 3, 3, 6, 7, 8, 8, 8, 11, 12, 13, 13, 13]
    for numbers, sizes in (
        (range(49), [5, 5, 6, 5, 6, 5, 6, 5, 6]),
        (range(9), [9]),
        (range(10), [5, 5]),
        # Equal numbers share a stratum, whatever that does to the others.
        ([0] * 70 + [*range(1, 31)], [70, 10, 10, 10]),
        ([0] * 97 + [1, 2, 3], [100]),
        # Ties move a cut to their first one, and the next stratum begins there.
        ([*ties, *range(16, 50)], [8, 5, 7, *[5] * 6]),
        ([*range(7), 7, 7, 7, 7, *range(11, 50)], [5, 10, *[5] * 7]),
    ):
        numbers = np.random.default_rng(0).permutation(np.array(numbers, float))
        for unit in (1.0, 1e-12):
            strata = quantiles(numbers * unit)
            assert np.bincount(strata).tolist() == sizes
            assert (np.diff(strata[np.argsort(numbers)]) >= 0).all()
            assert (pd.Series(strata).groupby(numbers).nunique() == 1).all()
    assert len(np.unique(quantiles(np.arange(100.0), 3))) == 3


def test_numbers_are_split_by_quantiles_of_all_labels(tmp_path):
    """Each seed has as many of each, also where there are fewer test rows than ten."""
    age = np.random.default_rng(0).permutation(np.arange(60.0))
    ages = with_ages().assign(age=age)
    for changes in (AGES, AGES | {"shuffle": 2}, {"label": "age", "bins": 2}):
        problem, _ = make(tmp_path, ages, **changes)
        assert np.bincount(quantiles(age)[problem.test_rows - 1]).tolist() == [2] * 10
        few, _ = make(tmp_path, ages, test_size=4, **changes)
        assert np.bincount((age[few.test_rows - 1] // 15).astype(int)).max() == 1


def test_bins_are_classes_by_quantiles_of_the_train_rows(tmp_path):
    ages, bins = with_ages(), {"label": "age", "bins": 3}
    numbers, _ = make(tmp_path, ages, **AGES)
    problem, description = make(tmp_path, ages, **bins)
    assert (problem.task, problem.classes) == ("classification", 3)
    assert problem.train_y.dtype == problem.test_y.dtype == np.int64
    low, high = cuts = np.quantile(numbers.train_y, [1 / 3, 2 / 3])
    assert (problem.train_y == np.digitize(numbers.train_y, cuts)).all()
    assert (problem.test_y == np.digitize(numbers.test_y, cuts)).all()
    names = [f"below {low:.6g}", f"{low:.6g} to {high:.6g}", f"{high:.6g} or more"]
    assert description.classes == names
    # Other labels of test rows move no cut point.
    ages.loc[numbers.test_rows - 1, "age"] *= 1.01
    assert make(tmp_path, ages, **bins)[1].classes == names
