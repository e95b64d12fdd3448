"""The config: its file, what studies take from it, and what is made from its models."""

import copy
import re

import pytest
import yaml

from configs import change, recipes, small_config, study_of
from projects import ROOT, SMALL_CONFIG, Project
from thaw.config.files import choose_file, read
from thaw.errors import ThawError

# Each file's content, and the mistake in it, if there is one.
FILES = [
    (b"seed: [1\nmargin: 2\n", r"line 2, column 7: expected ',' or '\]', but got ':'"),
    (b"network:\n\thidden: [5]\n", r"line 2, column 1: found character '\\t'"),
    (b"a: 1\n---\nb: 1\n", "line 2, column 1: but found another"),
    (b"a: !!python/name:os.system x\n", "line 1, column 4: could not"),
    (b"[" * 2000, "invalid \\(maximum recursion"),
    (b"a: " + b"1" * 5000, r"invalid \(Exceeds the limit"),
    (b"a: \xe9t\xe9\n", "cannot be read as a config: .* position 3: invalid"),
    (b"# seed: 1\n", "it holds no keys"),
    (b"a:\n  b: {}\n  b: 1\n", "line 3, column 3: 'b' is there twice"),
    (
        b"base: &base {'__use_yte__': true}\n<<: *base\n",
        "Thaw runs no Python .* remove __use_yte__",
    ),
    (b"a: &a {freeze: 1}\nb: {<<: *a, freeze: 2}\nc: [*a, *a]\n", "^$"),
    ("\ufeffseed: 1\n".encode(), "^$"),
]


@pytest.mark.parametrize(("content", "message"), FILES)
def test_a_file_that_cannot_be_read_as_meant_gets_one_line(tmp_path, content, message):
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    try:
        mistakes = "" if read(file) else None
    except ThawError as error:
        _, mistakes = str(error).splitlines()
    assert re.search(message, mistakes), mistakes


def test_a_folder_with_a_config_takes_its_own_and_else_the_default(tmp_path):
    default, near, named = (tmp_path / f"{n}.yaml" for n in ("default", "config", "x"))
    other = tmp_path / "config.yml"
    assert choose_file(tmp_path, default) == default
    assert choose_file(tmp_path, default, [named, near]) == named
    other.write_text("seed: 1\n")
    with pytest.raises(ThawError, match=r"config\.yml is not read; name it config\.ya"):
        choose_file(tmp_path, default)
    assert choose_file(tmp_path, default, [other]) == other
    near.write_text("seed: 1\n")
    assert choose_file(tmp_path, default) == near
    assert choose_file(tmp_path, default, [named]) == near


def test_a_run_takes_a_named_file_and_numbers_in_groups(tmp_path):
    named = tmp_path / "one.yaml"
    named.write_text(yaml.safe_dump(small_config()))
    (tmp_path / "empty").mkdir()
    done = Project(tmp_path / "empty").snakemake(
        *("-n", "--snakefile", str(ROOT / "Snakefile"), "--configfile", str(named)),
        *("--config", "training={steps: 9}"),
        check=False,
    )
    assert done.returncode == 1
    mistakes = re.findall(r"^  (\S+): set together", done.stderr, re.M)
    assert mistakes == ["training.steps"]
    assert not re.search("WorkflowError", done.stderr)


# A change of SMALL_CONFIG, and what then differs in how repeats and source models of
# the studies ahead and back train.
DIFFERENCES = """
~/training: {epochs: 9} => {epochs: 9} | {epochs: 9} | {} | {}
pretraining: {momentum: 0.5} => {} | {momentum: 0.5} | {} | {momentum: 0.5}
{~/training: {steps: 9}, pretraining: {steps: 7}} =>
 {steps: 9, epochs: LOST} | {steps: 7, epochs: LOST} | {} | {steps: 7, epochs: LOST}
{~/training: {steps: 9}, ~/pretraining: {epochs: 2}} =>
 {steps: 9, epochs: LOST} | {epochs: 2} | {} | {}
{training/class_weight: {0: 1, b: 2}, pretraining: {class_weight: {}}} =>
 {class_weight: {"0": 1, b: 2}} | {} | {class_weight: {"0": 1, b: 2}} | {}
"""


@pytest.mark.parametrize("case", re.split(r"\n(?! )", DIFFERENCES.strip()))
def test_a_study_overrides_what_it_names(case):
    text, differences = case.split("=>")
    config = small_config()
    change(config, text)
    arms = [recipes(config, study) for study in ("ahead", "back")]
    results = [each[name] for each in arms for name in ("fixed-1", "source models")]
    for result, difference in zip(results, differences.split("|"), strict=True):
        training = copy.deepcopy(SMALL_CONFIG["training"])
        change(training, difference)
        assert result.recipe["settings"]["training"] == training


def test_what_a_study_is_unless_it_says_otherwise():
    config = small_config()
    ahead, back = (study_of(config, name)["settings"] for name in ("ahead", "back"))
    usual = {"source_models": 1, "baseline": "standalone", "margin": 0.01, "pairs": []}
    assert usual.items() <= ahead.items()
    assert back["baseline"] == "fixed-1"
    assert config == SMALL_CONFIG
