"""Result files: whole or not at all, with every kind of damage found and named."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from conftest import DESCRIPTION
from thaw.data.problem import Problem
from thaw.errors import ThawError
from thaw.findings.metrics import metric_of
from thaw.keys import key
from thaw.learning.history import METRICS, Constant, Final, History, Reached
from thaw.output.files import whole_file
from thaw.output.histories import SOURCE_MODELS, Histories, HistoriesWriter
from thaw.output.inputs import Files, Inputs
from thaw.output.predictions import Predictions, load_predictions, save_predictions
from thaw.output.problems import load_described, save_problem
from thaw.output.records import Claim, claimed, is_made, load_record
from thaw.output.scores import load_scores, save_scores
from thaw.output.tiles import Tile
from thaw.output.weights import load_source_models, save_networks

RECIPE = {"stage": "any", "settings": {"seed": 1}, "inputs": {}}
KEY = key(RECIPE)
OTHER = RECIPE | {"settings": {"seed": 2}}
REMEDY = "delete it and run again"


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "folder" / "table.csv"
    with whole_file(path) as first, whole_file(path) as second:
        assert first != second
        for temporary in (first, second):
            temporary.write_text("whole")
        assert not path.exists()
    with pytest.raises(OSError, match="disk full"), whole_file(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "disk full")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


CONSTANT = Constant(0.4, 1.1)
RECORD = "records/tables.json"
F1, ADDRESSES = np.array([0.1, 0.5, 0.2]), np.array([[0, 0], [0, 1], [1, 0]])
ACCURACY, METRIC = (
    metric_of({"task": "classification", "name": name}) for name in ("accuracy", "f1")
)
PROBLEM = Problem(
    *(np.full((50, 2), 0.5, np.float32), np.arange(50) % 3),
    *(np.zeros((40, 2), np.float32), np.arange(40) % 3, np.arange(51, 91)),
    classes=3,
    test_groups=np.arange(40) // 2,
    train_digests=np.arange(50, dtype=np.uint64),
    test_digests=np.arange(50, 90, dtype=np.uint64),
)


def history(networks=3, epochs=4):
    rng = np.random.default_rng(0)
    return History(*rng.random((4, networks, epochs + 1), dtype=np.float32))


def reached(networks=3, epochs=4, **changed):
    """Scores of networks, with some histories or final scores changed."""
    final = Final(
        np.arange(networks) % 2 == 1,
        np.full(networks, epochs),
        np.full(networks, 0.1),
        np.full(networks, 0.5, np.float32),
    )
    histories = {k: v for k, v in changed.items() if k in METRICS}
    finals = {k: v for k, v in changed.items() if k not in METRICS}
    return Reached(
        history(networks, epochs)._replace(**histories),
        final._replace(**finals),
        CONSTANT,
        np.arange(epochs + 1) * 3,
        "classification",
    )


REPEATS = Tile(range(4, 7), range(2, 3))


def _write_scores(folder, recipe=RECIPE, tile=REPEATS, values=None):
    values = reached() if values is None else values
    saw = {"problem": "seen"}
    save_scores(folder / "s.csv", folder / "h.npz", tile, values, recipe, saw)


def _read_scores(folder):
    (history, final, *rest), saw, _ = load_scores(
        folder / "s.csv", folder / "h.npz", REPEATS, KEY
    )
    return [*history, *final, *rest, saw]


def _write_problem(folder, recipe=RECIPE, problem=PROBLEM):
    save_problem(folder / "p.npz", problem, DESCRIPTION, recipe, {})


def _read_problem(folder):
    problem, description, _ = load_described(folder / "p.npz", KEY)
    assert description == DESCRIPTION
    return [*problem]


def predictions(networks=3):
    """Return log-probabilities; the last network is not finite on one row."""
    said = np.random.default_rng(0).normal(size=(networks, 40, 3))
    said -= np.log(np.exp(said).sum(2, keepdims=True))
    said[-1, 5] = np.nan
    return said.astype(np.float32)


def numbers(networks=3):
    """Return the networks' predictions; the last one has a value that is no number."""
    said = np.random.default_rng(0).normal(size=(networks, 40))
    said[-1, 5] = np.nan
    return said


