"""Predictions of saved networks for new rows, as a command and as an estimator."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

import saved
import thaw
from projects import Project
from samples import DESCRIPTION
from thaw.api.predictor import Classifier, of_files
from thaw.cli.main import main
from thaw.errors import ThawError
from thaw.output.tiles import Tile
from thaw.output.weights import save_networks


@pytest.fixture
def folder(saved_once, monkeypatch):
    """The folder of a project with saved networks, which is the working directory."""
    monkeypatch.chdir(saved_once.folder)
    return saved_once.folder


def predictor_of(study, size=None):
    return thaw.open(f"results/{study}").predictor("fixed-1", size)


def predict(tmp_path, table, study="sizes", variant="fixed-1", *options):
    """Run the command on a table; return the finished run."""
    table.to_csv(tmp_path / "new.csv", index=False)
    words = ["predict", study, variant, tmp_path / "new.csv", *options]
    return CliRunner().invoke(main, [*map(str, words)])


def stored(predictor):
    """Yield each network's name, the rows that it was tested on and its outputs."""
    for path in predictor.files:
        with np.load(path.with_name(f"{path.stem}.predictions.npz")) as archive:
            outputs = archive[archive.files[0]]
            rows = np.broadcast_to(archive["rows"], outputs.shape[:2])
        yield from zip(Tile.named(path.stem).labels, rows, outputs, strict=True)


def raw(rows):
    """Return rows of the table by their numbers, columns turned round, no label."""
    table = saved.table().iloc[rows - 1]
    return table.drop(columns=["kind", "worth", "year"]).iloc[:, ::-1]


STUDIES = [("sizes", "all"), ("sizes", 10), ("module", None), ("each", None)]


@pytest.mark.parametrize(("study", "size"), [*STUDIES, ("worth", None)])
def test_a_network_says_of_raw_rows_what_its_job_stored(study, size, folder):
    generators = torch.random.get_rng_state(), np.random.get_state()[1].copy()
    predictor = predictor_of(study, size)
    for name, rows, outputs in stored(predictor):
        alone = of_files(predictor.files, [name], predictor.module)
        if study == "worth":
            np.testing.assert_allclose(alone.predict(raw(rows)), outputs, rtol=1e-6)
        else:
            shares = alone.predict_proba(raw(rows))
            np.testing.assert_allclose(shares, np.exp(outputs), rtol=1e-5)
    names = [name for name, *_ in stored(predictor)]
    assert names == predictor.networks_ != []
    assert not predictor.failed_
    # Nothing else in the user's process changes, even if a row does not fit.
    rows = saved.table().head(1).assign(length=3e38)
    with pytest.raises(ThawError, match="too large"):
        predictor.predict(rows)
    assert torch.equal(torch.random.get_rng_state(), generators[0])
    assert np.array_equal(np.random.get_state()[1], generators[1])


def test_the_command_writes_the_mean(folder, tmp_path, monkeypatch):
    """Of rows that all networks were tested on."""
    _, rows, outputs = zip(*stored(predictor_of("sizes")), strict=True)
    done = predict(tmp_path, raw(rows[0]))
    assert (done.exit_code, done.stderr) == (0, "fixed-1: mean of 2 networks\n")
    table = pd.read_csv(StringIO(done.stdout))
    means = np.exp(np.array(outputs)).mean(0)
    assert [*table] == ["row", "predicted", "p_green", "p_red"]
    assert [*table["row"]] == [*range(1, len(rows[0]) + 1)]
    np.testing.assert_allclose(table[["p_green", "p_red"]], means, rtol=1e-6)
    assert [*table["predicted"]] == [["green", "red"][n] for n in means.argmax(1)]
    # No name of a class is a formula in a spreadsheet.
    names = property(lambda _: np.array(["=1+1", "red"]))
    monkeypatch.setattr(Classifier, "classes_", names)
    table = pd.read_csv(StringIO(predict(tmp_path, raw(rows[0])).stdout))
    assert {*table["predicted"]} == {"'=1+1", "red"}


def test_numbers_have_a_spread_over_networks(folder, tmp_path):
    predictor = predictor_of("worth")
    rows = saved.table()[["mass", "length", "site"]].head(9)
    table = pd.read_csv(StringIO(predict(tmp_path, rows, "worth").stdout))
    alone = [of_files(predictor.files, [n]).predict(rows) for n in predictor.networks_]
    np.testing.assert_allclose(table["predicted"], np.mean(alone, 0), rtol=1e-9)
    np.testing.assert_allclose(table["spread"], np.std(alone, 0, ddof=1), rtol=1e-7)
    # An array has the columns in the order that the networks learned them in.
    array = rows[predictor.feature_names_in_].to_numpy()
    assert [*predictor.predict(array)] == [*predictor.predict(rows)]
    with pytest.raises(ThawError, match=r"trained already.*FrozenEstimator"):
        predictor.fit(rows, rows["mass"])


