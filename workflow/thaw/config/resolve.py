"""Check a config and resolve it: what each study trains, and on what."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from thaw.config import estimator, models
from thaw.config.contradictions import LADDER, contradictions, excesses
from thaw.config.extents import extent
from thaw.config.messages import wrong
from thaw.config.mistakes import explain
from thaw.config.network import inherited, kind_of
from thaw.config.resolved import Config, ResolvedStudy, changed, training_of
from thaw.config.rest import Rest, entries_in, places_of, without
from thaw.config.sizes import size_of
from thaw.config.sources import as_written, by_source
from thaw.findings.arms import CHECKPOINTS
from thaw.findings.metrics import METRICS, metric_of
from thaw.learning.budget import budget
from thaw.learning.tasks import TASKS

# Keys whose values need no resolving.
PLAIN = {"variants", "maps", "predictions", "title", "question"}


def resolve(config: Mapping[str, Any], commanded: Collection[str] = ()) -> Config:
    """Check `config` and resolve it.

    `commanded` are the keys that the command line set. Where such a key holds a single
    value, it wins over a study's own.
    Raises `ThawError`, whose message lists every mistake: the key's path, the value,
    and what is allowed.
    """
    resolved, mistakes = examine(config, commanded)
    if mistakes or resolved is None:
        raise wrong(mistakes)
    return resolved


def examine(
    config: Mapping[str, Any],
    commanded: Collection[str] = (),
    model: type[models.Config] = models.Config,
) -> tuple[Config | None, list[str]]:
    """Return what of `config` holds no mistake, resolved, and all mistakes.

    So a mistake in one problem, or of one kind, hides none in another. What is left of
    a config with mistakes is checked by the `model` `Rest`; None if nothing is.
    For `commanded` see `resolve`.
    """
    try:
        checked = model.model_validate(config)
    except ValidationError as error:
        mistakes, places = [*explain(error)], places_of(error)
    else:
        resolved, mistakes = _resolved(checked, commanded)
        if not mistakes:
            return resolved, []
        places = entries_in(mistakes)
    rest = without(config, places)
    if rest == config:
        return None, mistakes
    found, more = examine(rest, commanded, Rest)
    return found, [*mistakes, *more]


def _resolved(
    checked: models.Config, commanded: Collection[str]
) -> tuple[Config, list[str]]:
    """Return a config whose keys are right, resolved, and its contradictions."""
    shared = checked.model_dump(include=set(models.Settings.model_fields))
    described = checked.model_dump(include=PLAIN)
    # A problem has many keys that do not go together; those left out are not there.
    described |= checked.model_dump(include={"problems"}, exclude_none=True)
    rankings, written_studies, mistakes = by_source(checked.studies)
    studies = {
        name: _inherit(study, shared, commanded, described["problems"])
        for name, study in written_studies.items()
    }
    for name, variant in checked.variants.items():
        own, written = described["variants"][name], variant.model_fields_set
        mistakes += estimator.mistakes(f"variants.{name}", own, written)
        if own["estimator"]:
            # It starts from no source model; other keys are reported above.
            usual = models.Variant(pretrained=False).model_dump()
            own = {key: own[key] for key in estimator.OWN_KEYS}
            described["variants"][name] = usual | own
    for name, study in written_studies.items():
        first = studies[name].metric[0]
        known = "function" in first or first["name"] in METRICS[first["task"]]
        if not known or metric_of(first).has_bounds:
            continue
        if "margin" not in {*commanded, *study.model_fields_set}:
            mistakes.append(
                f"studies.{name}.margin: this key is missing; {first['name']} has no "
                "usual margin, and that of the top level is not meant for it. Allowed: "
                "the smallest difference that matters to you, in its units"
            )
    for name, study in written_studies.items():
        if LADDER in study.variants:
            groups = kind_of(studies[name].network).hidden_groups
            if groups is None:
                place = f"studies.{name}.network.groups"
                mistakes.append(f"{place}: this key is missing; the ladder needs it")
                continue
            ladder = _rungs(len(groups))
            described["variants"] = ladder | described["variants"]
            for rung, usual in ladder.items():
                # The config may say how a rung trains, and that it is saved.
                own = {key: usual[key] for key in ("training", "save")}
                if described["variants"][rung] | own != usual:
                    mistakes.append(
                        f"variants.{rung}: the ladder of studies.{name} has another "
                        "variant of this name; choose another name"
                    )
    resolved = Config(**described, studies=studies, rankings=rankings)
    if any(LADDER in study.variants for study in studies.values()):
        # Other checks would ask for the variants that it stands for.
        return resolved, as_written(mistakes, rankings)
    mistakes += (contradicting := [*contradictions(resolved)])
    # Sizes are worth computing only where all names exist.
    if not contradicting:
        # Auto may stay. Only the config may move the ends of jobs: they stand in paths.
        cut = {
            name: study._replace(repeats_per_job=_networks_a_job(study, resolved))
            if study.repeats_per_job == "auto"
            else study
            for name, study in studies.items()
        }
        resolved = resolved._replace(studies=cut)
        mistakes += excesses(resolved)
    return resolved, as_written(mistakes, rankings)


def _inherit(
    study: models.Study,
    shared: dict[str, Any],
    commanded: Collection[str],
    problems: Mapping[str, Any],
) -> ResolvedStudy:
    """Return a study with the shared settings where it has none of its own."""
    own = study.model_dump(exclude_unset=True)
    settings = study.model_dump(exclude={*shared, "sources"})
    for key, value in shared.items():
        if key == "network":
            settings[key] = _network(value, own.get(key, {}))
        elif key in ("training", "pretraining"):
            settings[key] = changed(value, own.get(key, {}))
        elif key in commanded:
            settings[key] = value
        else:
            settings[key] = own.get(key, value)
    groups = kind_of(settings["network"]).hidden_groups
    if groups is not None:
        settings["variants"] = _climbed(settings["variants"], len(groups))
    settings["pretraining"] = changed(settings["training"], settings["pretraining"])
    settings["metric"] = _metrics(study, problems.get(study.target, {}))
    settings["checkpoints"] = []
    if isinstance(settings["source_models"], dict):
        settings["checkpoints"] = settings["source_models"]["files"]
        settings["source_models"] = len(settings["checkpoints"])
        settings["source"] = settings["source"] or CHECKPOINTS
    return ResolvedStudy(**settings)


def _metrics(study: models.Study, target: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a study's metrics, in order, as tables and figures get them.

    See `thaw.findings.metrics.metric_of`.
    """
    task = TASKS[target.get("task", "classification")]
    unit = {"unit": target["unit"]} if "unit" in target else {}
    found: list[dict[str, Any]] = []
    for entry in study.metric or [task.score]:
        if isinstance(entry, models.OwnMetric):
            own = {"name": entry.function.rpartition(":")[2]} | entry.model_dump()
            found.append({"task": task.name} | own)
        else:
            found.append({"task": task.name, "name": entry} | unit)
    return found


