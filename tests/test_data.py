"""Problems from files and functions: how they are read, and errors in them."""

import io
import re
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import datasets

from thaw.data.make import Other, make_problem
from thaw.data.strata import quantiles
from thaw.errors import ThawError

SETTINGS = {"file": {}, "label": "class", "train_size": 40, "shuffle": 1}
BLOBS = {"n_samples": 90, "centers": 3, "n_features": 2, "random_state": 1}


@pytest.fixture
def frame() -> pd.DataFrame:
    """Sixty rows of three classes; red is hot."""
    rng = np.random.default_rng(0)
    label = np.repeat(["red", "green", "blue"], 20)
    return pd.DataFrame(
        {
            "heat": rng.normal(size=60) + 9 * (label == "red"),
            "class": label,
            "mass": rng.normal(size=60) * 10,
        }
    )


def write(path, frame):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


def make(folder, frame, name="data.csv", others=None, **changes):
    """Write a frame to a file and make a problem of it."""
    wanted = {k: v for k, v in (SETTINGS | changes).items() if v is not None}
    return make_problem(wanted, [write(folder / name, frame)], **others or {})


def rows_of(problem, description):
    """Return all rows as a frame, scaled back, with their labels."""
    x = np.concatenate([problem.train_x, problem.test_x])
    made = pd.DataFrame(x, columns=description.columns)
    y = np.concatenate([problem.train_y, problem.test_y])
    return made.assign(**{"class": np.take(description.classes, y)})


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def message(folder, frame, **changes):
    """Return what is wrong, a line each."""
    with pytest.raises(ThawError) as caught:
        make(folder, frame, **changes)
    assert all(line.startswith(f"{folder}/data.") for line in caught.value.args[:30])
    return str(caught.value).replace(f"{folder}/", "")


# Reading


def test_a_file_becomes_tables_scaled_by_its_train_rows(tmp_path, frame):
    problem, description = make(tmp_path, frame, scale="standard")
    assert description.columns == ["heat", "mass"]
    assert description.classes == ["blue", "green", "red"]
    assert (problem.train_x.shape, problem.test_x.shape) == ((40, 2), (20, 2))
    assert (problem.train_x.dtype, problem.train_y.dtype) == (np.float32, np.int64)
    np.testing.assert_allclose(problem.train_x.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(problem.train_x.std(0), 1, atol=1e-6)
    # Each row is there once, with its own label.
    made = rows_of(problem, description)
    for place, name in enumerate(description.columns):
        made[name] = made[name] * description.spread[place] + description.centre[place]
    expected = frame.sort_values("heat", ignore_index=True)
    pd.testing.assert_frame_equal(
        made.sort_values("heat", ignore_index=True)[list(frame)],
        expected,
        rtol=1e-4,
        check_dtype=False,
    )


@pytest.mark.parametrize("name", ["data.tsv", "data.parquet"])
def test_every_kind_of_table_gives_the_same(tmp_path, frame, name):
    expected, described = make(tmp_path, frame)
    problem, description = make(tmp_path, frame, name=name)
    assert description == described
    assert (problem.classes, problem.task) == (expected.classes, expected.task)
    for found, wanted in zip(problem[:5], expected[:5], strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_arrays_are_a_table_without_names(tmp_path, frame):
    expected, _ = make(tmp_path, frame)
    path = tmp_path / "data.npz"
    x = frame[["heat", "mass"]].to_numpy()
    np.savez(path, X=x.reshape(60, 2, 1), y=frame["class"].to_numpy(str))
    wanted = {"file": {}, "train_size": 40, "shuffle": 1, "shape": [2, 1]}
    problem, description = make_problem(wanted, [path])
    assert description.columns == ["feature 1", "feature 2"]
    assert description.classes == ["blue", "green", "red"]
    assert description.shape == [2, 1]
    assert same(problem, expected)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["10", "9", "007"], ["007", "9", "10"]),
        (["1.5", "-2", "0"], ["-2", "0", "1.5"]),
        (["NA", "None", "null"], ["NA", "None", "null"]),
        (["yes", "no", "so, so"], ["no", "so, so", "yes"]),
        (["é", "Z", "a"], ["Z", "a", "é"]),
    ],
)
def test_labels_are_kept_as_they_stand(tmp_path, frame, labels, expected):
    frame["class"] = np.repeat(labels, 20)
    _, description = make(tmp_path, frame)
    assert description.classes == expected


def test_a_mark_before_the_header_and_true_and_false_are_read(tmp_path, frame):
    frame["wet"] = frame["heat"] > 0
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False, encoding="utf-8-sig")
    problem, description = make_problem(SETTINGS, [path])
    assert description.columns == ["heat", "mass", "wet"]
    assert set(problem.train_x[:, 2]) == {0, 1}


EUROPEAN = {"separator": ";", "decimal": ","}
MARKS = {"sep": ";", "decimal": ","}


@pytest.mark.parametrize("task", [{}, {"label": "heat", "task": "regression"}])
def test_a_semicolon_and_a_decimal_comma_give_the_same(tmp_path, frame, task):
    frame["size"] = np.repeat([1.5, 2.5], 30)
    wanted = SETTINGS | task | {"categorical": ["size"]}
    if task:
        wanted["drop"] = ["class"]
    found = []
    for name, how, keys in (
        ("a", {}, {}),
        ("b", MARKS, EUROPEAN),
    ):
        path = tmp_path / f"{name}.csv"
        frame.to_csv(path, index=False, **how)
        problem, description = make_problem(wanted | keys, [path])
        found.append((*problem, description.columns))
    assert same(*found)
    joined = {"files": [{}], "rows": {}, **EUROPEAN}
    _, other = make_problem(wanted | {"joined": joined}, [tmp_path / "a.csv"], [path])
    assert other.categories == {"size": ["1.5", "2.5"]}


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({"sep": ";"}, "cannot be read as csv: it is separated by ';', not by ','; a "),
        ({"sep": ";", "decimal": ","}, 'a problem says so by separator: ";"'),
        ({"sep": "\t"}, 'by separator: "\\t"'),
        (
            {"decimal": ","},
            'in the columns heat, mass; write decimal: ","',
        ),
    ],
)
def test_how_a_file_is_written_is_recognized(tmp_path, frame, how, expected):
    path = tmp_path / "data.csv"
    frame.to_csv(path, index=False, **how)
    with pytest.raises(ThawError) as caught:
        make_problem(SETTINGS, [path])
    [line] = caught.value.args
    assert expected in line


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["1,5", "-2", "0,125"] * 20, "decimal commas in the columns mass; write"),
        (["1,234", "2,500", "12"] * 20, "column mass: 40 of 60 not numbers, first '1,"),
        (["a;b", "c;d", "e;f"] * 20, "column mass: 60 of 60 not numbers, first 'a;b'"),
        ([1.5] * 59 + ["n/a"], "mass: 1 of 60 not numbers, first 'n/a' in row 60"),
    ],
)
def test_other_marks_are_not_mistaken(tmp_path, frame, values, expected):
    assert expected in message(tmp_path, frame.assign(mass=values))
    make(tmp_path, frame.assign(mass=values), drop=["mass"])


