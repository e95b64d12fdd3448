"""Target sizes: each repeat's own rows, nested and stratified, and what it learns."""

import numpy as np
import pytest
import torch

from thaw.errors import ThawError
from thaw.learning import seeds
from thaw.learning.fully_connected import FullyConnected
from thaw.learning.learner import Training
from thaw.learning.rows import held_out, narrowed, stratified_order
from thaw.learning.seeds import Whose
from thaw.learning.training import fix_rounding, train

fix_rounding()

LABELS = np.random.default_rng(0).permutation([0] * 60 + [1] * 25 + [2] * 11 + [4] * 4)


def own_rows(problem, repeats, size):
    """Return the problem with the train rows of these repeats."""
    whose = Whose(1, seeds.REPEAT, repeats)
    return narrowed(problem, whose, size, held_out(size, None))


@pytest.mark.parametrize("seed", range(20))
def test_every_prefix_has_each_class_by_its_share_to_within_a_row(seed):
    order = stratified_order(LABELS, np.random.default_rng(seed))
    assert sorted(order) == list(range(100))
    for name in np.unique(LABELS):
        counts = np.cumsum(LABELS[order] == name)
        fair = np.arange(1, 101) * (name == LABELS).mean()
        assert np.abs(counts - fair).max() <= 1


def test_repeats_have_rows_of_their_own_that_are_nested(problem):
    few = own_rows(problem, range(5), 10)
    more = own_rows(problem, range(5), 25)
    assert few.train_x.shape == (5, 10, 2)
    np.testing.assert_array_equal(few.train_x, more.train_x[:, :10])
    np.testing.assert_array_equal(few.train_y, more.train_y[:, :10])
    assert len(np.unique(few.train_x, axis=0)) == 5
    # Repeat 3 has the same rows whatever else is asked for.
    np.testing.assert_array_equal(own_rows(problem, [3], 10).train_x[0], few[0][3])


def test_more_rows_than_there_are_is_an_error(problem):
    with pytest.raises(ThawError, match=r"asks for 51 train rows .* has 50"):
        own_rows(problem, [0], 51)


def reached(problem, repeats, size, frozen=()):
    """Return the final weights and the histories of repeats."""
    network = FullyConnected(2, [5, 5], 3)
    names = list(network.groups)
    (found,) = train(
        network,
        lambda some: network.draw(names, 1, seeds.REPEAT, some),
        problem,
        Training(epochs=4, batch_size=8, learning_rate=0.05),
        1,
        seeds.REPEAT,
        repeats,
        names[:frozen] if frozen else (),
        size,
    )
    return found


@pytest.mark.parametrize("size", [1, 7, 8, 9, 20])
@pytest.mark.parametrize("frozen", [0, 1])
def test_a_repeat_learns_what_it_would_alone_from_a_problem_of_its_rows(
    problem, size, frozen
):
    together = reached(problem, range(6), size, frozen)
    for repeat in range(6):
        own = own_rows(problem, [repeat], size)
        own = own._replace(train_x=own.train_x[0], train_y=own.train_y[0])
        alone = reached(own, [repeat], None, frozen)
        for name, values in alone.state.items():
            assert torch.equal(values[0], together.state[name][repeat])
        for ours, theirs in zip(
            alone.reached.history, together.reached.history, strict=True
        ):
            np.testing.assert_array_equal(ours[0], theirs[repeat])
    # The baseline that no network beats is that of all train rows.
    assert together.reached.constant == reached(problem, [0], None).reached.constant


@pytest.mark.parametrize("size", [1, 20])
def test_the_size_of_a_job_changes_no_bit(problem, size):
    together = reached(problem, range(4, 10), size)
    for repeat in range(4, 10):
        alone = reached(problem, [repeat], size)
        for name, values in alone.state.items():
            assert torch.equal(values[0], together.state[name][repeat - 4])
