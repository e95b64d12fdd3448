"""The config: resolved settings, and the files made from its models."""

import difflib
import json
import re

import pandas as pd
import pytest
import yaml

from configs import put, small_config, with_problem
from conftest import ROOT, SMALL_CONFIG
from thaw.config.extents import extent
from thaw.config.generate import generated
from thaw.config.resolve import resolve
from thaw.config.resolved import (
    minimal,
    minimal_network,
    minimal_problem,
    minimal_training,
    minimal_variant,
)
from thaw.config.schema import config_schema
from thaw.config.values import Group
from thaw.errors import ThawError

SCHEMA = config_schema()

FILE = {"file": "here.csv", "label": "class", "train_size": 0.5}
ARRAYS = {"file": "here.npz", "train_size": 0.5}
SEED = {"random_state": 1}
MOONS = {"make_moons": SEED, "train_size": 50}
DIGITS = {"load_digits": {}, "train_size": 50}


@pytest.mark.parametrize(
    "problem",
    [
        FILE,
        FILE | {"train_size": 5, "test_size": 0.5, "drop": ["a"], "shuffle": 0},
        FILE | {"group": "g", "shuffle": 3, "rows": {"set": "x", "n": 1, "z": 0.5}},
        FILE | {"file": "gone.csv", "made_by_rule": True},
        FILE | {"scale": {"like": "one"}, "categorical": ["a"], "classes": ["a", 1]},
        {"file": "here.csv", "test_file": "here.csv", "label": "class"},
        ARRAYS | {"shape": [3, 2], "transforms": [{"rotate": 30}, {"noise": 1.0}]},
        DIGITS | {"train_size": 1500, "classes": [0, 1]},
        MOONS | {"make_moons": SEED | {"n_samples": [50, 60]}},
    ],
)
def test_a_problem_that_is_right(folder, problem):
    resolved = resolve(with_problem(problem)).problems["new"]
    assert minimal_problem(resolved) == problem
    json.dumps(resolved)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (FILE, (3, 2, 100)),
        (FILE | {"classes": ["a", "b"], "categorical": ["x"]}, (3, 102, 2)),
        (FILE | {"train_size": 1, "test_size": 1}, (2, 2, 100)),
        ({"file": "here.csv", "test_file": "here.csv", "label": "class"}, (6, 2, 100)),
        (ARRAYS, (5, 6, 100)),
        (FILE | {"file": "gone.csv", "made_by_rule": True}, (100_000, 100, 100)),
        (DIGITS, (1797, 64, 10)),
        (MOONS | {"make_moons": SEED | {"n_samples": [50, 60]}}, (110, 2, 2)),
        (MOONS | {"make_moons": SEED | {"n_samples": "x"}}, (100, 2, 2)),
    ],
)
def test_how_large_a_problem_is_at_most(folder, problem, expected):
    assert extent(resolve(with_problem(problem)).problems["new"]) == expected


def test_a_parquet_file_says_how_large_it_is(folder):
    pd.DataFrame({"x": [1, 2, 3], "class": list("aba")}).to_parquet("a.parquet")
    problem = FILE | {"file": "a.parquet"}
    assert extent(resolve(with_problem(problem)).problems["new"]) == (3, 2, 100)


@pytest.mark.parametrize("content", [b"", b"\0" * 10**6, b"PK", b"PAR1", b"\xff\n"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "npz"])
def test_a_damaged_file_is_taken_for_one_of_some_size(folder, content, suffix):
    (folder / f"bad.{suffix}").write_bytes(content)
    problem = {"file": f"bad.{suffix}", "train_size": 5}
    problem |= {} if suffix == "npz" else {"label": "class"}
    assert extent(resolve(with_problem(problem)).problems["new"]).features > 0


def resolved(changes):
    """Return SMALL_CONFIG with changes, by their places, resolved."""
    config = small_config()
    for path, value in changes.items():
        put(config, path, value)
    return resolve(config)


