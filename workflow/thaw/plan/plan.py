"""The plan of a config: the results of its studies with their keys, and their jobs.

The workflow's rules and messages about a run read it; nothing here runs anything.
"""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from thaw.config import estimator
from thaw.config.checkpoints import digest_of, weight_files
from thaw.config.network import Kind, kind_of
from thaw.config.problem import is_split
from thaw.config.recipes import is_other_label
from thaw.config.resolved import (
    Config,
    ResolvedStudy,
    minimal_network,
    minimal_training,
    minimal_variant,
    training_of,
)
from thaw.config.sizes import (
    EPOCHS_TO_SCORE,
    UNKNOWN,
    EstimatorSize,
    Size,
    UnseenSize,
    megabytes_to_read,
    size_of,
)
from thaw.errors import ThawError, refuse
from thaw.findings.arms import Arm, TargetSize, arms
from thaw.findings.metrics import metric_of
from thaw.keys import Result, result
from thaw.learning.budget import ROWS_ASKED, budget
from thaw.learning.settings import BUDGETS
from thaw.output.paths import problem_file, repeats_begin
from thaw.output.tiles import Tile
from thaw.plan.made import Made, gather, make, of_studies, page, rank, ranked, span
from thaw.plan.outputs import (
    ANSWERS,
    FIGURES,
    FREEZE_MAP,
    GATHER,
    PROBLEMS,
    RANKING_PAGE,
    REPORT,
    STUDY_PAGE,
    TABLES,
)
from thaw.plan.problems import Problems
from thaw.plan.study import StudyPlan

# The properties of a study that a page gets, in the config's order.
ON_PAGE = ("study", "size", "metric", "variants", "own_training", "recipes")


