"""What a config asks for: the results of its studies with their keys, and their jobs.

The workflow's rules and whoever explains a run read it; nothing here runs anything.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thaw.config.network import kind_of
from thaw.config.resolved import (
    Config,
    Study,
    changed,
    minimal_network,
    minimal_training,
    minimal_variant,
)
from thaw.config.sizes import UNKNOWN, Size, UnseenSize, megabytes_to_read, size_of
from thaw.findings.arms import arms
from thaw.keys import Result, digest_of_file, result
from thaw.learning.budget import budget
from thaw.plan.problems import Problems
from thaw.plan.study import StudyPlan


class Plan:
    """All that a config asks for.

    `studies` are by name. `recipes` are those of all problems, source models and
    repeats by key, and `owners` the first study that asks for source models or repeats
    of a key. `tables` are the results of stages that make tables and figures, by stage
    and by the folder they lie in: a study's name, `problems`, `maps/NAME`, or `.`.
    `maps` are the names of the studies of each map. `places` are those of the variants
    among all of the config, by which figures of all studies colour them.
    """

    def __init__(self, config: Config) -> None:
        """Compute the keys of everything but tables and figures."""
        self.problems = Problems(config.problems)
        self.studies = {
            name: self._study(name, study, config)
            for name, study in config.studies.items()
        }
        self.maps = config.maps
        # Whatever the order in which the config names them.
        names = sorted(config.variants, key=lambda name: (name != "standalone", name))
        self.places = {name: place for place, name in enumerate(names)}
        for name in config.problems:
            self.problems.make_sure_of(name)
        self.recipes = dict(self.problems.recipes)
        self.owners: dict[str, StudyPlan] = {}
        for study in self.studies.values():
            results = [study.source_models, study.check, *study.arms.values()]
            for found in filter(None, results):
                self.recipes[found.key] = found.recipe
                self.owners.setdefault(found.key, study)
        self.tables: dict[tuple[str, str], Result] = {}

    def _study(self, name: str, study: Study, config: Config) -> StudyPlan:
        swept = study.target_sizes != ["all"]
        source, target = (
            (None, self.problems.alone(study.target))
            if study.checkpoints
            else self.problems.pair(study.source, study.target, swept)
        )
        kind = kind_of(study.network)
        network = kind_of(minimal_network(study.network)).content()
        learning = {"seed": study.seed, "network": network}
        if source is None:
            files = [digest_of_file(Path(path)) for path in study.checkpoints]
            read = {"network": network, "files": files}
            inputs = {"problem": target.key}
            source_models = result("read_checkpoints", read, inputs)
        else:
            pretraining = {"training": minimal_training(study.pretraining)}
            inputs = {"problem": source.key}
            source_models = result("pretrain", learning | pretraining, inputs)
        found, saved = {}, []
        for arm in arms(study.variants, study.target_sizes):
            described = kind.numbered(config.variants[arm.variant])
            training = changed(study.training, described["training"])
            settings = learning | {
                "training": minimal_training(training),
                "variant": minimal_variant(described),
            }
            inputs = {"problem": target.key}
            if arm.target_size != "all":
                settings["target_size"] = arm.target_size
            if described["pretrained"]:
                # Their number counts, for repeat r starts from number r mod S.
                settings["source_models"] = study.source_models
                inputs["source_models"] = source_models.key
            found[arm.name] = result("train", settings, inputs)
            if described["save"]:
                saved.append(arm.name)
        plan = StudyPlan(name, study, source, target, source_models, found, saved, None)
        if not plan.pretrained:
            plan = plan._replace(source_models=None)
        if kind.calls_users_code:
            plan = plan._replace(check=_check(plan, network))
        return plan

    def inputs(self, key: str) -> Mapping[str, str]:
        """Return the keys of what a result is made from; none for an unknown key."""
        return self.recipes.get(key, {}).get("inputs", {})

    def network_files(self, key: str) -> list[Path]:
        """Return the file whose function builds a result's network, if one does."""
        study = self.owners.get(key)
        return study.network_files if study else []

    def trainer_files(self, key: str) -> list[str]:
        """Return the files of the trainer of a result, if one trains it."""
        study = self.owners.get(key)
        return study.kind.trainer_files if study else []

    def checkpoints(self, key: str) -> list[str]:
        """Return people's files from which source models are read."""
        return self.owners[key].settings.checkpoints if key in self.owners else []

    def target_of(self, key: str) -> list[str]:
        """Return the target's file of source models that are read."""
        return self.owners[key].target_file if key in self.owners else []

    def source_model_files(self, key: str, first: str, last: str) -> list[str]:
        """Return the files of the source models from which a job's repeats start."""
        if "source_models" not in self.inputs(key):
            return []
        repeats = range(int(first), int(last) + 1)
        if self.owners[key].checkpoint_file:
            return self.owners[key].checkpoint_file
        found = self.owners[key].pretraining_jobs_of(repeats)
        return [f"{stem}.safetensors" for _, stem in found]

    def megabytes(self, key: str, **wildcards: str) -> int:
        """Return the MB that a job may take, given by the wildcards of its paths."""
        if extent := self.problems.extents.get(key):
            return megabytes_to_read(extent.rows, extent.features)
        return self._size(key, **wildcards).megabytes

    def minutes(self, key: str, **wildcards: str) -> int:
        """Return the minutes that a job which trains may take."""
        return self._size(key, **wildcards).minutes

    def gpus(self, key: str) -> int:
        """Return how many GPUs a job that trains asks for."""
        training = self.recipes.get(key, {}).get("settings", {}).get("training", {})
        return int(training.get("device") == "cuda")

    def _size(
        self, key: str, first: str = "0", last: str = "0", **_: str
    ) -> Size | UnseenSize:
        """Return the size of a job that trains."""
        if key not in self.recipes:
            return UNKNOWN
        settings = self.recipes[key]["settings"]
        problem = self.problems.extents[self.inputs(key)["problem"]]
        networks, training = int(last) - int(first) + 1, settings["training"]
        length = budget(
            training.get("epochs"),
            training.get("steps"),
            training["batch_size"],
            settings.get("target_size", problem.rows),
        )
        rate = training["learning_rate"]
        epochs = length.epochs * (len(rate) if isinstance(rate, list) else 1)
        added = settings.get("variant", {}).get("add", ())
        return size_of(
            kind_of(settings["network"]).widths(
                problem.features, problem.classes, added
            ),
            self.owners[key].settings.checkpoints,
            networks,
            problem,
            epochs,
            training["batch_size"],
        )

    @property
    def stages(self) -> list[str]:
        """The stages so far that make tables and figures of studies."""
        return list(
            dict.fromkeys(
                stage for stage, folder in self.tables if folder in self.studies
            )
        )

    def add_tables(
        self, stage: str, fields: Sequence[str], reads: Sequence[str] = ()
    ) -> None:
        """Add what a stage makes of each study.

        It gets the settings named by `fields` and reads what the stages `reads` make,
        or, if there are none, the study's jobs. With the setting `pairs` it also reads
        what was gathered of other studies named there.
        """
        for name, study in self.studies.items():
            settings = {field: self._setting(study, field) for field in fields}
            inputs: dict[str, Any] = {
                other: self.tables[other, name].key
                for other in reads
                if (other, name) in self.tables
            }
            if not reads:
                models = study.source_models
                inputs["source_models"] = models.key if models else None
                inputs["arms"] = {n: arm.key for n, arm in study.arms.items()}
            if "pairs" in fields and study.others:
                inputs["others"] = {
                    other: self.tables["gather", other].key for other in study.others
                }
            self.tables[stage, name] = result(stage, settings, inputs)

    def add_network_tables(self, stage: str) -> None:
        """Add what a stage tells of networks that people's own functions build."""
        for name, study in self.studies.items():
            if study.check:
                inputs = {"check_network": study.check.key}
                self.tables[stage, name] = result(stage, {"study": name}, inputs)

    def _setting(self, study: StudyPlan, field: str) -> Any:
        """Return a setting of a study, as the rules name them."""
        if field == "study":
            return study.name
        if field == "maps":
            return [self._map(study)]
        if field == "places":
            return {name: self.places[name] for name in study.settings.variants}
        if field in (
            "pretrained",
            "comparisons",
            "tuned",
            "depths",
            "described",
            "shown_size",
        ):
            return getattr(study, field)
        if field == "description":
            return self.description(study)
        return getattr(study.settings, field)

    def description(self, study: StudyPlan) -> dict[str, Any]:
        """Return all that makes a study: settings, keys, code and library versions."""
        models = study.source_models
        # Only what differs, so that a change of training is not said twice.
        pretraining = {
            key: value
            for key, value in study.settings.pretraining.items()
            if value != study.settings.training[key]
        }
        problems = study.problems
        # With digests of files, so that an edit of one is told.
        settings = study.settings._asdict() | {
            "pretraining": pretraining,
            "network": study.kind.with_digests(),
        }
        if not study.settings.checkpoints:
            del settings["checkpoints"]
        recipes = [
            *(problem.recipe for problem in problems.values()),
            *(arm.recipe for arm in study.arms.values()),
            *([models.recipe] if models else []),
            *(
                made.recipe
                for (_, name), made in self.tables.items()
                if name == study.name
            ),
        ]
        return {
            "settings": settings,
            "problems": {name: p.recipe["settings"] for name, p in problems.items()},
            "variants": study.described,
            "keys": {
                "problems": {name: problem.key for name, problem in problems.items()},
                "source_models": models.key if models else None,
                "arms": {name: arm.key for name, arm in study.arms.items()},
                **{
                    stage: made.key
                    for (stage, name), made in self.tables.items()
                    if name == study.name
                },
            },
            "code": {recipe["stage"]: recipe["code"] for recipe in recipes},
            "versions": {
                k: v for recipe in recipes for k, v in recipe["versions"].items()
            },
        }

    def _map(self, study: StudyPlan) -> dict[str, Any]:
        """Return what a freeze map shows of a study."""
        fields = ("source", "target", "baseline", "target_sizes", "metric")
        return {
            "study": study.name,
            **{field: getattr(study.settings, field) for field in fields},
            "depths": study.mapped,
            "comparisons": self.tables["compare", study.name].key,
        }

    def add_maps(self, stage: str) -> None:
        """Add the freeze maps that show several studies side by side."""
        for name, studies in self.maps.items():
            maps = [self._map(self.studies[study]) for study in studies]
            made = result("plot_freeze_map", {"maps": maps}, {})
            self.tables[stage, f"maps/{name}"] = made

    def add_answers(self, stage: str) -> None:
        """Add the answers of all studies in one file, which lies in `results/`."""
        answers = {
            name: self.tables["answer", name].key for name in sorted(self.studies)
        }
        self.tables[stage, "."] = result(stage, {"studies": list(answers)}, answers)

    def add_figure_of_problems(self, stage: str) -> None:
        """Add what a stage makes of all problems."""
        inputs = {name: problem.key for name, problem in self.problems.shown.items()}
        self.tables[stage, "problems"] = result(stage, {}, inputs)


def _check(study: StudyPlan, network: Mapping[str, Any]) -> Result:
    """Return the check of a study's network, which is as recipes have it."""
    settings = study.settings
    recipes = [arm.recipe["settings"] for arm in study.arms.values()]
    inputs = {"target": study.target.key}
    if study.source_models and study.source:
        inputs["source"] = study.source.key
    elif study.source_models:
        inputs["source_models"] = study.source_models.key
    return result(
        "check_network",
        {
            "study": study.name,
            "source": settings.source,
            "target": settings.target,
            "network": network,
            # In the config's order, which a recipe's keys do not keep.
            "variants": list(study.described.items()),
            "source_models": settings.source_models,
            "target_sizes": settings.target_sizes,
            "batch_sizes": {
                "source": [settings.pretraining["batch_size"]],
                "target": sorted({r["training"]["batch_size"] for r in recipes}),
            },
        },
        inputs,
    )
