"""Data that are not as their problem says: each mistake, with its place, at once."""

import numpy as np
import pandas as pd
import pytest

from small_tables import (
    SETTINGS,
    make,
    make_with_test_file,
    message,
    three_classes,
    with_ages,
    write,
)
from thaw.data.make import Other, make_problem
from thaw.errors import ThawError


def cell(frame, name, row, value):
    frame[name] = frame[name].astype(object)
    frame.loc[row - 1, name] = value


# A column of the frame and what it holds or, after "@", its value in one row; changes
# of the settings; and words of the message.
GROUP, IN_ORDER = {"group": "g"}, {"shuffle": None}
AGES, BINS = {"label": "age", "task": "regression"}, {"label": "age", "bins": 3}
PARQUET, FILL = {"name": "data.parquet"}, {"missing": {"fill": "median"}}
TABLES = [
    ("mass@7", None, {}, "column mass: 1 of 60 missing, first in row 7; give them"),
    ("class@7", None, FILL, "column class: 1 of 60 missing, first in row 7"),
    ("mass", None, FILL, "column mass: 60 of 60 missing, first in row 1"),
    ("g", ["a", None] * 30, FILL | {"categorical": ["g"]}, "fill takes numbers only"),
    ("g", ["a", None] * 30, {"categorical": ["g"]}, "g: 30 of 60 missing, first in"),
    ("mass", [1.5] * 59 + ["n/a"], {}, "1 of 60 not numbers, first 'n/a' in row 60"),
    ("mass", ["1,5"] * 60, {}, "where a comma is the decimal mark, write decimal"),
    ("age@9", "1,5", AGES, "where a comma is the decimal mark, write decimal"),
    ("mass@3", 1e39, {}, "mass: 1 of 60 not finite numbers, or too large"),
    ("class", "x", {}, "all rows belong to class 'x'; at least two classes are needed"),
    ("", 4, {}, "column Unnamed: 3 has no name in the file; give it one, or"),
    ("class", range(60), {}, "60 distinct numbers, which looks like a measurement"),
    ("class", ["< 5", *range(59)], {}, "(but for '< 5' in row 1: correct it first)"),
    ("g", [[1, 2]] * 60, PARQUET, "g: 60 of 60 not numbers, first '[1 2]' in row 1"),
    ("", "", IN_ORDER, "no train row has the class 'blue'; another split (shuffle"),
    ("", "", IN_ORDER | {"train_size": 45}, "no test row has the class 'green'"),
    ("", "", {"train_size": 61}, "train_size and test_size ask for 61 rows, and there"),
    ("", "", {"train_size": 2}, "data.csv: "),
    ("", "", {"label": "klass"}, "there is no column 'klass', which label names. Its"),
    ("g", "a", {"rows": {"g": "b"}}, "no row has 'b' in the column g. It has a"),
    ("", "", {"classes": ["red", "pink"]}, "no row has the class 'pink'"),
    ("", "", {"drop": ["heat", "mass"]}, "no feature is left to learn from"),
    ("g", [*"abc"] * 20, GROUP | {"train_size": 50}, "and whole groups leave 40; ask"),
    ("g", "a", GROUP, "all rows are in one group; at least two are needed"),
    ("age@7", None, AGES, "column age: 1 of 60 missing, first in row 7"),
    ("age@9", "old", AGES, "1 of 60 not numbers, which task: regression and bins take"),
    ("age@3", "inf", AGES, "not finite numbers, or too large, first 'inf' in row 3"),
    ("age", 7, AGES, "the label is 7 in every train row; there is nothing to learn"),
    ("age", [1] * 50 + [2] * 10, AGES | IN_ORDER, "the label is 1 in every train row"),
    ("age", [1, 1, 2] * 20, BINS, "too many labels are equal for 3 bins; ask for"),
]


