"""Whole configs: a valid one is planned, a broken one is told about and starts nothing.

Hypothesis writes the configs, and shrinks what fails to the smallest one.
"""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Project, new_project
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.plan.plan import Plan
from thaw.plan.targets import everything

PROBLEMS = ("one", "two", "three")
VARIANTS = ("v0", "v1", "v2", "standalone")
BLOBS = ("one", "two")

few = settings(
    max_examples=5,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
many = settings(few, max_examples=60)


def either(**keys):
    """A group in which each of these keys may be left out."""
    return st.fixed_dictionaries({}, optional=keys)


def some(values, least=1):
    return st.lists(st.sampled_from(values), min_size=least, unique=True)


blobs = st.fixed_dictionaries(
    {
        "make_blobs": st.fixed_dictionaries(
            {
                "n_samples": st.integers(40, 200),
                "centers": st.integers(2, 5),
                "n_features": st.just(2),
                "cluster_std": st.floats(0.5, 3),
                "random_state": st.integers(0, 2**32 - 1),
            }
        ),
        "train_size": st.integers(20, 30),
    }
)
moons = st.fixed_dictionaries(
    {
        "make_moons": st.fixed_dictionaries(
            {"random_state": st.integers(0, 9)}, optional={"noise": st.floats(0, 1)}
        ),
        "train_size": st.integers(20, 80),
    },
    optional={
        "shuffle": st.integers(0, 9),
        "scale": st.just("standard"),
        "transforms": st.lists(
            st.one_of(
                st.fixed_dictionaries({"noise": st.floats(0.1, 5)}),
                st.fixed_dictionaries({"permute": st.integers(0, 9)}),
                st.fixed_dictionaries({"label_noise": st.floats(0.1, 0.9)}),
            ),
            max_size=3,
        ),
    },
)
rates = st.floats(1e-4, 1)
training = st.builds(
    lambda length, rest, optimizer: length | rest | optimizer,
    st.one_of(
        st.fixed_dictionaries({length: st.integers(1, 9)})
        for length in ("epochs", "steps")
    ),
    st.fixed_dictionaries({"batch_size": st.integers(1, 50), "learning_rate": rates}),
    st.one_of(
        st.just({}),
        st.fixed_dictionaries({"optimizer": st.sampled_from(["adam", "adamw"])}),
        st.fixed_dictionaries(
            {"momentum": st.floats(0.1, 0.9), "nesterov": st.booleans()}
        ),
    ),
)
pretraining = st.one_of(
    st.just({}),
    either(learning_rate=rates, batch_size=st.integers(1, 50)),
    st.fixed_dictionaries({"steps": st.integers(1, 99)}),
)
variant = st.one_of(
    st.fixed_dictionaries(
        {"freeze": st.integers(0, 1)},
        optional={
            "fresh": some([2, "output"]),
            "add": st.lists(st.integers(1, 5), max_size=2),
            "training": pretraining,
            "save": st.just("weights"),
        },
    ),
    st.fixed_dictionaries({"pretrained": st.just(False)}),
)


@st.composite
def studies(draw):
    source, target = draw(
        st.sampled_from([("one", "two"), ("two", "one"), ("three", "three")])
    )
    names = draw(some(VARIANTS))
    optional = {
        "source_models": st.integers(1, 9),
        "repeats_per_job": st.one_of(st.integers(1, 9), st.just("auto")),
        "target_sizes": some([8, 12, "all"]),
        "baseline": st.sampled_from(names),
        "training": pretraining,
        "margin": st.floats(0.001, 0.5),
        "seed": st.integers(0, 9),
    }
    if len(names) > 1:
        pair = st.permutations(names).map(lambda found: list(found[:2]))
        optional["pairs"] = st.lists(pair, max_size=2, unique_by=tuple)
    study = draw(either(**optional)) | {
        "source": source,
        "target": target,
        "variants": names,
        "repeats": draw(st.integers(1, 9)),
    }
    metrics = ["accuracy", "balanced_accuracy"]
    metrics += ["log_loss"] if "margin" in study else []
    return study | draw(either(metric=st.sampled_from(metrics)))


configs = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**64 - 1),
        "network": st.fixed_dictionaries(
            {"hidden": st.lists(st.integers(1, 9), min_size=2, max_size=4)},
            optional={"activation": st.sampled_from(["relu", "elu", "tanh"])},
        ),
        "training": training,
        "pretraining": pretraining,
        "problems": st.fixed_dictionaries(
            {"one": blobs, "two": blobs, "three": moons},
        ),
        "variants": st.fixed_dictionaries(dict.fromkeys(VARIANTS, variant)),
        "studies": st.dictionaries(
            st.sampled_from(["first", "second", "third-study"]), studies(), min_size=1
        ),
    }
)

# What no place of a config can hold.
NONSENSE = st.sampled_from([{"x": {"y": []}}, [[]], -1, "\x00", 1e308, {}, "no such"])


@st.composite
def broken(draw):
    """A config with a misspelt key, a lost one, or nonsense in the place of a value."""
    config = copy.deepcopy(draw(configs))
    group = config
    path = draw(st.lists(st.integers(0, 99), min_size=1, max_size=4))
    for turn in path:
        key = list(group)[turn % len(group)]
        if not isinstance(group[key], dict) or not group[key]:
            break
        group, above = group[key], group
    else:
        group = above
        key = list(group)[path[-1] % len(group)]
    match draw(st.sampled_from(["misspelt", "lost", "nonsense"])):
        case "misspelt":
            group[f"{key}x"] = group.pop(key)
        case "lost":
            del group[key]
        case _:
            group[key] = draw(NONSENSE)
    return config


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Project:
    return new_project(tmp_path_factory.mktemp("properties") / "project", {})


def plan_of(config):
    """Return the plan, with what the rules would add to it left out."""
    return Plan(resolve(config))


@many
@given(configs)
def test_every_valid_config_has_a_plan(config):
    plan = plan_of(config)
    assert plan.studies.keys() == config["studies"].keys()
    for study in plan.studies.values():
        names = [stem for _, stem in [*study.training_jobs, *study.pretraining_jobs]]
        assert len(set(names)) == len(names)
        assert everything(plan)


@many
@given(configs, st.randoms(use_true_random=False))
def test_the_order_of_keys_changes_no_key(config, rng):
    def shuffled(value):
        if not isinstance(value, dict):
            return value
        names = list(value)
        rng.shuffle(names)
        return {name: shuffled(value[name]) for name in names}

    other = shuffled(config)
    assert plan_of(other).recipes == plan_of(config).recipes


@many
@given(broken())
def test_what_is_wrong_is_told_in_lines(config):
    try:
        plan_of(config)
    except ThawError as error:
        first, *mistakes = str(error).splitlines()
        assert first == "the config is wrong:"
        assert mistakes
        assert all(line.startswith("  ") and ": " in line for line in mistakes)


@few
@given(config=configs)
def test_a_valid_config_dry_runs(project, config):
    project.config = json.loads(json.dumps(config))
    done = project.snakemake("-n", "--quiet", "rules")
    assert "Traceback" not in done.stdout + done.stderr


@few
@given(config=broken())
def test_a_broken_config_starts_nothing(project, config):
    try:
        resolve(config)
        wrong = False
    except ThawError:
        wrong = True
    project.config = json.loads(json.dumps(config))
    done = project.snakemake("--cores", "1", "-n", check=False)
    said = done.stdout + done.stderr
    assert (done.returncode != 0) == wrong, said
    assert "Traceback" not in said
    if wrong:
        assert "the config is wrong" in said
