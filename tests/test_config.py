"""The config: every mistake is named with its place, its value and what is allowed."""

import copy
import difflib
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import yaml

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
    ("studies/ahead/pairs", [["back/fixed-1", "fixed-0"]], "pairs[0]", "'one'", "same"),
    ("studies/ahead/pairs", [["back/x", "fixed-0"]], "pairs[0]", "'x'", "fixed-1"),
    ("studies/ahead/pairs", [["bak/x", "fixed-0"]], "pairs[0]", "'bak/x'", "fixed-1"),
    ("problems/one/train_size", 1.0, "problems.one.train_size", "1.0", "or a share"),
    ("variants/ladder", {}, "variants.ladder", "'ladder'", "another name"),
    ("training/momentum", 1, "training.momentum", "1 is too large", "less than 1"),
    ("training/nesterov", True, "ahead.training.nesterov", "no momentum", "false"),
    ("training/optimizer", "SGD", "training.optimizer", "'SGD'", "sgd, adam or adamw"),
    ("pretraining", {"epoch": 1}, "pretraining.epoch", "unknown key", "epochs"),
    ("network/activation", "sigmoid", "network.activation", "'sigmoid'", "tanh"),
    (
        "variants/fixed-1/training",
        {"optimizer": "adam", "momentum": 0.9},
        "variants.fixed-1.training.momentum",
        "0.9 says nothing where the optimizer is adam",
        "leave it out",
    ),
    ("studies/ahead/target_sizes", [21], "ahead.target_sizes[0]", "21", "1 to 20, all"),
    ("studies/ahead/target_sizes", [0], "ahead.target_sizes[0]", "0", "or all"),
    ("studies/ahead/target_sizes", [], "studies.ahead.target_sizes", "[]", "one entry"),
    ("studies/ahead/metric", "auc", "ahead.metric", "'auc'", "accuracy, balanced_acc"),
    ("studies/ahead/metric", "log_loss", "ahead.margin", "missing", "matters to you"),
    ("training/learning_rate", [0.1, 0.2], "training.validation_size", "list", "0.2"),
    ("training/learning_rate", [0.1], "training.learning_rate", "[0.1]", "a list of 2"),
    ("training/keep", "best", "ahead.training.validation_size", "keep is best", "0.2"),
    ("training/validation_size", 0.2, "validation_size", "nothing is chosen", "leave"),
    ("training/steps", 9, "ahead.training.steps", "so does epochs (3)", "leave one"),
    ("margin", 5, "margin", "5 is too large", "less than 1"),
    ("margin", 1, "margin", "1 is too large", "less than 1"),
    ("studies/ahead/margin", 5, "studies.ahead.margin", "5", "less than 1"),
    ("variants/fixed-1/fresh", [1], "variants.fixed-1.fresh", "1", "layers from 2"),
    ("studies/ahead/repeats", "1e3", "ahead.repeats", "'1e3'", "write 1000"),
    ("studies/ahead/variants", 3, "studies.ahead.variants", "3", "a list"),
    ("network/hidden", [5] * 1001, "network.hidden", "5, 5, ", "1000 entries or fewer"),
    ("seed", 1e308, "seed", "1000", "18446744073709551615 or less"),
    ("training/epochs", 10**9, "training.epochs", "1000000000", "1000000 or less"),
    ("training/batch_size", 10**9, "training.batch_size", "0000", "100000000 or less"),
    ("training/learning_rate", 1e308, "learning_rate", "1e+308", "1000000 or less"),
    ("network/hidden", [10**7], "network.hidden[0]", "10000000", "1000000 or less"),
    ("network/hidden", [10**6, 10**6], "ahead.network", "weights", "10000000000 or"),
    ("variants/fixed-1/add", [10**7], "fixed-1.add[0]", "10000000", "1000000 or less"),
    ("problems/one/train_size", 10**9, "one.train_size", "0000", "1 to 100,000,000"),
    *(
        (f"problems/one/make_blobs/{key}", 10**9, f"make_blobs.{key}", "0000", allowed)
        for key, allowed in (
            ("n_samples", "100000000 or less"),
            ("centers", "1000000 or less"),
            ("n_features", "1000000 or less"),
            ("cluster_std", "1000000 or less"),
        )
    ),
    ("studies/ahead/repeats", 10**9, "ahead.repeats", "1000000000", "1000000 or less"),
    ("studies/ahead/repeats", 10**6, "ahead.repeats_per_job", "3000001", "auto"),
    ("studies/ahead/source_models", 10**9, "ahead.source_models", "0", "1000000 or"),
    ("repeats_per_job", 10**9, "repeats_per_job", "1000000000", "1,000"),
]
MISTAKES = [
    pytest.param(*mistake, id=f"{mistake[0]}={mistake[1]}"[:60]) for mistake in MISTAKES
]


