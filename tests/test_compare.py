"""The statistics of a study for scores that anyone made."""

import itertools
import shutil

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import pages
import thaw
from thaw.api.diff import difference
from thaw.cli.main import main
from thaw.errors import ThawError


def small(variants=("a", "b"), count=8, **columns) -> pd.DataFrame:
    """Return scores of some variants, each higher by 1 than the one before."""
    rows = itertools.product(variants, range(count))
    frame = pd.DataFrame(rows, columns=["variant", "repeat"])
    places = frame["variant"].map(variants.index)
    scores = np.random.default_rng(1).normal(places, 0.1)
    return frame.assign(score=scores, **columns)


def compared(folder, frame, **rules) -> "thaw.Results":
    rules = {"higher": True, "margin": 0.01, "baseline": "a"} | rules
    return thaw.compare(frame, folder, **rules)


def test_comparisons_are_those_of_a_study_with_these_scores(store, tmp_path):
    """Of networks in no order, some of which failed; the study's test rows count."""
    project = store.finished(pages.CONFIG, write=pages.write)
    study = thaw.open(project.folder / "results/sizes")
    names = ["variant", "target_size", "source_model", "repeat"]
    frame = study.scores[names].assign(score=study.scores["test_accuracy"])
    frame.loc[study.scores["failed"] == 1, "score"] = np.nan
    frame = frame.sample(frac=1, random_state=0)
    rules = {"baseline": "standalone", "bounds": (0, 1), "paired": True}
    rules["constant"] = study.summary["constant"].iloc[0]
    results = compared(tmp_path / "scores", frame, **rules)
    columns = ["target_size", "variant", "reference", "given", "matched_by", "level"]
    columns += ["typical", "these_rows_low", "these_rows_high", "better", "verdict"]
    columns += ["mean", "failed", "failed_low", "failed_high", "weak", "reference_weak"]
    rows, expected = (
        source.comparisons.sort_values(columns[:2], ignore_index=True)[columns]
        for source in (results, study)
    )
    pd.testing.assert_frame_equal(rows, expected, rtol=1e-9)
    assert {*rows["matched_by"]} == {"repeat"} and rows["failed"].max() > 0.5
    assert "Matched with standalone, repeat by" in results.answer


def test_it_opens_as_a_study_does_and_says_that_only_scores_are_known(tmp_path):
    plain = compared(tmp_path / "my-scores-v2", small())
    assert [*plain.comparisons["variant"]] == ["b"]
    assert [*plain.comparisons["verdict"]] == ["typically better"]
    for name in ("histories", "predictions"):
        with pytest.raises(ThawError, match="made from scores"):
            getattr(plain, name)
    with pytest.raises(ThawError, match="my-scores-v2 was made from scores"):
        plain.predictor("a")
    done = CliRunner().invoke(main, ["verify", str(plain.folder)])
    assert "my-scores-v2: skipped, made from scores" in done.output
    words = " ".join(plain.answer.split())
    assert "Intervals do not cover what all repeats shared, such as te" in words
    assert "Not matched with a, but treated as independent of it: b." in words
    assert "transfer" not in words and "scratch" not in words
    names = {path.name for path in plain.folder.iterdir()}
    assert {"summary.csv", "recommendation.csv", "boxplot.svg", "page.html"} <= names
    assert not {"overlap.csv", "source-spread.svg", "learning-curves.csv"} & names
    page = (plain.folder / "page.html").read_text("utf-8")
    assert "did not make them" in page
    assert "snakemake" not in page and "for new ones" not in page


def test_target_sizes_source_models_and_failures(tmp_path):
    parts = [small(("a", "b", "c"), target_size=size) for size in (100, "all", 20)]
    frame = pd.concat(parts, ignore_index=True)
    # No formulas in a spreadsheet.
    frame["repeat"] = frame["repeat"].map("=1+{}".format)
    frame["source_model"] = ("@" + frame["repeat"]).where(frame["variant"] != "c", "")
    folder = tmp_path / "scores"
    results = compared(folder, frame)
    rows = results.comparisons.set_index("variant").loc["b"]
    assert rows["target_size"].tolist() == ["20", "100", "all"]
    words = " ".join(results.answer.split())
    assert "Matched with a, source model by source model: b." in words
    assert "Not matched with a, but treated as independent of it: c." in words
    sizes, spread = folder / "target-sizes.svg", folder / "source-spread.svg"
    assert sizes.exists() and spread.exists()
    written = pd.read_csv(folder / "scores.csv", keep_default_na=False)
    assert written["repeat"].str.startswith("'=1+").all()
    # Another one takes its place, and leaves what is not its own.
    (folder / "notes.txt").write_text("mine")
    frame = small()
    frame.loc[9:, "score"] = np.nan
    results = compared(folder, frame, constant=0)
    assert results.comparisons["failed"].tolist() == [7 / 8]
    assert "Networks failed (88 % of b's)" in results.answer
    table = (results.folder / "comparisons.md").read_text()
    assert "failed 88 % (0 %)" in " ".join(table.split())
    assert (folder / "notes.txt").read_text() == "mine"
    assert not sizes.exists()
    shutil.rmtree(folder / "records")
    with pytest.raises(ThawError, match="holds something else"):
        compared(folder, small())


