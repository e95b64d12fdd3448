"""What a config asks for: the results of its studies with their keys, and their jobs.

The workflow's rules and whoever explains a run read it; nothing here runs anything.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from thaw.config import (
    Config,
    Study,
    minimal_network,
    minimal_training,
    minimal_variant,
)
from thaw.jobs import Job, jobs
from thaw.learning.pairing import source_model_of
from thaw.problems import Problems
from thaw.resources import UNKNOWN, Size
from thaw.results import Result, result


class StudyPlan(NamedTuple):
    """A study's results. `source_models` is None where no variant is pretrained."""

    name: str
    settings: Study
    source: Result
    target: Result
    source_models: Result | None
    variants: dict[str, Result]

    @property
    def pretrained(self) -> list[str]:
        """The variants that start from source models."""
        return [
            name
            for name, variant in self.variants.items()
            if "source_models" in variant.recipe["inputs"]
        ]

    @property
    def repeats(self) -> dict[str, int]:
        """Where in `results/` files with repeats begin, and how many repeats there are.

        A job's numbers and a suffix follow (see `_jobs`).
        """
        return {
            f"repeats/{self.settings.target}/{name}-{variant.key}/repeats-": (
                self.settings.repeats
            )
            for name, variant in self.variants.items()
        }

    @property
    def models(self) -> dict[str, int]:
        """The same of the source models."""
        if self.source_models is None:
            return {}
        name = f"{self.settings.source}-{self.source_models.key}"
        return {f"source-models/{name}/models-": self.settings.source_models}

    @property
    def training_jobs(self) -> list[tuple[Job, str]]:
        """The training jobs, and where in `results/` each one's files begin."""
        return self._jobs(self.repeats)

    @property
    def pretraining_jobs(self) -> list[tuple[Job, str]]:
        """The jobs that pretrain the source models, and where their files begin."""
        return self._jobs(self.models)

    def _jobs(self, begins: Mapping[str, int]) -> list[tuple[Job, str]]:
        return [
            (job, f"{begin}{job.stem}")
            for begin, total in begins.items()
            for job in jobs(total, self.settings.repeats_per_job)
        ]

    def pretraining_jobs_of(self, repeats: Sequence[int]) -> list[tuple[Job, str]]:
        """Return those jobs whose source models these repeats start from."""
        total = self.settings.source_models
        needed = {source_model_of(repeat, total) for repeat in repeats[:total]}
        return [
            (job, stem)
            for job, stem in self.pretraining_jobs
            if not needed.isdisjoint(job.numbers)
        ]


class Plan:
    """All that a config asks for.

    `studies` are by name. `recipes` are those of all problems, source models and
    repeats by key, and `owners` the first study that asks for source models or repeats
    of a key. `tables` are the results of stages that make tables and
    figures, by stage and by the folder they lie in: a study's name, or `problems`.
    """

    def __init__(self, config: Config) -> None:
        """Compute the keys of everything but tables and figures."""
        self.problems = Problems(config.problems)
        self.studies = {
            name: self._study(name, study, config)
            for name, study in config.studies.items()
        }
        for name in config.problems:
            self.problems.make_sure_of(name)
        self.recipes = dict(self.problems.recipes)
        self.owners: dict[str, StudyPlan] = {}
        for study in self.studies.values():
            for found in filter(None, [study.source_models, *study.variants.values()]):
                self.recipes[found.key] = found.recipe
                self.owners.setdefault(found.key, study)
        self.tables: dict[tuple[str, str], Result] = {}

    def _study(self, name: str, study: Study, config: Config) -> StudyPlan:
        source, target = self.problems.pair(study.source, study.target)
        learning = {
            "seed": study.seed,
            "network": minimal_network(study.network),
            "training": minimal_training(study.training),
        }
        source_models = result("pretrain", learning, {"problem": source.key})
        variants = {}
        for variant in study.variants:
            described = config.variants[variant]
            settings = learning | {"variant": minimal_variant(described)}
            inputs = {"problem": target.key}
            if described["pretrained"]:
                # Their number counts, for repeat r starts from number r mod S.
                settings["source_models"] = study.source_models
                inputs["source_models"] = source_models.key
            variants[variant] = result("train", settings, inputs)
        found = StudyPlan(name, study, source, target, source_models, variants)
        return found if found.pretrained else found._replace(source_models=None)

    def inputs(self, key: str) -> Mapping[str, str]:
        """Return the keys of what a result is made from; none for an unknown key."""
        return self.recipes.get(key, {}).get("inputs", {})

    def size_of(self, key: str, first: str, last: str, **_: str) -> Size:
        """Return the size of a job that trains, given by the wildcards of its paths."""
        if key not in self.recipes:
            return UNKNOWN
        settings = self.recipes[key]["settings"]
        problem = self.problems.extents[self.inputs(key)["problem"]]
        hidden = settings["network"]["hidden"]
        added = settings.get("variant", {}).get("add", [])
        return Size(
            networks=int(last) - int(first) + 1,
            widths=[problem.features, *hidden, *added, problem.classes],
            rows=problem.rows,
            epochs=settings["training"]["epochs"],
            batch_size=settings["training"]["batch_size"],
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
        or, if there are none, the study's jobs.
        """
        for name, study in self.studies.items():
            settings = {field: self._setting(study, field) for field in fields}
            inputs: dict[str, Any] = {
                other: self.tables[other, name].key for other in reads
            }
            if not reads:
                models = study.source_models
                inputs["source_models"] = models.key if models else None
                inputs["variants"] = {n: v.key for n, v in study.variants.items()}
            self.tables[stage, name] = result(stage, settings, inputs)

    def _setting(self, study: StudyPlan, field: str) -> Any:
        """Return a setting of a study, as the rules name them."""
        if field == "study":
            return study.name
        if field == "pretrained":
            return study.pretrained
        if field == "description":
            return self.description(study)
        return getattr(study.settings, field)

    def description(self, study: StudyPlan) -> dict[str, Any]:
        """Return all that makes a study: settings, keys, code and library versions."""
        models = study.source_models
        problems = {
            study.settings.source: study.source,
            study.settings.target: study.target,
        }
        recipes = [
            *(problem.recipe for problem in problems.values()),
            *(variant.recipe for variant in study.variants.values()),
            *([models.recipe] if models else []),
            *(
                made.recipe
                for (_, name), made in self.tables.items()
                if name == study.name
            ),
        ]
        return {
            "settings": study.settings._asdict(),
            "problems": {name: p.recipe["settings"] for name, p in problems.items()},
            "variants": {
                name: variant.recipe["settings"]["variant"]
                for name, variant in study.variants.items()
            },
            "keys": {
                "problems": {name: problem.key for name, problem in problems.items()},
                "source_models": models.key if models else None,
                "variants": {name: v.key for name, v in study.variants.items()},
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

    def add_figure_of_problems(self, stage: str) -> None:
        """Add what a stage makes of all problems."""
        inputs = {name: problem.key for name, problem in self.problems.shown.items()}
        self.tables[stage, "problems"] = result(stage, {}, inputs)