def _write_predictions(
    folder,
    recipe=RECIPE,
    values=None,
    rows=PROBLEM.test_rows,
    task="classification",
):
    said = predictions() if values is None else values
    kept = Predictions(task, said, rows, {"problem": "seen"})
    save_predictions(folder / "said.npz", kept, REPEATS, recipe)


def _read_predictions(folder, task="classification"):
    return [*load_predictions(folder / "said.npz", REPEATS, KEY, task)]


def _write_numbers(folder, recipe=RECIPE):
    _write_predictions(folder, recipe, numbers(), task="regression")


def _read_numbers(folder):
    return _read_predictions(folder, "regression")


def state(models=4):
    rng = np.random.default_rng(0)
    weight = rng.random((models, 3, 2), dtype=np.float32)
    return {"output.weight": torch.from_numpy(weight), "output.bias": torch.ones(4, 3)}


def _write_weights(folder, recipe=RECIPE):
    save_networks(folder / "w.safetensors", state(), Tile(range(4)), recipe, {})


def _read_weights(folder, numbers=(0, 2, 3)):
    models, _ = load_source_models([folder / "w.safetensors"], KEY, numbers)
    return [models.numbers, *(models.state[name] for name in state())]


def _write_gathered(folder, recipe=RECIPE):
    with (folder / "g.npz").open("wb") as file:
        writer = HistoriesWriter(file)
        writer.add(SOURCE_MODELS, reached(2), {})
        own = {"source_model": np.array([0, 1, 0]), "metrics/f1": F1}
        writer.add("fixed-0", reached(3), own)
        more = {
            "addresses": ADDRESSES,
            "positive": "b",
            "constant/metrics/accuracy": 0.4,
        }
        writer.close(recipe, {}, more)


def _read_gathered(folder):
    with Histories(folder / "g.npz", KEY) as found:
        return [
            *(found.metric(SOURCE_MODELS, metric) for metric in METRICS),
            *(found.metric("fixed-0", metric) for metric in METRICS),
            found.final("fixed-0", "test_loss").tolist(),
            *(found.score("fixed-0", metric) for metric in (ACCURACY, METRIC)),
            found.source_models("fixed-0"),
            found.failed("fixed-0"),
            Constant(**found.own_constants("fixed-0")),
            *(found.constant(ACCURACY), found.positive(), found.addresses()),
            found.task("fixed-0"),
        ]


def _write_table(folder, recipe=RECIPE):
    with claimed(folder / RECORD, recipe) as claim:
        claim.publish({}, {folder / "t.csv": b"a,b\n1,2.5\n"})


def _read_table(folder):
    recipe = {"inputs": {"tables": {folder.name: KEY}}}
    with Files(recipe, [folder / "t.csv"]) as files:
        return [Inputs({"study": folder.name}, files).table("t.csv").to_numpy()]


class Kept(NamedTuple):
    """A kind of result that a later stage reads: what it holds, in which files."""

    write: Callable
    read: Callable
    holds: list
    files: list[str]


KINDS = {
    "problem": Kept(_write_problem, _read_problem, [*PROBLEM], ["p.npz"]),
    "weights": Kept(
        _write_weights,
        _read_weights,
        [[0, 2, 3], *(values[[0, 2, 3]] for values in state().values())],
        ["w.safetensors"],
    ),
    "scores": Kept(
        _write_scores,
        _read_scores,
        [
            *(*history(), *reached().final, CONSTANT, reached().steps),
            *("classification", {"problem": "seen"}),
        ],
        ["s.csv", "h.npz"],
    ),
    "predictions": Kept(
        _write_predictions,
        _read_predictions,
        ["classification", predictions(), PROBLEM.test_rows, {"problem": "seen"}],
        ["said.npz"],
    ),
    "numbers": Kept(
        _write_numbers,
        _read_numbers,
        ["regression", numbers(), PROBLEM.test_rows, {"problem": "seen"}],
        ["said.npz"],
    ),
    "gathered": Kept(
        _write_gathered,
        _read_gathered,
        [
            *(*history(2), *history(3)),
            # The shortest decimals, as a CSV has them.
            [float(str(loss)) for loss in history().test_loss[:, -1]],
            np.array([float(str(score)) for score in history().test_score[:, -1]]),
            F1,
            np.array([0, 1, 0]),
            reached().final.failed,
            CONSTANT,
            *(0.4, "b", ADDRESSES, "classification"),
        ],
        ["g.npz"],
    ),
    "table": Kept(_write_table, _read_table, [np.array([[1, 2.5]])], ["t.csv", RECORD]),
}


