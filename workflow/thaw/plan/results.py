"""The results of a study that have keys: source models, repeats, checks."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from thaw.config.config import Config, Study
from thaw.config.network import HiddenLayers, Trainer
from thaw.config.problem import Problem
from thaw.config.training import Estimator, Variant
from thaw.errors import ThawError
from thaw.findings.arms import Arm, TargetSize, arms
from thaw.keys import known_digest
from thaw.learning.settings import BUDGETS
from thaw.output.paths import check_file, models_begin, repeats_begin
from thaw.plan.planned import Planned, plan_result
from thaw.plan.problems import Problems
from thaw.plan.study import StudyPlan


def plan_of_study(
    name: str, study: Study, config: Config, problems: Problems
) -> StudyPlan:
    """Return the plan of a study of a config; its problems are added to others."""
    source, target = problems.of_study(study)
    learned_from = config.problems.get(study.source)
    is_pretrained = any(variant.pretrained for variant in study.variants.values())
    learned = source if is_pretrained else None
    plan = StudyPlan(
        name=name,
        settings=study,
        variants={
            name: study.network.numbered(variant)
            if isinstance(variant, Variant)
            else variant
            for name, variant in study.variants.items()
        },
        metrics=config.metrics(study),
        source=source,
        target=target,
        source_models=[],
        arms={},
        overlap=_overlap(study, learned, target, config.problems),
        keeps_predictions=config.predictions,
        has_splits=config.problems[study.target].is_split,
        draws_output=config.is_other_label(study),
        source_unit=(learned_from and learned_from.unit) or "",
    )
    # In this order, because each needs those before.
    if is_pretrained and study.files:
        plan = plan._replace(source_models=[*_checkpoints(plan)])
    plan = plan._replace(check=_check(plan, learned))
    if learned:
        plan = plan._replace(source_models=[_source_models(plan, learned)])
    every = arms([*plan.variants], study.target_sizes)
    return plan._replace(
        arms={arm.name: _arm(plan, arm) for arm in every},
        transferability=_transferability(plan),
    )


def _checkpoints(plan: StudyPlan) -> Iterator[Planned]:
    """Yield the source model of each file."""
    study = plan.settings
    digests = [known_digest(Path(file)) for file in study.files]
    if len({*digests}) < len(digests):
        raise ThawError(
            f"studies.{plan.name}.source_models.files: some have the same content, and "
            "a source model counts once; remove the copy"
        )
    inputs, code = {"problem": plan.target}, study.network.user_files
    for digest, file in zip(digests, study.files, strict=True):
        settings = {"network": study.network.content, "file": digest}
        files = code | {"weights": [file]}
        at = "read_checkpoints", models_begin, study.source
        yield plan_result(*at, settings, inputs, files)


def _source_models(plan: StudyPlan, source: Planned) -> Planned:
    """Return the study's source models."""
    study = plan.settings
    settings = {
        "seed": study.seed,
        "network": study.network.content,
        "training": study.pretraining.minimal(),
    }
    checked = [plan.target.path, *_checks(plan)]
    files = study.network.user_files | {"checked": checked}
    at = "pretrain", models_begin, study.source
    return plan_result(*at, settings, {"problem": source}, files)


def _arm(plan: StudyPlan, arm: Arm) -> list[Planned]:
    """Return the results of an arm."""
    study, variant = plan.settings, plan.variants[arm.variant]
    is_network = isinstance(variant, Variant)
    files = study.network.user_files if is_network else {}
    files = files | {"checked": _checks(plan, is_network)}
    starts: list[dict[str, Planned]] = [{"problem": plan.target}]
    if variant.pretrained:
        starts = [starts[0] | {"source_models": m} for m in plan.source_models]
    at = "train", partial(repeats_begin, study.target), arm.name
    return [plan_result(*at, _settings(plan, arm), start, files) for start in starts]


def _checks(plan: StudyPlan, of_network: bool = True) -> list[str]:
    """Return the checks that training waits for."""
    settings = plan.overlap.recipe["settings"]
    # The check for equal rows may refuse none.
    may_refuse = settings["refuse"] or "columns" in settings
    checks = [plan.overlap.path] if may_refuse else []
    return checks + ([plan.check.path] if plan.check and of_network else [])


