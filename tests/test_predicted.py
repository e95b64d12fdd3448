"""Counts of the networks' predictions for each test row, and tables about them."""

import io
import re

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from conftest import DESCRIPTION, SMALL_CONFIG
from test_files import KEY, RECIPE, reached
from thaw.config.resolve import resolve
from thaw.data.problem import Problem
from thaw.findings.arms import Arm, arms
from thaw.findings.predicted import confusion, predicted_counts, share_right
from thaw.output.histories import Histories, HistoriesWriter
from thaw.output.inputs import Files, Inputs
from thaw.output.problems import save_problem
from thaw.output.tables import plain
from thaw.plan.plan import Plan
from thaw.plan.study import StudyPlan
from thaw.tables import confusion as confusion_table
from thaw.tables import rows

LABELS = np.array([0, 1, 2, 2, 0, 1, 1])


def said(networks=6, rows=7, classes=3, seed=0):
    """Log-probabilities; those of the last network are not finite."""
    found = np.random.default_rng(seed).normal(size=(networks, rows, classes))
    found -= np.log(np.exp(found).sum(2, keepdims=True))
    found[-1] = np.nan
    return found.astype(np.float32)


FAILED = np.array([False, False, True, False, False, True])


def test_counts_are_of_networks_that_did_not_fail_and_add_up():
    counts = predicted_counts(said()[~FAILED])
    assert counts.dtype == np.int64
    for row in range(7):
        predicted = said()[~FAILED, row].argmax(1)
        assert counts[row].tolist() == [(predicted == c).sum() for c in range(3)]
    sound = said()[~FAILED]
    some = [predicted_counts(sound[part]) for part in np.split(np.arange(4), 2)]
    assert (sum(some) == counts).all()


def test_the_first_of_equal_classes_is_predicted():
    half = np.full((1, 2, 2), np.log(0.5), np.float32)
    assert predicted_counts(half).tolist() == [[1, 0], [1, 0]]


def test_shares_and_confusion_are_scikit_learns():
    counts = predicted_counts(said()[~FAILED])
    predicted = said()[~FAILED].argmax(2)
    expected = (predicted == LABELS).mean(0)
    np.testing.assert_allclose(share_right(counts, LABELS), expected)
    labels = np.tile(LABELS, (4, 1)).ravel()
    matrix = metrics.confusion_matrix(labels, predicted.ravel(), normalize="true")
    np.testing.assert_allclose(confusion(counts, LABELS), matrix)


def test_without_a_sound_network_nothing_is_known():
    counts = predicted_counts(said()[:0])
    assert counts.tolist() == [[0, 0, 0]] * 7
    assert np.isnan(share_right(counts, LABELS)).all()
    assert np.isnan(confusion(counts, LABELS)).all()


@pytest.mark.parametrize("classes", [2, 4])
def test_a_class_without_test_rows_has_no_shares(classes):
    counts = np.ones((3, classes), np.int64)
    found = confusion(counts, np.array([0, 0, 0]))
    np.testing.assert_allclose(found[0], 1 / classes)
    assert np.isnan(found[1:]).all()


# Tables

VARIANTS = ["standalone", "fixed-0", "fixed-1"]
SIZES = [20, "all"]
CLASSES = ["plain", "=1+1", "<b>|[x](y)\n"]
NUMBERS = np.array([12, 4, 31, 8, 9, 40, 2])
SETTINGS = {
    **{"study": "ahead", "target": "two", "variants": VARIANTS, "shown_size": "all"},
    **{"target_sizes": SIZES, "pretrained": VARIANTS[1:], "baseline": "standalone"},
    "has_splits": False,
}


def all_said(arm):
    """The predictions of twelve networks of an arm; the last one failed."""
    return said(12, seed=[*map(str, arms(VARIANTS, SIZES))].index(str(arm)))


FAILED_TOO = np.arange(12) == 11


@pytest.fixture
def inputs(tmp_path):
    """The inputs of a study's tables; fixed-1@20's predictions are unknown."""
    x = np.zeros((7, 2), np.float32)
    digests = np.arange(7, dtype=np.uint64)
    problem = Problem(x, LABELS, x, LABELS, NUMBERS, 3)
    problem = problem._replace(train_digests=digests, test_digests=digests)
    described = DESCRIPTION._replace(classes=CLASSES)
    paths = [tmp_path / "ahead/histories.npz", tmp_path / f"problems/two-{KEY}.npz"]
    paths[0].parent.mkdir()
    save_problem(paths[1], problem, described, RECIPE, {})
    with paths[0].open("wb") as file:
        writer = HistoriesWriter(file)
        for arm in arms(VARIANTS, SIZES):
            counts = predicted_counts(all_said(arm)[~FAILED_TOO])
            known = arm != Arm("fixed-1", 20)
            writer.add(arm.name, reached(), {"predicted": counts} if known else {})
        writer.close(RECIPE, {}, {"addresses": [(0, 0)]})
    kept = {"inputs": {"gather": {"ahead": KEY}, "problems": {"two": KEY}}}
    with Files(kept, paths) as files:
        yield Inputs(SETTINGS, files)


def table_of(made, name):
    return pd.read_csv(io.BytesIO(made[name]))


def lines_of(words):
    """Return the cells of each line of all Markdown tables, but for their rules."""
    lines = [line.strip("| ") for line in words.splitlines() if line.startswith("|")]
    return [re.split(r" +\| +", line) for line in lines if line[0] != "-"]