class Plan:
    """Everything that follows from a config.

    `studies` are by name. `recipes` are those of all problems, source models and
    repeats by key, and `owners` the first study that needs source models or repeats of
    a key; `checks` are those of all studies, for test rows among train rows and of
    networks, that must pass before anything of a key learns; `trained_for` are the
    first study by the beginning of a training job's files, since studies may share a
    key and cut their jobs differently. `words` are the report's title and question.
    `made` are the results with plain names, by rule: four stages for each study, and
    those that span studies. `rankings` are the studies of each ranking, by source.
    """

    def __init__(self, config: Config) -> None:
        """Compute the keys of everything."""
        self.problems = Problems(config.problems)
        self.studies = {
            name: self._study(name, study, config)
            for name, study in config.studies.items()
        }
        self.rankings = config.rankings
        self.maps, self.predictions = config.maps, config.predictions
        self.words = {"title": config.title, "question": config.question}
        for name in config.problems:
            self.problems.make_sure_of(name)
        self.recipes = dict(self.problems.recipes)
        self.owners: dict[str, StudyPlan] = {}
        self.checks: dict[str, set[str]] = {}
        self.trained_for: dict[str, StudyPlan] = {}
        for study in self.studies.values():
            arms = itertools.chain(*study.arms.values())
            more = filter(None, [study.overlap, study.check, study.transferability])
            for found in [*study.source_models, *arms, *more]:
                self.recipes[found.key] = found.recipe
                self.owners.setdefault(found.key, study)
                own = self.checks.setdefault(found.key, set())
                own.update(study.refusal)
                # An estimator needs no network.
                if "estimator" not in found.recipe["settings"]:
                    own.update(study.check_file)
            for _, stem in study.training_jobs:
                self.trained_for.setdefault(stem, study)
        self.made = {made.rule: made for made in self._all_made()}
        # A study is a target by its name, as these results are by their rule's.
        refuse(
            f"studies.{name}: {name!r} is the name of a target; choose another name"
            for name in (*self.studies, *self.rankings)
            if name in self.made
        )

    def _study(self, name: str, study: ResolvedStudy, config: Config) -> StudyPlan:
        swept = study.target_sizes != ["all"]
        is_ranked = name in itertools.chain(*config.rankings.values())
        if study.checkpoints:
            source, target = None, self.problems.alone(study.target)
        elif is_ranked:
            source, target = self.problems.apart(study.source, study.target)
        else:
            source, target = self.problems.pair(study.source, study.target, swept)
        kind = kind_of(study.network)
        network = kind_of(minimal_network(study.network)).content()
        learning = {"seed": study.seed, "network": network}
        if source is None:
            digests = {
                path: digest_of(weight_files(Path(path))) for path in study.checkpoints
            }
            if len({*digests.values()}) < len(digests):
                raise ThawError(
                    f"studies.{name}.source_models.files: some have the same content, "
                    "and a source model counts once; remove the copy"
                )
            source_models = [
                result(
                    "read_checkpoints",
                    {"network": network, "file": digest},
                    {"problem": target.key},
                )
                for digest in digests.values()
            ]
        else:
            pretraining = {"training": minimal_training(study.pretraining)}
            inputs = {"problem": source.key}
            source_models = [result("pretrain", learning | pretraining, inputs)]
        found: dict[str, list[Result]] = {}
        saved = []
        other = is_other_label(study, config.problems)
        for arm in arms(study.variants, study.target_sizes):
            described = kind.numbered(config.variants[arm.variant])
            if described["pretrained"] and other and not described["inherit"]:
                described["fresh"] = [*dict.fromkeys([*described["fresh"], "output"])]
            training = training_of(study.training, described)
            settings = learning | {
                "training": minimal_training(training),
                "variant": minimal_variant(described),
            }
            if described["estimator"]:
                own = estimator.content(described)
                settings = {"seed": study.seed, "estimator": own}
            inputs = {"problem": target.key}
            if arm.target_size != "all":
                settings["target_size"] = arm.target_size
            starts = [inputs]
            if described["pretrained"]:
                starts = [
                    inputs | {"source_models": made.key} for made in source_models
                ]
            found[arm.name] = [result("train", settings, start) for start in starts]
            if described["save"]:
                saved.append(arm.name)
        said = {
            name: _described(kind, config.variants[name]) for name in study.variants
        }
        pretrained = any(config.variants[name]["pretrained"] for name in study.variants)
        compared = {"target": target}
        if pretrained and source and source.key != target.key:
            compared["source"] = source
        names = {role: getattr(study, role) for role in compared}
        refuse = {"refuse": "overlap" in config.problems[study.target]}
        if is_ranked:
            refuse["columns"] = True
        split = {"seed": study.seed, "source_models": study.source_models}
        if not any(is_split(config.problems[name]) for name in names.values()):
            split = {}
        keys = {role: made.key for role, made in compared.items()}
        overlap = result("check_overlap", names | refuse | split, keys)
        results = (source, target, source_models, found, said, saved)
        unit = config.problems.get(study.source, {}).get("unit", "")
        has_splits = is_split(config.problems[study.target])
        more = config.predictions, overlap, None, unit, has_splits
        plan = StudyPlan(name, study, *results, *more)
        if not plan.pretrained:
            plan = plan._replace(source_models=[])
        if kind.checked_by == "check_network":
            plan = plan._replace(check=_check(plan, network))
        elif kind.checked_by and plan.networks:
            plan = plan._replace(check=_trial(plan))
        return plan.scored() if is_ranked else plan

    def made_by(self, *stages: str) -> list[Made]:
        """Return all results with plain names of some stages."""
        return [made for made in self.made.values() if made.stage in stages]

    def made_of(self, study: str) -> list[Made]:
        """Return the results with plain names of a study."""
        return [made for made in self.made.values() if made.folder == study]

    def inputs(self, key: str) -> Mapping[str, str]:
        """Return the keys of a result's inputs; none for an unknown key."""
        return self.recipes.get(key, {}).get("inputs", {})

    def files_of(self, key: str, name: str) -> list[str]:
        """Return files of the study that needs a key, by the property's name."""
        # An estimator needs no network of its study.
        if key not in self.owners or "estimator" in self.recipes[key]["settings"]:
            return []
        return getattr(self.owners[key], name)

    def asked_of(self, key: str) -> list[dict[str, Any]]:
        """Return the requirements of studies on the classes of a problem."""
        return [asked for study in self.studies.values() for asked in study.asks(key)]

    def checked_targets(self, key: str) -> list[str]:
        """Return the checks that must pass before source models learn.

        These are the targets, and checks that must pass, of all studies that start from
        the source models of this key.
        """
        studies = [
            study
            for study in self.studies.values()
            if key in [made.key for made in study.source_models]
        ]
        targets = {file for study in studies for file in study.target_file}
        return [*sorted(targets), *sorted(self.checks.get(key, ()))]

    def source_model_files(
        self, problem: str, arm: str, key: str, tile: str
    ) -> list[str]:
        """Return the files of the source models from which a job's repeats start."""
        study = self.trained_for.get(f"{repeats_begin(problem, arm, key)}{tile}")
        if study is None or "source_models" not in self.inputs(key):
            return []
        return study.model_files_of(Tile.named(tile))

    def checkpoint_of(self, key: str) -> list[str]:
        """Return the user's files from which the source model of a key is read."""
        study = self.owners.get(key)
        keys = [made.key for made in study.source_models] if study else []
        if not study or key not in keys:
            return []
        return [*map(str, weight_files(Path(study.checkpoints[keys.index(key)])))]

    def megabytes(self, key: str, **wildcards: str) -> int:
        """Return the MB that a job may take, given by the wildcards of its paths."""
        if extent := self.problems.extents.get(key):
            return megabytes_to_read(extent.rows, extent.features)
        return self._size(key, **wildcards).megabytes

    def minutes(self, key: str, **wildcards: str) -> int:
        """Return the minutes that a job on a cluster may take."""
        return self._size(key, **wildcards).minutes

    def gpus(self, key: str) -> int:
        """Return how many GPUs a training job needs."""
        training = self.recipes.get(key, {}).get("settings", {}).get("training", {})
        return int(training.get("device") == "cuda")

    def time_limit(self, key: str) -> int:
        """Return for how many seconds a trainer may train a network; 0 if for ever."""
        study = self.owners.get(key)
        return study.settings.network.get("time_limit", 0) if study else 0

    def _size(
        self, key: str, tile: str = "models-00-00", **_: str
    ) -> Size | UnseenSize | EstimatorSize:
        """Return the size of a job that trains, or that scores source models."""
        if key not in self.recipes:
            return UNKNOWN
        settings = self.recipes[key]["settings"]
        if self.recipes[key]["stage"] == "transferability":
            problem = self.problems.extents[self.inputs(key)["target"]]
            return size_of(
                kind_of(settings["network"]).widths(problem.features, problem.outputs),
                (),
                settings["source_models"],
                problem,
                EPOCHS_TO_SCORE * len(settings["target_sizes"]),
                ROWS_ASKED,
            )
        problem = self.problems.extents[self.inputs(key)["problem"]]
        networks, rows = (
            Tile.named(tile).fits,
            settings.get("target_size", problem.rows),
        )
        if "estimator" in settings:
            numbers = (count * problem.features for count in (problem.rows, rows))
            return EstimatorSize(networks, *numbers)
        training = settings["training"]
        length = budget(
            training.get("epochs"),
            training.get("steps"),
            training["batch_size"],
            rows,
        )
        rate = training["learning_rate"]
        epochs = length.epochs * (len(rate) if isinstance(rate, list) else 1)
        added = settings.get("variant", {}).get("add", ())
        return size_of(
            kind_of(settings["network"]).widths(
                problem.features, problem.outputs, added
            ),
            self.owners[key].settings.checkpoints,
            networks,
            problem,
            epochs,
            training["batch_size"],
        )

    def _all_made(self) -> Iterator[Made]:
        """Yield the results with plain names, in the order in which they are made."""
        gathered = {name: gather(study) for name, study in self.studies.items()}
        tables: dict[str, str] = {}
        shown: dict[str, list[Made]] = {}
        for name, study in self.studies.items():
            yield gathered[name]
            keys = {other: gathered[other].key for other in [name, *study.others]}
            yield (made := make(study, TABLES, {GATHER: keys}))
            tables[name] = made.key
            inputs = {GATHER: {name: gathered[name].key}, "tables": {name: made.key}}
            yield (figures := make(study, FIGURES, inputs))
            shown[name] = [gathered[name], made, figures]
            told = {"studies": [study.told(ON_PAGE)]}
            yield page(STUDY_PAGE, name, told, shown[name])
        for name, studies in self.rankings.items():
            of = [self.studies[study] for study in studies]
            inputs = {
                GATHER: {study: gathered[study].key for study in studies},
                "tables": {study: tables[study] for study in studies},
            }
            yield (made := rank(name, of, TABLES, inputs))
            tables[name] = made.key
            yield (figures := rank(name, of, FIGURES, {"tables": {name: made.key}}))
            shown[name] = [made, figures]
            described = [shown[study][1] for study in studies]
            own = {"ranking": ranked(name, of, ["size"])}
            yield page(RANKING_PAGE, name, own, shown[name], described)
        names = sorted(tables)
        yield span(
            "answers",
            ".",
            ANSWERS,
            {"studies": names},
            {"tables": {name: tables[name] for name in names}},
            reads=of_studies(names, ANSWERS.reads),
        )
        for name, studies in self.maps.items():
            yield span(
                f"map_{name}",
                f"maps/{name}",
                FREEZE_MAP,
                {"maps": [one for s in studies for one in self.studies[s].maps]},
                {"tables": {study: tables[study] for study in studies}},
                reads=of_studies(studies, FREEZE_MAP.reads),
            )
        problems = sorted(self.problems.shown.items())
        yield (
            figure := span(
                "problems_figure",
                "problems",
                PROBLEMS,
                {},
                {"problems": {name: made.key for name, made in problems}},
                reads=[problem_file(name, made.key) for name, made in problems],
            )
        )
        told = {
            "rankings": [
                ranked(name, [self.studies[one] for one in studies], ["size"])
                for name, studies in self.rankings.items()
            ],
            "studies": [study.told(ON_PAGE) for study in self.studies.values()],
        }
        every = [*itertools.chain(*shown.values()), figure]
        yield page(REPORT, ".", self.words | told, every)