@pytest.fixture(params=KINDS)
def kept(request):
    return KINDS[request.param]


def same(found, expected):
    return all(
        np.array_equal(a, b, equal_nan=True)
        if isinstance(b, np.ndarray | torch.Tensor)
        else a == b
        for a, b in zip(found, expected, strict=True)
    )


def test_what_is_written_is_read_back_and_has_the_same_bytes_in_every_run(
    tmp_path, kept
):
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        kept.write(folder)
        assert same(kept.read(folder), kept.holds)
        assert not list(folder.glob(".*"))
    for name in kept.files:
        one, two = (tmp_path / folder / name for folder in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()


def test_another_result_in_its_place_is_refused(tmp_path, kept):
    kept.write(tmp_path, OTHER)
    with pytest.raises(ThawError, match=f"instead of {KEY}.*{REMEDY}"):
        kept.read(tmp_path)


def test_a_truncated_file_is_refused(tmp_path, kept):
    kept.write(tmp_path)
    for name in kept.files:
        path = tmp_path / name
        whole = path.read_bytes()
        for size in (0, 1, len(whole) // 2, len(whole.rstrip()) - 1):
            path.write_bytes(whole[:size])
            with pytest.raises(
                ThawError, match=rf"{Path(name).name} is not .*{REMEDY}"
            ):
                kept.read(tmp_path)
        path.write_bytes(whole)


def test_a_flipped_bit_changes_nothing_silently(tmp_path, kept):
    """Most are refused; a few lie in bytes of an archive that are never read."""
    kept.write(tmp_path)
    expected = kept.read(tmp_path)
    rng = np.random.default_rng(1)
    for name in kept.files:
        path = tmp_path / name
        whole = path.read_bytes()
        refused = 0
        for bit in rng.integers(8 * len(whole), size=300):
            damaged = bytearray(whole)
            damaged[bit // 8] ^= 1 << (bit % 8)
            path.write_bytes(damaged)
            try:
                assert same(kept.read(tmp_path), expected)
            except ThawError as error:
                refused += 1
                assert "\n" not in str(error)
                assert REMEDY in str(error)
        assert refused > 200
        path.write_bytes(whole)


def rewrite(path, **changed):
    """Write an archive again with other arrays under the same record."""
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays | changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("4,2,", "4,3,", 1),  # another repeat
        lambda text: text.replace("4,2,", "5,2,", 1),  # another source model
        lambda text: "\n".join([*text.split("\n")[:-2], ""]),  # a row missing
        lambda text: text + "7,2,0.5,0.5,0.5,0.5,0,4,0.1,0.5\n",  # a row of another job
        lambda text: text[:-4] + str((int(text[-4]) + 1) % 10) + text[-3:],  # a digit
        lambda text: text.replace("\n", "\r\n"),
    ],
)
def test_a_changed_table_of_scores_is_refused(tmp_path, change):
    _write_scores(tmp_path)
    path = tmp_path / "s.csv"
    before = path.read_bytes()
    path.write_text(change(before.decode()), newline="")
    assert path.read_bytes() != before
    with pytest.raises(ThawError, match=rf"s\.csv is not .*{REMEDY}"):
        _read_scores(tmp_path)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (reached(test_score=-history().test_score), "less than 0"),
        (reached(test_loss=-history().test_loss), "less than 0"),
        (reached(networks=2), r"is \(2, 5\) and not \(3, 5\)"),
        (reached(test_loss=history().test_loss.astype(float)), "another type"),
        (
            reached(test_loss=history().test_loss[:, :-1], epoch=np.full(3, 3)),
            r"test_loss is \(3, 4\) and not \(3, 5\)",
        ),
        (reached(learning_rate=np.zeros(3)), "not above 0"),
        (reached(epoch=np.full(3, -1)), "no such epoch"),
        (reached(validation_loss=np.full(3, -1, np.float32)), "less than 0"),
        (reached(failed=np.zeros(3)), "another type"),
        (
            reached(test_loss=history().test_loss * np.nan, failed=np.zeros(3, bool)),
            "not said to have failed",
        ),
    ],
)
def test_impossible_scores_are_refused_whoever_wrote_them(tmp_path, values, reason):
    tile = REPEATS._replace(models=REPEATS.models[: len(values.final.failed)])
    _write_scores(tmp_path, tile=tile, values=values)
    with pytest.raises(ThawError, match=f"{reason}.*{REMEDY}"):
        _read_scores(tmp_path)


