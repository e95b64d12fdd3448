"""Predictions that a trainer wrote: the accepted, the refused, and their use."""

import numpy as np
import pytest
from sklearn import metrics

from thaw.errors import ThawError
from thaw.external.trainer_predictions import read_predictions
from thaw.learning.trainer import completed, failed_in, written_by
from trained import with_numbers


@pytest.fixture
def said():
    """Log-probabilities of three networks for the problem's 40 test rows."""
    found = np.random.default_rng(0).normal(size=(3, 40, 3))
    return found - np.log(np.exp(found).sum(2, keepdims=True))


def written(folder, values):
    np.save(folder / "predictions.npy", values)
    return folder / "predictions.npy"


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_predictions_are_read(tmp_path, problem, said, kind):
    said[1, 7, 2] = np.nan
    found = read_predictions(written(tmp_path, said.astype(kind)), 3, problem)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[[0, 2]], said[[0, 2]], rtol=2e-3)
    # Rounding of the trainer's does not stay.
    np.testing.assert_allclose(np.exp(found[0].astype(float)).sum(1), 1, atol=1e-6)
    assert np.isnan(found[1]).all()


def test_a_trainer_need_not_write_predictions(tmp_path, problem):
    found = read_predictions(tmp_path / "predictions.npy", 3, problem)
    assert (found.shape, found.dtype) == ((0, 40, 3), np.float32)


BAD = [
    (lambda said: said[:2], r"the shape is [2, 40, 3]. Allowed: [3, 40, 3], for net"),
    (lambda said: said.swapaxes(1, 2), "the shape is [3, 3, 40]. Allowed"),
    (lambda said: said.argmax(2), "the shape is [3, 40]. Allowed"),
    (lambda said: said.astype(int), "the type is int64. Allowed: floating-point"),
    (np.exp, "networks[0], test row 0 (from 0): the probabilities sum to 4."),
    (lambda said: said / np.log(2), "the probabilities sum to 0."),
    (
        lambda said: said + 0.002,
        "the probabilities sum to 1.002, not 1; write their na",
    ),
    (
        lambda said: np.where(np.arange(3) == 2, -np.inf, said),
        "networks[0], test row 0 (from 0): a log-probability is -inf; write log_soft",
    ),
    (lambda said: np.where(said < -3, -1e300, said), "is -1e+300; write log_softmax"),
    (
        lambda said: said.astype(object),
        "cannot be read: it is not an array of numbers",
    ),
]


@pytest.mark.parametrize(("change", "words"), BAD)
def test_bad_predictions_are_named(tmp_path, problem, said, change, words):
    with pytest.raises(ThawError) as caught:
        read_predictions(written(tmp_path, change(said)), 3, problem)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"0.1,0.2\n"])
def test_files_that_are_no_array_are_named(tmp_path, problem, content):
    path = tmp_path / "predictions.npy"
    path.write_bytes(content)
    with pytest.raises(
        ThawError, match=r"cannot be read: .*; write one array with num"
    ):
        read_predictions(path, 3, problem)


def test_an_archive_is_no_array(tmp_path, problem, said):
    with (tmp_path / "predictions.npy").open("wb") as file:
        np.savez(file, said)
    with pytest.raises(ThawError, match="several arrays; write one array with numpy"):
        read_predictions(tmp_path / "predictions.npy", 3, problem)


def test_a_suffix_that_numpy_added_is_named(tmp_path, problem, said):
    np.savez(tmp_path / "predictions.npy", said)
    with pytest.raises(ThawError, match=r"npy\.npz should be predictions\.npy; write"):
        read_predictions(tmp_path / "predictions.npy", 3, problem)


def test_scores_that_were_not_written_follow_from_predictions(problem, said):
    said[1] = np.nan
    accuracy = (said.argmax(2) == problem.test_y).mean(1).round(2)
    accuracy[1] = 0.9  # a network that failed is not compared
    found = completed({"test_accuracy": accuracy}, said, problem)
    assert (found["test_accuracy"] == accuracy).all()
    for network in (0, 2):
        own, labels = said[network], problem.test_y
        loss = metrics.log_loss(labels, np.exp(own))
        assert found["test_loss"][network] == pytest.approx(loss)
    assert np.isnan(found["test_loss"][1])
    other = completed({"test_accuracy": accuracy, "test_loss": accuracy}, said, problem)
    assert (other["test_loss"] == accuracy).all()