def test_with_decimal_commas_a_word_or_a_point_is_what_is_wrong(tmp_path, frame):
    path, how = tmp_path / "data.csv", {"decimal": ","}
    for values, expected in (
        (["1,5", "-2,25", "n/a"] * 20, "20 of 60 not numbers, first 'n/a' in row 3"),
        (["1.234", "2.500", "1.000"] * 20, "holds numbers as text, such as '1.234'"),
    ):
        frame.assign(mass=values).to_csv(path, index=False, sep=";", **how)
        with pytest.raises(ThawError) as caught:
            make_problem({**SETTINGS, "separator": ";", **how}, [path])
        assert [expected in line for line in caught.value.args] == [True]


def test_decimals_lists_and_bytes_of_a_database(tmp_path, frame):
    numbers, settings = make(tmp_path, frame), {"name": "data.parquet"}
    lists = [[number, 2] for number in range(60)]
    frame["mass"] = [None if m is None else Decimal(repr(m)) for m in frame["mass"]]
    frame["class"] = frame["class"].str.encode("utf-8")
    made = make(tmp_path, frame.assign(tags=lists), drop=["tags"], **settings)
    assert same(made[0], numbers[0])
    said = message(tmp_path, frame.assign(tags=lists), **settings)
    assert "column tags: 60 of 60 not numbers, first '[0 2]' in row 1" in said
    frame["class"] = [b"\xe9", b"\xe8"] * 30
    assert make(tmp_path, frame, **settings)[1].classes == ["\\xe8", "\\xe9"]


def test_dropped_columns_may_hold_anything(tmp_path, frame):
    expected, _ = make(tmp_path, frame)
    frame.insert(0, "cas", [None, "x", "1"] * 20)
    problem, description = make(tmp_path, frame, drop=["cas"])
    assert same(problem, expected)
    assert "dropped: cas" in description.notes


def test_columns_without_a_name_can_be_dropped(tmp_path, frame):
    wide = frame.assign(**{"": 1})
    path = write(tmp_path / "data.csv", pd.concat([wide, wide[[""]]], axis=1))
    wanted = SETTINGS | {"drop": ["Unnamed: 3", "Unnamed: 4"]}
    assert make_problem(wanted, [path])[1].columns == ["heat", "mass"]


def test_only_rows_with_a_value(tmp_path, frame):
    both = pd.concat([frame.assign(set="1"), frame.assign(set="2", heat=9)])
    # In the other rows nothing need be right.
    both.loc[both["set"] == "2", "mass"] = None
    expected, _ = make(tmp_path, frame)
    problem, description = make(tmp_path, both, rows={"set": 1})
    assert description.columns == ["heat", "mass"]
    assert same(problem, expected)


def test_only_some_classes_in_their_order(tmp_path, frame):
    problem, description = make(tmp_path, frame, train_size=20, classes=["red", "blue"])
    assert description.classes == ["red", "blue"]
    assert len(problem.train_x) + len(problem.test_x) == 40
    red = np.concatenate([problem.train_x, problem.test_x])[:, 0] > 4
    assert (red == (np.concatenate([problem.train_y, problem.test_y]) == 0)).all()


# The split


def test_without_a_seed_rows_keep_their_order(tmp_path, frame):
    mixed = frame.sample(frac=1, random_state=1)
    problem, description = make(tmp_path, mixed, shuffle=None, test_size=15)
    found = rows_of(problem, description)
    np.testing.assert_allclose(found["heat"], mixed["heat"][:55], rtol=1e-6)
    assert len(problem.train_x) == 40


def test_drawn_rows_are_stratified(tmp_path, frame):
    problem, _ = make(tmp_path, frame, train_size=30, test_size=15)
    assert np.bincount(problem.train_y).tolist() == [10, 10, 10]
    assert np.bincount(problem.test_y).tolist() == [5, 5, 5]
    again, _ = make(tmp_path, frame, train_size=30, test_size=15)
    assert same(problem, again)
    other, _ = make(tmp_path, frame, train_size=30, test_size=15, shuffle=2)
    assert not same(problem, other)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"train_size": 0.7}, (42, 18)),
        ({"train_size": 0.5, "test_size": 0.25}, (30, 15)),
        ({"train_size": 20, "test_size": 0.5}, (20, 30)),
        ({"train_size": None, "test_size": 0.25}, (45, 15)),
    ],
)
def test_sizes_are_rows_or_shares(tmp_path, frame, sizes, expected):
    problem, _ = make(tmp_path, frame, **sizes)
    assert (len(problem.train_x), len(problem.test_x)) == expected


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"train_size": 30, "test_size": 0.3}, (30, 18)),
        ({"train_size": 0.5}, (30, 30)),
        ({"train_size": None, "test_size": 0.2}, (48, 12)),
        ({"train_size": 40, "test_size": 12}, (40, 12)),
        ({"train_size": 47, "test_size": 12}, (47, 12)),
        ({"train_size": 0.5, "test_size": 0.25}, (30, 15)),
    ],
)
def test_rows_of_a_group_lie_on_one_side(tmp_path, frame, sizes, expected):
    frame["group"] = [f"g{number // 2}" for number in range(60)]
    frame["number"] = [number // 2 for number in range(60)]
    problem, description = make(tmp_path, frame, group="group", **sizes)
    place = description.columns.index("number")
    sides = [set(x[:, place]) for x in (problem.train_x, problem.test_x)]
    assert not sides[0] & sides[1]
    assert (len(problem.train_x), len(problem.test_x)) == expected
    # As far as groups allow, stratified.
    assert np.ptp(np.bincount(problem.test_y)) <= 2


def test_the_groups_of_test_rows_are_numbered(tmp_path, frame):
    frame["group"] = [f"g{number % 20}" for number in range(60)]
    problem, _ = make(tmp_path, frame, group="group", train_size=0.5, test_size=25)
    groups = frame["group"][problem.test_rows - 1]
    assert problem.test_groups.dtype == np.int64
    assert {*problem.test_groups} == {*range(groups.nunique())}
    both = {*zip(groups, problem.test_groups, strict=True)}
    assert len(both) == groups.nunique() < len(groups)
    problem, _ = make(tmp_path, frame, drop=["group"])
    assert problem.test_groups.shape == (0,)


def test_test_rows_from_a_file_of_their_own(tmp_path, frame):
    test = write(tmp_path / "test.csv", frame[["mass", "heat", "class"]][::2])
    train = write(tmp_path / "train.csv", frame)
    wanted = {"file": {}, "test_file": {}, "label": "class", "scale": "standard"}
    problem, description = make_problem(wanted, [train, test])
    assert (len(problem.train_x), len(problem.test_x)) == (60, 30)
    assert description.columns == ["heat", "mass"]
    np.testing.assert_array_equal(problem.train_x[::2], problem.test_x)

    fewer = wanted | {"train_size": 30, "test_size": 0.5}
    for seed in (1, 2):
        problem, _ = make_problem(fewer | {"shuffle": seed}, [train, test])
        assert np.bincount(problem.train_y).tolist() == [10, 10, 10]
        assert np.bincount(problem.test_y).tolist() == [5, 5, 5]
    # Fewer rows left out than there are classes.
    problem, _ = make_problem(fewer | {"shuffle": 1, "train_size": 59}, [train, test])
    assert len(problem.train_x) == 59
    # In the files' order.
    ordered = wanted | {"train_size": 41}
    problem, _ = make_problem(ordered, [train, test])
    assert problem.train_y.tolist() == [2] * 20 + [1] * 20 + [0]
    with pytest.raises(ThawError, match=r"test.csv: test_size asks for 31 rows, an"):
        make_problem(wanted | {"test_size": 31}, [train, test])


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"shuffle": None},
        {"classes": ["red", "blue"], "train_size": 20},
        {"rows": {"set": 2}, "train_size": 15},
        {"group": "pair", "train_size": 30},
        {"transforms": [{"noise": 0}]},
    ],
)
def test_test_rows_have_their_numbers_in_the_file(tmp_path, frame, name, changes):
    """A feature that is a row's number in the file shows which row it is."""
    frame = frame.sample(frac=1, random_state=1).assign(
        line=range(1, 61), set=["1", "2"] * 30, pair=[f"p{n // 2}" for n in range(60)]
    )
    drop = [name for name in ("set", "pair") if name not in str(changes)]
    problem, description = make(tmp_path, frame, name, drop=drop, **changes)
    lines = problem.test_x[:, description.columns.index("line")]
    assert problem.test_rows.dtype == np.int64
    assert problem.test_rows.tolist() == lines.astype(int).tolist()


