"""Predictions of saved networks for new rows, as a command and as an estimator."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.utils.validation import check_is_fitted

import saved
import thaw
from conftest import DESCRIPTION, copy_project
from thaw.api.predictor import Classifier, of_files
from thaw.cli.main import main
from thaw.data.make import make_problem
from thaw.data.new_rows import features_of
from thaw.data.problem import Pool
from thaw.errors import ThawError
from thaw.learning.splits import split
from thaw.output.tiles import Tile
from thaw.output.weights import About, save_networks


@pytest.fixture
def folder(saved_once, monkeypatch):
    """The folder of a project with saved networks, which is the working directory."""
    monkeypatch.chdir(saved_once.folder)
    return saved_once.folder


def ran(*arguments):
    return CliRunner().invoke(main, [*map(str, arguments)])


def stored(predictor):
    """Yield each network's name, the rows that it was tested on and what it said."""
    for path in predictor.files:
        with np.load(path.with_name(f"{path.stem}.predictions.npz")) as found:
            said = found[found.files[0]]
            rows = np.broadcast_to(found["rows"], said.shape[:2])
        yield from zip(Tile.named(path.stem).labels, rows, said, strict=True)


def raw(rows):
    """Return rows of the table by their numbers, columns turned round, no label."""
    table = saved.table().iloc[rows - 1]
    return table.drop(columns=["kind", "worth", "year"]).iloc[:, ::-1]


@pytest.mark.parametrize(
    ("study", "size"),
    [
        ("sizes", "all"),
        ("sizes", 10),
        ("module", None),
        ("each", None),
        ("worth", None),
    ],
)
def test_a_network_says_of_raw_rows_what_its_job_stored(study, size, folder):
    every = thaw.open(folder / "results" / study).predictor("fixed-1", size)
    names = []
    for name, rows, said in stored(every):
        alone = of_files(every.files, [name], every.module)
        x = raw(rows)
        if study == "worth":
            np.testing.assert_allclose(alone.predict(x), said, rtol=1e-6)
        else:
            expected = np.exp(said)
            np.testing.assert_allclose(alone.predict_proba(x), expected, rtol=1e-5)
        names.append(name)
    assert names == every.networks_ != []
    assert not every.failed_


def test_the_command_writes_the_mean(folder, tmp_path):
    """Of rows that all networks were tested on, those of the gathered predictions."""
    predictor = thaw.open("results/sizes").predictor("fixed-1")
    _, rows, said = zip(*stored(predictor), strict=True)
    raw(rows[0]).to_csv(tmp_path / "new.csv", index=False)
    done = ran("predict", "sizes", "fixed-1", tmp_path / "new.csv")
    assert done.exit_code == 0
    assert done.stderr == "fixed-1: mean of 2 networks\n"
    found = pd.read_csv(StringIO(done.stdout))
    means = np.exp(np.array(said)).mean(0)
    names = ["green", "red"]
    columns = [f"p_{name}" for name in names]
    assert [*found] == ["row", "predicted", *columns]
    assert [*found["row"]] == [*range(1, len(rows[0]) + 1)]
    np.testing.assert_allclose(found[columns], means, rtol=1e-6)
    assert [*found["predicted"]] == [names[place] for place in means.argmax(1)]


def test_a_class_that_is_a_formula_is_text_in_the_csv(folder, tmp_path, monkeypatch):
    names = property(lambda _: np.array(["=1+1", "red"]))
    monkeypatch.setattr(Classifier, "classes_", names)
    saved.table().to_csv(tmp_path / "new.csv", index=False)
    done = ran("predict", "sizes", "fixed-1", tmp_path / "new.csv")
    found = pd.read_csv(StringIO(done.stdout))["predicted"]
    assert {*found} == {"'=1+1", "red"}


def test_networks_of_an_earlier_config_predict(folder, tmp_path, monkeypatch):
    saved.table().to_csv(tmp_path / "new.csv", index=False)
    project = copy_project(folder, tmp_path / "project")
    project.config = saved.CONFIG | {"seed": 2}
    monkeypatch.chdir(project.folder)
    assert ran("predict", "sizes", "fixed-1", tmp_path / "new.csv").exit_code == 0


def test_numbers_have_a_spread_over_networks(folder, tmp_path):
    predictor = thaw.open("results/worth").predictor("fixed-1")
    x = saved.table()[["mass", "length", "site"]].head(9)
    x.to_csv(tmp_path / "new.csv", index=False)
    done = ran("predict", "worth", "fixed-1", tmp_path / "new.csv")
    found = pd.read_csv(StringIO(done.stdout))
    alone = [of_files(predictor.files, [n]).predict(x) for n in predictor.networks_]
    assert len(alone) == 4
    np.testing.assert_allclose(found["predicted"], np.mean(alone, 0), rtol=1e-9)
    np.testing.assert_allclose(found["spread"], np.std(alone, 0, ddof=1), rtol=1e-7)
    one = of_files(predictor.files, ["0-0"])
    assert np.isnan(one.predict(x, return_std=True)[1]).all()


