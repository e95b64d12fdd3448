"""Whole configs: a right one is planned, and a wrong one is reported."""

import json
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import new_project
from random_config import any_config, spoil
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.plan.plan import Plan

# Not st.randoms, which takes ten times as long.
rngs = st.integers(0, 2**32).map(random.Random)
configs = st.builds(any_config, rngs, st.integers(0, 20))


def tries(most: int) -> settings:
    return settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )


# Problems with every key that goes together.
FILE = {
    **{"file": "here.csv", "test_file": "here.csv", "label": "class", "drop": ["a"]},
    **{"categorical": ["b"], "rows": {"set": "x"}, "train_size": 5, "test_size": 0.5},
    **{"shuffle": 1, "scale": {"like": "digits"}, "classes": ["a", 1]},
}
DIGITS = {
    **{"load_digits": {"n_class": 5}, "shape": [1, 8, 8], "train_size": 0.5},
    "transforms": [{"noise": 4.0}, {"rotate": 30}, {"invert": 16}, {"permute": 1}],
}


@tries(60)
@given(configs)
def test_every_right_config_has_a_plan(config):
    plan = Plan(resolve(config))
    assert plan.studies.keys() == config["studies"].keys()
    for study in plan.studies.values():
        names = [stem for _, stem in [*study.training_jobs, *study.pretraining_jobs]]
        assert len(set(names)) == len(names)
    files = [file for made in plan.made.values() for file in (*made.files, made.record)]
    assert len(set(files)) == len(files)


@tries(60)
@given(configs, rngs)
def test_the_order_of_keys_changes_no_key(config, rng):
    def shuffled(value):
        if not isinstance(value, dict):
            return value
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled(value[name]) for name in names}

    assert Plan(resolve(shuffled(config))).recipes == Plan(resolve(config)).recipes


@tries(500)
@given(configs, rngs, st.sampled_from([1, 1, 2, 4]))
def test_a_spoilt_config_is_accepted_or_refused(tmp_path, monkeypatch, config, rng, n):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").write_text("class,x\n1,a\n")
    config["problems"] |= json.loads(json.dumps({"file": FILE, "digits": DIGITS}))
    resolve(config)
    for _ in range(n):
        if config:
            spoil(config, rng)
    try:
        Plan(resolve(config))
    except ThawError as error:
        # Shown in any terminal, a line a mistake, none of them endless.
        first, *mistakes = str(error).encode().decode().splitlines()
        assert first == "the config is wrong:"
        assert mistakes
        assert all(len(line) < 600 for line in mistakes)
        assert all(re.match("  (.+: |… and [0-9]+ more)", line) for line in mistakes)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return new_project(tmp_path_factory.mktemp("properties") / "project", {})


@tries(3)
@given(config=configs)
def test_a_right_config_dry_runs(project, config):
    project.config = json.loads(json.dumps(config))
    done = project.snakemake("-n", "--quiet", "rules")
    assert "Traceback" not in done.stdout + done.stderr