def test_a_study_overrides_what_it_names():
    own = {"training": {"epochs": 9}, "seed": 5, "repeats_per_job": 1.0}
    studies = resolved({f"studies/ahead/{k}": v for k, v in own.items()}).studies
    shared = SMALL_CONFIG["training"] | {"momentum": 0, "steps": None, "augment": None}
    assert shared.items() <= studies["back"].training.items()
    assert studies["ahead"].training == studies["back"].training | {"epochs": 9}
    assert (studies["ahead"].seed, studies["back"].seed) == (5, SMALL_CONFIG["seed"])
    jobs = [study.repeats_per_job for study in studies.values()]
    assert jobs == [1, 4]
    assert isinstance(jobs[0], int)  # though a float was written


@pytest.mark.parametrize("written", ["ladder", ["ladder"], ["ladder", "fixed-1"]])
def test_a_ladder_has_a_variant_for_each_depth(written):
    changes = {"variants": written, "network": {"hidden": [4, 4, 4]}}
    found = resolved({f"studies/ahead/{k}": v for k, v in changes.items()})
    study = found.studies["ahead"]
    assert study.variants == ["standalone", "fixed-0", "fixed-1", "fixed-2", "fixed-3"]
    assert study.baseline == "standalone"
    assert not found.variants["standalone"]["pretrained"]
    usual = resolved({}).variants["fixed-0"]
    for depth in range(4):
        assert found.variants[f"fixed-{depth}"] == usual | {"freeze": depth}


def test_a_variant_that_is_a_rung_may_train_differently_and_be_saved():
    own = {"freeze": 2, "training": {"epochs": 1}, "save": "weights"}
    found = resolved({"studies/ahead/variants": "ladder", "variants/fixed-2": own})
    assert found.variants["fixed-2"]["training"] == {"epochs": 1}
    assert found.variants["fixed-2"]["save"] == "weights"


def test_a_config_of_ladders_needs_no_variants():
    lost = {"variants": "LOST", "studies/back": "LOST"}
    found = resolved(lost | {"studies/ahead/variants": "ladder"})
    assert [*found.variants] == ["standalone", "fixed-0", "fixed-1", "fixed-2"]


def test_pretraining_is_training_but_for_what_it_changes():
    shared = {"epochs": 7, "momentum": 0.5}
    own = {"momentum": 0.9, "nesterov": True}
    training = {"epochs": 9, "batch_size": 2}
    changes = {"studies/ahead/training": training, "studies/ahead/pretraining": own}
    ahead, back = resolved({"pretraining": shared} | changes).studies.values()
    assert (ahead.training["epochs"], ahead.training["momentum"]) == (9, 0)
    assert ahead.pretraining == ahead.training | shared | own
    assert back.pretraining == back.training | shared


def test_steps_take_the_place_of_epochs_and_the_other_way_round():
    own = {"studies/ahead/training": {"steps": 9}}
    own["studies/ahead/pretraining"] = {"epochs": 2}
    ahead, back = resolved(own | {"pretraining": {"steps": 7}}).studies.values()
    every = [ahead.training, back.training, ahead.pretraining, back.pretraining]
    found = [(training["epochs"], training["steps"]) for training in every]
    assert found == [(None, 9), (3, None), (2, None), (None, 7)]


def test_weights_of_classes_are_by_name_or_number_and_of_classes_only():
    config = small_config()
    config["training"]["class_weight"] = {0: 1, 2.5: 3, "b": 2}
    training = resolve(config).studies["ahead"].training
    assert training["class_weight"] == {"0": 1, "2.5": 3, "b": 2}
    config["problems"]["one"] = {
        **{"make_regression": {"random_state": 1}, "task": "regression"},
        "train_size": 50,
    }
    with pytest.raises(ThawError) as caught:
        resolve(config)
    words = "class_weight: only applies to classes"
    places = re.findall(rf"([\w.]+)\.{words}", str(caught.value))
    assert {*places} == {"studies.ahead.pretraining", "studies.back.training"}
    config["pretraining"] = {"class_weight": {}}
    del config["studies"]["back"]
    assert resolve(config).studies["ahead"].pretraining["class_weight"] is None