def test_rows_of_a_test_file_have_its_numbers(tmp_path, frame):
    test = write(tmp_path / "test.csv", frame.assign(mass=range(1, 61)))
    train = write(tmp_path / "train.csv", frame)
    wanted = {"file": {}, "test_file": {}, "label": "class", "test_size": 20}
    problem, _ = make_problem(wanted | {"shuffle": 1}, [train, test])
    assert problem.test_rows.tolist() == problem.test_x[:, 1].astype(int).tolist()
    assert problem.test_rows.tolist() != list(range(1, 21))


# Encoding, matching, scaling


def solvents(frame, names):
    return frame.assign(solvent=[names[n % len(names)] for n in range(len(frame))])


def test_categories_of_source_and_target_are_joined(tmp_path, frame):
    wanted = {"categorical": ["solvent"], "scale": "standard"}
    target = solvents(frame, ["water", "NA"])[["solvent", "mass", "class", "heat"]]
    path = write(tmp_path / "target.csv", target)
    ours, joined = solvents(frame, ["oil", "water"]), {"joined": [path]}
    _, source = make(tmp_path, ours, **wanted, joined={"rows": {}}, others=joined)
    columns = ["heat", "mass", "solvent=NA", "solvent=oil", "solvent=water"]
    assert source.columns == columns
    others = {"source": Other("first", source)}
    problem, found = make(tmp_path, target, "target.csv", **wanted, others=others)
    assert found.columns == columns
    one_hot = np.concatenate([problem.train_x, problem.test_x])[:, 2:]
    # Not scaled: as they are.
    assert set(one_hot.ravel()) == {0, 1}
    assert one_hot.sum(0).tolist() == [30, 0, 30]


def test_a_partner_without_named_columns_has_no_categories(tmp_path, frame):
    np.savez(tmp_path / "target.npz", X=frame[["heat"]], y=frame["class"].to_numpy(str))
    joined = {"joined": [tmp_path / "target.npz"]}
    wanted = {"categorical": ["solvent"], "joined": {"rows": {}}}
    _, source = make(tmp_path, solvents(frame, ["oil", "tar"]), others=joined, **wanted)
    assert source.categories == {"solvent": ["oil", "tar"]}


def test_a_targets_columns_take_the_sources_order(tmp_path, frame):
    _, source = make(tmp_path, frame)
    expected, _ = make(tmp_path, frame)
    backwards, others = frame[["mass", "class", "heat"]], {"source": Other("a", source)}
    problem, description = make(tmp_path, backwards, others=others)
    assert description.columns == source.columns
    assert same(problem, expected)


def test_columns_that_differ_are_named_on_both_sides(tmp_path, frame):
    _, source = make(tmp_path, frame)
    other = frame.rename(columns={"mass": "weight"})
    assert message(tmp_path, other, others={"source": Other("first", source)}) == (
        "data.csv: its columns are not those of first (data.csv only: weight; first "
        "only: mass); rename them, or name them under drop, or take those of both "
        "(columns: common)"
    )


COMMON = {"columns": "common"}


def pair(folder, first, second, **changes):
    """Make a source, and a target that takes the columns that it has, too."""
    told = SETTINGS | {"missing": {"drop": "rows"}} | changes
    own = {k: v for k, v in told.items() if k in ("label", "drop", "group")}
    files = [write(folder / "one.csv", first)], [write(folder / "two.csv", second)]
    joined = {"joined": {"files": [{}], "rows": {}, **own, **COMMON}}
    source = make_problem(told | joined, *files)
    target = make_problem(told | COMMON, files[1], source=Other("one", source[1], None))
    return source, target


def test_columns_in_common_are_taken_and_told(tmp_path, frame):
    first = frame.assign(solvent=["oil", "acid"] * 30, old="x", left=np.nan, id=1)
    second = solvents(frame, ["water", "oil"]).assign(new=np.nan, kind="y", id=2)
    wanted = {"categorical": ["solvent"], "drop": ["id"]}
    (_, one), (_, two) = pair(tmp_path, first, second, **wanted)
    columns = ["heat", "mass", "solvent=acid", "solvent=oil", "solvent=water"]
    assert one.columns == two.columns == columns
    taken = "heat, mass, solvent; left out"
    assert one.notes[0] == (
        f"columns in common with the target: {taken} here: old, left; left out there: "
        "kind, new"
    )
    assert two.notes[0] == f"columns in common with one: {taken} here: new, kind"
    assert "0 of 60 rows" in one.missing

    first["kind"] = 3.0 + np.arange(60)  # a number here, text there
    with pytest.raises(ThawError, match=r"two\.csv: column kind: 60 of 60 not numbers"):
        pair(tmp_path, first, second, **wanted)
    with pytest.raises(
        ThawError, match="it shares no column with the target, which has hot"
    ):
        pair(tmp_path, first, second[["class"]].assign(hot=1), drop=[])