@pytest.mark.parametrize(("place", "value", "changes", "words"), TABLES)
def test_a_mistake_is_one_line_with_its_place(tmp_path, place, value, changes, words):
    frame = with_ages() if changes.get("label") == "age" else three_classes()
    name, _, row = place.partition("@")
    if row:
        cell(frame, name, int(row), value)
    elif value != "":
        frame[name] = value
    lines = message(tmp_path, frame, **changes).splitlines()
    assert [line for line in lines if words in line], lines


def test_all_mistakes_of_a_file_are_listed_at_once(tmp_path):
    frame = three_classes()
    cell(frame, "mass", 9, "heavy")
    cell(frame, "mass", 30, None)
    cell(frame, "heat", 3, "inf")
    cell(frame, "class", 12, "odd")
    cell(frame, "class", 50, None)
    more = {"day": ["2026-01-02"] * 60, "site": 4, "group": ["a", None] * 30}
    text = message(tmp_path, frame.assign(**more), group="group", shape=[1, 8])
    lost = "missing, first in row"
    lines = [
        f"column class: 1 of 60 {lost} 50; give them, or leave the rows out",
        f"column group: 30 of 60 {lost} 2; give them, or leave the rows out",
        "column heat: 1 of 60 not finite numbers, or too large for ones of 32 bits, "
        "first inf in row 3; correct them",
        f"column mass: 1 of 60 {lost} 30; give them, drop the column, or choose "
        "missing: {drop: rows} or {fill: median}",
        "column mass: 1 of 60 not numbers, first 'heavy' in row 9; make them numbers, "
        "or empty where missing, or name the column under categorical or drop",
        "column day: 60 of 60 not numbers, first '2026-01-02' in row 1; make",
        "column site is 4 in every row, and says nothing; name it under drop",
        "shape [1, 8] takes 8 features, and there are 4",
        "class 'odd' has one row (row 12); one to train on and one to test on are the "
        "least",
    ]
    for line, start in zip(text.splitlines(), lines, strict=True):
        assert line.startswith(f"data.csv: {start}")
    many = frame.assign(**{f"c{number}": 1 for number in range(40)})
    assert message(tmp_path, many).splitlines()[-1] == "… and 15 more"
    # And those of a test file.
    test = three_classes().rename(columns={"heat": "warmth"})
    with pytest.raises(ThawError) as caught:
        make_with_test_file(tmp_path, frame, test, drop=["gone"])
    assert ["train.csv" in line for line in caught.value.args] == [True, False]


TEXTS = [
    (b"", "cannot be read as csv: "),
    (b"x,class\n1,a\n2,b,3\n", "cannot be read as csv: .*line 3"),
    (b"x,class\n1,a,5\n2,b,3\n", "the first line must name every column"),
    (b'x,class\n1,a\n2,"b\n3,a\n', "cannot be read as csv: .*EOF"),
    (b"x,class\n1,a\n2,\xff\n", "save it in UTF-8"),
    (b"x,x,class\n1,1,a\n", "the column x stands twice"),
    (b"x,class\n", "no row is left to learn from"),
    (b"\0\0\0\0", ""),
]
PLAIN, HALVES = np.ones((4, 2)), np.arange(4) % 2
ARRAYS = [
    ({"X": np.ones(4), "y": HALVES}, r"X has the shape \[4\]"),
    ({"X": PLAIN, "y": np.ones(5)}, r"y \[5\]"),
    ({"X": PLAIN, "y": PLAIN}, r"y \[4, 2\]. Allowed: .* a label a row"),
    ({"X": PLAIN, "y": np.array([None] * 4)}, "Object arrays cannot be loaded"),
    ({"X": np.ones((0, 2)), "y": np.ones(0)}, "no row is left to learn from"),
    ({"X": PLAIN * np.nan, "y": HALVES}, "feature 1: 4 of 4 missing, first in row 1"),
    ({"X": np.full((4, 2), 1e39), "y": HALVES}, "feature 2: 4 of 4 not finite"),
    ({"X": np.full((4, 2), "x"), "y": HALVES}, "4 of 4 not numbers, first 'x' in"),
    ({"X": PLAIN}, "y is not a file in the archive"),
]


