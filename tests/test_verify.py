"""Verification: what is trained again from its records is what was stored."""

import json
import re
import shutil

import pandas as pd
import pytest
from click.testing import CliRunner

import thaw
from conftest import copy_project
from thaw import keys
from thaw.api import verify as api
from thaw.cli.main import main
from thaw.learning.history import History
from thaw.learning.training import fix_rounding
from thaw.output.scores import load_scores, save_scores
from thaw.output.tiles import Tile
from thaw.output.weights import load_entries, save_entries

# Before another test of this process makes the first product.
fix_rounding()


@pytest.fixture
def project(saved_once, tmp_path, monkeypatch):
    copied = copy_project(saved_once.folder, tmp_path / "project")
    monkeypatch.chdir(copied.folder)
    return copied


def verify(*arguments):
    return CliRunner().invoke(main, ["verify", *map(str, arguments)])


def stems(project, pattern):
    """Return where the files of the jobs that match begin, their tiles and keys."""
    for path in sorted(project.folder.glob(f"results/{pattern}/*.history.npz")):
        stem = path.with_name(path.name.removesuffix(".history.npz"))
        yield stem, Tile.named(stem.name), path.parent.name.rpartition("-")[2]


def test_all_is_equal_to_the_byte(project):
    """Of networks of both kinds, estimators, numbers, sizes, splits, source models."""
    done = verify("results", "--repeats", 1000)
    assert done.exit_code == 0
    _, *lines = done.output.splitlines()
    assert lines.pop() == f"{len(lines)} of {len(lines)} are equal to the byte"
    assert len(lines) == 12 + 8 + 8 + 4 + 6
    for line in (
        "sizes, linear@10, repeat 0-1",
        "each, fixed-1, repeat 1-0",
        "worth, standalone, repeat 1-1",
        "module, fixed-1, repeat 0-0",
        "source model 1 of kind-1-each",
    ):
        assert f"{line}: equal to the byte" in lines


def test_a_seed_draws_some_and_the_source_models_they_start_from(project):
    found = [verify("results/each", "--repeats", 3, "--seed", seed) for seed in (0, 1)]
    drawn = []
    for done in found:
        assert done.exit_code == 0
        lines = done.output.splitlines()[:-1]
        repeats = [line for line in lines if line.startswith("each, ")]
        assert len(repeats) == 3
        starts = {line.split()[3][0] for line in repeats if "fixed-1" in line}
        models = {line.split()[2] for line in lines if line.startswith("source model")}
        assert models == starts
        drawn.append(repeats)
    assert drawn[0] != drawn[1]


def test_each_run_draws_others_and_prints_the_seed_that_repeats_it(project):
    first, second = (verify("results/each", "--repeats", 1).output for _ in range(2))
    seeds = [re.match(r"drawn with --seed (\d+)\n", o)[1] for o in (first, second)]
    assert seeds[0] != seeds[1]
    again = verify("results/each", "--repeats", 1, "--seed", seeds[0])
    assert again.output == first


def test_a_study_is_verified_from_its_own_folder(project, monkeypatch):
    monkeypatch.chdir(project.folder / "results/each")
    done = verify(".", "--repeats", 1)
    assert done.exit_code == 0
    assert "each, " in done.output


def test_nothing_compared_is_an_error(project):
    shutil.rmtree(project.folder / "results/repeats")
    done = verify("results/each")
    assert "each, fixed-1: skipped, its repeats are not in " in done.output
    assert "error: results/each: nothing to train again" in done.output
    assert done.exit_code == 1


def test_scores_that_anyone_made_are_skipped_with_a_word(project):
    scores = pd.DataFrame({"variant": [*"aaabbb"], "repeat": [*"123123"], "score": 1})
    thaw.compare(scores, "results/mine", higher=True, margin=1)
    done = verify("results", "--repeats", 1)
    assert "mine: skipped, made from scores" in done.output.splitlines()
    assert done.exit_code == 0


def test_looking_for_repeats_takes_each_job_once(project, monkeypatch):
    counted = []
    labels = Tile.labels.fget
    count = property(lambda tile: counted.append(tile) or labels(tile))
    monkeypatch.setattr(Tile, "labels", count)
    jobs = [*stems(project, "repeats/kind-2-each/*")]
    fits, _ = api.fits_of(project.folder / "results/each")
    assert len(fits) == 8 > len(jobs)
    assert len(counted) == 1 + len(jobs)


def scores_changed(project, by):
    """Change a network's score in its job's files as one who knows them would."""
    stem, tile, key = next(stems(project, "repeats/worth-2/standalone-*"))
    paths = (
        stem.with_name(f"{stem.name}.csv"),
        stem.with_name(f"{stem.name}.history.npz"),
    )
    found = load_scores(*paths, tile, key)
    history = History(*(column.copy() for column in found.reached.history))
    history.test_score[1, -1] *= 1 + by
    reached = found.reached._replace(history=history)
    save_scores(*paths, tile, reached, found.recipe, found.saw)
    return f"worth, standalone, repeat {tile.labels[1]}: test_score differ by "