def test_a_categorical_column_that_is_not_in_common_is_left_out(tmp_path, frame):
    first = frame.assign(solvent=["oil", "acid"] * 30)
    told = SETTINGS | {"categorical": ["solvent"]}
    files = [write(tmp_path / "one.csv", first)], [write(tmp_path / "two.csv", frame)]
    joined = {"joined": {"files": [{}], "rows": {}, "label": "class", **COMMON}}
    _, one = make_problem(told | joined, *files)
    assert (one.columns, one.categories) == (["heat", "mass"], {})


def test_scaled_like_another_problem(tmp_path, frame):
    _, like = make(tmp_path, frame)
    other = frame[["mass", "class", "heat"]] * {"mass": 2, "heat": 3, "class": 1}
    plain, _ = make(tmp_path, other)
    problem, description = make(
        tmp_path, other, scale="like", others={"like": Other("first", like)}
    )
    assert description.columns == ["mass", "heat"]
    for place, name in enumerate(description.columns):
        theirs = like.columns.index(name)
        np.testing.assert_allclose(
            problem.train_x[:, place],
            (plain.train_x[:, place] - like.centre[theirs]) / like.spread[theirs],
            rtol=1e-4,
            atol=1e-5,
        )
    renamed = frame.rename(columns={"mass": "weight"})
    assert "the column weight is not one of first, by which it would be" in message(
        tmp_path, renamed, scale="like", others={"like": Other("first", like)}
    )


def test_a_scale_that_makes_values_too_large_is_reported(tmp_path, frame):
    frame["mass"] *= 1e20
    _, like = make(tmp_path, frame)
    tiny = like._replace(spread=[1, 1e-30])
    assert "data.csv: column mass: scaled, a value is too large" in message(
        tmp_path, frame, scale="like", others={"like": Other("first", tiny)}
    )


# Generated data


def test_blobs_are_scikit_learns_in_their_order():
    from sklearn.datasets import make_blobs

    x, y = make_blobs(**BLOBS)
    problem, _ = make_problem({"make_blobs": BLOBS, "train_size": 50})
    assert problem.classes == 3
    np.testing.assert_array_equal(problem.train_x, x[:50].astype(np.float32))
    np.testing.assert_array_equal(problem.test_y, y[50:])
    assert problem.test_rows.tolist() == list(range(51, 91))


@pytest.mark.parametrize(
    "function",
    [
        *("make_circles", "make_classification", "make_gaussian_quantiles"),
        *("make_hastie_10_2", "make_moons", "load_breast_cancer", "load_digits"),
        *("load_iris", "load_wine"),
    ],
)
def test_every_function_is_as_large_as_is_taken(function):
    from thaw.config.extents import GENERATED

    arguments = {"random_state": 1} if function.startswith("make_") else {}
    wanted = {function: arguments, "train_size": 0.5, "shuffle": 1}
    problem, description = make_problem(wanted)
    rows = len(problem.train_x) + len(problem.test_x)
    found = (rows, problem.train_x.shape[1], problem.classes)
    assert found == GENERATED[function]
    assert len(description.columns) == found[1]


def test_named_features_and_a_wrong_argument():
    wanted = {"load_iris": {}, "train_size": 0.5, "shuffle": 1}
    _, description = make_problem(wanted | {"drop": ["petal width (cm)"]})
    assert description.columns[0] == "sepal length (cm)"
    assert len(description.columns) == 3
    with pytest.raises(ThawError, match=r"make_moons: .*nois"):
        make_problem({"make_moons": {"nois": 1, "random_state": 1}, "train_size": 9})
    with pytest.raises(ThawError, match=r"make_moons: .*'noise'"):
        make_problem({"make_moons": {"noise": "x", "random_state": 1}, "train_size": 9})


def sorted_rows(images):
    return np.sort(images.reshape(len(images), -1)).tolist()


DIGITS = {"load_digits": {}, "train_size": 100, "shape": [1, 8, 8]}


@pytest.mark.parametrize(
    ("step", "check"),
    [
        ({"noise": 4.0}, lambda x, y: abs((y - x).std() - 4) < 0.2),
        ({"invert": 16}, lambda x, y: (x + y == 16).all()),
        ({"rotate": 90}, lambda x, y: np.allclose(y, np.rot90(x, axes=(1, 2)))),
        (
            {"permute": 1},
            lambda x, y: sorted_rows(x) == sorted_rows(y) and (x != y).any(),
        ),
    ],
)
def test_transforms_change_train_and_test_alike(step, check):
    plain, _ = make_problem(DIGITS)
    changed, _ = make_problem(DIGITS | {"transforms": [step]})
    for part in ("train_x", "test_x"):
        x, y = (getattr(one, part).reshape(-1, 8, 8) for one in (plain, changed))
        assert check(x, y)
    assert (plain.train_y == changed.train_y).all()


def test_transforms_follow_each_other():
    steps = [{"invert": 16}, {"invert": 0}]
    changed, description = make_problem(DIGITS | {"transforms": steps})
    assert "transformed: invert 16, invert 0" in description.notes
    plain, _ = make_problem(DIGITS)
    np.testing.assert_array_equal(changed.train_x, plain.train_x - 16)


def test_each_noise_is_another(tmp_path, frame):
    path = write(tmp_path / "data.csv", frame)
    wanted = {"file": {}, "test_file": {}, "label": "class"}
    plain, _ = make_problem(wanted, [path, path])
    once, twice = (
        make_problem(wanted | {"transforms": steps}, [path, path])[0]
        for steps in ([{"noise": 1.0}], [{"noise": 1.0}, {"noise": 1.0}])
    )
    first = once.train_x - plain.train_x
    second = twice.train_x - once.train_x
    test = once.test_x - plain.test_x
    for other in (second, test):
        assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.4


def test_label_noise_disturbs_that_share_of_the_train_labels():
    plain, _ = make_problem(DIGITS)
    changed, _ = make_problem(DIGITS | {"transforms": [{"label_noise": 0.25}]})
    assert (plain.train_y != changed.train_y).sum() == 25
    assert set(changed.train_y) == set(range(10))
    assert (plain.test_y == changed.test_y).all()


# Errors


def cell(column, row, value):
    def spoil(frame):
        frame[column] = frame[column].astype(object)
        frame.loc[row - 1, column] = value

    return spoil


def column(name, values):
    def spoil(frame):
        frame[name] = values

    return spoil


def unspoilt(frame):
    pass