@pytest.mark.parametrize("unit", ["K", "µm", "Å", "W/(m·K)", "€", "m³ s⁻¹", "Ω", "$"])
def test_units_are_those_of_science(folder, unit):
    problem = {"file": "here.csv", "label": "class", "train_size": 1}
    resolve(with_problem(problem | {"task": "regression", "unit": unit}))


def test_the_command_line_overrides_studies():
    studies = resolve(small_config() | {"repeats_per_job": 3}, ["repeats_per_job"])[2]
    assert {study.repeats_per_job for study in studies.values()} == {3}


def test_defaults():
    found = resolved({"repeats_per_job": "LOST"})
    ahead, back = found.studies.values()
    usual = (ahead.source_models, ahead.repeats_per_job, ahead.baseline, ahead.margin)
    assert usual == (1, "auto", "standalone", 0.01)
    assert back.baseline == "fixed-1"
    everything = {"pretrained": True, "freeze": 1, "fresh": [], "add": []}
    everything |= {"rate_factors": {}, "phases": [], "towards": 0.0}
    assert found.variants["fixed-1"] == everything | {
        "training": {},
        "save": None,
        "inherit": None,
        "estimator": None,
        "arguments": None,
    }


def test_the_default_config_is_the_textbooks():
    studies = resolve(yaml.safe_load((ROOT / "config.yaml").read_text())).studies
    forward = studies["forward"]
    assert forward.variants == ["standalone", "fixed-0", "fixed-1", "fixed-2"]
    assert forward.source_models == 1
    assert {studies[s].repeats for s in ("forward", "reverse", "layers")} == {30}


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


def test_config_or_its_comments_name_every_key():
    """As a whole word: `add` in "added" does not count."""
    words = set(re.findall(r"\w+", (ROOT / "config.yaml").read_text()))
    missing = {
        path for path, _ in schema_keys(SCHEMA) if path.split(".")[-1] not in words
    }
    assert missing == set()


@pytest.mark.parametrize("file", generated(), ids=lambda file: file.name)
def test_what_is_made_from_the_models_is_up_to_date(file):
    made, kept = generated()[file], file.read_text()
    difference = difflib.unified_diff(
        kept.splitlines(), made.splitlines(), "as it is", "as it should be", lineterm=""
    )
    assert made == kept, "\n".join(
        [*difference, "", "this mends it: .venv/bin/python -m thaw.config.generate"]
    )


def test_the_config_names_its_schema_to_editors():
    line = (ROOT / "config.yaml").read_text().splitlines()[0]
    start, _, place = line.partition("$schema=")
    assert start == "# yaml-language-server: "
    assert ROOT / place in generated()


def test_only_settings_that_differ_from_their_defaults_are_kept():
    found = resolved({})
    variants = {name: minimal_variant(v) for name, v in found.variants.items()}
    assert variants == SMALL_CONFIG["variants"] | {"fixed-0": {}}
    assert minimal_problem(found.problems["one"]) == SMALL_CONFIG["problems"]["one"]
    study = found.studies["ahead"]
    assert minimal_network(study.network) == SMALL_CONFIG["network"]
    assert minimal_training(study.training) == SMALL_CONFIG["training"]


def test_defaults_are_left_out_at_every_level():
    class Inner(Group):
        old: int
        new: int = 3

    class Outer(Group):
        inner: Inner

    for new, kept in ((3, {"old": 1}), (4, {"old": 1, "new": 4})):
        assert minimal(Outer, {"inner": {"old": 1, "new": new}}) == {"inner": kept}


def test_what_is_resolved_is_plain_and_a_copy_of_its_own():
    config = small_config()
    found = resolve(config)
    json.dumps(found)
    found.studies["ahead"].variants.append("x")
    found.variants["fixed-1"]["fresh"].append(1)
    assert config == SMALL_CONFIG
    assert resolve(config).variants["fixed-0"]["fresh"] == []