@pytest.mark.parametrize(("path", "value", "place", "shown", "allowed"), MISTAKES)
def test_a_mistake_is_named(path, value, place, shown, allowed):
    config = copy.deepcopy(SMALL_CONFIG)
    put(config, path, value)
    with pytest.raises(ThawError) as caught:
        resolve(config)
    message = str(caught.value)
    assert place in message
    assert shown in message
    assert allowed in message


FILE = {"file": "here.csv", "label": "class", "train_size": 0.5}
ARRAYS = {"file": "here.npz", "train_size": 0.5}
MOONS = {"make_moons": {"random_state": 1}, "train_size": 50}
DIGITS = {"load_digits": {}, "train_size": 50}

# A problem, and what is said of it after its path.
WRONG_PROBLEMS = [
    (
        {"train_size": 5},
        ": nothing says where its data come from. Allowed: one of file",
    ),
    (FILE | MOONS, ": file and make_moons says where its data come from"),
    (DIGITS | MOONS, ": make_moons and load_digits says where"),
    ({"file": "here.csv", "train_size": 5}, ".label: this key is missing"),
    (FILE | {"file": "gone.csv"}, ".file: 'gone.csv': No such file or directory"),
    (FILE | {"test_file": "gone.csv"}, ".test_file: 'gone.csv': No such file"),
    (FILE | {"file": "folder.csv"}, ".file: 'folder.csv': Is a directory"),
    (FILE | {"file": "a.xlsx"}, ".file: 'a.xlsx' is not allowed. Allowed: The rows: a"),
    (
        FILE | {"file": "a\0.csv"},
        ".file: 'a\\x00.csv' is not allowed. Allowed: The rows",
    ),
    (ARRAYS | {"label": "y"}, ".label: an .npz holds X and y, and no columns with"),
    (ARRAYS | {"group": "g", "shuffle": 1}, ".group: an .npz holds X and y"),
    (MOONS | {"label": "y"}, ".label: it is said of files, and make_moons is none"),
    (MOONS | {"made_by_rule": True}, ".made_by_rule: it is said of files"),
    (MOONS | {"make_moons": {}}, ".make_moons.random_state: this key is missing"),
    (MOONS | {"train_size": 100}, ".train_size: 100 leaves no row to test on. Allowed"),
    (DIGITS | {"train_size": 1797}, ".train_size: 1797 leaves no row to test on. All"),
    (MOONS | {"make_moon": {}}, ".make_moon: unknown key (did you mean 'make_moons'?)"),
    (DIGITS | {"load_digits": None}, ".load_digits: it is empty. Allowed: The argu"),
    (MOONS | {"make_moons": {"noise": None}}, ".make_moons.noise: it is empty"),
    (
        MOONS | {"make_moons": {"n_samples": 10**9, "random_state": 1}},
        ".make_moons.n_samples: 1000000000 rows of 2 features are more than memory",
    ),
    ({"file": "here.csv", "label": "class"}, ".train_size: this key is missing"),
    (FILE | {"train_size": 0}, ".train_size: 0 is not allowed. Allowed: The train set"),
    (FILE | {"train_size": 1.5}, ".train_size: 1.5 is not allowed"),
    (FILE | {"test_size": 0.6}, ".test_size: 0.5 and 0.6 are together more than all"),
    (FILE | {"shuffle": True}, ".shuffle: True is not a whole number"),
    (FILE | {"group": "g"}, ".shuffle: this key is missing; whole groups are drawn"),
    (
        FILE | {"group": "g", "shuffle": 1, "test_file": "here.csv"},
        ".group: test_file gives the split",
    ),
    (FILE | {"drop": ["class"]}, ".drop: 'class' is its label already"),
    (FILE | {"drop": ["a", "a"]}, ".drop: ['a', 'a'] lists an entry twice"),
    (
        FILE | {"rows": {"a": True}},
        ".rows.a: True is not allowed. Allowed: A number or",
    ),
    (FILE | {"classes": ["a", False]}, ".classes[1]: False is not allowed"),
    (FILE | {"classes": [1, "1"]}, ".classes: [1, '1'] names a class twice"),
    (FILE | {"scale": "minmax"}, ".scale: 'minmax' is not allowed. Allowed: standard"),
    (
        FILE | {"scale": {"like": "on"}},
        ".scale.like: 'on' is not another problem of this config (did you mean 'one'?)",
    ),
    (FILE | {"scale": {"like": "new"}}, ".scale.like: 'new' is not another problem"),
    (FILE | {"scale": {"like": "scaled"}}, ".scale.like: 'scaled' is itself scaled"),
    (DIGITS | {"shape": [0]}, ".shape[0]: 0 is too small"),
    (DIGITS | {"transforms": [{"spin": 1}]}, ".transforms[0].spin: unknown key"),
    (DIGITS | {"transforms": [{}]}, ".transforms[0]: an entry is one change. Allowed"),
    (
        DIGITS | {"transforms": [{"noise": 1.0, "invert": 1}]},
        ".transforms[0]: an entry is one change. Allowed: noise, rotate, invert",
    ),
    (
        DIGITS | {"transforms": [{"rotate": 9}]},
        ".transforms[0].rotate: it turns images; say their shape",
    ),
    (DIGITS | {"transforms": [{"label_noise": 1}]}, "label_noise: 1 is too large"),
]