# A change of the frame, one of the settings, and the message about the file.
WRONG = [
    (cell("mass", 7, None), {}, "column mass: 1 of 60 missing, first in row 7; give"),
    (cell("class", 7, None), {}, "column class: 1 of 60 missing, first in row 7"),
    (
        column("g", ["a", None] * 30),
        {"group": "g"},
        "column g: 30 of 60 missing, first in row 2",
    ),
    (column("g", ["a", None] * 30), {"categorical": ["g"]}, "column g: 30 of 60 miss"),
    (
        cell("mass", 9, "heavy"),
        {},
        "column mass: 1 of 60 not numbers, first 'heavy' in row 9; make",
    ),
    (cell("mass", 9, "NA"), {}, "column mass: 1 of 60 not numbers, first 'NA'"),
    (
        cell("mass", 3, "inf"),
        {},
        "column mass: 1 of 60 not finite numbers, or too large for ones of 32 bits, "
        "first inf in row 3",
    ),
    (cell("mass", 3, 1e39), {}, "column mass: 1 of 60 not finite"),
    (column("mass", 4), {}, "column mass is 4 in every row, and says nothing; name it"),
    (
        column("day", ["2026-01-02"] * 60),
        {},
        "column day: 60 of 60 not numbers, first '2026-01-02' in row 1",
    ),
    (column("class", "x"), {}, "all rows belong to class 'x'"),
    (cell("class", 12, "odd"), {}, "class 'odd' has one row (row 12)"),
    (
        column("class", [1, 2, "inf"] * 20),
        {},
        "column class: 20 of 60 not finite numbers, first 'inf' in row 3; correct",
    ),
    (
        column("g", [1, 2, "inf"] * 20),
        {"group": "g"},
        "column g: 20 of 60 not finite numbers, first 'inf' in row 3; correct",
    ),
    (column("", 4), {}, "column Unnamed: 3 has no name in the file; give it one, or"),
    (column("class", range(60)), {}, "the label has 60 distinct numbers, which"),
    (
        column("class", ["< 5", *range(59)]),
        {},
        "the label has 60 distinct numbers (but for '< 5' in row 1: correct it first)",
    ),
    # Few numbers, some of them once.
    (column("class", [*range(12)] * 4 + [*range(12, 24)]), {}, "the label has 24 dist"),
    (unspoilt, {"shuffle": None}, "no train row has the class 'blue'"),
    (
        unspoilt,
        {"shuffle": None, "train_size": 45},
        "no test row has the class 'green'",
    ),
    (
        unspoilt,
        {"train_size": 61},
        "train_size and test_size ask for 61 rows, and ther",
    ),
    (unspoilt, {"test_size": 21}, "train_size and test_size ask for 61 rows, and ther"),
    (unspoilt, {"train_size": 60}, ""),
    (unspoilt, {"train_size": 2}, ""),
    (unspoilt, {"label": "klass"}, "there is no column 'klass', which label names. It"),
    (unspoilt, {"drop": ["cas"]}, "there is no column 'cas', which drop names"),
    (
        column("set", "a"),
        {"rows": {"set": "b"}},
        "no row has 'b' in the column set. It",
    ),
    (unspoilt, {"classes": ["red", "pink"]}, "no row has the class 'pink'"),
    (unspoilt, {"drop": ["heat", "mass"]}, "no feature is left"),
    (unspoilt, {"shape": [3, 2]}, "shape [3, 2] takes 6 features, and there are 2"),
    (
        column("g", ["a", "b", "c"] * 20),
        {"group": "g", "train_size": 50},
        "train_size asks for 50 rows, and whole groups leave 40",
    ),
]


@pytest.mark.parametrize(("spoil", "changes", "expected"), WRONG)
def test_what_is_wrong_is_one_line_with_its_place(
    tmp_path, frame, spoil, changes, expected
):
    spoil(frame)
    assert message(tmp_path, frame, **changes).startswith(f"data.csv: {expected}")


def test_all_that_is_wrong_is_told_at_once(tmp_path, frame):
    for spoil in (
        cell("mass", 9, "heavy"),
        cell("mass", 30, None),
        cell("heat", 3, "inf"),
        column("day", ["2026-01-02"] * 60),
        column("site", 4),
        column("group", ["a", None] * 30),
        cell("class", 12, "odd"),
        cell("class", 50, None),
    ):
        spoil(frame)
    said = message(tmp_path, frame, group="group", shape=[1, 8])
    assert said.splitlines() == [
        f"data.csv: {line}"
        for line in (
            "column class: 1 of 60 missing, first in row 50; give them, or leave the "
            "rows out",
            "column group: 30 of 60 missing, first in row 2; give them, or leave the "
            "rows out",
            "column heat: 1 of 60 not finite numbers, or too large for ones of 32 "
            "bits, first inf in row 3; correct them",
            "column mass: 1 of 60 missing, first in row 30; give them, drop the "
            "column, or choose missing: {drop: rows} or {fill: median}",
            "column mass: 1 of 60 not numbers, first 'heavy' in row 9; make them "
            "numbers, or empty where missing, or name the column under "
            "categorical or drop",
            "column day: 60 of 60 not numbers, first '2026-01-02' in row 1; make them "
            "numbers, or empty where missing, or name the column under "
            "categorical or drop",
            "column site is 4 in every row, and says nothing; name it under drop",
            "shape [1, 8] takes 8 features, and there are 4",
            "class 'odd' has one row (row 12); one to train on and one to test on are "
            "the least",
        )
    ]


def test_what_is_wrong_with_both_files_is_told_at_once(tmp_path, frame):
    test = write(tmp_path / "test.csv", frame.rename(columns={"heat": "warmth"}))
    cell("mass", 9, "heavy")(frame)
    wanted = SETTINGS | {"test_file": {}, "train_size": None}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    with pytest.raises(ThawError) as caught:
        make_problem(wanted, [write(tmp_path / "data.csv", frame), test])
    one, other = caught.value.args
    assert "data.csv: column mass: 1 of 60 not numbers" in one
    assert "test.csv: its columns are not those of" in other
    wanted |= {"label": "klass", "drop": ["gone"]}
    with pytest.raises(ThawError) as caught:
        make_problem(wanted, [tmp_path / "data.csv", test])
    assert len(caught.value.args) == 4


def test_of_very_many_mistakes_the_first_are_told(tmp_path, frame):
    for number in range(40):
        frame[f"c{number}"] = 1
    *_, last = message(tmp_path, frame).splitlines()
    assert last == "… and 10 more"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", b"", "a.csv: cannot be read as csv: "),
        ("a.csv", b"x,class\n1,a\n2,b,3\n", "a.csv: cannot be read as csv: .*line 3"),
        ("a.csv", b"x,class\n1,a,5\n2,b,3\n", "the first line must name every column"),
        ("a.csv", b'x,class\n1,a\n2,"b\n3,a\n', "a.csv: cannot be read as csv: .*EOF"),
        (
            "a.csv",
            b"x,class\n1,a\n2,\xff\n",
            "it is not in UTF-8 .b'.xff'.; save it so",
        ),
        ("a.csv", b"Series 7\nx,class\n1,a\n", "name every column, with nothing above"),
        ("a.csv", b"x,x,class\n1,1,a\n", "the column x stands twice"),
        ("a.csv", b"x;class\n1;a\n", "separated by ';', not by ','"),
        ("a.csv", b"x,class\n", "no row is left"),
        ("a.csv", b"x,class\n1,a\n2,a\n3,b\n4,b\n5", "column class: 1 of 5 missing"),
        ("a.csv", b"\0\0\0\0", "a.csv: "),
        ("a.parquet", b"PAR1 and no more", "a.parquet: cannot be read as parquet: "),
        ("a.npz", b"PK\3\4 and no more", "a.npz: cannot be read as npz: "),
        ("a.npz", b"", "a.npz: cannot be read as npz: "),
        ("a.npz", b"no archive", "a.npz: it is no archive of arrays; numpy.savez"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported(tmp_path, name, content, expected):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ThawError, match=expected) as caught:
        make_problem(SETTINGS, [path])
    assert "\n" not in str(caught.value)


