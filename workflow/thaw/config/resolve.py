"""Check a config and resolve it: what each study trains, and on what."""

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError

from thaw.config import models
from thaw.config.contradictions import contradictions
from thaw.config.job_sizes import with_job_sizes
from thaw.config.ladder import LADDER, climbed, mistaken_rungs, rungs
from thaw.config.layers import hidden_groups, of_one_form
from thaw.config.mistakes import explain
from thaw.config.resolved import Config, Study
from thaw.config.sizes import excesses
from thaw.config.training import changed
from thaw.config.words import wrong
from thaw.findings.metrics import METRICS
from thaw.output.paths import CHECKPOINTS


def resolve(config: Mapping[str, Any], commanded: Collection[str] = ()) -> Config:
    """Check `config` and resolve it.

    `commanded` are the keys that the command line set. Where such a key holds a single
    value, it wins over a study's own.
    Raises `ThawError`, whose message lists every mistake: the key's path, the value,
    and what is allowed.
    """
    try:
        checked = models.Config.model_validate(config)
    except ValidationError as error:
        raise wrong(explain(error)) from None
    shared = checked.model_dump(include=set(models.Settings.model_fields))
    studies = {
        name: _inherit(study, shared, commanded)
        for name, study in checked.studies.items()
    }
    described = checked.model_dump(include={"variants", "maps"})
    # A problem has many keys that do not go together; those left out are not there.
    described |= checked.model_dump(include={"problems"}, exclude_none=True)
    mistakes = [
        f"studies.{name}.margin: it is missing, and there is none that suits every "
        f"{study.metric}. Allowed: the smallest difference that matters to you"
        for name, study in checked.studies.items()
        if not METRICS[study.metric].is_accuracy
        and "margin" not in {*commanded, *study.model_fields_set}
    ]
    for name, study in checked.studies.items():
        if LADDER in study.variants:
            groups = hidden_groups(studies[name].network)
            if groups is None:
                # What follows would ask for the variants that the ladder stands for.
                missing = f"studies.{name}.network.groups: this key is missing; the"
                raise wrong([f"{missing} ladder needs to know how many there are"])
            hidden = len(groups)
            mistakes += mistaken_rungs(name, hidden, described["variants"])
            described["variants"] = rungs(hidden) | described["variants"]
    resolved = Config(**described, studies=studies)
    # Sizes are worth computing only where all names exist.
    mistakes += [*contradictions(resolved)] or [*excesses(resolved)]
    if mistakes:
        raise wrong(mistakes)
    return with_job_sizes(resolved)


def _inherit(
    study: models.Study, shared: dict[str, Any], commanded: Collection[str]
) -> Study:
    """Return a study with the shared settings where it has none of its own."""
    own = study.model_dump(exclude_unset=True)
    settings = study.model_dump(exclude=set(shared))
    for key, value in shared.items():
        if key == "network":
            settings[key] = of_one_form(value, own.get(key, {}))
        elif key in ("training", "pretraining"):
            settings[key] = changed(value, own.get(key, {}))
        elif isinstance(value, dict):
            settings[key] = value | own.get(key, {})
        elif key in commanded:
            settings[key] = value
        else:
            settings[key] = own.get(key, value)
    groups = hidden_groups(settings["network"])
    if groups is not None:
        settings["variants"] = climbed(settings["variants"], len(groups))
    settings["pretraining"] = changed(settings["training"], settings["pretraining"])
    settings["checkpoints"] = []
    if isinstance(settings["source_models"], dict):
        settings["checkpoints"] = settings["source_models"]["files"]
        settings["source_models"] = len(settings["checkpoints"])
        settings["source"] = settings["source"] or CHECKPOINTS
    return Study(**settings)