def test_it_is_an_estimator_of_scikit_learn(folder):
    predictor = thaw.open("results/sizes").predictor("fixed-1")
    table = saved.table()
    check_is_fitted(predictor)
    assert [*predictor.classes_] == ["green", "red"]
    assert [*predictor.feature_names_in_] == ["mass", "length", "site"]
    found = predictor.predict(table)
    # An array has the same columns, in that order.
    columns = table[predictor.feature_names_in_].to_numpy()
    assert [*predictor.predict(columns)] == [*found]
    accuracy = accuracy_score(table["kind"], found)
    assert predictor.score(table, table["kind"]) == accuracy
    assert 0.5 < get_scorer("roc_auc")(predictor, table, table["kind"]) < 1
    assert [*clone(predictor).predict(table)] == [*found]
    calibrated = CalibratedClassifierCV(FrozenEstimator(predictor), cv=2)
    calibrated.fit(table, table["kind"])
    assert calibrated.predict_proba(table).shape == (len(table), 2)
    with pytest.raises(ThawError, match=r"trained already.*FrozenEstimator"):
        predictor.fit(table, table["kind"])
    numbers = thaw.open("results/worth").predictor("fixed-1")
    assert get_scorer("r2")(numbers, table, table["worth"]) < 1


def test_global_generators_stay_as_they_were(folder):
    predictor = thaw.open("results/module").predictor("fixed-1")
    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    predictor.predict(saved.table())
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none", "fixed-1"), "none holds no scores of a study; there are /"),
        (("sizes", "fixed"), "'fixed' is no variant of sizes (did you mean 'fixed-1'?"),
        (
            ("sizes", "fixed-1", "--target-size", "11"),
            "11 is no target size of sizes. ",
        ),
        (("sizes", "linear"), "linear of sizes: Thaw saves neither estimators nor"),
        (
            ("sizes", "standalone"),
            "the weights of 2 of 2 repeats of standalone are not there. Write "
            "`standalone: {pretrained: false, save: weights}` below `variants:` in the",
        ),
    ],
)
def test_what_there_is_not_is_told(arguments, words, folder, tmp_path):
    saved.table().to_csv(tmp_path / "new.csv", index=False)
    study, variant, *more = arguments
    done = ran("predict", study, variant, tmp_path / "new.csv", *more)
    assert done.exit_code == 1
    assert words in done.output


def test_a_lost_file_is_told(folder, tmp_path):
    project = copy_project(folder, tmp_path / "project").folder
    first, _ = thaw.open(project / "results/each").predictor("fixed-1").files
    first.unlink()
    with pytest.raises(ThawError, match="weights of 2 of 4 repeats of fixed-1"):
        thaw.open(project / "results/each").predictor("fixed-1")


def test_scores_that_anyone_made_have_no_networks(tmp_path):
    scores = pd.DataFrame({"variant": [*"aaabbb"], "repeat": [*"123123"], "score": 1})
    results = thaw.compare(scores, tmp_path / "mine", higher=True, margin=1)
    with pytest.raises(ThawError, match="mine was made from scores"):
        results.predictor("a")


def test_an_edited_module_is_told(folder, tmp_path):
    project = copy_project(folder, tmp_path / "project").folder
    with (project / "networks.py").open("a") as file:
        file.write("more = 1\n")
    with pytest.raises(ThawError, match=r"not by .*networks\.py:small as it is now"):
        thaw.open(project / "results/module").predictor("fixed-1")


def test_a_function_of_a_package_is_called_once_it_is_named(tmp_path):
    network = {
        "module": {"function": "Linear", "import": "torch.nn"},
        "arguments": {"in_features": "$features", "out_features": "$classes"},
    }
    described = DESCRIPTION._replace(written={"separator": ";", "decimal": ","})
    about = About("classification", described, [])
    path, tile = tmp_path / "networks.safetensors", Tile(range(1), range(1))
    state = {"weight": torch.eye(3, 2)[None], "bias": torch.zeros(1, 3)}
    save_networks(path, state, tile, {"settings": {"network": network}}, {}, about)
    predictor = of_files([path], module="torch.nn:Linear")
    assert [*predictor.predict([[5, 0], [0, 5]])] == ["a", "b"]
    # A new file is written as the problem's was.
    (tmp_path / "new.csv").write_text("length;width\n0,5;0\n0;0,5\n")
    found = predictor.predict_file(tmp_path / "new.csv")
    assert [*found["predicted"]] == ["a", "b"]


class Unsearched(list):
    """Names of networks, of which there may be many thousands."""

    def __contains__(self, name):
        raise AssertionError("searched for each network")