def right(arm):
    """The share of an arm's sound networks that get each row right."""
    return (all_said(arm)[~FAILED_TOO].argmax(2) == LABELS).mean(0)


def test_the_table_of_rows_has_each_rows_number_and_shares(inputs):
    table = table_of(rows.make(inputs), "rows.csv")
    assert [*table] == ["target_size", "row", "class", *VARIANTS]
    assert len(table) == len(SIZES) * len(NUMBERS)
    shown = [CLASSES[0], "'=1+1", "<b>|[x](y)\\n"]
    for size, own in table.groupby("target_size", sort=False):
        assert own["row"].tolist() == NUMBERS.tolist()
        assert own["class"].tolist() == [shown[label] for label in LABELS]
        for variant in VARIANTS:
            arm = Arm(variant, "all" if size == "all" else int(size))
            if arm == Arm("fixed-1", 20):
                assert own[variant].isna().all()
            else:
                np.testing.assert_allclose(own[variant], right(arm))


def test_rows_rescued_and_lost_are_counted_at_the_largest_size(inputs):
    words = rows.make(inputs)["rows.md"].decode()
    before = right(Arm("standalone", "all"))
    lines = {line[0]: line[1:] for line in lines_of(words)[: 1 + len(VARIANTS)]}
    assert lines["standalone"][0] == str((before > 0.5).sum())
    for variant in VARIANTS[1:]:
        after = right(Arm(variant, "all"))
        rescued = ((after > 0.5) & (before <= 0.5)).sum()
        lost = ((after <= 0.5) & (before > 0.5)).sum()
        expected = [(after > 0.5).sum(), rescued, lost]
        assert lines[variant] == [*map(str, expected)]
    assert "(target size: all)" in words.replace("\n", " ")


def test_the_rows_that_change_most_are_named(inputs):
    words = rows.make(inputs)["rows.md"].decode()
    changes = [
        right(Arm(v, "all")) - right(Arm("standalone", "all")) for v in VARIANTS[1:]
    ]
    header, first, *_ = lines_of(words)[1 + len(VARIANTS) :]
    assert header == ["row", "class", *VARIANTS]
    assert int(first[0]) == NUMBERS[np.max(changes, axis=0).argmax()]
    assert r"&lt;b>\|\[x\](y)\\n" in words
    assert "<b>" not in words


def test_the_confusion_matrices_are_of_each_arm(inputs):
    made = confusion_table.make(inputs)
    table = table_of(made, "confusion.csv")
    assert [*table] == ["target_size", "variant", "class", "predicted", "share"]
    assert len(table) == 6 * 9
    for arm in arms(VARIANTS, SIZES):
        own = table[(table["variant"] == arm.variant)]
        own = own[own["target_size"] == str(arm.target_size)]
        predicted = all_said(arm)[~FAILED_TOO].argmax(2)
        labels = np.tile(LABELS, (11, 1))
        matrix = metrics.confusion_matrix(
            labels.ravel(), predicted.ravel(), normalize="true"
        )
        if arm == Arm("fixed-1", 20):
            assert own["share"].isna().all()
        else:
            np.testing.assert_allclose(own["share"], matrix.ravel())
    words = made["confusion.md"].decode()
    assert len(lines_of(words)) == 1 + 6
    assert "plain → =1+1" in words


def test_of_many_classes_the_most_frequent_mistakes_are_shown():
    shares = np.full((5, 5), 0.01)
    shares[3, 1] = 0.4
    found = {"one": np.eye(5), "two": shares}
    words = confusion_table.for_people(SETTINGS, found, list("abcde"))
    assert "the 12 most frequent of 20 mistakes" in words.replace("\n", " ")
    lines = lines_of(words)
    assert len(lines) == 1 + 12
    assert lines[1] == ["d → b", "0 %", "40 %"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        *[("-1", "-1"), ("+1.5", "+1.5"), ("-2e-3", "-2e-3"), ("a=b", "a=b")],
        *[("=1", "'=1"), ("@x", "'@x"), ("-1+cmd", "'-1+cmd"), ("\t=1", "\\t=1")],
    ],
)
def test_no_name_in_a_table_is_a_formula(text, shown):
    assert plain(text) == shown


def test_without_predictions_tables_say_that_nothing_is_known(inputs, monkeypatch):
    monkeypatch.setattr(Histories, "predicted", lambda self, arm: None)
    assert table_of(rows.make(inputs), "rows.csv")["fixed-0"].isna().all()
    words = rows.make(inputs)["rows.md"].decode()
    assert "| fixed-0    |        n/a |     n/a |  n/a |" in words
    assert "change most" not in words
    assert "n/a" in confusion_table.make(inputs)["confusion.md"].decode()


def test_tables_of_predictions_read_the_target_problem(monkeypatch):
    """If predictions are kept, and only then."""

    def tables():
        return Plan(resolve(SMALL_CONFIG)).made["tables_ahead"]

    monkeypatch.setattr(StudyPlan, "keeps_predictions", False)
    assert "ahead/rows.csv" not in tables().files
    assert "problems" not in tables().recipe["inputs"]
    monkeypatch.setattr(StudyPlan, "keeps_predictions", True)
    assert {"ahead/rows.csv", "ahead/confusion.md"} <= {*tables().files}
    ((name, key),) = tables().recipe["inputs"]["problems"].items()
    assert name == "two"
    assert f"problems/two-{key}.npz" in tables().reads
