"""The results of a study that have keys: source models, repeats, checks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from thaw.config.config import Config, Study
from thaw.config.network import HiddenLayers, Trainer
from thaw.config.training import Estimator, Variant
from thaw.errors import ThawError
from thaw.findings.arms import Arm, TargetSize, arms
from thaw.keys import Result, known_digest, result
from thaw.learning.settings import BUDGETS
from thaw.plan.problems import Problems
from thaw.plan.study import StudyPlan


def plan_of_study(
    name: str, study: Study, config: Config, problems: Problems
) -> StudyPlan:
    """Return the plan of a study of a config; its problems are added to others."""
    source, target = problems.of_study(study)
    variants = {
        name: study.network.numbered(variant)
        if isinstance(variant, Variant)
        else variant
        for name, variant in study.variants.items()
    }
    source_models = []
    if any(variant.pretrained for variant in variants.values()):
        source_models = [*_source_models(name, study, source, target)]
    learned_from = config.problems.get(study.source)
    draws_output = config.is_other_label(study)
    plan = StudyPlan(
        name=name,
        settings=study,
        variants=variants,
        metrics=config.metrics(study),
        source=source,
        target=target,
        source_models=source_models,
        arms=_arms(study, variants, target, source_models, draws_output),
        overlap=_overlap(study, source if source_models else None, target, config),
        keeps_predictions=config.predictions,
        has_splits=config.problems[study.target].is_split,
        draws_output=draws_output,
        source_unit=(learned_from and learned_from.unit) or "",
    )
    plan = plan._replace(check=_check(plan))
    return plan._replace(transferability=_transferability(plan))


def _source_models(
    name: str, study: Study, source: Result | None, target: Result
) -> Iterator[Result]:
    """Yield the result with a study's source models or, of files, one for each."""
    network = study.network.content
    if source:
        training = {"training": study.pretraining.minimal()}
        settings = {"seed": study.seed, "network": network} | training
        yield result("pretrain", settings, {"problem": source.key})
        return
    digests = [known_digest(Path(file)) for file in study.files]
    if len({*digests}) < len(digests):
        raise ThawError(
            f"studies.{name}.source_models.files: some have the same content, and a "
            "source model counts once; remove the copy"
        )
    for digest in digests:
        settings = {"network": network, "file": digest}
        yield result("read_checkpoints", settings, {"problem": target.key})


def _arms(
    study: Study,
    variants: Mapping[str, Variant | Estimator],
    target: Result,
    source_models: Sequence[Result],
    draws_output: bool,
) -> dict[str, list[Result]]:
    """Return the results of each arm, by its name."""
    network = study.network.content
    results = {}
    for arm in arms([*variants], study.target_sizes):
        variant = variants[arm.variant]
        settings: dict[str, Any] = {"seed": study.seed}
        if isinstance(variant, Estimator):
            settings["estimator"] = variant.content
        else:
            described = variant.described
            if variant.pretrained and draws_output and not variant.inherit:
                described["fresh"] = [*dict.fromkeys([*variant.fresh, "output"])]
            training = variant.training.minimal()
            settings |= {"network": network, "training": training, "variant": described}
        if arm.target_size != "all":
            settings["target_size"] = arm.target_size
        starts: list[dict[str, Any]] = [{"problem": target.key}]
        if variant.pretrained:
            starts = [starts[0] | {"source_models": m.key} for m in source_models]
        results[arm.name] = [result("train", settings, start) for start in starts]
    return results


def _overlap(
    study: Study, source: Result | None, target: Result, config: Config
) -> Result:
    """Return the check for test rows of the target among train rows."""
    compared = {"target": target}
    if source and source.key != target.key:
        compared["source"] = source
    problems = {role: config.problems[getattr(study, role)] for role in compared}
    settings: dict[str, Any] = {role: getattr(study, role) for role in compared}
    settings["refuse"] = problems["target"].overlap is not None
    if study.sources:
        settings["columns"] = True
    if any(problem.is_split for problem in problems.values()):
        settings |= {"seed": study.seed, "source_models": study.models}
    keys = {role: keyed.key for role, keyed in compared.items()}
    return result("check_overlap", settings, keys)


def _check(plan: StudyPlan) -> Result | None:
    """Return the check of a network that users supply, if there is one to check."""
    if isinstance(plan.settings.network, HiddenLayers) or not plan.networks:
        return None
    if isinstance(plan.settings.network, Trainer):
        return _short_run(plan)
    inputs: dict[str, Any] = {"target": plan.target.key}
    if plan.source_models and plan.source:
        inputs["source"] = plan.source.key
    elif plan.source_models:
        inputs["source_models"] = [keyed.key for keyed in plan.source_models]
    recipes = {
        name: plan.arms[Arm(name, plan.settings.target_sizes[0]).name][0].recipe
        for name in plan.networks
    }
    settings = plan.facts(("study", "source", "target")) | {
        "network": plan.settings.network.content,
        # In the config's order, which a recipe's keys do not keep.
        "variants": [(n, r["settings"]["variant"]) for n, r in recipes.items()],
        "checkpoints": plan.settings.files,
    }
    return result("check_network", settings, inputs)


def _short_run(plan: StudyPlan) -> Result:
    """Return the short run of a study's trainer, which checks it.

    It is of a variant that starts from source models, if there is one.
    """
    sizes = [size for size in plan.settings.target_sizes if size != "all"]
    smallest: TargetSize = min(sizes, default="all")
    variant = (plan.pretrained or [*plan.networks])[0]
    settings = dict(plan.arms[Arm(variant, smallest).name][0].recipe["settings"])
    settings |= {"study": plan.name, "training": _shortest(settings["training"])}
    inputs = {"problem": plan.target.key}
    if plan.source_models and plan.source:
        settings["pretraining"] = _shortest(plan.settings.pretraining.minimal())
        inputs["source"] = plan.source.key
    return result("check_trainer", settings, inputs)


def _shortest(training: Mapping[str, Any]) -> dict[str, Any]:
    """Return training cut to one epoch, or one step."""
    return dict(training) | {key: 1 for key in BUDGETS if training.get(key)}


def _transferability(plan: StudyPlan) -> Result | None:
    """Return the scores of source models that need no training.

    There are none if no variant is pretrained, and of a trainer's networks, which only
    the trainer can run.
    """
    study = plan.settings
    if not study.sources or not plan.source or not plan.source_models:
        return None
    if isinstance(study.network, Trainer):
        return None
    settings = plan.facts(("seed", "source_models", "target_sizes"))
    settings["network"] = study.network.content
    if study.training.validation_size:
        settings["validation_size"] = study.training.validation_size
    inputs = {
        "target": plan.target.key,
        "source": plan.source.key,
        "source_models": plan.source_models[0].key,
    }
    return result("transferability", settings, inputs)