def test_a_truncated_archive_is_reported_wherever_it_ends(tmp_path, frame):
    for name in ("a.npz", "a.parquet"):
        path = tmp_path / name
        if name == "a.npz":
            np.savez(path, X=frame[["heat"]].to_numpy(), y=np.arange(60) % 2)
        else:
            write(path, frame)
        whole = path.read_bytes()
        for end in range(0, len(whole), 97):
            path.write_bytes(whole[:end])
            with pytest.raises(ThawError, match=f"{name}: "):
                make_problem(SETTINGS, [path])


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"X": np.ones((4, 2))}, "it lacks an array X or y"),
        ({"X": np.ones(4), "y": np.ones(4)}, r"X has the shape \[4\]"),
        ({"X": np.ones((4, 2)), "y": np.ones(5)}, r"y \[5\]"),
        ({"X": np.ones((4, 2)), "y": np.array([None] * 4)}, "y holds Python objects"),
        ({"X": np.ones((0, 2)), "y": np.ones(0)}, "no row is left to learn from"),
        (
            {"X": np.ones((4, 2)), "y": np.array([b"\xe9", b"b"] * 2)},
            r"y holds bytes that are not UTF-8, such as b'\\xe9'; save text",
        ),
        (
            {"X": np.zeros((4, 1), [("a", float)]), "y": np.arange(4) % 2},
            "X is a structured array; save plain ones",
        ),
        (
            {"X": np.ones((4, 2)), "y": np.array([2**63, 2**63 + 1.0] * 2)},
            r"column y: 4 of 4 floats of 2\^53 or more, where neighbouring whole num",
        ),
        (
            {"X": np.full((4, 2), np.nan), "y": np.arange(4) % 2},
            "feature 1: 4 of 4 missing, first in row 1",
        ),
        (
            {"X": np.ones((4, 2)) * 1j, "y": np.arange(4) % 2},
            "X holds complex numbers; save real ones, such as X.real",
        ),
        ({"X": np.ones((4, 2)), "y": np.ones(4) * 1j}, "y holds complex numbers"),
        (
            {"X": np.array([[0, np.inf]] * 4, np.float16), "y": np.arange(4) % 2},
            "feature 2: 4 of 4 not finite numbers, or too large",
        ),
        (
            {"X": np.full((4, 2), "x"), "y": np.arange(4) % 2},
            "4 of 4 not numbers, first 'x' in row 1",
        ),
    ],
)
def test_arrays_that_are_no_problem_are_reported(tmp_path, arrays, expected):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(ThawError, match=expected):
        make_problem({"file": {}, "train_size": 2}, [tmp_path / "a.npz"])


def test_one_array_is_no_archive(tmp_path):
    with (tmp_path / "a.npz").open("wb") as file:
        np.save(file, np.ones((4, 2)))
    with pytest.raises(ThawError, match="it is no archive of arrays"):
        make_problem({"file": {}, "train_size": 2}, [tmp_path / "a.npz"])


def test_labels_may_be_a_column_of_an_array(tmp_path):
    x, y = np.arange(16.0).reshape(8, 2), np.arange(8) % 2
    made = []
    for labels in (y, y[:, None]):
        np.savez(tmp_path / "a.npz", X=x, y=labels)
        made += [make_problem({"file": {}, "train_size": 4}, [tmp_path / "a.npz"])[0]]
    assert same(*made)


def test_an_array_that_no_machine_holds_is_one_line(tmp_path):
    header, labels = io.BytesIO(), io.BytesIO()
    told = {"descr": "<f8", "fortran_order": False, "shape": (10**15, 1)}
    np.lib.format.write_array_header_1_0(header, told)
    np.save(labels, np.ones(4))
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("X.npy", header.getvalue())
        archive.writestr("y.npy", labels.getvalue())
    with pytest.raises(ThawError, match=r"as npz: Unable to allocate 7\.11 PiB"):
        make_problem({"file": {}, "train_size": 2}, [tmp_path / "a.npz"])


def test_the_order_of_bytes_does_not_matter(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    made = [
        make_arrays(tmp_path, x.astype(f"{order}f4"), y.astype(f"{order}i4"))
        for order in "<>"
    ]
    assert same(*(problem for problem, _ in made))


def large(frame, how):
    """Return a frame with a column of neighbours that one float stands for."""
    return frame.assign(large=pd.Series([2**63, 2**63 + 1] * 30).astype(how))


@pytest.mark.parametrize("name", ["data.csv", "data.parquet"])
def test_large_whole_numbers_stay_apart(tmp_path, frame, name):
    wanted = {"name": name, "categorical": ["large"]}
    _, description = make(tmp_path, large(frame, "uint64"), **wanted)
    [names] = description.categories.values()
    assert [*names] == [str(2**63), str(2**63 + 1)]


@pytest.mark.parametrize(
    "changes",
    [
        {"categorical": ["large"]},
        {"group": "large"},
        {"label": "large", "categorical": ["class"]},
        {"rows": {"large": 2**63}},
    ],
)
def test_floats_that_stand_for_several_names_are_refused(tmp_path, frame, changes):
    frame = large(frame, "float64")
    said = message(tmp_path, frame, name="data.parquet", **changes)
    assert "column large: 60 of 60 floats of 2^53 or more" in said
    # Of numbers, they are as good as others.
    tables = {"name": "data.parquet", "label": "large", "drop": ["class"]}
    frame["large"] = 2.0**60 * frame["heat"]
    make(tmp_path, frame, task="regression", **tables)


DAYS = pd.date_range("2026-01-01", periods=60)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (range(60), "column n is another whole number in each row"),
        (DAYS.strftime("%Y%m%d").astype(int), "date"),
        ([1, 2, 3] * 20, None),
        (np.linspace(0, 1, 60), None),
    ],
)
def test_what_looks_like_an_identifier_or_a_date_is_warned_about(
    tmp_path, frame, values, expected
):
    _, description = make(tmp_path, frame.assign(n=values))
    assert len(description.warnings) == (expected is not None)
    assert expected is None or expected in description.warnings[0]