def test_networks_that_are_not_there_are_named(folder, tmp_path):
    for arguments, words in (
        (("none", "fixed-1"), "none holds no scores of a study; there are /"),
        (("sizes", "fixed"), "'fixed' is no variant of sizes (did you mean 'fixed-1'?"),
        (("sizes", "fixed-1", "--target-size", "11"), "11 is no target size of sizes"),
        (("sizes", "linear"), "linear of sizes: Thaw saves neither estimators nor"),
        (("sizes", "standalone"), "Write `save: weights` in standalone below"),
    ):
        done = predict(tmp_path, saved.table(), *arguments)
        assert done.exit_code == 1 and words in done.output, arguments


def test_files_that_are_lost_edited_or_older_than_the_config(folder, tmp_path):
    project = Project(folder).copy(tmp_path / "project")
    project.config = saved.CONFIG | {"seed": 2}
    results = project.folder / "results"
    each, module, sizes = (results / name for name in ("each", "module", "sizes"))
    (file,) = thaw.open(sizes).predictor("fixed-1").files
    first, _ = thaw.open(each).predictor("fixed-1").files
    with pytest.raises(ThawError, match="networks of another kind, or of another prob"):
        of_files([file, first])
    # Under the name of other networks, or of those of another config.
    whole, last = first.read_bytes(), max(each.glob("../repeats/*/fixed-1-*/*.safe*"))
    first.write_bytes(last.read_bytes())
    words = "it is result .* instead of|it holds models-01"
    with pytest.raises(ThawError, match=words):
        thaw.open(each).predictor("fixed-1")
    first.write_bytes(whole)
    first.unlink()
    with pytest.raises(ThawError, match="weights of 2 of 4 repeats of fixed-1"):
        thaw.open(each).predictor("fixed-1")
    (project.folder / "networks.py").write_text(f"{saved.NETWORKS}more = 1\n")
    with pytest.raises(ThawError, match=r"not by .*networks\.py:small as it is now"):
        thaw.open(module).predictor("fixed-1")
    file.write_bytes(file.read_bytes().replace(b'\\"green\\"', b'\\"greem\\"'))
    with pytest.raises(ThawError, match="its description was changed"):
        of_files([file])


def test_a_function_of_a_package_must_be_named_and_networks_may_have_failed(tmp_path):
    network = {"module": {"function": "Linear", "import": "torch.nn"}}
    network["arguments"] = {"in_features": "$features", "out_features": "$classes"}
    recipe = {"settings": {"network": network}}
    described = DESCRIPTION._replace(written={"separator": ";", "decimal": ","})
    state = {"weight": torch.eye(3, 2).repeat(2, 1, 1), "bias": torch.zeros(2, 3)}
    paths = [tmp_path / f"{count}.safetensors" for count in (1, 2)]
    for path, failed in zip(paths, ([1], [0, 1]), strict=True):
        about = {"task": "classification", "described": described._asdict()}
        about |= {"failed": failed}
        save_networks(path, state, Tile(range(1), range(2)), recipe, {}, about)
    predictor = of_files(paths[:1], module="torch.nn:Linear")
    assert (predictor.networks_, predictor.failed_) == (["0-0"], ["0-1"])
    assert [*predictor.predict([[5, 0], [0, 5]])] == ["a", "b"]
    # A new file is written as the problem's was.
    (tmp_path / "new.csv").write_text("length;width\n0,5;0\n0;0,5\n")
    assert [*predictor.predict_file(tmp_path / "new.csv")["predicted"]] == ["a", "b"]
    with pytest.raises(ThawError, match=r"2\.safetensors: no network that predicts"):
        of_files(paths[1:], module="torch.nn:Linear")
    with pytest.raises(ThawError, match="1 columns; the networks learned from 2: leng"):
        predictor.predict([[5]])


def test_rows_that_do_not_fit_are_named(folder, tmp_path):
    for column, value, words in (
        ("mass", None, "column mass, row 3: a value is missing"),
        ("mass", "much", "column mass, row 3: 'much' is not a finit"),
        ("mass", "inf", "column mass, row 3: 'inf' is not a finite"),
        ("length", 3e38, "row 3: scaled, a value is too large"),
        ("site", None, "column site, row 3: a value is missing"),
        ("site", "west", "row 3: the category 'west' is unknown. Allowed: 3, "),
        ("mass", "no column", "missing columns: mass. The networks learned from ma"),
        ("mass", "no rows", "there are no rows"),
    ):
        table = saved.table().astype({column: object})
        table.loc[2, column] = value
        if value == "no column":
            del table[column]
        done = predict(tmp_path, table.head(0) if value == "no rows" else table)
        assert "new.csv: " in done.output and words in done.output
        assert (done.exit_code, done.output.count("\n")) == (1, 1)
    rows = saved.table().rename(columns={"mass": None})
    with pytest.raises(ThawError, match="missing columns: mass"):
        predictor_of("sizes").predict(rows)
