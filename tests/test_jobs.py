"""Jobs: every repeat once, in blocks that do not move; and the time they ask for."""

import itertools

import pytest

from thaw.config.sizes import Size
from thaw.output.paths import Job, jobs


@pytest.mark.parametrize("size", [1, 7, 30, "auto"])
@pytest.mark.parametrize("repeats", [1, 6, 29, 30, 31, 99, 100, 3000, 3050, 40_000])
def test_every_repeat_has_one_job(repeats, size):
    numbers = itertools.chain.from_iterable(job.numbers for job in jobs(repeats, size))
    assert list(numbers) == list(range(repeats))


def test_sizes():
    assert list(jobs(3, 1)) == [Job(0, 0), Job(1, 1), Job(2, 2)]
    assert list(jobs(10, 7)) == [Job(0, 6), Job(7, 9)]
    assert list(jobs(10, 30)) == [Job(0, 9)]


@pytest.mark.parametrize("size", [1, 7, "auto"])
def test_more_repeats_change_at_most_the_last_job(size):
    every = list(jobs(40_000, size))
    for repeats in (1, 29, 30, 45, 300, 333, 5000, 35_500):
        some = list(jobs(repeats, size))
        assert some[:-1] == every[: len(some) - 1]


def test_automatic_jobs_grow_and_stay_few():
    assert list(jobs(31, "auto")) == [Job(0, 29), Job(30, 30)]
    assert list(jobs(350, "auto"))[2:] == [Job(100, 299), Job(300, 349)]
    assert list(jobs(9_000, "auto"))[4:] == [
        Job(1_000, 2_999),
        Job(3_000, 5_999),
        Job(6_000, 8_999),
    ]
    assert len(list(jobs(700_000, "auto"))) < 250


def test_file_names_do_not_depend_on_the_number_of_repeats():
    assert Job(0, 0).stem == "00-00"
    assert Job(100, 199).stem == "100-199"


def test_time_is_asked_for_by_what_learns_together():
    """A hundred of these learn in the time of one; a wide one learns alone."""
    small = Size(1, [2, 5, 5, 3], rows=500, epochs=100, batch_size=16)
    wide = small._replace(widths=[2, 1000, 3])
    assert small.minutes == small._replace(networks=100).minutes
    # Eight minutes were measured.
    assert 8 < small._replace(networks=100_000).minutes < 120
    assert wide._replace(networks=100).minutes > wide.minutes + 5