def test_a_category_for_each_row_is_warned_about(tmp_path, frame):
    names = [f"n{number}" for number in range(60)]
    _, description = make(tmp_path, frame.assign(n=names), categorical=["n"])
    assert any(
        "60 categories in 60 rows, such as 'n0'" in note for note in description.notes
    )


def test_names_that_hardly_differ_and_a_constant_category_are_warned_about(
    tmp_path, frame
):
    frame["solvent"] = ["water", "Water ", "oil", " water", "acid", "Oil"] * 10
    frame["site"] = "north"
    frame["class"] = frame["class"].replace({"green": "Red"})
    names = ["solvent", "site"]
    _, description = make(tmp_path, frame, categorical=names)
    assert description.warnings == [
        "warning: column class has 'Red', 'red', which differ in case or blanks only; "
        "write them alike?",
        "warning: column solvent has ' water', 'Water ', 'water', which differ in case "
        "or blanks only; write them alike?",
        "warning: column solvent has 'Oil', 'oil', which differ in case or blanks "
        "only; write them alike?",
        "warning: column site has the category 'north' in every row, and says nothing; "
        "drop it?",
    ]


def test_classes_that_the_source_writes_differently_are_warned_about(tmp_path, frame):
    _, source = make(tmp_path, frame)
    frame["class"] = frame["class"].replace({"red": "Red", "green": "n/a"})
    others = {"source": Other("first", source)}
    _, description = make(tmp_path, frame, others=others)
    assert description.warnings == [
        "warning: column class has 'n/a', which may mean a missing value; leave the "
        "rows out?",
        "warning: column class has 'Red', 'red', which differ in case or blanks only; "
        "write them alike?",
    ]


def test_the_notes_say_what_was_done(tmp_path, frame):
    _, description = make(tmp_path, frame, scale="standard")
    assert description.notes[-2:] == [
        "scaled by the mean and standard deviation of its train rows",
        "features: 2; train rows: 40 (14 blue, 13 green, 13 red); test rows: 20 (6 "
        "blue, 7 green, 7 red)",
    ]


# Numbers as labels

AGES = {"label": "age", "task": "regression"}


@pytest.fixture
def ages(frame) -> pd.DataFrame:
    """Sixty rows whose labels are numbers with all their digits, and some alike."""
    rng = np.random.default_rng(1)
    age = np.exp(rng.normal(size=60)) * 1e-3
    age[:8] = age[8]
    return frame.drop(columns="class").assign(age=age, n=range(1, 61))


def make_arrays(folder, x, y, **changes):
    np.savez(folder / "data.npz", X=x, y=y)
    wanted = {"file": {}, "train_size": 40, "shuffle": 1, **changes}
    return make_problem(wanted, [folder / "data.npz"])


@pytest.mark.parametrize("name", ["data.csv", "data.parquet", "data.npz"])
def test_labels_may_be_numbers_in_their_own_unit(tmp_path, ages, name):
    features = ages.drop(columns="age")
    if name == "data.npz":
        made = make_arrays(tmp_path, features, ages["age"], task="regression")
    else:
        made = make(tmp_path, ages, name, **AGES)
    problem, description = made
    assert (problem.task, problem.classes, description.classes) == ("regression", 0, [])
    rows = np.concatenate([problem.train_x, problem.test_x])[:, -1].astype(int) - 1
    labels = np.concatenate([problem.train_y, problem.test_y])
    assert labels.dtype == np.float64
    assert labels.tolist() == ages["age"][rows].tolist()
    assert problem.test_rows.tolist() == (rows[40:] + 1).tolist()
    low, high, mean = problem.train_y.min(), problem.train_y.max(), labels[:40].mean()
    told = f"train rows: 40 (labels {low:g} to {high:g}, mean {mean:g}); test rows: 20"
    assert any(told in note for note in description.notes)


@pytest.mark.parametrize("function", ["make_regression", "load_diabetes"])
def test_functions_whose_labels_are_numbers(function):
    arguments = {"random_state": 1} if function.startswith("make_") else {}
    wanted = {function: arguments, "task": "regression", "train_size": 0.5}
    problem, _ = make_problem(wanted | {"shuffle": 1})
    assert len({*problem.train_y}) > 40
    more = arguments or {"return_X_y": True}
    _, expected = getattr(datasets, function)(**more)
    assert np.isin(problem.train_y, expected).all()


NO_NUMBERS = [
    (cell("age", 7, None), {}, ": column age: 1 of 60 missing, first in row 7"),
    (
        cell("age", 9, "old"),
        {},
        ": column age: 1 of 60 not numbers, which task: regression and bins take, "
        "first 'old' in row 9",
    ),
    (
        cell("age", 9, "old"),
        {"bins": 3, "task": None},
        ": column age: 1 of 60 not numbers, which task: ",
    ),
    (
        cell("age", 3, "inf"),
        {},
        ": column age: 1 of 60 not finite numbers, or too large, first 'inf' in row 3",
    ),
    (
        cell("age", 3, "nan"),
        {},
        ": column age: 1 of 60 not finite numbers, or too large, first 'nan' in row 3",
    ),
    (
        cell("age", 3, 1e31),
        {},
        ": column age: 1 of 60 not finite numbers, or too large, first '1e+31'",
    ),
    (
        column("age", 7),
        {},
        ": the label is 7 in every train row; there is nothing to l",
    ),
    (
        column("age", [1] * 55 + [2] * 5),
        {"train_size": 50, "shuffle": None},
        ": the label is 1 in every train row; ",
    ),
    (
        column("age", [1, 1, 2] * 20),
        {"bins": 3, "task": None},
        ": too many labels are e",
    ),
    (
        unspoilt,
        {"train_size": 61},
        ": train_size and test_size ask for 61 rows, and the",
    ),
]


@pytest.mark.parametrize(("spoil", "changes", "expected"), NO_NUMBERS)
def test_labels_that_are_no_numbers_are_one_line(
    tmp_path, ages, spoil, changes, expected
):
    spoil(ages)
    changes = AGES | changes
    assert message(tmp_path, ages, **changes).startswith(f"data.csv{expected}")


def test_a_measurement_is_refused_with_the_remedy(tmp_path, ages):
    said = message(tmp_path, ages, label="age")
    assert (
        "looks like a measurement; give the problem task: regression, or bins" in said
    )


@pytest.mark.parametrize("task", [{}, {"task": "regression"}, {"bins": 2}])
def test_several_labels_a_row_are_refused(tmp_path, ages, task):
    x, y = ages[["heat", "mass"]], np.stack([ages["age"]] * 2, axis=1)
    with pytest.raises(ThawError, match=r"y has the shape \[60, 2\], several labels a"):
        make_arrays(tmp_path, x, y, **task)
    wanted = {"make_regression": {"n_targets": 2, "random_state": 1}, "train_size": 9}
    with pytest.raises(ThawError, match="make_regression: several labels a row; a pro"):
        make_problem(wanted | task)


