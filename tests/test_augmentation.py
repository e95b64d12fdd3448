"""Rows that change each time a module sees them, and where a module learns."""

import numpy as np
import pytest
import torch

from test_networks import (
    TRAINING,
    InOrder,
    convolutions,
    of_images,
    trained,
)
from thaw.errors import ThawError
from thaw.learning.augmentation import Augmentation
from thaw.learning.learner import Phase
from thaw.learning.module_learner import device_of
from trained import draw, same


def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x():
    """Forty images of 2 channels, 5 by 4."""
    return torch.from_numpy(rng().normal(size=(40, 2, 5, 4)).astype(np.float32))


def test_half_of_the_rows_are_mirrored_as_a_whole_and_noise_has_its_deviation(x):
    found = Augmentation(flip=True)(x, rng())
    kept = (found == x).flatten(1).all(1)
    mirrored = (found == x.flip(-1)).flatten(1).all(1)
    assert (kept ^ mirrored).all()
    assert 10 < mirrored.sum() < 30
    difference = Augmentation(noise=0.5)(x, rng()) - x
    assert float(difference.std()) == pytest.approx(0.5, rel=0.05)
    assert float(difference.mean()) == pytest.approx(0, abs=0.05)
    assert Augmentation()(x, rng()) is x
    assert torch.equal(Augmentation(True, 2, 0.1)(x, rng())[:0], x[:0])


def moved(image, down, right):
    """Return an image moved by so many points, its border repeated."""
    rows = np.clip(np.arange(image.shape[1]) - down, 0, image.shape[1] - 1)
    columns = np.clip(np.arange(image.shape[2]) - right, 0, image.shape[2] - 1)
    return image[:, rows][:, :, columns]


def test_rows_are_moved_each_by_its_own_and_their_border_is_repeated(x):
    found = Augmentation(shift=2)(x, rng())
    steps = [
        {
            (down, right)
            for down in range(-2, 3)
            for right in range(-2, 3)
            if torch.equal(moved(image, down, right), after)
        }
        for image, after in zip(x, found, strict=True)
    ]
    assert all(len(step) == 1 for step in steps)
    downs, rights = zip(*(step.pop() for step in steps), strict=True)
    assert {*downs} == {*rights} == {-2, -1, 0, 1, 2}
    assert downs != rights


def test_a_series_is_moved_along_its_length_alone():
    series = torch.arange(3 * 2 * 7.0).view(3, 2, 7)
    found = Augmentation(shift=1)(series, rng())
    for before, after in zip(series, found, strict=True):
        assert any(
            torch.equal(after, before[:, np.clip(np.arange(7) + step, 0, 6)])
            for step in (-1, 0, 1)
        )


AUGMENTED = TRAINING._replace(augment={"flip": True, "shift": 1, "noise": 0.1})


@pytest.fixture(scope="module")
def plain(images):
    """Repeat 3, without augmentation: its weights in the end, and its scores."""
    network = of_images(convolutions)
    ((_, weights, reached),) = trained(network, images, [3], 0)
    return network, weights, reached


def test_augmented_networks_learn_alone_as_in_company(images, plain):
    network, not_augmented, reached = plain
    together = trained(network, images, [4, 3], 0, AUGMENTED)
    ((_, alone, augmented),) = trained(network, images, [3], 0, AUGMENTED)
    assert same(alone, together[1][1]) == {*alone}
    for other in (not_augmented, together[0][1]):
        assert not torch.equal(alone["4.weight"], other["4.weight"])
    # Measured without augmentation: before training it scores as a plain one.
    for one, other in zip(augmented.history, reached.history, strict=True):
        assert one[0, 0] == other[0, 0]


@pytest.mark.parametrize("training", [TRAINING, AUGMENTED])
def test_frozen_parts_see_augmented_rows_too(images, training):
    """Their outputs are not kept: they change whenever the rows do."""
    network = of_images(InOrder)
    learner = network.learner(draw(network, [0]), images, training, Phase(["layer1"]))
    assert (learner._front is None) == (training is AUGMENTED)


def test_without_a_gpu_auto_is_the_cpu_and_cuda_an_error(images, plain, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network, expected, _ = plain
    there = TRAINING._replace(device="auto")
    ((_, found, _),) = trained(network, images, [3], 0, there)
    assert same(found, expected) == {*found}
    with pytest.raises(ThawError, match="device: cuda asks for a GPU, and ") as caught:
        device_of("cuda")
    assert len(str(caught.value).splitlines()) == 1


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    assert device_of("cpu").type == "cpu"
    assert device_of("auto").type == device_of("cuda").type == "cuda"
    assert torch.backends.cudnn.deterministic
