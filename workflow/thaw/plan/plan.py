"""The plan of a config: the results of its studies with their keys, and their jobs.

The workflow's rules and messages about a run read it; nothing here runs anything.
"""

import itertools
from typing import Any

from thaw.config.config import Config
from thaw.errors import refuse
from thaw.output.paths import repeats_begin
from thaw.plan.problems import Problems
from thaw.plan.results import plan_of_study
from thaw.plan.stages import Stage, all_stages
from thaw.plan.study import Files


class Plan:
    """Everything that follows from a config.

    `studies` are by name. `recipes` are those of all problems, checks, source models
    and repeats by key; `ruled` are the keys of those made from a file that another rule
    makes, so that no key covers its content. `stages` are those after training, by
    rule: four for each study, and those that span studies. `rankings` are the studies
    of each ranking, by source.
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
        problems = self.problems.by_key.items()
        self.recipes = {key: part.result.recipe for key, part in problems}
        self.ruled = {key for key, part in problems if part.is_ruled}
        self._inputs = {key: part.inputs for key, part in problems}
        # The source models of each training job, by the beginning of its files: the
        # first study's, since studies may share a key and cut their jobs differently.
        self._models: dict[str, list[str]] = {}
        for study in self.studies.values():
            for keyed, files in study.inputs():
                self._add(keyed.key, keyed.recipe, files)
            self._models = study.models_of_jobs | self._models
        stages = all_stages(config, self.studies, self.problems)
        self.stages = {stage.rule: stage for stage in stages}
        # A study is a target by its name, as these results are by their rule's.
        refuse(
            f"studies.{name}: {name!r} is the name of a target; choose another name"
            for name in (*self.studies, *self.rankings)
            if name in self.stages
        )

    def _add(self, key: str, recipe: dict[str, Any], files: Files) -> None:
        """Add a result with a key, whose inputs are there already."""
        self.recipes[key] = recipe
        known = self._inputs.setdefault(key, dict(files))
        if "checked" in files:
            known["checked"] = sorted({*known["checked"], *files["checked"]})
        for keys in recipe["inputs"].values():
            if not self.ruled.isdisjoint([keys] if isinstance(keys, str) else keys):
                self.ruled.add(key)

    def inputs(self, key: str, **path: str) -> Files:
        """Return the files from which the result of a key is made, by name.

        `path` are the other parts of the path of a rule's output. Users' files are
        relative to the working directory, results to `results/`. There are none for an
        unknown key.
        """
        files = dict(self._inputs.get(key, {}))
        if "arm" in path:
            begin = repeats_begin(path["problem"], path["arm"], key)
            if models := self._models.get(f"{begin}{path['tile']}"):
                files["source_models"] = models
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
        settings, inputs = self.recipes[key]["settings"], self.recipes[key]["inputs"]
        rows = settings.get("target_size")
        if rows is None:
            problem = self.recipes.get(str(inputs.get("problem")), {"settings": {}})
            rows = problem["settings"].get("train_size")
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
        training = self.recipes.get(key, {}).get("settings", {}).get("training", {})
        return int(training.get("device") == "cuda")

    def stages_of(self, folder: str) -> list[Stage]:
        """Return the stages after training of a study or ranking."""
        return [stage for stage in self.stages.values() if stage.folder == folder]

    def files(self) -> set[str]:
        """Return all files that the config needs, below `results/`."""
        files = self.problems.paths
        for stage in self.stages.values():
            files |= {*stage.files, stage.record}
        for study in self.studies.values():
            files |= {*study.weights, *study.written, *study.model_files}
            files |= {*itertools.chain(*study.files.values())}
        return files