@pytest.mark.parametrize(("content", "words"), TEXTS + ARRAYS)
def test_a_file_that_cannot_be_read_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / ("a.csv" if isinstance(content, bytes) else "a.npz")
    settings = {"file": {}, "train_size": 2, "shuffle": 1}
    if isinstance(content, bytes):
        path.write_bytes(content)
        settings |= {"label": "class"}
    else:
        np.savez(path, **content)
    with pytest.raises(ThawError, match=f"{path}: .*{words}") as caught:
        make_problem(settings, [path])
    assert "\n" not in caught.value.args[0]


def test_a_truncated_archive_is_refused_wherever_it_ends(tmp_path):
    np.savez(tmp_path / "a.npz", X=np.ones((60, 1)), y=np.arange(60) % 2)
    write(tmp_path / "a.parquet", three_classes())
    for path in (tmp_path / "a.npz", tmp_path / "a.parquet"):
        whole = path.read_bytes()
        for end in range(0, len(whole), 97):
            path.write_bytes(whole[:end])
            with pytest.raises(ThawError, match=f"{path.name}: ") as caught:
                make_problem(SETTINGS, [path])
            assert "\n" not in str(caught.value)


DAYS = pd.date_range("2026-01-01", periods=60).strftime("%Y%m%d").astype(int)
NAMES = [f"n{row}" for row in range(60)]
DOUBTS = [
    (range(60), {}, ["column n is another whole number in each row"]),
    (DAYS, {}, ["column n looks like a date; drop it?"]),
    (NAMES, {"categorical": ["n"]}, ["60 categories in 60 rows, such as"]),
    (["north"] * 60, {"categorical": ["n"]}, ["n has the category 'north' in every"]),
    (["x", "X ", "y", " x", "Y"] * 12, {"categorical": ["n"]}, ["' x', 'X", "'Y', 'y"]),
    ([1, 2, 3] * 20, {}, []),
]


def test_what_looks_wrong_is_a_doubt(tmp_path):
    frame = three_classes()
    for values, changes, words in DOUBTS:
        _, description = make(tmp_path, frame.assign(n=values), **changes)
        for warning, part in zip(description.warnings, words, strict=True):
            assert part in warning
    # Also classes that the source writes differently.
    known = {"source": Other("first", make(tmp_path, frame)[1])}
    frame["class"] = frame["class"].replace({"red": "Red", "green": "n/a"})
    lost, alike = make(tmp_path, frame, known=known)[1].warnings
    assert lost.startswith("warning: column class has 'n/a', which may mean a missing")
    assert "class has 'Red', 'red', which differ in case or blanks only" in alike


def test_any_file_is_accepted_or_refused(tmp_path):
    words = ["a", "b", "", "NA", "1,5", "é", "\x00", " ", '"', "inf", "1e39", "1"]
    more = [{}, {"scale": "standard"}, {"categorical": ["x"]}]
    path, accepted = tmp_path / "data.csv", 0
    for seed in range(120):
        rng = np.random.default_rng(seed)
        header, cells, rows = ["class", "x"], [*"123"], rng.integers(40)
        if seed % 2:
            header, cells, rows = ["class", "x", ""], words, rng.integers(12)
        table = [header, *(rng.choice(cells, len(header)) for _ in range(rows))]
        path.write_text("\n".join(",".join(row) for row in table))
        task = ({}, {"task": "regression"}, {"bins": 2})[seed % 3]
        settings = SETTINGS | {"train_size": 0.5} | task | more[rng.integers(3)]
        try:
            problem, _ = make_problem(settings, [path])
        except ThawError as error:
            assert str(error).startswith(f"{path}: ")
            continue
        accepted += 1
        assert np.isfinite([*problem.train_x.ravel(), *problem.train_y]).all()
        assert {*problem.train_y} == {*range(problem.classes)} or not problem.classes
    assert accepted > 3