@pytest.fixture
def data_folder(tmp_path, monkeypatch):
    """A working directory with files that are there, and a folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.csv").write_text("x,class\n1,a\n2,b\n")
    np.savez(tmp_path / "here.npz", X=np.ones((5, 3, 2)), y=np.ones(5))
    (tmp_path / "folder.csv").mkdir()
    return tmp_path


def with_problem(problem):
    config = copy.deepcopy(SMALL_CONFIG)
    config["problems"] |= {"scaled": FILE | {"scale": {"like": "one"}}, "new": problem}
    return config


@pytest.mark.parametrize(("problem", "said"), WRONG_PROBLEMS)
def test_what_is_wrong_with_a_problem_is_named(data_folder, problem, said):
    with pytest.raises(ThawError) as caught:
        resolve(with_problem(problem))
    [_, *lines] = str(caught.value).splitlines()
    assert any(line.startswith(f"  problems.new{said}") for line in lines) or (
        said in lines[0]
    )
    assert len(lines) == 1


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
        MOONS | {"make_moons": {"n_samples": [50, 60], "random_state": 1}},
    ],
)
def test_a_problem_that_is_right(data_folder, problem):
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
        (
            MOONS | {"make_moons": {"n_samples": [50, 60], "random_state": 1}},
            (110, 2, 2),
        ),
        (MOONS | {"make_moons": {"n_samples": "x", "random_state": 1}}, (100, 2, 2)),
    ],
)
def test_how_large_a_problem_is_at_most(data_folder, problem, expected):
    assert extent(resolve(with_problem(problem)).problems["new"]) == expected


def test_a_parquet_file_says_how_large_it_is(data_folder):
    pd.DataFrame({"x": [1, 2, 3], "class": list("aba")}).to_parquet("a.parquet")
    problem = FILE | {"file": "a.parquet"}
    assert extent(resolve(with_problem(problem)).problems["new"]) == (3, 2, 100)


@pytest.mark.parametrize("content", [b"", b"\0" * 10**6, b"PK", b"PAR1", b"\xff\n"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet", "npz"])
def test_a_damaged_file_is_taken_for_one_of_some_size(data_folder, content, suffix):
    (data_folder / f"bad.{suffix}").write_bytes(content)
    problem = {"file": f"bad.{suffix}", "train_size": 5}
    problem |= {} if suffix == "npz" else {"label": "class"}
    assert extent(resolve(with_problem(problem)).problems["new"]).features > 0


@pytest.mark.parametrize("group", ["problems", "variants", "studies"])
@pytest.mark.parametrize(
    "name", ["a/b", "a b", "a\n", "a'b", 'a"b', "..", "a..b", "", "-a", "ä"]
)
def test_a_name_must_do_as_a_folder(group, name):
    config = copy.deepcopy(SMALL_CONFIG)
    config[group][name] = next(iter(config[group].values()))
    with pytest.raises(ThawError) as caught:
        resolve(config)
    assert f"{group}: {name!r} is not allowed. Allowed: letters" in str(caught.value)


def test_a_long_name_is_shown_short():
    config = copy.deepcopy(SMALL_CONFIG)
    config["variants"]["a" * 300] = {}
    with pytest.raises(ThawError, match="100 at most") as caught:
        resolve(config)
    assert len(str(caught.value)) < 300


def test_a_number_that_python_will_not_write_is_told():
    config = copy.deepcopy(SMALL_CONFIG) | {"seed": 10**5000}
    with pytest.raises(ThawError, match="seed: a number of thousands of digits is too"):
        resolve(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {
                "problems/one/make_blobs/n_samples": 10**8,
                "problems/one/make_blobs/n_features": 10**6,
                "problems/two/make_blobs/n_features": 10**6,
            },
            "problems.one.make_blobs.n_samples: 100000000 rows of 1000000 features are "
            "more than memory holds. Allowed: 10000 or less",
        ),
        (
            {
                "network/hidden": [10**4, 10**4],
                "studies/back/repeats": 10**3,
                "studies/back/repeats_per_job": 10**3,
            },
            # 2 → 10⁴ → 10⁴ → the 3 that fixed-2-added adds → 3 classes
            "studies.back.repeats_per_job: 1000 networks at once, of 100070015 weights "
            "each, are more than memory holds. Allowed: 99 or less",
        ),
        (
            {
                "training/epochs": 10**6,
                "studies/back/source_models": 10**5,
                "studies/back/repeats_per_job": 10**5,
            },
            "studies.back.repeats_per_job: 100000 networks at once, of 1000000 epochs "
            "each, are more than memory holds. Allowed: 10000 or less",
        ),
    ],
)
def test_sizes_that_are_too_much_together(changes, message):
    config = copy.deepcopy(SMALL_CONFIG)
    for path, value in changes.items():
        put(config, path, value)
    with pytest.raises(ThawError) as caught:
        resolve(config)
    assert message in str(caught.value)


def test_very_many_mistakes_are_not_all_shown():
    config = copy.deepcopy(SMALL_CONFIG)
    config["network"]["hidden"] = ["x"] * 900
    with pytest.raises(ThawError, match="… and 870 more") as caught:
        resolve(config)
    assert len(str(caught.value).splitlines()) == 32


def test_a_name_must_be_text():
    config = copy.deepcopy(SMALL_CONFIG)
    config["variants"][1] = {"freeze": 1}
    with pytest.raises(ThawError, match="variants: 1 is not text; write it in quotes"):
        resolve(config)


def test_a_missing_key_is_named():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["studies"]["ahead"]["target"]
    with pytest.raises(ThawError, match=r"studies\.ahead\.target: this key is missing"):
        resolve(config)


def test_all_mistakes_are_named_once():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["network"], config["problems"]
    config["seed"] = "x"
    config["training"]["epochs"] = 0
    with pytest.raises(ThawError) as caught:
        resolve(config)
    assert len(str(caught.value).splitlines()) == 5


@pytest.mark.parametrize(
    ("path", "value", "mistakes"),
    [
        (
            "studies/ahead/variants",
            [],
            ["studies.ahead.variants: [] is empty. Allowed: one entry or more"],
        ),
        (
            "variants",
            {1: {"freeze": "x"}},
            ["variants: 1 is not text; write it in quotes"],
        ),
        (
            "studies",
            {"a/b": {}},
            [
                "studies: 'a/b' is not allowed. Allowed: letters, digits, - and _, "
                "with a letter or digit first, 100 at most; names become folders and "
                "targets"
            ],
        ),
        (
            "network/\ud800",
            1,
            ["network: a key or text in it is not Unicode"],
        ),
    ],
)
def test_one_mistake_is_told_as_one(path, value, mistakes):
    config = copy.deepcopy(SMALL_CONFIG)
    put(config, path, value)
    with pytest.raises(ThawError) as caught:
        resolve(config)
    assert str(caught.value).splitlines()[1:] == [f"  {line}" for line in mistakes]


def test_a_study_overrides_what_it_names():
    config = copy.deepcopy(SMALL_CONFIG)
    config["studies"]["ahead"] |= {"training": {"epochs": 9}, "seed": 5}
    studies = resolve(config).studies
    plain = {"optimizer": "sgd", "momentum": 0, "nesterov": False, "weight_decay": 0}
    plain |= {"steps": None, "validation_size": None, "keep": "last"}
    plain |= {"augment": None, "device": "cpu", "arguments": None}
    assert studies["ahead"].training == config["training"] | {"epochs": 9} | plain
    assert studies["ahead"].seed == 5
    assert studies["back"].training == config["training"] | plain
    assert studies["back"].repeats_per_job == 4
    assert studies["ahead"].repeats_per_job == 1


@pytest.mark.parametrize("written", ["ladder", ["ladder"], ["ladder", "fixed-1"]])
def test_a_ladder_has_a_variant_for_each_depth(written):
    config = copy.deepcopy(SMALL_CONFIG)
    put(config, "studies/ahead/variants", written)
    config["studies"]["ahead"]["network"] = {"hidden": [4, 4, 4]}
    resolved = resolve(config)
    study = resolved.studies["ahead"]
    assert study.variants == ["standalone", "fixed-0", "fixed-1", "fixed-2", "fixed-3"]
    assert study.baseline == "standalone"
    assert not resolved.variants["standalone"]["pretrained"]
    for depth in range(4):
        variant = resolved.variants[f"fixed-{depth}"]
        assert variant == resolve(config).variants["fixed-0"] | {"freeze": depth}


def test_a_variant_that_is_named_like_a_rung_and_is_another_is_refused():
    config = copy.deepcopy(SMALL_CONFIG)
    config["studies"]["ahead"]["variants"] = "ladder"
    config["variants"]["fixed-2"] = {"freeze": 1}
    with pytest.raises(ThawError, match=r"variants\.fixed-2: it is not what"):
        resolve(config)
    config["variants"]["fixed-2"] = {"freeze": 2, "training": {"epochs": 1}}
    assert resolve(config).variants["fixed-2"]["training"] == {"epochs": 1}


def test_a_config_of_ladders_needs_no_variants():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["variants"], config["studies"]["back"]
    config["studies"]["ahead"]["variants"] = "ladder"
    assert list(resolve(config).variants) == [
        "standalone",
        *("fixed-0", "fixed-1", "fixed-2"),
    ]


def test_pretraining_is_training_but_for_what_it_changes():
    config = copy.deepcopy(SMALL_CONFIG)
    config["pretraining"] = {"epochs": 7, "momentum": 0.5}
    config["studies"]["ahead"] |= {
        "training": {"epochs": 9, "batch_size": 2},
        "pretraining": {"momentum": 0.9, "nesterov": True},
    }
    ahead, back = resolve(config).studies.values()
    assert (ahead.training["epochs"], ahead.training["momentum"]) == (9, 0)
    changed = {"epochs": 7, "momentum": 0.9, "nesterov": True}
    assert ahead.pretraining == ahead.training | changed
    assert back.pretraining == back.training | {"epochs": 7, "momentum": 0.5}


def test_steps_take_the_place_of_epochs_and_the_other_way_round():
    config = copy.deepcopy(SMALL_CONFIG)
    config["pretraining"] = {"steps": 7}
    config["studies"]["ahead"] |= {
        "training": {"steps": 9},
        "pretraining": {"epochs": 2},
    }
    ahead, back = resolve(config).studies.values()
    found = [study.training for study in (ahead, back)]
    found += [study.pretraining for study in (ahead, back)]
    assert [(t["epochs"], t["steps"]) for t in found] == [
        (None, 9),
        (3, None),
        (2, None),
        (None, 7),
    ]


def test_how_long_networks_learn_must_be_said():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["training"]["epochs"]
    with pytest.raises(ThawError, match="training: neither epochs nor steps is set"):
        resolve(config)


def test_the_command_line_overrides_studies():
    config = copy.deepcopy(SMALL_CONFIG) | {"repeats_per_job": 3}
    studies = resolve(config, ["repeats_per_job"]).studies
    assert studies["ahead"].repeats_per_job == 3
    assert studies["back"].repeats_per_job == 3


def test_defaults():
    config = copy.deepcopy(SMALL_CONFIG)
    del config["repeats_per_job"]
    resolved = resolve(config)
    assert resolved.studies["ahead"].source_models == 1
    assert resolved.studies["ahead"].repeats_per_job == "auto"
    assert resolved.studies["ahead"].baseline == "standalone"
    assert resolved.studies["back"].baseline == "fixed-1"
    assert resolved.studies["ahead"].margin == 0.01
    everything = {"pretrained": True, "freeze": 1, "fresh": [], "add": []}
    assert resolved.variants["fixed-1"] == everything | {"training": {}, "save": None}


def test_a_whole_number_may_be_written_as_a_float():
    config = copy.deepcopy(SMALL_CONFIG)
    config["studies"]["ahead"] |= {"repeats": 30.0, "repeats_per_job": 10.0}
    study = resolve(config).studies["ahead"]
    assert (study.repeats, study.repeats_per_job) == (30, 10)
    assert isinstance(study.repeats, int)
    assert isinstance(study.repeats_per_job, int)


def test_the_default_config_is_the_textbooks():
    studies = resolve(DEFAULT).studies
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
    config = copy.deepcopy(SMALL_CONFIG)
    resolved = resolve(config)
    variants = {
        name: minimal_variant(variant) for name, variant in resolved.variants.items()
    }
    assert variants == SMALL_CONFIG["variants"] | {"fixed-0": {}}
    assert minimal_problem(resolved.problems["one"]) == config["problems"]["one"]
    assert minimal_network(resolved.studies["ahead"].network) == config["network"]
    assert minimal_training(resolved.studies["ahead"].training) == config["training"]


def test_defaults_are_left_out_at_every_level():
    class Inner(Group):
        old: int
        new: int = 3

    class Outer(Group):
        inner: Inner

    assert minimal(Outer, {"inner": {"old": 1, "new": 3}}) == {"inner": {"old": 1}}
    assert minimal(Outer, {"inner": {"old": 1, "new": 4}}) == {
        "inner": {"old": 1, "new": 4}
    }


def test_what_is_resolved_is_plain_and_a_copy_of_its_own():
    config = copy.deepcopy(SMALL_CONFIG)
    resolved = resolve(config)
    json.dumps(resolved)
    resolved.studies["ahead"].variants.append("x")
    resolved.variants["fixed-1"]["fresh"].append(1)
    assert config == SMALL_CONFIG
    assert resolve(config).variants["fixed-0"]["fresh"] == []