@pytest.mark.parametrize(
    ("numbers", "sizes"),
    [
        (range(100), [10] * 10),
        (range(1000), [100] * 10),
        (range(49), [5, 5, 6, 5, 6, 5, 6, 5, 6]),
        (range(9), [9]),
        (range(10), [5, 5]),
        (range(1), [1]),
        ([3] * 60, [60]),
        # Equal numbers share a stratum, whatever that does to the others.
        ([0] * 70 + [*range(1, 31)], [70, 10, 10, 10]),
        ([0] * 97 + [1, 2, 3], [100]),
        # Ties move a cut to their first one, and the next stratum begins there.
        (
            [0, 1, 2, 3, 3, 3, 6, 7, 8, 8, 8, 11, 12, 13, 13, 13, *range(16, 50)],
            [8, 5, 7, 5, 5, 5, 5, 5, 5],
        ),
        ([1, 2, 3] + [9] * 97, [100]),
    ],
)
def test_strata_of_numbers_are_quantiles_of_five_rows_or_more(numbers, sizes):
    numbers = np.random.default_rng(0).permutation(np.array(numbers, float))
    for unit in (1.0, -1e9, 1e-12):
        strata = quantiles(numbers * unit)
        assert strata.dtype == np.int64
        counts = np.bincount(strata)
        if unit > 0:
            assert counts.tolist() == sizes
        assert (counts.min() >= 5 or len(counts) == 1) and len(counts) <= 10
        in_order = strata[np.argsort(numbers * unit)]
        assert (np.diff(in_order) >= 0).all()
        groups = pd.Series(strata).groupby(numbers).nunique()
        assert (groups == 1).all()


def test_no_more_strata_than_are_asked_for():
    assert len(np.unique(quantiles(np.arange(100.0), 3))) == 3


@pytest.mark.parametrize("task", [{"task": "regression"}, {"bins": 2}])
def test_numbers_are_split_by_quantiles_of_all_labels(tmp_path, ages, task):
    """Each seed has as many of each, also where there are fewer test rows than ten."""
    age = np.random.default_rng(0).permutation(np.arange(60.0))
    ages = ages.assign(age=age)
    for seed in range(3):
        changes = {"label": "age", "shuffle": seed, **task}
        problem, _ = make(tmp_path, ages, train_size=40, **changes)
        tested = age[problem.test_rows - 1]
        assert np.bincount(quantiles(age)[problem.test_rows - 1]).tolist() == [2] * 10
        assert abs(tested.mean() - 29.5) < 2
        few, _ = make(tmp_path, ages, train_size=40, test_size=4, **changes)
        assert np.bincount((age[few.test_rows - 1] // 15).astype(int)).max() == 1


def test_test_rows_of_a_file_of_their_own_are_stratified_by_their_numbers(
    tmp_path, ages
):
    test = write(tmp_path / "test.csv", ages.assign(age=np.arange(60.0)))
    train = write(tmp_path / "train.csv", ages)
    wanted = {"file": {}, "test_file": {}, "shuffle": 1, "test_size": 20, **AGES}
    problem, _ = make_problem(wanted, [train, test])
    assert len(problem.train_y) == 60
    assert np.bincount((problem.test_y // 6).astype(int)).tolist() == [2] * 10


def test_whole_groups_are_split_by_their_numbers(tmp_path, ages):
    ages["group"] = [f"g{number // 2}" for number in range(60)]
    changes = {"group": "group", "train_size": 30, **AGES}
    problem, description = make(tmp_path, ages, **changes)
    place = description.columns.index("n")
    sides = [{*((x[:, place] - 1) // 2)} for x in (problem.train_x, problem.test_x)]
    assert not sides[0] & sides[1]
    assert (len(problem.train_y), len(problem.test_y)) == (30, 30)


def test_bins_are_classes_by_quantiles_of_the_train_rows(tmp_path, ages):
    changes = {"label": "age", "bins": 3, "shuffle": 4}
    numbers, _ = make(tmp_path, ages, **changes | AGES | {"bins": None})
    problem, description = make(tmp_path, ages, **changes)
    assert (problem.task, problem.classes) == ("classification", 3)
    assert problem.train_y.dtype == problem.test_y.dtype == np.int64
    cuts = np.quantile(numbers.train_y, [1 / 3, 2 / 3])
    everything = np.concatenate([numbers.train_y, numbers.test_y])
    assert not np.allclose(cuts, np.quantile(everything, [1 / 3, 2 / 3]), rtol=1e-3)
    for found, labels in (
        (problem.train_y, numbers.train_y),
        (problem.test_y, numbers.test_y),
    ):
        assert found.tolist() == [(label >= cuts).sum() for label in labels]
    one, two = (f"{cut:.6g}" for cut in cuts)
    expected = [f"below {one}", f"{one} to {two}", f"{two} or more"]
    assert description.classes == expected
    # Other labels of test rows move no cut point.
    ages.loc[numbers.test_rows - 1, "age"] *= 1.01
    _, other = make(tmp_path, ages, **changes)
    assert other.classes == expected


def test_bins_are_named_with_the_digits_that_tell_them_apart(tmp_path, ages):
    ages["age"] = 1e6 + np.random.default_rng(0).permutation(60) / 64
    problem, description = make(tmp_path, ages, train_size=31, label="age", bins=3)
    below, between, _ = description.classes
    low, high = map(float, between.split(" to "))
    assert below == f"below {low}"
    assert 1e6 < low < high
    labels = ages["age"][problem.test_rows - 1]
    assert problem.test_y.tolist() == [(n >= low) + (n >= high) for n in labels]


# Any file is accepted or refused.

CELLS = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from(["", "NA", "a", "b", "1", '"', "1,5", "é", "\x00", " "]),
    st.text(max_size=4),
)


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    table=st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=12),
    header=st.lists(st.sampled_from(["class", "x", "y", "", "x"]), max_size=4),
    size=st.sampled_from([1, 3, 0.5]),
    seed=st.sampled_from([None, 1]),
    scale=st.sampled_from([None, "standard"]),
    categorical=st.sampled_from([None, ["x"]]),
    task=st.sampled_from([{}, {"task": "regression"}, {"bins": 2}]),
)
def test_any_file_is_accepted_or_refused(
    tmp_path, table, header, size, seed, scale, categorical, task
):
    path = tmp_path / "data.csv"
    rows = [header, *table]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    path.write_text(text, encoding="utf-8", errors="replace")
    wanted = SETTINGS | {"train_size": size, "shuffle": seed, "scale": scale}
    wanted |= {"categorical": categorical, **task}
    wanted = {key: value for key, value in wanted.items() if value is not None}
    try:
        problem, _ = make_problem(wanted, [path])
    except ThawError as error:
        assert re.match(f"{path}: ", str(error))
    else:
        assert np.isfinite(problem.train_x).all()
        if problem.task == "regression":
            assert np.isfinite(problem.train_y).all()
        else:
            assert set(problem.train_y) == set(range(problem.classes))