def test_a_network_that_diverged_may_have_no_finite_loss(tmp_path):
    loss = history().test_loss.copy()
    loss[1, -1] = np.nan
    _write_scores(tmp_path, values=reached(test_loss=loss))
    assert np.isnan(_read_scores(tmp_path)[3][1, -1])


def test_histories_under_the_record_of_others_are_refused(tmp_path):
    _write_scores(tmp_path)
    rewrite(tmp_path / "h.npz", test_score=history().test_score / 2)
    with pytest.raises(ThawError, match=rf"histories were changed.*{REMEDY}"):
        _read_scores(tmp_path)


def test_scores_that_disagree_with_the_histories_are_refused(tmp_path):
    _write_scores(tmp_path)
    mine = (tmp_path / "s.csv").read_bytes()
    _write_scores(tmp_path, values=reached(networks=3, epochs=5))
    (tmp_path / "s.csv").write_bytes(mine)
    with pytest.raises(ThawError, match=rf"disagrees with h\.npz.*{REMEDY}"):
        _read_scores(tmp_path)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"test_x": np.full((40, 2), np.nan, np.float32)}, "not finite"),
        ({"train_y": np.full(50, 3)}, "labels are not of classification"),
        ({"train_y": np.arange(50) % 3 * 1.0}, "labels are not of classification"),
        ({"task": "regression"}, "labels are not of regression"),
        ({"train_y": np.zeros(49, int)}, "do not fit"),
        ({"train_x": np.zeros((50, 2))}, "another form"),
        ({"classes": np.array(2)}, "labels are not of classification"),
        ({"test_rows": np.arange(39)}, "numbers of its test rows"),
        ({"test_rows": np.arange(40.0)}, "numbers of its test rows"),
        ({"train_digests": np.arange(50)}, "digests of its rows"),
        ({"test_digests": np.arange(39, dtype=np.uint64)}, "digests of its rows"),
        ({"test_groups": np.arange(39)}, "groups of its test rows"),
        ({"test_groups": np.arange(40.0)}, "groups of its test rows"),
        ({"test_groups": np.arange(40) * 2}, "groups of its test rows"),
        ({"test_groups": np.arange(40) - 1}, "groups of its test rows"),
    ],
)
def test_an_impossible_problem_is_refused_whoever_wrote_it(tmp_path, changed, reason):
    _write_problem(tmp_path, problem=PROBLEM._replace(**changed))
    with pytest.raises(ThawError, match=f"{reason}.*{REMEDY}"):
        _read_problem(tmp_path)
    _write_problem(tmp_path)
    rewrite(tmp_path / "p.npz", **changed)
    with pytest.raises(ThawError, match=f"changed.*{REMEDY}"):
        _read_problem(tmp_path)


