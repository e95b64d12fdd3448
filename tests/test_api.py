"""A study's results in notebooks, and the differences between two runs."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from nbclient import NotebookClient

import pages
import thaw
from projects import ROOT, new_project
from thaw.cli.main import main
from thaw.errors import ThawError

# The last of a study's tables.
TABLES = "results/ahead/study.json"
NETWORK = ["variant", "target_size", "source_model", "repeat"]


@pytest.fixture
def ahead(finished_once):
    return thaw.open(finished_once.folder / "results/ahead")


def output_of(*arguments):
    """Return what the command prints."""
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_command_ends_quietly_when_its_reader_has_enough(finished_once):
    """As in `thaw answer | head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [Path(sys.executable).with_name("thaw"), "answer", "back"]
    done = subprocess.run(
        command, cwd=finished_once.folder, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


@pytest.mark.parametrize("study", ["back", "sizes"])
def test_scores_follow_from_histories_and_predictions(finished_once, store, study):
    """From several source models, at several sizes, and of networks that failed."""
    sized = store.finished(pages.CONFIG, write=pages.write)
    project = sized if study == "sizes" else finished_once
    results = thaw.open(project.folder / "results" / study)
    scores, histories = results.scores, results.histories
    last = histories[histories["epoch"] == 3].reset_index()
    assert last[NETWORK].equals(scores[NETWORK])
    assert len(histories) == 4 * len(scores)
    for name in ("test_accuracy", "test_loss"):
        np.testing.assert_allclose(last[name], scores[name], rtol=1e-6)
    predictions = results.predictions
    shares = predictions.filter(like="p_")
    failed = shares.isna().any(axis=1)
    assert failed.any() == (study == "sizes")
    assert predictions["predicted"].isna().equals(failed)
    sound, shares = predictions[~failed].copy(), shares[~failed]
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    labels = "p_" + sound["label"].astype(str)
    of_label = shares.to_numpy()[range(len(shares)), shares.columns.get_indexer(labels)]
    sound["right"] = labels == "p_" + sound["predicted"].astype(str)
    sound["loss"] = -np.log(of_label.clip(1e-30))
    by_network = sound.groupby(NETWORK)[["right", "loss"]].mean()
    scores = scores.set_index(NETWORK).loc[by_network.index]
    np.testing.assert_allclose(by_network["right"], scores["test_accuracy"])
    # A probability of 0 in them says nothing of how large the loss was.
    losses = pd.concat([by_network["loss"], scores["test_loss"]], axis=1)
    losses = losses[losses["test_loss"] < 10]
    np.testing.assert_allclose(losses["loss"], losses["test_loss"], rtol=1e-4)
    # Classes and rows are counted over sound networks, at the largest size.
    fixed = sound[(sound["variant"] == "fixed-1") & (sound["target_size"] == "all")]
    confusion, rows = results.confusion("fixed-1"), results.rows("fixed-1")
    assert [*confusion.index] == [*confusion] and len(confusion) > 1
    pairs = zip(fixed["label"], fixed["predicted"], strict=True)
    shares = pd.Series([*pairs]).value_counts()
    for label, row in confusion.iterrows():
        counts = [shares.get((label, predicted), 0) for predicted in confusion]
        np.testing.assert_allclose(row, np.array(counts) / sum(counts))
    by_row = fixed.groupby("row")["right"].mean()
    assert [*rows] == ["row", "label", "right"]
    assert by_row.to_dict() == rows.set_index("row")["right"].to_dict()


def test_predictions_outlive_another_cut_of_jobs(finished, ahead):
    finished.change("repeats_per_job", to=2)
    finished.change("studies", "ahead", "repeats", to=3)
    finished.make(TABLES)
    before = ahead.predictions
    after = thaw.open(finished.folder / "results/ahead").predictions
    assert len(after) == len(before) * 1.5
    assert after[after["repeat"] < 2].reset_index(drop=True).equals(before)


def test_a_notebook_shows_the_answer_the_comparisons_and_figures(ahead, monkeypatch):
    html = ahead._repr_html_()
    assert html.startswith("<h1>ahead: one → two</h1>")
    assert "<td>fixed-0 - standalone</td>" in html
    first = json.loads((ahead.folder / "answer.json").read_text())[0]["sentences"][0]
    assert first in repr(ahead)
    monkeypatch.setitem(mpl.rcParams, "font.size", 13.0)
    ticks = ahead.figure("boxplot").axes[0].get_xticklabels()
    assert [tick.get_text() for tick in ticks][1:] == [
        "fine-tune all\nlayers\nfixed-0",
        "freeze 1 layer\nfixed-1",
    ]
    assert mpl.rcParams["font.size"] == 13.0
    with pytest.raises(ThawError, match=r"no figure 'boxplo' \(did you mean 'boxplot'"):
        ahead.figure("boxplo")


def test_a_folder_is_named_in_any_way_and_holds_a_whole_study(finished, monkeypatch):
    folder = finished.folder / "results/ahead"
    monkeypatch.chdir(folder)
    link = finished.folder / "link"
    link.symlink_to(folder)
    for place in (".", link):
        assert len(thaw.open(place).scores) == 6
    with pytest.raises(ThawError, match=r"no scores of a study; there are .*/ahead, "):
        thaw.open(folder.parent)
    with pytest.raises(ThawError, match=r"no summry.csv \(did you mean 'summary.csv'"):
        thaw.open(folder).table("summry.csv")
    shutil.copytree(folder, folder.with_name("other"))
    with pytest.raises(ThawError, match="rename it to ahead"):
        thaw.open(folder.with_name("other"))
    (folder / "summary.csv").write_text("variant,mean\n")
    with pytest.raises(ThawError, match="was changed"):
        _ = thaw.open(folder).summary
    # Scores of another run, put in the place of its own.
    finished.change("training", "epochs", to=4)
    finished.make("gather_ahead")
    with pytest.raises(ThawError, match=r"from other scores .*snakemake tables_ahead"):
        thaw.open(folder)


def test_a_diff_tells_what_is_the_same_and_what_changed(finished, tmp_path):
    results, before = finished.folder / "results", tmp_path / "before/ahead"
    words = output_of("diff", results, results)
    assert "ahead: same settings, code and versions." in words
    assert "Same scores of 3 variants." in words
    assert "Same verdicts of 2 comparisons." in words
    shutil.copytree(results / "ahead", before)
    finished.change("training", "epochs", to=4)
    finished.make(TABLES)
    words = output_of("diff", before, results / "ahead")
    assert "ahead: training.epochs 3 → 4." in words


def test_the_command_says_what_is_there_and_what_is_missing(finished, monkeypatch):
    monkeypatch.chdir("/")
    here = "--directory", finished.folder
    words = output_of(*here, "answer")
    assert Path.cwd() == Path("/")
    assert words.startswith("ahead: ")
    assert f"To read: {finished.folder}/results/report.html" in words
    assert "| comparison " in output_of(*here, "answer", "ahead")
    assert "ahead: no change; nothing to train" in output_of(*here, "plan")
    finished.change("studies", "ahead", "repeats", to=5)
    assert "ahead: repeats 2 → 5; 5 repeats " in output_of(*here, "plan")
    assert "`snakemake ahead` makes it" in output_of(*here, "answer", "ahead")
    done = CliRunner().invoke(main, [*map(str, here), "answer", "ahed"])
    assert done.exit_code == 1
    assert "'ahed' is no study (did you mean 'ahead'?)" in done.output


@pytest.mark.slow
def test_the_notebook_runs_and_says_what_it_shows(tmp_path):
    """The kinds of its outputs; numbers may differ in their last digits elsewhere."""
    project = new_project(tmp_path / "project")
    shutil.copy2(ROOT / "config.yaml", project.folder)
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    project.change("repeats_per_job", to=30)
    project.make("forward")
    path = project.folder / "examples/notebook.ipynb"
    committed, notebook = nbformat.read(path, 4), nbformat.read(path, 4)
    client = NotebookClient(notebook, resources={"metadata": {"path": path.parent}})
    client.execute()
    for cell, again in zip(committed.cells, notebook.cells, strict=True):
        outputs, outputs_again = cell.get("outputs", []), again.get("outputs", [])
        for first, second in zip(outputs, outputs_again, strict=True):
            assert first.get("data", {}).keys() == second.get("data", {}).keys()
    assert any("Keep scratch." in str(c.get("outputs")) for c in notebook.cells)
