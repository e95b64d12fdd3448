"""Sizes that are each possible and together are not.

The limits are what a large machine might just hold. They are there for slips of a few
zeros, which else end hours later, or with a machine that no longer answers.
"""

from collections.abc import Iterator

from thaw.config.extents import extent, function_of
from thaw.config.kinds import MOST_ROWS
from thaw.config.layers import is_brought
from thaw.config.resolved import Config, Study
from thaw.output.paths import jobs
from thaw.plan.resources import weights_between

# Numbers that one process holds at once: 40 GB with four bytes each.
MOST_NUMBERS = 10_000_000_000

# Jobs of a study that train. Snakemake takes minutes to plan a tenth of that.
MOST_JOBS = 100_000


def excesses(config: Config) -> Iterator[str]:
    """Yield each mistake in a line of its own."""
    for name, problem in config.problems.items():
        function, found = function_of(problem), extent(problem)
        most = min(MOST_ROWS, MOST_NUMBERS // found.features)
        if function and found.rows > most:
            yield (
                f"problems.{name}.{function}.n_samples: {found.rows} rows of "
                f"{found.features} features are more than memory holds. "
                f"Allowed: {most} or less"
            )
    for name, study in config.studies.items():
        yield from _of_study(f"studies.{name}", study, config)


def _of_study(path: str, study: Study, config: Config) -> Iterator[str]:
    cut = study.repeats_per_job
    repeats = [len(job.numbers) for job in jobs(study.repeats, cut)]
    models = [len(job.numbers) for job in jobs(study.source_models, cut)]
    arms = len(study.variants) * len(study.target_sizes)
    total = len(repeats) * arms + len(models)
    if total > MOST_JOBS:
        yield (
            f"{path}.repeats_per_job: {study.repeats_per_job} makes {total} jobs that "
            f"train. Allowed: what makes {MOST_JOBS} or less, such as auto"
        )
    # What a module weighs is known only when it is built.
    weights = 1 if is_brought(study.network) else _weights(study, config)
    if weights > MOST_NUMBERS:
        yield (
            f"{path}.network: {weights} weights are more than memory holds. "
            f"Allowed: {MOST_NUMBERS} or less"
        )
        return
    largest = max(*repeats, *models)
    for what, numbers in (
        ("weights", weights),
        ("epochs", study.training["epochs"] or study.training["steps"]),
    ):
        most = MOST_NUMBERS // numbers
        if largest > most:
            yield (
                f"{path}.repeats_per_job: {largest} networks at once, of {numbers} "
                f"{what} each, are more than memory holds. Allowed: {most} or less"
            )


def _weights(study: Study, config: Config) -> int:
    """Return how many weights the largest network of a study has."""
    target = extent(config.problems[study.target])
    source = target if study.checkpoints else extent(config.problems[study.source])
    hidden = [source.features, *study.network["hidden"]]
    added = [config.variants[name]["add"] for name in study.variants]
    return max(
        weights_between([*hidden, *widths, problem.classes])
        for widths in ([], *added)
        for problem in (source, target)
    )