def _described(kind: Kind, variant: Mapping[str, Any]) -> dict[str, Any]:
    """Return a variant's settings in the config, except its training."""
    inherits = {"inherit": variant["inherit"]} if variant["inherit"] else {}
    return minimal_variant(kind.numbered(variant)) | inherits


def _check(study: StudyPlan, network: Mapping[str, Any]) -> Result:
    """Return the check of a study's network, in the form that recipes have."""
    settings = study.settings
    recipes = [arm[0].recipe["settings"] for arm in study.arms.values()]
    sizes = {r["training"]["batch_size"] for r in recipes if "training" in r}
    inputs: dict[str, Any] = {"target": study.target.key}
    if study.source_models and study.source:
        inputs["source"] = study.source.key
    elif study.source_models:
        inputs["source_models"] = [made.key for made in study.source_models]
    return result(
        "check_network",
        {
            "study": study.name,
            "source": settings.source,
            "target": settings.target,
            "network": network,
            # In the config's order, which a recipe's keys do not keep.
            "variants": study.variants_as_trained,
            "target_sizes": settings.target_sizes,
            "checkpoints": settings.checkpoints,
            "batch_sizes": {
                "source": [settings.pretraining["batch_size"]],
                "target": sorted(sizes),
            },
        },
        inputs,
    )


def _trial(study: StudyPlan) -> Result:
    """Return the short run of a study's trainer, in the form that recipes have.

    It is of a variant that starts from source models, if there is one.
    """
    sizes = [size for size in study.settings.target_sizes if size != "all"]
    smallest: TargetSize = min(sizes, default="all")
    variant = (study.pretrained or study.networks)[0]
    settings = study.arms[Arm(variant, smallest).name][0].recipe["settings"]
    metrics = map(metric_of, study.settings.metric)
    more = {
        "study": study.name,
        "training": _shortest(settings["training"]),
        "metrics": {metric.name: metric.history for metric in metrics},
    }
    inputs = {"problem": study.target.key}
    if study.source_models and study.source:
        pretraining = minimal_training(study.settings.pretraining)
        more["pretraining"] = _shortest(pretraining)
        inputs["source"] = study.source.key
    return result("check_trainer", settings | more, inputs)


def _shortest(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return training cut to one epoch, or one step."""
    return dict(training) | {key: 1 for key in BUDGETS if training.get(key)}
