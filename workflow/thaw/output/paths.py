"""Paths of results below `results/`."""

from collections.abc import Iterator, Sequence

from thaw.output.tiles import JobSize, Tile, tiles_of_repeats

# The files of a training job. Source models keep their weights, repeats only if the
# config says so; both keep predictions unless it says not to.
SCORES_CSV, HISTORY_NPZ, WEIGHTS = ".csv", ".history.npz", ".safetensors"
PREDICTIONS_NPZ = ".predictions.npz"


def problem_file(name: str, key: str) -> str:
    """Return the file of a problem, below `results/`."""
    return f"problems/{name}-{key}.npz"


def check_file(kind: str, name: str, key: str) -> str:
    """Return the file of a check of some kind, below `results/`."""
    return f"{kind}/{name}-{key}.json"


def models_begin(source: str, key: str) -> str:
    """Return the beginning of the paths of source models, below `results/`.

    A tile's name and a suffix follow (see `thaw.output.tiles`).
    """
    return f"source-models/{source}-{key}/"


def repeats_begin(target: str, arm: str, key: str) -> str:
    """Return the beginning of the paths of an arm's repeats, as `models_begin`."""
    return f"repeats/{target}/{arm}-{key}/"


def repeats_jobs(
    target: str,
    arm: str,
    keys: Sequence[str],
    models: int,
    repeats: int,
    repeats_per_job: JobSize,
) -> Iterator[tuple[Tile, str, str]]:
    """Yield an arm's jobs: the tile, the beginning of its files, and its key.

    An arm has one key or, if it starts from files, one for each source model.
    """
    alone = len(keys) > 1
    for tile in tiles_of_repeats(models, repeats, repeats_per_job, alone):
        key = keys[tile.models[0] if alone else 0]
        yield tile, f"{repeats_begin(target, arm, key)}{tile.name}", key