@pytest.mark.parametrize(
    ("values", "rows", "reason"),
    [
        (predictions(2), PROBLEM.test_rows, r"\[2, 40, 3\] is not \[3, 40, …\]"),
        (predictions(), PROBLEM.test_rows[:-1], r"is not \[3, 39, …\]"),
        (predictions()[0], PROBLEM.test_rows, "is not"),
        (predictions().astype(float), PROBLEM.test_rows, "not of classification"),
        (predictions()[..., None], PROBLEM.test_rows, "not of classification"),
        (predictions(), PROBLEM.test_rows.astype(float), "rows are not numbered"),
        (predictions(), PROBLEM.test_rows[None, :, None], "rows are not numbered"),
        (predictions(), np.stack([PROBLEM.test_rows] * 2), r"is not \[3, 40, …\]"),
        (predictions() + np.float32(0.01), PROBLEM.test_rows, "not of classification"),
        (np.exp(predictions()), PROBLEM.test_rows, "not of classification"),
    ],
)
def test_impossible_predictions_are_refused(tmp_path, values, rows, reason):
    _write_predictions(tmp_path, values=values, rows=rows)
    with pytest.raises(ThawError, match=f"{reason}.*{REMEDY}"):
        _read_predictions(tmp_path)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (numbers(2), r"\[2, 40\] is not \[3, 40, …\]"),
        (numbers().astype(np.float32), "not of regression"),
        (numbers()[..., None], "not of regression"),
    ],
)
def test_impossible_numbers_are_refused(tmp_path, values, reason):
    _write_predictions(tmp_path, values=values, task="regression")
    with pytest.raises(ThawError, match=f"{reason}.*{REMEDY}"):
        _read_numbers(tmp_path)


def test_predictions_of_another_tile_are_refused(tmp_path):
    _write_predictions(tmp_path)
    other = REPEATS._replace(repeats=range(1))
    with pytest.raises(ThawError, match=f"it holds {REPEATS.name}; {REMEDY}"):
        load_predictions(tmp_path / "said.npz", other, KEY, "classification")


def test_changed_predictions_are_refused(tmp_path):
    _write_predictions(tmp_path)
    rewrite(tmp_path / "said.npz", log_probabilities=predictions()[:, :, ::-1])
    with pytest.raises(ThawError, match=f"predictions were changed.*{REMEDY}"):
        _read_predictions(tmp_path)


def test_source_models_that_are_needed_must_be_there(tmp_path):
    _write_weights(tmp_path)
    with pytest.raises(ThawError, match="some are missing"):
        _read_weights(tmp_path, [0, 4])


def test_a_missing_file_keeps_its_own_message(tmp_path, kept):
    with pytest.raises(FileNotFoundError):
        kept.read(tmp_path)


def test_a_table_is_made_only_if_it_matches_its_record(tmp_path):
    table, record = tmp_path / "t.csv", tmp_path / RECORD
    assert not is_made(record, KEY)
    _write_table(tmp_path)
    assert is_made(record, KEY)
    assert not is_made(record, key(OTHER))
    found = load_record(record, KEY)
    assert (found["recipe"], list(found["content"])) == (RECIPE, ["t.csv"])
    table.write_text("a,b\n1,2.6\n")
    assert not is_made(record, KEY)
    table.unlink()
    assert not is_made(record, KEY)


@pytest.mark.parametrize("text", ["", "{}", "[]", "not JSON", '{"claim": "1"}'])
def test_what_is_no_record_says_nothing(tmp_path, text):
    """As after a run that was killed."""
    _write_table(tmp_path)
    (tmp_path / RECORD).write_text(text)
    assert not is_made(tmp_path / RECORD, KEY)


def test_who_began_last_writes(tmp_path):
    """An orphan of an earlier run goes on while, or after, the next one writes."""
    path, table = tmp_path / RECORD, tmp_path / "t.csv"
    orphan = Claim(path, OTHER)
    later = Claim(path, RECIPE)
    with pytest.raises(ThawError, match="claimed by a run that began later"):
        orphan.publish({}, {table: b"theirs"})
    assert not table.exists()
    later.publish({}, {table: b"ours"})
    with pytest.raises(ThawError, match="claimed by a run that began later"):
        orphan.publish({}, {table: b"theirs"})
    assert table.read_bytes() == b"ours"
    assert is_made(path, KEY)


def test_a_stage_that_failed_leaves_no_claim(tmp_path):
    with pytest.raises(ZeroDivisionError), claimed(tmp_path / RECORD, RECIPE):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.rglob("*")] == ["records"]
