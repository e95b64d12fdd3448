"""Tiles: every address in one, fixed ends; and the time that jobs reserve."""

import itertools

import pytest

from thaw.config.sizes import Size
from thaw.output.tiles import MOST_FITS, Tile, tiles_of_models, tiles_of_repeats

ASKED = [(1, 1), (1, 30), (1, 3050), (2, 3), (29, 31), (30, 2), (150, 2), (151, 11)]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("size", [1, 7, 30, "auto"])
@pytest.mark.parametrize(("models", "repeats"), ASKED)
def test_every_address_is_in_one_tile(models, repeats, size, alone):
    tiles = [*tiles_of_repeats(models, repeats, size, alone)]
    found = [address for tile in tiles for address in tile.addresses]
    assert sorted(found) == [*itertools.product(range(models), range(repeats))]
    of_models = [*tiles_of_models(models, size, alone)]
    assert [n for tile in of_models for n in tile.models] == [*range(models)]
    assert all(len(tile.models) == 1 for tile in (*tiles, *of_models) if alone)
    if size != "auto":
        assert max(tile.fits for tile in (*tiles, *of_models)) <= size


def names(models, repeats, size="auto"):
    return [tile.name for tile in tiles_of_repeats(models, repeats, size)]


def test_sizes():
    assert names(2, 2, 1) == [
        f"models-{s}-{s}-repeats-{j}-{j}" for s in ("00", "01") for j in ("00", "01")
    ]
    # Source model 0 is alone, and the others come first; a study's end cuts.
    assert names(6, 3, 4) == [
        *("models-00-00-repeats-00-02", "models-01-04-repeats-00-00"),
        *("models-01-04-repeats-01-01", "models-01-04-repeats-02-02"),
        "models-05-05-repeats-00-02",
    ]
    assert names(1, 10, 7) == [f"models-00-00-repeats-{n}" for n in ("00-06", "07-09")]


def test_the_textbook_is_one_job_and_many_source_models_are_three():
    assert names(1, 30) == ["models-00-00-repeats-00-29"]
    assert names(150, 2) == [
        f"models-{models}-repeats-00-01" for models in ("00-00", "01-29", "30-149")
    ]
    assert [tile.name for tile in tiles_of_models(150, "auto")] == [
        *("models-00-00", "models-01-29", "models-30-149")
    ]


# From source models × repeats to source models × repeats: the new tiles, and how many
# of their fits were trained before.
GROWN = {
    ((1, 30), (1, 100)): (["00-00 30-99"], 0),
    ((1, 100), (1, 130)): (["00-00 100-129"], 0),
    ((1, 20), (1, 30)): (["00-00 00-29"], 20),
    ((1, 30), (30, 30)): (["01-29 00-01", "01-29 02-09", "01-29 10-29"], 0),
    ((1, 30), (30, 2)): (["00-00 00-01", "01-29 00-01"], 2),
    ((30, 2), (60, 2)): (["30-59 00-01"], 0),
    ((30, 2), (150, 2)): (["30-149 00-01"], 0),
    ((100, 2), (150, 2)): (["30-149 00-01"], 140),
    ((150, 2), (150, 10)): (["00-00 00-09", "01-29 02-09", "30-149 02-09"], 2),
    ((150, 2), (300, 2)): (["150-299 00-01"], 0),
    ((150, 2), (300, 1)): (
        [f"{models} 00-00" for models in ("00-00", "01-29", "30-149", "150-299")],
        150,
    ),
    ((150, 10), (500, 10)): (["150-499 00-01", "150-499 02-09"], 0),
    ((40, 5), (50, 7)): (
        ["00-00 00-06", "01-29 02-06", "30-49 00-01", "30-49 02-06"],
        5 + 29 * 3 + 10 * 5,
    ),
    ((1, 3000), (1, 7000)): (["00-00 3000-5999", "00-00 6000-6999"], 0),
}


@pytest.mark.parametrize("growth", GROWN, ids=str)
def test_what_grows_has_the_tiles_it_had_but_those_that_its_end_cut(growth):
    before, after = ([*tiles_of_repeats(*asked, "auto")] for asked in growth)
    new = [tile for tile in after if tile not in before]
    trained = {*itertools.chain.from_iterable(tile.addresses for tile in before)}
    again = [trained.intersection(tile.addresses) for tile in new]
    expected, fits = GROWN[growth]
    assert [tile.name for tile in new] == [
        "models-{}-repeats-{}".format(*numbers.split()) for numbers in expected
    ]
    assert sum(map(len, again)) == fits


def test_no_tile_is_too_large_and_there_are_few():
    ends = [1, 2, 29, 30, 31, 150, 151, 500, 1500, 6000]
    for models, repeats in itertools.product(ends, [1, 2, 10, 99, 100, 1000, 7000]):
        tiles = [*tiles_of_repeats(models, repeats, "auto")]
        assert max(tile.fits for tile in tiles) <= MOST_FITS
        assert len(tiles) < 9 + 15 * repeats / 1000 + models * repeats / 1500
    assert len(names(1000, 100)) < 70


def test_names_do_not_depend_on_the_numbers_and_come_back():
    tile = Tile(range(1), range(100, 200))
    assert tile.name == "models-00-00-repeats-100-199"
    for other in (tile, Tile(range(3, 5)), Tile(range(1000), range(2))):
        assert Tile.named(other.name) == other
    for name in ("models-00", "models-00-01-repeats-00", "repeats-00-01", "models-0-x"):
        with pytest.raises(ValueError, match=name):
            Tile.named(name)
    assert Tile(range(2, 4), range(5, 7)).labels == ["2-5", "2-6", "3-5", "3-6"]
    assert Tile(range(2, 4)).labels == ["2", "3"]


def test_time_is_reserved_for_networks_that_learn_together():
    """A hundred of these learn in the time of one; a wide one learns alone."""
    small = Size(1, [2, 5, 5, 3], rows=500, epochs=100, batch_size=16)
    wide = small._replace(widths=[2, 1000, 3])
    assert small.minutes == small._replace(networks=100).minutes
    # Eight minutes were measured.
    assert 8 < small._replace(networks=100_000).minutes < 120
    assert wide._replace(networks=100).minutes > wide.minutes + 5
