"""Where results lie below `results/`."""

# The files of a job that trains. Source models keep their weights, repeats where the
# config says so; both keep predictions unless it says otherwise.
SCORES_CSV, HISTORY_NPZ, WEIGHTS = ".csv", ".history.npz", ".safetensors"
PREDICTIONS_NPZ = ".predictions.npz"
SUFFIXES = (SCORES_CSV, HISTORY_NPZ, WEIGHTS, PREDICTIONS_NPZ)


def problem_file(name: str, key: str) -> str:
    """Return the file of a problem, below `results/`."""
    return f"problems/{name}-{key}.npz"


def models_begin(source: str, key: str) -> str:
    """Return how the paths of source models begin, below `results/`.

    A tile's name and a suffix follow (see `thaw.output.tiles`).
    """
    return f"source-models/{source}-{key}/"


def repeats_begin(target: str, arm: str, key: str) -> str:
    """Return how the paths of an arm's repeats begin, as `models_begin`."""
    return f"repeats/{target}/{arm}-{key}/"
