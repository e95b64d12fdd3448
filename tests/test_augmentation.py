"""Rows that are changed each time a module sees them, and where a module learns."""

import numpy as np
import pytest
import torch

from test_networks import (
    CONVOLUTIONS,
    TRAINING,
    InOrder,
    convolutions,
    images,
    trained,
)
from thaw.errors import ThawError
from thaw.learning.augmentation import Augmentation
from thaw.learning.module import ModuleNetwork
from thaw.learning.module_learner import device_of
from thaw.learning.training import fix_rounding

fix_rounding()

__all__ = ["images"]  # the fixture


def rng():
    return np.random.default_rng(0)


@pytest.fixture
def x():
    """Forty images of 2 channels, 5 by 4."""
    return torch.from_numpy(rng().normal(size=(40, 2, 5, 4)).astype(np.float32))


def test_half_of_the_rows_are_mirrored_as_a_whole(x):
    found = Augmentation(flip=True)(x, rng())
    kept = (found == x).flatten(1).all(1)
    mirrored = (found == x.flip(-1)).flatten(1).all(1)
    assert (kept ^ mirrored).all()
    assert 10 < mirrored.sum() < 30


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


def test_noise_has_its_standard_deviation(x):
    difference = Augmentation(noise=0.5)(x, rng()) - x
    assert float(difference.std()) == pytest.approx(0.5, rel=0.05)
    assert float(difference.mean()) == pytest.approx(0, abs=0.05)


def test_nothing_is_changed_where_nothing_is_asked_for(x):
    assert Augmentation()(x, rng()) is x
    assert torch.equal(Augmentation(True, 2, 0.1)(x, rng())[:0], x[:0])


AUGMENTED = TRAINING._replace(augment={"flip": True, "shift": 1, "noise": 0.1})


def test_augmented_networks_learn_alone_as_in_company(images):
    network = ModuleNetwork(convolutions, CONVOLUTIONS, (1, 4, 4))
    together = trained(network, images, [3, 4], 0, AUGMENTED)
    (alone,) = trained(network, images, [4], 0, AUGMENTED)
    (plain,) = trained(network, images, [4], 0)
    for name, values in alone[1].items():
        assert torch.equal(values, together[1][1][name])
    assert not torch.equal(alone[1]["4.weight"], plain[1]["4.weight"])
    assert not torch.equal(alone[1]["4.weight"], together[0][1]["4.weight"])


def test_what_is_measured_is_not_augmented(images):
    """Before anything learned, an augmented network scores as a plain one does."""
    network = ModuleNetwork(convolutions, CONVOLUTIONS, (1, 4, 4))
    ((_, _, augmented),) = trained(network, images, [3], 0, AUGMENTED)
    ((_, _, plain),) = trained(network, images, [3], 0)
    for one, other in zip(augmented.history, plain.history, strict=True):
        assert one[0, 0] == other[0, 0]


class NotInOrder(InOrder):
    """Does not say that it runs its parts one after the other."""

    in_sequence = ()


def test_frozen_parts_see_augmented_rows_too(images):
    """What they pass on is not kept: it changes whenever the rows do."""
    found, expected = (
        trained(ModuleNetwork(build, (), (1, 4, 4)), images, [3], 2, AUGMENTED)
        for build in (InOrder, NotInOrder)
    )
    ((_, one, _),), ((_, other, _),) = found, expected
    assert all(torch.equal(one[name], other[name]) for name in other)


def test_auto_is_the_cpu_where_there_is_no_gpu(images, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network = ModuleNetwork(convolutions, CONVOLUTIONS, (1, 4, 4))
    there = TRAINING._replace(device="auto")
    ((_, found, _),) = trained(network, images, [3], 0, there)
    ((_, expected, _),) = trained(network, images, [3], 0)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_missing_gpu_is_one_line(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ThawError, match="device: cuda asks for a GPU, and ") as caught:
        device_of("cuda")
    assert len(str(caught.value).splitlines()) == 1


def test_a_gpu_is_taken_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    assert device_of("cpu").type == "cpu"
    assert device_of("auto").type == device_of("cuda").type == "cuda"
    assert torch.backends.cudnn.deterministic
