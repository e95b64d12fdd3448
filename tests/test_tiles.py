"""Tiles: every address is in one, and their ends are the same in every study."""

import copy
import itertools
import random
import re
from pathlib import Path

import pytest

from configs import plan_of
from projects import SMALL_CONFIG
from thaw.output.tiles import MOST_FITS, Tile, tiles_of_models, tiles_of_repeats

COUNTS = [(1, 1), (1, 30), (1, 3050), (2, 3), (29, 31), (150, 2), (400, 90)]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("size", [1, 7, 30, "auto"])
@pytest.mark.parametrize(("models", "repeats"), COUNTS)
def test_every_address_is_in_one_tile(models, repeats, size, alone):
    tiles = [*tiles_of_repeats(models, repeats, size, alone)]
    addresses = [address for tile in tiles for address in tile.addresses]
    assert sorted(addresses) == [*itertools.product(range(models), range(repeats))]
    of_models = [*tiles_of_models(models, size, alone)]
    assert [n for tile in of_models for n in tile.models] == [*range(models)]
    assert all(len(tile.models) == 1 for tile in (*tiles, *of_models) if alone)
    most = MOST_FITS if size == "auto" else size
    assert max(tile.fits for tile in (*tiles, *of_models)) <= most


def names_of(tiles):
    return [re.sub("-?(models|repeats)-", " ", tile.name).strip() for tile in tiles]


# Source models and repeats, those of a job, and its tiles: source model 0 is alone,
# the others come first, and a study's end cuts.
SIZES = {
    (2, 2, 1): ["00-00 00-00", "00-00 01-01", "01-01 00-00", "01-01 01-01"],
    (6, 2, 4): ["00-00 00-01", "01-04 00-00", "01-04 01-01", "05-05 00-01"],
    (150, 2, "auto"): ["00-00 00-01", "01-29 00-01", "30-149 00-01"],
}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_sizes(size):
    assert names_of(tiles_of_repeats(*size)) == SIZES[size]


# From source models × repeats to source models × repeats: the new tiles, and how many
# of their fits were trained before.
GROWN = {
    ((1, 30), (1, 100)): (["00-00 30-99"], 0),
    ((1, 20), (1, 30)): (["00-00 00-29"], 20),
    ((1, 30), (30, 30)): (["01-29 00-01", "01-29 02-09", "01-29 10-29"], 0),
    ((1, 30), (30, 2)): (["00-00 00-01", "01-29 00-01"], 2),
    ((30, 2), (150, 2)): (["30-149 00-01"], 0),
    ((100, 2), (150, 2)): (["30-149 00-01"], 140),
    ((150, 2), (150, 10)): (["00-00 00-09", "01-29 02-09", "30-149 02-09"], 2),
    ((150, 10), (500, 10)): (["150-499 00-01", "150-499 02-09"], 0),
    ((1, 3000), (1, 7000)): (["00-00 3000-5999", "00-00 6000-6999"], 0),
}


@pytest.mark.parametrize("growth", GROWN, ids=str)
def test_what_grows_has_the_tiles_it_had_but_those_that_its_end_cut(growth):
    before, after = ([*tiles_of_repeats(*counts, "auto")] for counts in growth)
    new = [tile for tile in after if tile not in before]
    trained = {address for tile in before for address in tile.addresses}
    expected, fits = GROWN[growth]
    assert names_of(new) == expected
    assert sum(len(trained.intersection(tile.addresses)) for tile in new) == fits


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


@pytest.mark.parametrize("seed", range(6))
def test_every_job_finds_its_source_models_however_studies_cut_theirs(seed):
    """Studies share keys: jobs start from source models that any of them pretrains."""
    rng, config = random.Random(seed), copy.deepcopy(SMALL_CONFIG)
    for name in ("back", "again", "more"):
        config["studies"][name] = config["studies"]["ahead"] | {
            "source_models": rng.randint(1, 40),
            "repeats": rng.randint(1, 4),
            "repeats_per_job": rng.choice([1, 3, 8, "auto"]),
        }
    plan = plan_of(config)
    studies = plan.studies.values()
    pretrained = {
        f"{job.stem}.safetensors" for study in studies for job in study.model_jobs
    }
    jobs = [job for study in studies for job in study.jobs if job.tile.repeats]
    for tile, stem, *_ in jobs:
        _, problem, folder, name = stem.split("/")
        arm, _, key = folder.rpartition("-")
        inputs = plan.inputs(key, tile=name, problem=problem, arm=arm)
        files = inputs.get("source_models", [])
        assert {*files} <= pretrained
        assert len(files) == (0 if arm == "standalone" else 1)
        for file in files:
            assert {*tile.models} <= {*Tile.named(Path(file).stem).models}
