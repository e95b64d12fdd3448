"""A study's results in notebooks, and the differences between two runs."""

import json
import shutil

import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib import pyplot
from nbclient import NotebookClient

import thaw
from conftest import ROOT, modules_of, new_project
from thaw.api.diff import difference
from thaw.api.results import Results
from thaw.cli.main import main
from thaw.errors import ThawError


@pytest.fixture
def ahead(finished) -> Results:
    return thaw.open(finished.folder / "results/ahead")


def said(*arguments: str) -> str:
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.output


def test_histories_end_where_scores_do(ahead):
    found = ahead.histories
    last = found[found["epoch"] == 3].reset_index()
    names = ["variant", "source_model", "repeat", "test_accuracy", "test_loss"]
    scores = ahead.scores
    assert last[names[:3]].equals(scores[names[:3]])
    np.testing.assert_allclose(last[names[3:]], scores[names[3:]], rtol=1e-6)
    assert len(found) == 4 * len(scores)


def test_accuracy_and_loss_follow_from_predictions(finished):
    """Of both studies, one of which has several source models."""
    for study in ("ahead", "back"):
        results = thaw.open(finished.folder / "results" / study)
        found = results.predictions
        assert not found.isna().any().any()
        found["right"] = found["label"] == found["predicted"]
        own = found[["p_0", "p_1", "p_2"]].to_numpy()
        np.testing.assert_allclose(own.sum(axis=1), 1, rtol=1e-5)
        of_label = own[np.arange(len(found)), found["label"].astype(int)]
        found["loss"] = -np.log(of_label)
        keys = ["variant", "source_model", "repeat"]
        by_repeat = found.groupby(keys)[["right", "loss"]].mean()
        scores = results.scores.set_index(keys).loc[by_repeat.index]
        np.testing.assert_allclose(by_repeat["right"], scores["test_accuracy"])
        np.testing.assert_allclose(by_repeat["loss"], scores["test_loss"], rtol=1e-4)


def test_predictions_outlive_another_cut_of_jobs(finished):
    wanted = thaw.open(finished.folder / "results/ahead").predictions
    finished.change("repeats_per_job", to=2)
    finished.change("studies", "ahead", "repeats", to=3)
    finished.snakemake("--cores", "2", "ahead")
    jobs = finished.folder.glob("results/repeats/two/standalone-*/*.predictions.npz")
    assert len([*jobs]) == 4  # two of one repeat, then one of two and one of one
    found = thaw.open(finished.folder / "results/ahead").predictions
    assert len(found) == len(wanted) * 1.5
    assert found[found["repeat"] < 2].reset_index(drop=True).equals(wanted)


def test_a_figure_by_itself_and_in_the_place_of_an_axes(ahead):
    size = mpl.rcParams["font.size"] = 13.0
    drawn = ahead.figure("boxplot")
    assert [one.get_text() for one in drawn.axes[0].get_xticklabels()] == [
        *("standalone", "fixed-0", "fixed-1")
    ]
    assert mpl.rcParams["font.size"] == size
    figure, axes = pyplot.subplots(1, 2, layout="constrained")
    part = ahead.figure("learning-curves", ax=axes[1])
    assert part.figure is figure
    assert axes[1] not in figure.axes
    assert len(part.axes) == 4
    figure.canvas.draw()
    with pytest.raises(ThawError, match=r"no figure 'boxplo' \(did you mean 'boxplot'"):
        ahead.figure("boxplo")
    with pytest.raises(ThawError, match="made by subplots"):
        ahead.figure("boxplot", ax=pyplot.figure().add_axes((0, 0, 1, 1)))


def test_a_notebook_shows_the_answer_and_the_comparisons(ahead):
    shown = ahead._repr_html_()
    assert shown.startswith("<h1>ahead: one → two</h1>")
    assert "<td>fixed-0 - standalone</td>" in shown
    first = json.loads((ahead.folder / "answer.json").read_text())[0]["sentences"][0]
    assert first in repr(ahead)


def test_what_is_no_study_or_was_changed_is_told(ahead):
    with pytest.raises(ThawError, match=r"no scores of a study; there are .*/ahead, "):
        thaw.open(ahead.folder.parent)
    with pytest.raises(ThawError, match=r"no summry.csv \(did you mean 'summary.csv'"):
        ahead.table("summry.csv")
    (ahead.folder / "summary.csv").write_text("variant,mean\n")
    with pytest.raises(ThawError, match="was changed"):
        _ = ahead.summary
    other = ahead.folder.with_name("other")
    shutil.copytree(ahead.folder, other)
    with pytest.raises(ThawError, match="rename it to ahead"):
        thaw.open(other)


def test_a_diff_tells_what_moved_and_whether_by_more_than_chance(finished):
    results, before = finished.folder / "results", finished.folder / "before"
    shutil.copytree(results, before)
    told = said("diff", str(before), str(results))
    assert "ahead: same settings, code and versions." in told
    assert "Same scores of 3 variants." in told
    assert "Same verdicts of 2 comparisons." in told
    finished.change("training", "epochs", to=40)
    finished.change("studies", "ahead", "repeats", to=20)
    finished.change("repeats_per_job", to=20)
    finished.snakemake("--cores", "2", "ahead")
    shutil.copytree(results / "ahead", before / "more" / "ahead")
    finished.change("training", "epochs", to=2)
    finished.snakemake("--cores", "2", "ahead")
    told = said("diff", str(before / "more" / "ahead"), str(results / "ahead"))
    assert "ahead: training.epochs 40 → 2." in told
    assert " yes |" in told
    told = said("diff", str(before), str(results))
    assert "| too few |" in " ".join(told.split())
    assert "ahead: 2 → 20 repeats of each, training.epochs 3 → 2." in told