def weights_changed(project, by):
    stem, tile, key = next(stems(project, "repeats/worth-2/fixed-1-*"))
    path = stem.with_name(f"{stem.name}.safetensors")
    entries, found = load_entries(path, key)
    entries["output.bias"][0] *= 1 + by
    save_entries(path, entries, tile, found["recipe"], found["saw"], found["about"])
    return f"worth, fixed-1, repeat {tile.labels[0]}: weights output.bias differ by "


@pytest.mark.parametrize("change", [scores_changed, weights_changed])
@pytest.mark.parametrize("by", [0.1, 1e-4])
def test_changed_numbers_are_found(change, by, project):
    begin = change(project, by)
    done = verify("results/worth", "--repeats", 8)
    (line,) = (line for line in done.output.splitlines() if line.startswith(begin))
    if by == 0.1:
        assert line.endswith(", more than 1%")
        assert done.exit_code == 1
        assert "error: 1 of 10 are not what their records say" in done.output
    else:
        assert "more" not in line
        assert done.exit_code == 0
        assert "9 of 10 are equal to the byte, 1 nearly" in done.output


def test_other_versions_and_code_are_told_and_compared_nevertheless(
    project, monkeypatch
):
    def other(*arguments):
        found = recipe(*arguments)
        return found | {
            "code": "edited",
            "versions": found["versions"] | {"torch": "9"},
        }

    recipe = keys.recipe
    monkeypatch.setattr(keys, "recipe", other)
    done = verify("results/each", "--repeats", 3)
    assert done.exit_code == 0
    assert len(re.findall("^torch is 9 here and was 2", done.output, re.M)) == 1
    assert done.output.count("the code was edited since, or is another copy") == 1
    assert done.output.count("equal to the byte\n") >= 3


def damage(project):
    stem, *_ = next(stems(project, "repeats/worth-2/standalone-*"))
    with stem.with_name(f"{stem.name}.csv").open("a") as file:
        file.write("0,9,1,1,1,1\n")
    return f"not compared: {stem}.csv is"


def lose_problem(project):
    (path,) = project.folder.glob("results/problems/worth-2-*.npz")
    path.unlink()
    return "not compared: the problem (key "


def lose_source_models(project):
    for path in project.folder.glob("results/source-models/worth-1-*/*.safetensors"):
        path.unlink()
    return "repeat 1-0: not compared: source model 1 (key "


@pytest.mark.parametrize("spoil", [damage, lose_problem, lose_source_models])
def test_what_cannot_be_compared_is_an_error(spoil, project):
    words = spoil(project)
    done = verify("results/worth", "--repeats", 8)
    assert words in done.output
    assert done.exit_code == 1


def test_an_edited_module_is_told(project):
    with (project.folder / "networks.py").open("a") as file:
        file.write("more = 1\n")
    done = verify("results/module")
    module = project.folder / "networks.py"
    assert f"not compared: {module} was changed since" in done.output
    assert done.exit_code == 1


def test_entries_that_training_again_does_not_give_are_told(project):
    stem, tile, key = next(stems(project, "repeats/worth-2/fixed-1-*"))
    path = stem.with_name(f"{stem.name}.safetensors")
    entries, found = load_entries(path, key)
    entries["former"] = entries["output.bias"]
    save_entries(path, entries, tile, found["recipe"], found["saw"], found["about"])
    done = verify("results/worth", "--repeats", 8)
    assert "in one of the two only: weights former" in done.output
    assert done.exit_code == 1


def test_settings_that_this_version_does_not_know_are_told(project, monkeypatch):
    def training(epochs, batch_size):
        """Know less than the record says."""

    monkeypatch.setattr("thaw.stages.networks.Training", training)
    done = verify("results/worth", "--repeats", 1)
    assert "not compared: its settings are not this version's: " in done.output
    assert done.exit_code == 1


def test_a_trainer_that_a_record_names_is_not_run(project, monkeypatch):
    def named(*arguments):
        found = load_scores(*arguments)
        network = {"trainer": {"command": "touch pwned", "files": []}}
        settings = found.recipe["settings"] | {"network": network}
        return found._replace(recipe=found.recipe | {"settings": settings})

    monkeypatch.setattr(api, "load_scores", named)
    done = verify("results/worth", "--repeats", 1)
    assert "not compared: its record names a trainer, which is not run" in done.output
    assert done.exit_code == 1


def test_a_trainer_is_skipped_with_a_word(project):
    path = project.folder / "results/sizes/study.json"
    told = json.loads(path.read_text())
    told["settings"]["network"] = {"trainer": "python mine.py"}
    path.write_text(json.dumps(told))
    record = path.parent / "records/tables.json"
    tables = json.loads(record.read_text())
    tables["content"]["study.json"] = keys.digest_of_file(path)
    record.write_text(json.dumps(tables))
    done = verify("results/sizes", "--repeats", 100)
    lines = done.output.splitlines()
    assert "sizes, standalone@10: skipped, made by a trainer" in lines
    assert "sizes, linear, repeat 0-0: equal to the byte" in lines
    assert lines[-1] == "4 of 4 are equal to the byte"
    assert done.exit_code == 0


def test_a_folder_without_a_study_is_told(tmp_path):
    done = verify(tmp_path)
    assert f"{tmp_path} holds no scores of a study" in done.output
    assert done.exit_code == 1