def test_names_of_networks_are_looked_up_without_a_search(folder):
    files = thaw.open("results/sizes").predictor("fixed-1").files
    assert of_files(files, Unsearched(["0-1"])).networks_ == ["0-1"]


def changed(column, value):
    def change(table):
        table[column] = table[column].astype(object)
        table.loc[2, column] = value
        return table

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda table: table.drop(columns=["site", "mass"]),
            "new.csv: missing columns: mass, site. The networks learned from mass, ",
        ),
        (changed("mass", None), "new.csv: column mass, row 3: a value is missing"),
        (changed("mass", "much"), "new.csv: column mass, row 3: 'much' is not a finit"),
        (changed("mass", "inf"), "new.csv: column mass, row 3: 'inf' is not a finite"),
        (changed("length", 3e38), "new.csv: row 3: scaled, a value is too large"),
        (changed("site", None), "new.csv: column site, row 3: a value is missing"),
        (
            changed("site", "west"),
            "new.csv: column site, row 3: the category 'west' is unknown. Allowed: 3, ",
        ),
        (lambda table: table.head(0), "new.csv: there are no rows"),
    ],
)
def test_rows_that_do_not_fit_are_told(change, words, folder, tmp_path):
    table = saved.table()
    change(table).to_csv(tmp_path / "new.csv", index=False)
    done = ran("predict", "sizes", "fixed-1", tmp_path / "new.csv")
    assert done.exit_code == 1
    assert words in done.output
    assert done.output.count("\n") == 1


@pytest.mark.parametrize("name", ["new.txt", "none.csv"])
def test_a_file_that_cannot_be_read_is_told(name, folder, tmp_path):
    (tmp_path / "new.txt").write_text("mass\n1\n")
    done = ran("predict", "sizes", "fixed-1", tmp_path / name)
    assert done.exit_code == 1
    assert f"{name}: " in done.output


SETTINGS = saved.KIND | {"label": "kind"} | saved.FIRST


@pytest.mark.parametrize("shuffle", [1, "each"])
@pytest.mark.parametrize("scale", [None, "standard"])
def test_a_problem_knows_by_what_its_features_were_scaled(shuffle, scale, tmp_path):
    saved.write(tmp_path)
    settings = {**SETTINGS, "shuffle": shuffle, "transforms": [{"permute": 3}]}
    del settings["scale"]
    settings |= {"scale": scale} if scale else {}
    made, described = make_problem(settings, [tmp_path / "table.csv"])
    problem = split(made, 1, 5)
    assert isinstance(made, Pool) == (shuffle == "each")
    x = features_of(saved.table().iloc[problem.test_rows - 1], described, "rows")
    if scale:
        x = (x - problem.centre) / problem.spread
    assert problem.centre.size == problem.spread.size == (5 if scale else 0)
    np.testing.assert_array_equal(x.astype(np.float32), problem.test_x)


def test_networks_that_failed_are_left_out(tmp_path):
    state = {
        "output.weight": torch.tensor([[[0.0, 0], [1, 0], [0, 0]]]).repeat(2, 1, 1),
        "output.bias": torch.zeros(2, 3),
    }
    recipe = {"settings": {"network": {"hidden": []}}}
    for failed in ([1], [0, 1]):
        about = About("classification", DESCRIPTION, failed)
        path = tmp_path / f"{len(failed)}.safetensors"
        tile = Tile(range(1), range(2))
        save_networks(path, state, tile, recipe, {}, about)
    predictor = of_files([tmp_path / "1.safetensors"])
    assert isinstance(predictor, Classifier)
    assert (predictor.networks_, predictor.failed_) == (["0-0"], ["0-1"])
    assert [*predictor.predict([[5, 0], [-5, 0]])] == ["b", "a"]
    with pytest.raises(ThawError, match=r"2\.safetensors: no network that predicts"):
        of_files([tmp_path / "2.safetensors"])
    with pytest.raises(ThawError, match="1 columns; the networks learned from 2: leng"):
        predictor.predict([[5]])


def test_files_of_two_problems_are_not_mixed(folder):
    files = [*thaw.open("results/sizes").predictor("fixed-1").files]
    files += thaw.open("results/each").predictor("fixed-1").files
    with pytest.raises(ThawError, match="networks of another kind, or of another prob"):
        of_files(files)


def test_what_is_said_about_networks_is_digested(folder, tmp_path):
    (file,) = thaw.open("results/sizes").predictor("fixed-1").files
    changed = file.read_bytes().replace(b'\\"green\\"', b'\\"greem\\"')
    assert changed != file.read_bytes()
    (tmp_path / file.name).write_bytes(changed)
    with pytest.raises(ThawError, match="its weights were changed"):
        of_files([tmp_path / file.name])
