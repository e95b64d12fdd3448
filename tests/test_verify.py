"""Verification: what is trained again from its records is what was stored."""

import re

import pytest
from click.testing import CliRunner

from thaw import keys
from thaw.api import verify as api
from thaw.cli.main import main
from thaw.learning.training import fix_rounding
from thaw.output.records import load_arrays, save_arrays
from thaw.output.tiles import Tile

# Before another test of this process makes the first product.
fix_rounding()

EQUAL = "equal to the byte"


@pytest.fixture
def results(saved_once, tmp_path, monkeypatch):
    copied = saved_once.copy(tmp_path / "project")
    monkeypatch.chdir(copied.folder)
    return copied.folder / "results"


def verify(*arguments):
    return CliRunner().invoke(main, ["verify", *map(str, arguments)])


def test_all_is_equal_to_the_byte(results):
    """Of networks of both kinds, estimators, numbers, sizes, splits, source models."""
    done = verify("results", "--repeats", 1000)
    assert done.exit_code == 0
    _, *lines, last = done.output.splitlines()
    assert len(lines) == 12 + 8 + 8 + 4 + 6
    assert last == f"38 of 38 are {EQUAL}"
    names = ["sizes, linear@10, repeat 0-1", "each, fixed-1, repeat 1-0"]
    names += ["worth, standalone, repeat 1-1", "module, fixed-1, repeat 0-0"]
    for name in (*names, "kind-1-each, source model 1"):
        assert f"{name}: {EQUAL}" in lines


def test_a_seed_draws_some_source_models_like_repeats(results, monkeypatch):
    monkeypatch.chdir(results / "each")
    drawn = [verify(".", "--repeats", 5, "--seed", seed).output for seed in (0, 1)]
    assert drawn[0] != drawn[1]
    for output in drawn:
        assert len(re.findall("^.*: equal", output, re.M)) == 5
    assert "source model" in "".join(drawn)
    # Without one, each run draws another seed, and prints it.
    first, second = (verify(".", "--repeats", 1).output for _ in range(2))
    seeds = [re.match(r"drawn with --seed (\d+)\n", o)[1] for o in (first, second)]
    assert seeds[0] != seeds[1]
    assert verify(".", "--repeats", 1, "--seed", seeds[0]).output == first


@pytest.mark.parametrize("share", [0.1, 1e-4])
@pytest.mark.parametrize(
    "name", ["test_score", "train_loss", "constant", "numbers", "learning_rate"]
)
def test_a_changed_number_is_detected(name, share, results, monkeypatch):
    """As read from the files of the job that trained the network."""
    numbers_of = api._numbers

    def changed(fit):
        numbers = numbers_of(fit)
        if fit.results in fit.file("").parents and fit.label == "1-1":
            numbers[name] = numbers[name] * (1 + share)
        return numbers

    monkeypatch.setattr(api, "_numbers", changed)
    done = verify("results/worth", "--repeats", 10)
    begin = f"worth, standalone, repeat 1-1: {name} differ by "
    (line,) = (line for line in done.output.splitlines() if line.startswith(begin))
    assert line.endswith(", more than 1%") == (share == 0.1) == done.exit_code
    last = "error: 2 of 10 are not" if share == 0.1 else "8 of 10 are"
    assert f"\n{last}" in done.output


@pytest.mark.parametrize("name", ["output.bias", "former"])
def test_changed_weights_are_detected_in_a_file_whose_digests_agree(name, results):
    path = min(results.glob("repeats/worth-2/fixed-1-*/*.safetensors"))
    arrays, record = load_arrays(path)
    arrays[name] = arrays["output.bias"] * 2
    recipe, saw, about = (record[part] for part in ("recipe", "saw", "about"))
    save_arrays(path, arrays, recipe, saw, Tile.named(path.stem), about=about)
    done = verify("results/worth", "--repeats", 10)
    assert done.exit_code == 1
    words = "in one of the two only: weights former"
    assert (words in done.output) == (name == "former")
    assert ("weights output.bias differ by" in done.output) == (name != "former")


def test_other_versions_and_code_are_named_and_compared(results, monkeypatch):
    recipe = keys.recipe

    def other(*arguments):
        here = recipe(*arguments)
        return here | {"code": "edited", "versions": here["versions"] | {"torch": "9"}}

    monkeypatch.setattr(keys, "recipe", other)
    done = verify("results/each", "--repeats", 3)
    assert done.exit_code == 0
    assert len(re.findall("^torch is 9 here and was 2", done.output, re.M)) == 1
    assert done.output.count("the code was edited since, or is another copy") == 1
    assert done.output.count(f"{EQUAL}\n") >= 3


@pytest.mark.parametrize(
    ("study", "pattern", "words"),
    [
        ("worth", "repeats/worth-2/*/*.csv", "not compared: /.*csv is not the"),
        ("module", "../networks.py", "not compared: .*py was changed since"),
        ("worth", "problems/worth-2-*.npz", r"not compared: the problem \(key"),
        ("worth", "source-models/worth-1-*", r"compared: source model 1 \(key"),
        ("each", "[rs]*s", "error: results/each: nothing to train again"),
    ],
)
def test_what_cannot_be_compared_is_an_error(study, pattern, words, results):
    for path in results.glob(pattern):
        if path.suffix in (".csv", ".py"):
            path.write_text(path.read_text() + "1\n")
        else:
            path.rename(path.with_suffix(".lost"))
    done = verify(f"results/{study}", "--repeats", 10)
    assert re.search(words, done.output)
    assert done.exit_code == 1


def test_records_of_other_versions(results, monkeypatch):
    load_scores = api.load_scores

    def with_settings(*arguments):
        reached, record = load_scores(*arguments)
        record["recipe"]["settings"] |= {"training": {"former": 1}}
        return reached, record

    monkeypatch.setattr(api, "load_scores", with_settings)
    done = verify("results/worth", "--repeats", 1)
    assert re.search("not compared: .* unexpected .* 'former'", done.output)
    assert done.exit_code == 1
