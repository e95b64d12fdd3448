"""How many networks a job trains where the config leaves it to Thaw."""

from pathlib import Path

from thaw.config.extents import extent
from thaw.config.layers import is_brought
from thaw.config.resolved import Config, Study
from thaw.config.training import changed
from thaw.learning.budget import budget
from thaw.plan.resources import BYTES, SOME_WEIGHTS, ModuleSize, modules_a_job


def with_job_sizes(config: Config) -> Config:
    """Return a config in which studies of people's own say how many a job trains.

    Their networks learn one after the other, and one may take minutes. The ends of jobs
    stand in paths, so nothing may move them but the config.
    """
    studies = {
        name: study._replace(repeats_per_job=_modules_a_job(study, config))
        if study.repeats_per_job == "auto" and is_brought(study.network)
        else study
        for name, study in config.studies.items()
    }
    return config._replace(studies=studies)


def _modules_a_job(study: Study, config: Config) -> int:
    target = config.problems[study.target]
    # The same before and after a rule has made the problem's file.
    problem = extent(target, look=not target["made_by_rule"])
    changes = [config.variants[name]["training"] for name in study.variants]
    every = [study.pretraining, *(changed(study.training, some) for some in changes)]
    epochs = [
        budget(some["epochs"], some["steps"], some["batch_size"], problem.rows).epochs
        for some in every
    ]
    return modules_a_job(
        ModuleSize(
            networks=1,
            weights=weights_of(study.checkpoints, SOME_WEIGHTS),
            features=problem.features,
            rows=problem.rows,
            epochs=max(epochs),
            batch_size=study.training["batch_size"],
        )
    )


def weights_of(checkpoints: list[str], otherwise: int) -> int:
    """Return how many weights the largest of these files holds."""
    sizes = [Path(file).stat().st_size // BYTES for file in checkpoints]
    return max(sizes, default=otherwise)