def _settings(plan: StudyPlan, arm: Arm) -> dict[str, Any]:
    """Return the settings in the recipe of an arm."""
    study, variant = plan.settings, plan.variants[arm.variant]
    settings: dict[str, Any] = {"seed": study.seed}
    if isinstance(variant, Estimator):
        settings["estimator"] = variant.content
    else:
        described = variant.described
        if variant.pretrained and plan.draws_output and not variant.inherit:
            described["fresh"] = [*dict.fromkeys([*variant.fresh, "output"])]
        settings["network"] = study.network.content
        settings["training"] = variant.training.minimal()
        settings["variant"] = described
    if arm.target_size != "all":
        settings["target_size"] = arm.target_size
    return settings


def _overlap(
    study: Study,
    source: Planned | None,
    target: Planned,
    problems: Mapping[str, Problem],
) -> Planned:
    """Return the check for test rows of the target among train rows."""
    compared = {"target": target}
    if source and source.key != target.key:
        compared["source"] = source
    names = {role: planned.name for role, planned in compared.items()}
    settings: dict[str, Any] = {**names}
    settings["refuse"] = problems[study.target].overlap is not None
    if study.sources:
        settings["columns"] = True
    if any(problems[name].is_split for name in names.values()):
        settings |= {"seed": study.seed, "source_models": study.models}
    path = partial(check_file, "overlaps")
    return plan_result("check_overlap", path, study.target, settings, compared, {})


def _check(plan: StudyPlan, source: Planned | None) -> Planned | None:
    """Return the check of a network that users supply, if there is one to check."""
    study, network = plan.settings, plan.settings.network
    if isinstance(network, HiddenLayers) or not plan.networks:
        return None
    files = network.user_files | {"source_models": plan.model_files}
    inputs: dict[str, Any] = {"source": source} if source else {}
    path = partial(check_file, "networks")
    if isinstance(network, Trainer):
        inputs["problem"] = plan.target
        settings = _short_run(plan, source is not None)
        return plan_result("check_trainer", path, plan.name, settings, inputs, files)
    inputs["target"] = plan.target
    if plan.source_models:
        inputs["source_models"] = plan.source_models
    settings = {
        "study": plan.name,
        "source": study.source,
        "target": study.target,
        "network": network.content,
        # In the config's order, which a recipe's keys do not keep.
        "variants": [
            (name, _settings(plan, Arm(name, "all"))["variant"])
            for name in plan.networks
        ],
        "checkpoints": study.files,
    }
    return plan_result("check_network", path, plan.name, settings, inputs, files)


def _short_run(plan: StudyPlan, pretrains: bool) -> dict[str, Any]:
    """Return the settings of the short run of a study's trainer, which checks it.

    It is of a variant that starts from source models, if there is one.
    """
    smallest: TargetSize = min(plan.sizes_in_rows, default="all")
    arm = Arm((plan.pretrained or [*plan.networks])[0], smallest)
    settings = _settings(plan, arm) | {"study": plan.name}
    if pretrains:
        settings["pretraining"] = plan.settings.pretraining.minimal()
    for role in {"training", "pretraining"} & settings.keys():
        # One epoch, or one step.
        settings[role] |= {key: 1 for key in BUDGETS if settings[role].get(key)}
    return settings


def _transferability(plan: StudyPlan) -> Planned | None:
    """Return the scores of source models that need no training.

    There are none if no variant is pretrained, and of a trainer's networks, which only
    the trainer can run.
    """
    study = plan.settings
    if not (study.sources and plan.source and plan.source_models):
        return None
    if isinstance(study.network, Trainer):
        return None
    settings = {
        "seed": study.seed,
        "source_models": study.models,
        "target_sizes": study.target_sizes,
        "network": study.network.content,
    }
    if study.training.validation_size:
        settings["validation_size"] = study.training.validation_size
    (models,) = plan.source_models
    inputs = {"target": plan.target, "source": plan.source, "source_models": models}
    files = study.network.user_files | {"source_models": plan.model_files}
    files["checked"] = [plan.check.path] if plan.check else []
    path = partial(check_file, "transferability")
    return plan_result("transferability", path, study.target, settings, inputs, files)