def given(folder, scores):
    """Compare given scores of two variants, twenty of each, without a bound."""
    frame = pd.DataFrame({"variant": [*"a" * 20, *"b" * 20], "score": scores})
    frame["repeat"] = [*range(20)] * 2
    return thaw.compare(frame, folder / "mine", higher=True, margin=0.1)


def test_a_diff_counts_both_runs_in_the_same_units(tmp_path):
    """Without a bound each has units of its own, in which a double is the same."""
    scores = np.random.default_rng(0).normal(10, 1, 40)
    runs = [given(tmp_path / str(n), n * scores) for n in (1, 2)]
    assert any(" yes |" in line for line in difference(*runs))
    assert "Same scores of 2 variants." in [*difference(runs[0], runs[0])]


def test_sizes_are_text_whatever_they_are(finished):
    """One is "all", so that tables of other sizes merge with those that have it."""
    finished.change("studies", "ahead", "target_sizes", to=[10, 15])
    finished.snakemake("--cores", "2", "ahead")
    shutil.copytree(finished.folder / "results", finished.folder / "before")
    finished.change("studies", "ahead", "target_sizes", to=[10, "all"])
    finished.snakemake("--cores", "2", "ahead")
    results = thaw.open(finished.folder / "results/ahead")
    assert {*results.scores["target_size"]} == {"10", "all"}
    before = thaw.open(finished.folder / "before/ahead")
    assert before.scores.merge(before.histories, on=["variant", "target_size"]).size
    assert "Same scores of 3 variants." in [*difference(before, results)]


def test_without_probabilities_nothing_is_predicted(finished):
    finished.change("variants", "fixed-0", "training", to={"learning_rate": 1e6})
    finished.snakemake("--cores", "2", "ahead")
    results = thaw.open(finished.folder / "results/ahead")
    failed = results.scores.set_index("variant")["failed"]
    assert failed["fixed-0"].all()
    found = results.predictions
    assert found["p_0"].isna().any()
    assert found["predicted"].isna().equals(found["p_0"].isna())


def test_a_folder_may_be_named_in_any_way(finished, monkeypatch):
    monkeypatch.chdir(finished.folder / "results/ahead")
    assert len(thaw.open(".").scores) == 6
    link = finished.folder / "link"
    link.symlink_to(finished.folder / "results/ahead")
    assert len(thaw.open(link).scores) == 6


def test_the_command_tells_what_is_there_and_what_is_missing(finished, monkeypatch):
    monkeypatch.chdir(finished.folder)
    told = said("answer")
    assert told.startswith("ahead: ")
    assert "To read: results/report.html" in told
    assert "| comparison " in said("answer", "ahead")
    assert said("plan").splitlines() == [
        "ahead: no change; nothing to train",
        "back: no change; nothing to train",
    ]
    finished.change("studies", "ahead", "repeats", to=5)
    told = said("plan")
    assert "ahead: 2 → 5 repeats of each; 5 repeats of each variant; 9" in told
    assert "min of one core" in told
    assert "`snakemake ahead` makes it" in said("answer", "ahead")
    monkeypatch.chdir("/")
    elsewhere = "--directory", str(finished.folder)
    assert said(*elsewhere, "plan") == told
    page = finished.folder / "results/back/page.html"
    assert f"To read: {page}" in said(*elsewhere, "answer", "back")
    done = CliRunner().invoke(main, ["answer", "ahed"])
    assert done.exit_code == 1
    assert "'ahed' is no study (did you mean 'ahead'?)" in done.output
    shutil.rmtree(finished.folder / "logs")
    assert "is not known" in said("plan")
    finished.change("studies", "ahead", "repeats", to=2)
    for scores in finished.folder.glob("results/repeats/*/*/*.csv"):
        scores.unlink()
    assert "nothing to train" in said("plan")
    assert "is not known" not in said("plan")


def test_the_notebook_runs_and_says_what_it_shows(tmp_path):
    """The kinds of its outputs; numbers may differ in their last digits elsewhere."""
    project = new_project(tmp_path / "project")
    shutil.copy2(ROOT / "config.yaml", project.folder)
    shutil.copytree(ROOT / "examples", project.folder / "examples")
    project.snakemake("--cores", "2", "forward", "--config", "repeats_per_job=30")
    path = project.folder / "examples/notebook.ipynb"
    committed, notebook = nbformat.read(path, 4), nbformat.read(path, 4)
    client = NotebookClient(notebook, resources={"metadata": {"path": path.parent}})
    client.execute()
    for old, new in zip(committed.cells, notebook.cells, strict=True):
        shown = [
            [{*one.get("data", ())} for one in cell.get("outputs", [])]
            for cell in (old, new)
        ]
        assert shown[0] == shown[1]
    assert any("Keep scratch." in str(cell.get("outputs")) for cell in notebook.cells)


def test_help_imports_click_alone():
    """It is there at once: 0.05 s instead of a second."""
    loaded = {name.partition(".")[0] for name in modules_of("cli.main")}
    assert "click" in loaded
    assert not {"numpy", "yaml", "torch", "pandas"} & loaded
