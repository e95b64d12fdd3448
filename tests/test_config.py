"""The config: every mistake is named with its place, its value and what is allowed."""

import copy
import math

import pytest
import yaml

from conftest import ROOT, SMALL_CONFIG
from thaw.config import check_duplicates, resolve
from thaw.errors import ThawError

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
DEFAULT = yaml.safe_load((ROOT / "config.yaml").read_text())


def put(config, path, value):
    *groups, key = path.split("/")
    for name in groups:
        config = config[name]
    config[key] = value


# Where, what, and three parts of the message: the place, the value, what is allowed.
MISTAKES = [
    ("sed", 2, "sed: unknown key", "did you mean 'seed'", "repeats_per_job"),
    ("training/epoch", 2, "training.epoch", "did you mean 'epochs'", "learning_rate"),
    ("studies/ahead/repeat", 3, "studies.ahead.repeat", "'repeats'", "Allowed: source"),
    ("training/epochs", "ten", "training.epochs", "'ten'", "whole number"),
    ("training/epochs", True, "training.epochs", "True", "whole number"),
    ("training/epochs", 2.5, "training.epochs", "2.5", "whole number"),
    ("training/learning_rate", 0, "training.learning_rate", "0", "more than 0"),
    ("training/learning_rate", "1e-3", "training.learning_rate", "'1e-3'", "0.001"),
    ("network/hidden", [], "network.hidden", "[]", "one entry or more"),
    ("network/hidden", [5, 0], "network.hidden[1]", "0", "1 or more"),
    ("seed", -1, "seed", "-1", "0 or more"),
    ("seed", None, "seed", "it is empty", "whole number"),
    ("training/learning_rate", math.nan, "training.learning_rate", "nan", "finite"),
    ("margin", math.inf, "margin", "inf", "finite"),
    ("studies/all", SMALL_CONFIG["studies"]["ahead"], "studies.all", "target", "other"),
    ("repeats_per_job", "many", "repeats_per_job", "'many'", "auto"),
    ("repeats_per_job", 0, "repeats_per_job", "0", "1 or more"),
    ("problems", [], "problems", "[]", "group of keys"),
    ("problems/one/train_size", 40, "problems.one.train_size", "40", "1 to 39"),
    ("problems/one/train_size", 99, "problems.one.train_size", "99", "1 to 39"),
    (
        "problems/one/make_blobs/random_state",
        2**32,
        "problems.one.make_blobs.random_state",
        "4294967296",
        "4294967295",
    ),
    (
        "problems/one/make_blobs/n_features",
        3,
        "studies.ahead.target: 'two' has 2 features",
        "'one' has 3",
        "as many",
    ),
    ("studies/ahead/source", "on", "studies.ahead.source", "'on'", "'one'"),
    ("studies/ahead/repeats", 0, "studies.ahead.repeats", "0", "1 or more"),
    ("studies/ahead/repeats", -3, "studies.ahead.repeats", "-3", "1 or more"),
    ("studies/ahead/repeats", "3", "studies.ahead.repeats", "'3'", "whole number"),
    ("studies/ahead/source_models", 0, "ahead.source_models", "0", "1 or more"),
    ("studies/ahead/training", {"lr": 1}, "studies.ahead.training.lr", "lr", "epochs"),
    (
        "studies/ahead/variants",
        ["fixed-0", "fixed-9"],
        "studies.ahead.variants[1]",
        "'fixed-9'",
        "Allowed: standalone, fixed-0",
    ),
    (
        "studies/ahead/variants",
        ["fixed-0", "fixed-0"],
        "studies.ahead.variants",
        "'fixed-0'",
        "each entry once",
    ),
    ("margin", 0, "margin", "0", "more than 0"),
    ("studies/ahead/baseline", "fix", "studies.ahead.baseline", "'fix'", "standalone"),
    (
        "studies/ahead/pairs",
        [["fixed-0"]],
        "ahead.pairs[0]",
        "'fixed-0'",
        "two different",
    ),
    ("studies/ahead/pairs", [["fixed-0", "x"]], "ahead.pairs[0]", "'x'", "standalone"),
    ("variants/fixed-1/freeze", 3, "variants.fixed-1.freeze", "3", "0 to 2"),
    ("variants/fixed-1/fresh", [3], "variants.fixed-1.fresh", "3", "layers 1 to 2"),
    ("variants/fixed-1/fresh", [0], "variants.fixed-1.fresh[0]", "0", "output"),
    ("variants/fixed-1/fresh", ["out"], "variants.fixed-1.fresh[0]", "'out'", "output"),
    ("variants/fixed-1/fresh", [1, 1], "variants.fixed-1.fresh", "[1, 1]", "once"),
    ("variants/standalone/fresh", [1], "variants.standalone.fresh", "[1]", "leave it"),
    (
        "studies/problems",
        SMALL_CONFIG["studies"]["ahead"],
        "studies.problems",
        "folder",
        "another name",
    ),
]
MISTAKES = [
    pytest.param(*mistake, id=f"{mistake[0]}={mistake[1]}"[:60]) for mistake in MISTAKES
]