def test_predictions_in_another_order_are_found_out(problem, said):
    accuracy = (said.argmax(2) == problem.test_y).mean(1)
    with pytest.raises(ThawError, match=r"networks\[\d\]: its test_accuracy is"):
        completed({"test_accuracy": accuracy}, said[:, ::-1], problem)


def test_networks_fail_that_say_the_same_of_all_rows(problem, said):
    said[0] = said[0, 0] + 1e-9 * said[0]
    said[1, 3, 1] = np.nan
    assert failed_in(said, problem).tolist() == [True, True, False]


@pytest.fixture(scope="module")
def numbers(problem):
    return with_numbers(problem)


@pytest.fixture
def guesses(numbers):
    """Return the numeric predictions of three networks, near the labels."""
    errors = np.random.default_rng(0).normal(size=(3, len(numbers.test_y)))
    return numbers.test_y + 9 * errors


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_numbers_are_read(tmp_path, numbers, guesses, kind):
    guesses[1, 7] = np.nan
    found = read_predictions(written(tmp_path, guesses.astype(kind)), 3, numbers)
    assert found.dtype == np.float64
    assert (found[[0, 2]] == guesses.astype(kind)[[0, 2]]).all()
    assert np.isnan(found[1]).all()
    (tmp_path / "predictions.npy").unlink()
    none = read_predictions(tmp_path / "predictions.npy", 3, numbers)
    assert (none.shape, none.dtype) == ((0, 40), np.float64)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda said: said[:2], "the shape is [2, 40]. Allowed: [3, 40], for networks"),
        (
            lambda said: said[..., None],
            "the shape is [3, 40, 1]. Allowed: [3, 40], for",
        ),
        (lambda said: said.astype(int), "the type is int64. Allowed: floating-point"),
        (
            lambda said: np.where(np.arange(40) == 5, np.inf, said),
            "networks[0], test row 5 (from 0): the number is not finite; write nan for",
        ),
    ],
)
def test_bad_numbers_are_named(tmp_path, numbers, guesses, change, words):
    with pytest.raises(ThawError) as caught:
        read_predictions(written(tmp_path, change(guesses)), 3, numbers)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scores_of_numbers_follow_from_predictions(numbers, guesses):
    score, loss, *_ = written_by(numbers)
    assert (score, loss) == ("test_mean_absolute_error", "test_root_mean_squared_error")
    labels = [numbers.test_y] * 3
    errors = metrics.mean_absolute_error(
        np.transpose(labels), guesses.T, multioutput="raw_values"
    )
    found = completed({score: errors.round(2)}, guesses, numbers)
    assert (found[score] == errors.round(2)).all()
    expected = [metrics.root_mean_squared_error(numbers.test_y, own) for own in guesses]
    np.testing.assert_allclose(found[loss], expected, rtol=1e-12)


@pytest.mark.parametrize("times", [1, 1e-9, 1e6])
def test_numbers_in_another_order_are_found_out(numbers, guesses, times):
    problem = numbers._replace(
        train_y=numbers.train_y * times, test_y=numbers.test_y * times
    )
    (score,) = written_by(problem)[:1]
    guesses = guesses * times
    guesses[2] *= 1e9  # it diverged, and its error is as exact as a float32
    errors = abs(guesses - problem.test_y).mean(1)
    rounded = errors.astype(np.float32)
    assert (completed({score: rounded}, guesses, problem)[score] == rounded).all()
    with pytest.raises(ThawError, match=r"networks\[0\]: its test_mean_absolute_error"):
        completed({score: errors}, guesses[:, ::-1], problem)


@pytest.mark.parametrize(("times", "plus"), [(1, 0), (1e-9, 0), (1e-2, -1e8)])
def test_networks_fail_that_predict_one_number(numbers, guesses, times, plus):
    """In any unit, and however far from 0 the labels are."""
    problem = numbers._replace(train_y=numbers.train_y * times + plus)
    guesses[0] = 400 + 1e-9 * guesses[0]
    guesses[1, 3] = np.nan
    found = failed_in(guesses * times + plus, problem)
    assert found.tolist() == [True, True, False]