def test_lower_scores_may_be_better_and_units_do_not_matter(tmp_path):
    frame = small(("a", "b", "c"), 20)
    metres = thaw.compare(frame, higher=False, margin=0.1)
    assert (metres.folder / "page.html").exists()
    assert metres.comparisons["verdict"].tolist() == ["typically worse"] * 2
    assert "Keep a." in metres.answer
    frame["score"] *= 1e9
    nanometres = compared(tmp_path / "nm", frame, higher=False, margin=0.1e9)
    first, second = metres.comparisons, nanometres.comparisons
    assert first["verdict"].tolist() == second["verdict"].tolist()
    for end in ("typical_low", "typical_high"):
        np.testing.assert_allclose(first[end] * 1e9, second[end], rtol=1e-6)
    # But a diff, which tells what moved by more than chance, knows no units.
    assert any(" yes |" in line for line in difference(metres, nanometres))
    shutil.rmtree(metres.folder.parent)


def changed(row: int, **values) -> pd.DataFrame:
    """Return scores with other values in a row, counted from 1."""
    frame = small().astype(object)
    frame.loc[row - 1, [*values]] = [*values.values()]
    return frame


MISTAKES = [
    (small().drop(columns="score"), {}, "missing columns: score. Its columns"),
    (changed(3, score="good"), {}, "of 16 not numbers within ±1e.30, first 'good' in"),
    (changed(3, score=-1e308), {}, "of 16 not numbers within ±1e.30, first '-1e.308' "),
    (changed(3, score=""), {}, "1 of 16 empty, so .* in row 3; means .*constant"),
    (changed(3, score=7), {"bounds": (-9, 5)}, "1 of 16 beyond the bounds, -9 and 5"),
    (changed(3, variant="?"), {}, "variant: 1 of 16 no names, first '.' in row 3"),
    (changed(3, variant="a!"), {}, "variant: a, a! would all be called a; rename one"),
    (changed(3, repeat=0), {}, "repeat: 1 of 16 there before with the same .* row 3"),
    (small(target_size=1.5), {}, "target_size: 16 of 16 no numbers of rows"),
    (small()[1:], {}, "a all has 7 scores, and b all has 8; give all as "),
    (small(("a",)), {}, "column variant names a; it takes two variants"),
    (small()[:0], {"baseline": None}, "column variant names nothing"),
    (
        changed(1, source_model="m").fillna(""),
        {},
        "the variant have one, first",
    ),
    (small(source_model=[*"mnnnnnnn"] * 2), {}, "all m has 1 score.* all n has 7"),
    (small(), {"baseline": "c"}, "baseline: 'c' is no variant. Allowed: a, b"),
    (small(), {"margin": 0}, "margin: 0 is not a number above 0, up to 1e.30"),
    (small(), {"constant": 9, "bounds": (-9, 5)}, "constant: 9 is not between -9 and"),
]


@pytest.mark.parametrize(("frame", "rules", "message"), MISTAKES)
def test_a_mistake_is_named_with_its_place(tmp_path, frame, rules, message):
    with pytest.raises(ThawError, match=message):
        compared(tmp_path / "scores", frame, **rules)
    assert not [*tmp_path.iterdir()]


def test_all_mistakes_are_named_at_once(tmp_path):
    frame = changed(3, score="good").assign(target_size=0)
    with pytest.raises(ThawError) as caught:
        compared(tmp_path, frame, margin=0, bounds=(1, 0), constant=np.nan)
    words = ["margin", "bounds: 1 is not below 0", "score: 1 of", "target_size"]
    for word, line in zip(words, caught.value.args, strict=True):
        assert word in line


def test_the_command_makes_the_same(tmp_path, monkeypatch):
    plain = compared(tmp_path / "plain/my-scores-v2", small())
    monkeypatch.chdir(tmp_path)
    small().to_csv("my scores.v2.csv", index=False)
    words = ["compare", "my scores.v2.csv", "--margin", "0.01"]
    for options, status in (([], 2), (["--higher", "--lower"], 2), (["--higher"], 0)):
        done = CliRunner().invoke(main, [*words, *options])
        assert done.exit_code == status, done.output
        assert ("--higher or --lower" in done.output) == (status == 2)
    folder = tmp_path / "results/compared/my-scores-v2"
    for path in plain.folder.glob("*.csv"):
        assert (folder / path.name).read_bytes() == path.read_bytes()
    # The page repeats its command.
    assert "margin=0.01" in plain.description["command"]


def test_variants_have_the_names_that_people_write(tmp_path):
    table = small(("Random forest", "ridge (a = 1)"))
    results = compared(tmp_path / "scores", table, baseline="Random forest")
    assert [*results.summary["variant"]] == ["Random-forest", "ridge-a-1"]