@pytest.mark.parametrize(("path", "value", "place", "shown", "allowed"), MISTAKES)
def test_a_mistake_is_named(path, value, place, shown, allowed):
    config = copy.deepcopy(SMALL_CONFIG)
    put(config, path, value)
    with pytest.raises(ThawError) as caught:
        resolve(config, SCHEMA)
    message = str(caught.value)
    assert place in message
    assert shown in message
    assert allowed in message


@pytest.mark.parametrize("group", ["problems", "variants", "studies"])
@pytest.mark.parametrize(
    "name", ["a/b", "a b", "a\n", "a'b", 'a"b', "..", "a..b", "", "-a", "ä"]
)
def test_a_name_must_do_as_a_folder(group, name):
    config = copy.deepcopy(SMALL_CONFIG)
    config[group][name] = next(iter(config[group].values()))
    with pytest.raises(ThawError) as caught:
        resolve(config, SCHEMA)
    assert f"{group}: {name!r} is not allowed. Allowed: letters" in str(caught.value)


def test_a_name_must_be_text():
    config = copy.deepcopy(SMALL_CONFIG)
    config["variants"][1] = {"freeze": 1}
    with pytest.raises(ThawError, match="variants: 1 is not text; write it in quotes"):
        resolve(config, SCHEMA)


def test_a_missing_key_is_named():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["studies"]["ahead"]["target"]
    with pytest.raises(ThawError, match=r"studies\.ahead\.target: this key is missing"):
        resolve(config, SCHEMA)


def test_all_mistakes_are_named_once():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["network"], config["problems"]
    config["seed"] = "x"
    config["training"]["epochs"] = 0
    with pytest.raises(ThawError) as caught:
        resolve(config, SCHEMA)
    assert len(str(caught.value).splitlines()) == 5


def test_a_study_overrides_what_it_names():
    config = copy.deepcopy(SMALL_CONFIG)
    config["studies"]["ahead"] |= {"training": {"epochs": 9}, "seed": 5}
    studies = resolve(config, SCHEMA).studies
    assert studies["ahead"].training == config["training"] | {"epochs": 9}
    assert studies["ahead"].seed == 5
    assert studies["back"].training == config["training"]
    assert studies["back"].repeats_per_job == 4
    assert studies["ahead"].repeats_per_job == 1


def test_the_command_line_overrides_studies():
    config = copy.deepcopy(SMALL_CONFIG) | {"repeats_per_job": 3}
    studies = resolve(config, SCHEMA, ["repeats_per_job"]).studies
    assert studies["ahead"].repeats_per_job == 3
    assert studies["back"].repeats_per_job == 3


def test_defaults():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["repeats_per_job"]
    resolved = resolve(config, SCHEMA)
    assert resolved.studies["ahead"].source_models == 1
    assert resolved.studies["ahead"].repeats_per_job == "auto"
    assert resolved.studies["ahead"].baseline == "standalone"
    assert resolved.studies["back"].baseline == "fixed-1"
    assert resolved.studies["ahead"].margin == 0.01
    everything = {"pretrained": True, "freeze": 1, "fresh": [], "add": []}
    assert resolved.variants["fixed-1"] == everything


def test_a_whole_number_may_be_written_as_a_float():
    config = copy.deepcopy(SMALL_CONFIG)
    config["studies"]["ahead"] |= {"repeats": 30.0, "repeats_per_job": 10.0}
    study = resolve(config, SCHEMA).studies["ahead"]
    assert (study.repeats, study.repeats_per_job) == (30, 10)
    assert isinstance(study.repeats, int)
    assert isinstance(study.repeats_per_job, int)


def test_a_key_that_stands_twice_is_named(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("variants:\n  a: {freeze: 1}\n  b: {}\n  a: {freeze: 2}\n")
    with pytest.raises(ThawError, match=r"variants\.a: stands twice, again in line 4"):
        check_duplicates(path)


def test_the_default_config_is_the_textbooks():
    studies = resolve(DEFAULT, SCHEMA).studies
    assert studies["forward"].variants == [
        "standalone",
        "fixed-0",
        "fixed-1",
        "fixed-2",
    ]
    assert studies["forward"].source_models == 1
    for name in ("forward", "reverse", "layers"):
        assert studies[name].repeats == 30


def schema_keys(schema, path=""):
    """Yield the path of every key that the schema knows, and its schema."""
    for key, inner in schema.get("properties", {}).items():
        here = f"{path}.{key}".lstrip(".")
        yield here, inner
        yield from schema_keys(inner, here)
    others = schema.get("additionalProperties")
    if isinstance(others, dict):
        yield from schema_keys(others, f"{path}.*".lstrip("."))


def groups(schema):
    """Yield every schema of an object, at any depth."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from groups(inner)


def test_the_schema_is_strict_and_described_at_every_level():
    assert all("additionalProperties" in group for group in groups(SCHEMA))
    assert all(inner.get("description") for _, inner in schema_keys(SCHEMA))


def test_config_comments_name_every_key():
    text = (ROOT / "config.yaml").read_text()
    missing = {
        path for path, _ in schema_keys(SCHEMA) if path.split(".")[-1] not in text
    }
    assert missing == set()