def _network(shared: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a study's network, without defaults of other kinds than its own."""
    network = inherited(shared, own)
    keys, fields = kind_of(network).own_keys, models.Network.model_fields
    return {
        key: value
        for key, value in network.items()
        if key in keys or value != fields[key].default
    }


def _rungs(hidden_layers: int) -> dict[str, dict[str, Any]]:
    """Return the ladder's variants by name, as if the config described them.

    They are standalone, and one for each number of frozen layers.
    """
    described = {"standalone": models.Variant(pretrained=False)} | {
        f"fixed-{depth}": models.Variant(freeze=depth)
        for depth in range(hidden_layers + 1)
    }
    return {name: variant.model_dump() for name, variant in described.items()}


def _climbed(variants: Sequence[str], hidden_layers: int) -> list[str]:
    """Return the names in a study's list, the ladder written out where it stands."""
    names: list[str] = []
    for name in variants:
        names += _rungs(hidden_layers) if name == LADDER else [name]
    return list(dict.fromkeys(names))


def _networks_a_job(study: ResolvedStudy, config: Config) -> Any:
    target = config.problems[study.target]
    # The same before and after a rule has made the problem's file.
    problem = extent(target, look=not target["made_by_rule"])
    variants = [config.variants[name] for name in study.variants]
    every = [study.pretraining, *(training_of(study.training, v) for v in variants)]
    epochs = [
        budget(some["epochs"], some["steps"], some["batch_size"], problem.rows).epochs
        for some in every
    ]
    widths = kind_of(study.network).widths(problem.features, problem.outputs)
    batch_size = study.training["batch_size"]
    size = size_of(widths, study.checkpoints, 1, problem, max(epochs), batch_size)
    return size.networks_a_job
