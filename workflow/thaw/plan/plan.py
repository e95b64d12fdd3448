"""The plan of a config: the results of its studies with their keys, and their jobs.

The workflow's rules and messages about a run read it; nothing here runs anything.
"""

from collections.abc import Sequence
from typing import Any

from thaw.config.config import Config
from thaw.errors import refuse
from thaw.output.paths import repeats_begin
from thaw.plan.planned import Files
from thaw.plan.problems import Problems
from thaw.plan.results import plan_of_study
from thaw.plan.stages import all_stages


class Plan:
    """Everything that follows from a config.

    `studies` are by name, `results` are all problems, checks, source models and repeats
    by key. `stages` are those after training, by rule: four for each study, and those
    that span studies. `rankings` are the studies of each ranking, by source.
    """

    def __init__(self, config: Config) -> None:
        """Compute the keys of everything."""
        self.predictions, self.rankings = config.predictions, config.rankings
        self.problems = Problems(config.problems)
        self.studies = {
            name: plan_of_study(name, study, config, self.problems)
            for name, study in config.single_studies.items()
        }
        for name in config.problems:
            self.problems.make_sure_of(name)
        self.results = {part.key: part for part in self.problems.by_path.values()}
        # The source models of each training job, by the beginning of its files: the
        # first study's, since studies may share a key and cut their jobs differently.
        self._models: dict[str, Sequence[str]] = {}
        for study in self.studies.values():
            for planned in study.results:
                files = self.results.setdefault(planned.key, planned).files
                # A result of several studies waits for the checks of all of them.
                if checks := planned.files.get("checked"):
                    files["checked"] = sorted({*files["checked"], *checks})
            for job in study.jobs:
                self._models.setdefault(job.stem, job.source_models)
        stages = all_stages(config, self.studies, self.problems)
        self.stages = {stage.rule: stage for stage in stages}
        # A study is a target by its name, as these results are by their rule's.
        refuse(
            f"studies.{name}: {name!r} is the name of a target; choose another name"
            for name in (*self.studies, *self.rankings)
            if name in self.stages
        )

    def inputs(self, key: str, **path: str) -> Files:
        """Return the files from which the result of a key is made, by name.

        `path` are the other parts of the path of a rule's output. There are none for an
        unknown key.
        """
        if key not in self.results:
            return {}
        planned = self.results[key]
        files = dict(planned.files)
        if "source_models" in files and "arm" in path:
            begin = repeats_begin(path["problem"], path["arm"], key)
            files["source_models"] = [*self._models.get(f"{begin}{path['tile']}", [])]
        return files

    def requirements(self, key: str) -> list[dict[str, Any]]:
        """Return the requirements of studies on the classes of a problem."""
        studies = self.studies.values()
        return [needed for study in studies for needed in study.requirements(key)]

    def rows_seen(self, key: str) -> int:
        """Return how many rows, again and again, a fit of a key learns from.

        Where only the data say how many train rows there are, it is three times the
        most that any study names.
        """
        recipe = self.results[key].recipe
        problem = self.results[recipe["inputs"]["problem"]].recipe
        settings = problem["settings"] | recipe["settings"]
        rows = settings.get("target_size", settings.get("train_size"))
        if not isinstance(rows, int):
            sizes = [s for study in self.studies.values() for s in study.sizes_in_rows]
            rows = 3 * max(sizes, default=1)
        training = settings.get("training", {})
        if steps := training.get("steps"):
            return steps * training["batch_size"]
        rates = training.get("learning_rate")
        several = len(rates) if isinstance(rates, list) else 1
        return rows * several * training.get("epochs", 1)

    def gpus(self, key: str) -> int:
        """Return how many GPUs a training job needs."""
        settings = self.results[key].recipe["settings"] if key in self.results else {}
        return int(settings.get("training", {}).get("device") == "cuda")

    def files(self) -> set[str]:
        """Return all files that the config needs, below `results/`."""
        files = {*self.problems.by_path}
        for stage in self.stages.values():
            files |= {*stage.files, stage.record}
        for study in self.studies.values():
            files |= {planned.path for planned in study.checks}
            for job in study.jobs:
                files |= {*job.scores, *job.weights}
        return files
