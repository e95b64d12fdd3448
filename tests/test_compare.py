"""The statistics of a study for scores that anyone made."""

import re
import shlex
import shutil

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import thaw
from conftest import ROOT
from samples import normal
from thaw.api.compare import Rules
from thaw.api.diff import difference
from thaw.cli.main import main
from thaw.errors import ThawError
from thaw.findings.samples import Sample
from thaw.output.inputs import read_table
from thaw.stages import make as stage
from thaw.tables.comparisons import comparisons

MARGIN = 0.02
CONSTANT = 0.4
VARIANTS = ("scratch", "frozen", "tuned")


def samples(models: int) -> dict[str, Sample]:
    """Return what two variants reach from so many source models, and from none."""
    rng = np.random.default_rng(0)
    count = 24
    addresses = np.column_stack(
        [np.repeat(np.arange(models), count // models), np.arange(count)]
    )
    own = [Sample(rng.normal(0.8, 0.03, count))]
    for mean, seed in ((0.86, 1), (0.79, 2)):
        own.append(normal(models, count // models, 0.04, 0.02, mean, seed))
    failed = np.arange(count) == 5
    return {
        name: sample._replace(
            values=np.where(failed, CONSTANT, sample.values.clip(0, 1)),
            failed=failed,
            constant=CONSTANT,
            addresses=addresses,
        )
        for name, sample in zip(VARIANTS, own, strict=True)
    }


def table(found: dict[str, Sample]) -> pd.DataFrame:
    """Return samples as people have them: a row a score."""
    parts = []
    for name, sample in found.items():
        models = sample.source_models
        numbers = np.arange(len(sample.values))
        parts.append(
            pd.DataFrame(
                {
                    "variant": name,
                    "repeat": [f"seed-{number}" for number in numbers],
                    "source_model": "" if models is None else models,
                    "score": np.where(sample.sound, sample.values, np.nan),
                }
            )
        )
    # In no order, that of their repeats least of all.
    return pd.concat(parts).sample(frac=1, random_state=0)


def small(variants=("a", "b"), count=8, **columns) -> pd.DataFrame:
    """Return scores of some variants, each with a mean of its own."""
    rng = np.random.default_rng(1)
    rows = [
        {"variant": name, "repeat": number, "score": rng.normal(place, 0.1)}
        for place, name in enumerate(variants)
        for number in range(count)
    ]
    return pd.DataFrame(rows).assign(**columns)


def compared(tmp_path, frame: pd.DataFrame, **rules) -> "thaw.Results":
    rules = {
        "higher": True,
        "margin": MARGIN,
        "baseline": frame["variant"].iloc[0],
    } | rules
    return thaw.compare(frame, tmp_path / "scores", **rules)


def said(results) -> str:
    """Return an answer in one line."""
    return " ".join((results.folder / "answer.md").read_text("utf-8").split())


def columns_of(results) -> pd.DataFrame:
    return read_table((results.folder / "comparisons.csv").read_bytes())


@pytest.mark.parametrize("models, paired", [(8, False), (1, True)])
def test_comparisons_are_those_of_a_study_with_these_scores(tmp_path, models, paired):
    found = samples(models)
    frame = table(found)
    pairs = [(v, "scratch") for v in frame["variant"].unique() if v != "scratch"]
    own = comparisons({"all": found}, pairs, "scratch", MARGIN)
    rules = {"bounds": (0, 1), "constant": CONSTANT, "paired": paired}
    results = compared(tmp_path, frame, baseline="scratch", **rules)
    expected = own.assign(given=own["given"].replace("", np.nan))
    expected["matched_by"] = own["matched_by"].replace("", np.nan)
    pd.testing.assert_frame_equal(
        columns_of(results), expected, check_dtype=False, rtol=1e-9
    )
    assert own["matched_by"].eq("repeat").all() == paired
    assert own["weak"].notna().all() and own["failed"].gt(0).all()


def test_only_pairs_are_compared_repeat_by_repeat(tmp_path):
    frame = small()
    apart = compared(tmp_path / "apart", frame)
    pairs = compared(tmp_path / "pairs", frame, paired=True)
    assert columns_of(apart)["matched_by"].isna().all()
    assert columns_of(pairs)["matched_by"].eq("repeat").all()
    assert "Not matched with a, but treated as independent of it: b." in said(apart)
    assert "Matched with a, repeat by repeat: b." in said(pairs)


def test_source_models_of_one_name_are_matched(tmp_path):
    frame = small(("a", "b", "c"))
    frame["source_model"] = frame["repeat"].map("model-{}".format)
    frame.loc[frame["variant"] == "c", "source_model"] = ""
    results = compared(tmp_path, frame)
    assert "source model by source model: b." in said(results)
    assert "Not matched with a, but treated as independent of it: c." in said(results)


def test_what_is_missing_is_said(tmp_path):
    results = compared(tmp_path, small())
    words = said(results)
    assert "score is not given" in words and "Means have no interval" in words
    assert "They do not cover what all repeats shared, such as test rows" in words
    assert "transfer" not in words and "scratch" not in words
    made = {path.name for path in results.folder.iterdir()}
    assert {"summary.csv", "recommendation.csv", "boxplot.svg", "page.html"} <= made
    assert not {"best-depths.csv", "overlap.csv", "source-spread.svg"} & made
    page = (results.folder / "page.html").read_text("utf-8")
    assert "did not make them" in page and "snakemake" not in page


def test_lower_scores_may_be_better(tmp_path):
    # b's scores are higher by 1.
    results = compared(tmp_path, small(), higher=False)
    assert columns_of(results)["verdict"].tolist() == ["typically worse"]
    assert "Keep a." in said(results)


def test_units_do_not_matter(tmp_path):
    frame = small(("a", "b", "c"))
    metres = compared(tmp_path / "m", frame, higher=False, margin=0.1)
    frame["score"] *= 1e9
    nanometres = compared(tmp_path / "nm", frame, higher=False, margin=0.1e9)
    verdicts = [columns_of(one)["verdict"].str[:10] for one in (metres, nanometres)]
    pd.testing.assert_series_equal(*verdicts)
    ends = (
        columns_of(metres)["typical_low"] * 1e9,
        columns_of(nanometres)["typical_low"],
    )
    np.testing.assert_allclose(*ends, rtol=1e-6)


def test_target_sizes_stand_side_by_side(tmp_path):
    frame = pd.concat([small(target_size=size) for size in (100, "all", 20)])
    frame["source_model"] = np.where(frame["variant"] == "b", frame["repeat"], None)
    results = compared(tmp_path, frame)
    assert columns_of(results)["target_size"].tolist() == ["20", "100", "all"]
    assert "Up to the largest size, all rows" in said(results)
    made = {path.name for path in results.folder.iterdir()}
    assert {"target-sizes.svg", "source-spread.svg"} <= made


def test_an_empty_score_is_a_network_that_failed(tmp_path):
    frame = small()
    frame.loc[9:, "score"] = np.nan
    results = compared(tmp_path, frame, constant=0)
    assert columns_of(results)["failed"].tolist() == [7 / 8]
    assert "Networks failed (88 % of b's): their scores are empty" in said(results)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    folder = tmp_path / "scores"
    results = compared(tmp_path, pd.concat([small(target_size=n) for n in (20, 30)]))
    assert (folder / "target-sizes.svg").exists()
    (folder / "notes.txt").write_text("mine")
    compared(tmp_path, small())
    assert (folder / "notes.txt").read_text() == "mine"
    assert not (folder / "target-sizes.svg").exists()
    shutil.rmtree(results.folder / "records")
    with pytest.raises(ThawError, match="holds something else"):
        compared(tmp_path, small())


def test_scores_need_no_folder():
    results = thaw.compare(small(), higher=True, margin=MARGIN)
    assert (results.folder / "page.html").exists()
    shutil.rmtree(results.folder.parent)


def changed(row: int, **values) -> pd.DataFrame:
    """Return scores with other values in a row, counted from 1."""
    frame = small().astype(object)
    for name, value in values.items():
        frame.loc[row - 1, name] = value
    return frame


MISTAKES = {
    "no column": (small().drop(columns="score"), {}, "there is no column 'score'"),
    "text": (
        changed(3, score="good"),
        {},
        "score: 1 of 16 not finite numbers, first 'good' in row 3",
    ),
    "infinite": (
        changed(3, score=np.inf),
        {},
        "score: 1 of 16 not finite numbers, first 'inf' in row 3",
    ),
    "failed": (
        changed(3, score=""),
        {},
        "column score: 1 of 16 empty, so .*, first in row 3; means .*constant",
    ),
    "nan": (changed(3, score=np.nan), {}, "column score: 1 of 16 empty"),
    "beyond": (
        changed(3, score=7),
        {"bounds": (-9, 5)},
        "1 of 16 beyond the bounds, -9 and 5, first 7.0 in row 3",
    ),
    "name": (
        changed(3, variant="a/b"),
        {},
        "variant: 1 of 16 no names, first 'a/b' in row",
    ),
    "nameless": (changed(3, repeat=""), {}, "column repeat: 1 of 16 empty, first"),
    "twice": (
        changed(3, repeat=0),
        {},
        "column repeat: 1 of 16 there before with the same .*, first '0' in row 3",
    ),
    "size": (
        small(target_size=[20] * 2 + [1.5] + [20] * 13),
        {},
        "column target_size: 1 of 16 no numbers of rows, first '1.5' in row 3",
    ),
    "uneven": (small()[1:], {}, "a has 7 scores, and b has 8; give all as many"),
    "alone": (small(("a",)), {}, "column variant names a; it takes two variants"),
    "nothing": (small()[:0], {"baseline": None}, "column variant names nothing"),
    "some models": (
        changed(1, source_model="m").fillna(""),
        {},
        "column source_model: 7 of 16 empty, and other rows of a have one, first",
    ),
    "uneven models": (
        small().assign(source_model=[*"mmnnnnnn", *"mmmmnnnn"]),
        {},
        "a, source model 'm', has 2 scores, and a, source model 'n', has 6",
    ),
    "unpaired": (
        changed(3, repeat="x"),
        {"paired": True},
        "column repeat: 2 of 16 not there for each of a, b, first 'x' in row 3",
    ),
    "nothing to pair": (
        small().assign(source_model=[*range(8)] * 2),
        {"paired": True},
        "paired: no variant can be paired with a",
    ),
    "baseline": (
        small(),
        {"baseline": "c"},
        "baseline: 'c' is no variant. Allowed: a, b",
    ),
    "margin": (small(), {"margin": 0}, "margin: 0 is not above 0"),
    "bounds": (small(), {"bounds": (1, 0)}, "bounds: 1 is not below 0"),
    "constant": (small(), {"constant": np.nan}, "constant: nan is not finite"),
    "out": (small(), {"constant": 9, "bounds": (-9, 5)}, "constant: 9 is beyond the"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named_with_its_place(tmp_path, name):
    frame, rules, message = MISTAKES[name]
    with pytest.raises(ThawError, match=message):
        thaw.compare(
            frame, tmp_path / "scores", **{"higher": True, "margin": 1} | rules
        )
    assert not [*tmp_path.iterdir()]


def test_all_mistakes_are_told_at_once(tmp_path):
    frame = small(target_size=0).astype(object)
    frame.loc[[2, 7], "score"] = "good"
    frame.loc[4, "variant"] = "a/b"
    with pytest.raises(ThawError) as caught:
        thaw.compare(frame, tmp_path, higher=True, margin=0, bounds=(1, 0))
    starts = [line.partition(", first")[0] for line in caught.value.args]
    assert starts == [
        "margin: 0 is not above 0",
        "bounds: 1 is not below 0, or one is not finite",
        "the frame: column variant: 1 of 16 no names",
        "the frame: column score: 2 of 16 not finite numbers",
        "the frame: column target_size: 16 of 16 no numbers of rows",
    ]
    frame = changed(3, score="", repeat="x")
    rules = {"margin": 1, "bounds": (-9, 1), "paired": True}
    with pytest.raises(ThawError) as caught:
        thaw.compare(frame, tmp_path, higher=True, **rules)
    assert len(caught.value.args) == 3


def test_a_column_that_stands_twice_is_refused(tmp_path):
    path = tmp_path / "scores.csv"
    path.write_text("variant,repeat,score,score\na,1,1,2\nb,1,1,2\n")
    with pytest.raises(ThawError, match="the column score stands twice"):
        thaw.compare(path, tmp_path / "made", higher=True, margin=1)


def test_names_of_repeats_and_source_models_are_no_formulas(tmp_path):
    frame = small()
    frame["repeat"] = frame["repeat"].map("=1+{}".format)
    frame["source_model"] = frame["repeat"].map("@{}".format)
    results = compared(tmp_path, frame)
    written = pd.read_csv(results.folder / "scores.csv")
    assert written["repeat"].str.startswith("'=1+").all()
    assert written["source_model"].str.startswith("'@=1+").all()


def test_the_command_on_the_page_has_the_rules_to_the_last_digit(tmp_path):
    rules = Rules(higher=True, margin=0.123456789, bounds=(-1e-9, 1234567.5))
    command = rules.command("scores.csv", tmp_path)
    assert "--margin 0.123456789 --bounds -1e-09 1234567.5 " in command


def test_a_comparison_that_is_stopped_leaves_the_earlier_one(tmp_path, monkeypatch):
    folder = compared(tmp_path, small()).folder
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}

    def stopped(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "main", stopped)
    with pytest.raises(KeyboardInterrupt):
        compared(tmp_path, small(("c", "d")))
    assert before == {path: path.read_bytes() for path in folder.rglob("*.*")}
    assert [*tmp_path.iterdir()] == [folder]


@pytest.mark.parametrize("which", [[], ["--higher", "--lower"]])
def test_which_scores_are_better_is_said_once(tmp_path, which):
    small().to_csv(tmp_path / "scores.csv", index=False)
    asked = ["compare", str(tmp_path / "scores.csv"), "--margin", "1", *which]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2 and "--higher or --lower" in done.output


def test_any_file_makes_the_name_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small().to_csv("my scores.v2.csv", index=False)
    asked = ["compare", "my scores.v2.csv", "--higher", "--margin", "1"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "results/compared/my-scores-v2/page.html").exists()


def test_the_page_on_comparing_can_be_followed(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples/compare", tmp_path / "examples/compare")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs/compare.md").read_text("utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text.replace("\\\n", " "), re.DOTALL)
    for command in "".join(blocks).splitlines():
        program, *arguments = shlex.split(command)
        assert program == "thaw"
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, done.output
    for block in re.findall(r"```text\n(.*?)```", text, re.DOTALL):
        made = "".join(p.read_text("utf-8") for p in tmp_path.rglob("answer.md"))
        assert block in made
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, {})


def test_it_opens_as_a_study_does_and_tells_that_only_scores_are_known(tmp_path):
    scores = pd.DataFrame(
        {"variant": [*"a" * 10, *"b" * 10], "repeat": [*range(10)] * 2}
    ).assign(score=range(20))
    results = thaw.compare(scores, tmp_path / "mine", higher=True, margin=1)
    assert [*results.comparisons["variant"]] == ["b"]
    assert results.figure("boxplot").axes
    for name in ("histories", "predictions"):
        with pytest.raises(ThawError, match="made from scores"):
            getattr(results, name)
    page = (tmp_path / "mine/page.html").read_text()
    assert "for new ones" not in page
    (said, *_) = difference(results, results)
    assert said == "mine: same settings, code and versions."
