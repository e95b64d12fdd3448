"""Studies of several sources: what they are resolved into, and their ranking."""

import copy
import io
import json
from typing import NamedTuple

import pandas as pd
import pytest

import thaw
from conftest import SMALL_CONFIG, copy_project
from thaw.api.check import all_wrong
from thaw.config.resolve import examine, resolve
from thaw.errors import ThawError
from thaw.findings.arms import OF_VERDICTS
from thaw.findings.verdicts import BETTER, TOO_FEW, UNCLEAR, WORSE
from thaw.findings.which_source import answer
from thaw.output.inputs import read_table
from thaw.plan.plan import Plan
from thaw.tables.sources_answer import ranking_of

STUDIES = ["which-one", "which-three", "which-four"]
OF_THE_RANKING = {"tables_which", "figures_which", "ranking_which"}
OF_ALL = {"answers", "report"}


def of_sources(sources=("one", "three", "four"), **more):
    """Return a config with a study of several sources."""
    config = copy.deepcopy(SMALL_CONFIG)
    one = config["problems"]["one"]
    for number, name in enumerate(("three", "four"), 3):
        other = one["make_blobs"] | {"random_state": number}
        config["problems"][name] = one | {"make_blobs": other}
    study = {
        "sources": [*sources],
        "target": "two",
        "variants": ["standalone", "fixed-0", "fixed-1"],
        "target_sizes": [10, "all"],
        "repeats": 2,
        "repeats_per_job": 2,
    }
    config["studies"] = {"which": study | more}
    return config


@pytest.fixture(scope="module")
def ranked(once):
    """A project with the ranking of three sources."""
    return once("sources", of_sources())


def plan_of(config):
    return Plan(resolve(config))


def test_each_source_is_a_study_like_any_other():
    config = of_sources(["one", "three"])
    found = resolve(config)
    assert found.rankings == {"which": ["which-one", "which-three"]}
    own = config["studies"].pop("which")
    del own["sources"]
    for source in ("one", "three"):
        config["studies"][f"which-{source}"] = own | {"source": source}
    assert resolve(config)._replace(rankings=found.rankings) == found


def test_other_studies_pair_with_that_of_a_source():
    config = of_sources(["one", "three"])
    own = {k: v for k, v in config["studies"]["which"].items() if k != "sources"}
    pairs = [["fixed-0", "which-three/fixed-0"]]
    config["studies"]["other"] = own | {"source": "four", "pairs": pairs}
    assert plan_of(config).studies["other"].others == ["which-three"]
    config["studies"]["which"]["sources"] = ["one", "wrong"]
    _, mistakes = examine(config)
    # Nothing is said of the pair, which only follows from it.
    (mistake,) = [m for m in mistakes if "is not a problem" in m]
    assert mistake.startswith("studies.which.sources[1]: 'wrong' is not a problem")


def test_a_ranking_is_no_study_to_be_mapped_or_paired():
    config = of_sources(["one", "three"])
    own = {k: v for k, v in config["studies"]["which"].items() if k != "sources"}
    config["studies"]["other"] = own | {
        "source": "four",
        "pairs": [["fixed-0", "which/fixed-0"]],
    }
    config["maps"] = {"both": ["other", "which"]}
    said = (
        "'which' ranks several studies; name one of them. Allowed: which-one, "
        "which-three"
    )
    _, mistakes = examine(config)
    assert sorted(mistakes) == [
        f"maps.both[1]: {said}",
        f"studies.other.pairs[0]: {said}",
    ]


def test_one_baseline_is_trained_for_all_sources():
    plan = plan_of(of_sources())
    arms = [plan.studies[name].arm_keys for name in STUDIES]
    for size in ("@10", ""):
        assert len({tuple(own[f"standalone{size}"]) for own in arms}) == 1
        assert len({tuple(own[f"fixed-0{size}"]) for own in arms}) == 3


def of_files(folder, columns="x,y"):
    """Return a config whose problems are files; one of them has these columns."""
    config = of_sources()
    for number, name in enumerate(("one", "two", "three", "four")):
        file = folder / f"{name}.csv"
        head = columns if name == "three" else "x,y"
        rows = f"{number},2,a\n2,{number},b\n4,3,c\n" * 12
        file.write_text(f"{head},label\n{rows}")
        problem = {"file": str(file), "label": "label", "train_size": 20}
        config["problems"][name] = problem | {"scale": "standard"}
    config["problems"]["two"]["scale"] = {"like": "one"}
    return config


def test_a_target_of_files_is_the_same_for_all_sources(tmp_path):
    plan = plan_of(of_files(tmp_path))
    assert len({plan.studies[name].target.key for name in STUDIES}) == 1


@pytest.mark.parametrize(
    ("problem", "key", "value", "words"),
    [
        ("two", "scale", "standard", "with target sizes it is scaled like the source"),
        ("three", "categorical", ["x"], "its categories are joined"),
        ("two", "columns", "common", "its columns are those of the source"),
    ],
)
def test_a_target_that_depends_on_the_source_is_refused(
    tmp_path, problem, key, value, words
):
    config = of_files(tmp_path)
    config["problems"][problem][key] = value
    _, mistakes = examine(config)
    (mistake,) = [
        m for m in mistakes if m.startswith("studies.which.target: 'two' wou")
    ]
    assert words in mistake


@pytest.mark.parametrize(
    ("columns", "words"),
    [("x,z", "'z' as column 2, and two has 'y'"), ("y,x", "'y' as column 1")],
)
def test_a_source_with_other_columns_is_found_before_anything_learns(
    tmp_path, columns, words
):
    config = of_files(tmp_path, columns)
    assert any(f"problems.three: it has {words}" in m for m in all_wrong(config).data)
    plan = plan_of(config)
    study = plan.studies["which-three"]
    for found in (study.source_models[0], study.arms["standalone"][0]):
        assert {*study.overlap_file} <= plan.checks[found.key]


def test_a_name_of_a_source_that_is_too_long_is_refused():
    config = of_sources()
    config["problems"]["x" * 95] = config["problems"]["four"]
    config["studies"]["which"]["sources"] = ["one", "x" * 95]
    with pytest.raises(
        ThawError, match=r"which\.sources\[1\]: the study of this source"
    ):
        resolve(config)


def test_scores_ask_for_memory_by_the_number_of_source_models():
    asked = []
    for models in (1, 100_000):
        plan = plan_of(of_sources(source_models=models, repeats_per_job="auto"))
        key = plan.studies["which-one"].transferability.key
        assert plan.minutes(key) >= 10
        asked.append(plan.megabytes(key))
    assert 600 <= asked[0] < asked[1]


def test_a_run_ranks_the_sources_and_is_done(ranked):
    results = ranked.folder / "results"
    for name in ("answer.md", "sources.md", "sources.svg", "source-maps.svg"):
        assert (results / "which" / name).stat().st_size
    page = (results / "which/page.html").read_text()
    for study in STUDIES:
        assert f'href="../{study}/page.html"' in page
    report = (results / "report.html").read_text()
    places = [report.index(f'<section id="study-{n}">') for n in ("which", *STUDIES)]
    assert places == sorted(places)
    answers = (results / "answers.md").read_text()
    assert answers.index("# which: 3 sources → two") < answers.index("# which-four")
    assert ranked.stale() == ranked.stale("which") == set()
    assert (
        "sources.csv"
        in json.loads((results / "which/records/tables.json").read_text())["content"]
    )
    with pytest.raises(ThawError, match=r"ranks several sources.*which-one"):
        thaw.open(results / "which")


def test_the_ranking_comes_first_at_the_end_and_stands_for_its_studies(ranked):
    said = (ranked.folder / "output.txt").read_text()
    assert "which: With 10 rows" in " ".join(said.split())
    assert "which-one:" not in said


def test_all_comparisons_of_all_sources_are_one_family(ranked):
    results = ranked.folder / "results"
    table = read_table((results / "which/sources.csv").read_bytes())
    # Three sources, two depths, two sizes.
    assert len(table) == 12
    assert {*table["variant"]} == {"fixed-0", "fixed-1"}
    assert table["level"].tolist() == pytest.approx([1 - OF_VERDICTS / 12] * 12)
    own = read_table((results / "which-one/comparisons.csv").read_bytes())
    key = ["target_size", "variant"]
    both = table[table["source"] == "one"].merge(own, on=key)
    assert len(both) == 4
    assert both["typical_x"].tolist() == both["typical_y"].tolist()


def test_the_best_source_has_the_largest_gain(ranked):
    folder = ranked.folder / "results/which"
    table, best = (
        read_table((folder / f"{name}.csv").read_bytes())
        for name in ("sources", "best-sources")
    )
    for size, own in best.groupby("target_size"):
        assert {*own["source"]} == {"one", "three", "four"}
        assert own["typical"].is_monotonic_decreasing
        most = table[table["target_size"] == size].groupby("source")["typical"].max()
        assert own.set_index("source")["typical"].to_dict() == most.to_dict()
        assert own["chance"].sum() == pytest.approx(1)


def test_a_further_source_trains_only_its_own(ranked, tmp_path):
    project = copy_project(ranked.folder, tmp_path / "project")
    project.change("studies", "which", "sources", to=["one", "three"])
    fewer = project.stale()
    assert fewer == OF_THE_RANKING | OF_ALL
    project.snakemake("--cores", "2")
    assert project.stale() == set()
    text = (project.folder / "results/which/sources.csv").read_bytes()
    assert {*pd.read_csv(io.BytesIO(text))["source"]} == {"one", "three"}
    project.change("studies", "which", "sources", to=["two", "one", "three"])
    found = project.stale()
    assert {job for job in found if "standalone" in job} == set()
    trained = {job for job in found if job.startswith(("train ", "pretrain "))}
    assert {job.split()[1] for job in trained if job.startswith("pre")} == {"two"}
    # Two depths at two sizes.
    assert len([job for job in trained if job.startswith("train ")]) == 4
    assert not {f"gather_{study}" for study in STUDIES} & found


def test_what_is_edited_or_lost_in_a_ranking_is_made_again(ranked, tmp_path):
    project = copy_project(ranked.folder, tmp_path / "project")
    answer = project.folder / "results/which/answer.md"
    answer.write_text("Edited.")
    assert project.stale("which") == OF_THE_RANKING | {"which"}
    project.snakemake("--cores", "2", "which")
    assert project.stale("which") == set()
    assert "Edited" not in answer.read_text()
    said = project.snakemake("--cores", "1", "leftovers").stdout
    assert "which/" not in said


class Tables(NamedTuple):
    """The inputs of a ranking's answer: settings, and tables by name."""

    settings: dict
    tables: dict

    def table(self, name, study=None):
        return self.tables[name]


def answered(gains, may_be_best, verdict=None):
    """Return an answer's sentences by heading, for a gain of ±1 by source and depth."""
    rows = [
        {
            "study": f"which-{source}",
            "source": source,
            "target_size": "20",
            "variant": variant,
            "reference": "standalone",
            "verdict": verdict
            or (BETTER if gain > 1 else WORSE if gain < -1 else UNCLEAR),
            "typical": gain,
            "typical_low": gain - 1,
            "typical_high": gain + 1,
            "row_units": 100,
            **dict.fromkeys(("failed_low", "weak_low"), -1),
            **dict.fromkeys(("failed_high", "weak_high"), 1),
            **dict.fromkeys(("failed_difference", "weak_difference"), 0),
        }
        for source, own in gains.items()
        for variant, gain in zip(("fixed-0", "fixed-1"), own, strict=True)
    ]
    best = [
        {
            "target_size": "20",
            "source": source,
            "chance": (source in may_be_best) / len(may_be_best),
            "may_be_best": "yes" if source in may_be_best else "no",
        }
        for source in gains
    ]
    overlap = {"train_rows_of": "good", "test_rows": 50, "equal": 3, "as_read": 3}
    tables = {
        "sources.csv": pd.DataFrame(rows),
        "best-sources.csv": pd.DataFrame(best),
        "overlap.csv": pd.DataFrame([overlap | {"splits": 1, "rows": "1, 2, 3"}]),
    }
    metric = {"task": "regression", "name": "mean_absolute_error", "unit": "K"}
    settings = {
        "study": "which",
        "source": f"{len(gains)} sources",
        "target": "flash",
        "sources": [[f"which-{source}", source] for source in gains],
        "described": {
            "standalone": {"pretrained": False},
            "fixed-0": {},
            "fixed-1": {"freeze": 1},
        },
        "depths": {"fixed-0": 0, "fixed-1": 1},
        "baseline": "standalone",
        "target_sizes": [20],
        "shown_size": 20,
        "metric": [metric],
        "margin": 2.0,
        "tuned": [],
        "repeats": 2,
        "source_models": 30,
        "has_splits": False,
    }
    parts = answer(ranking_of(Tables(settings, tables)), [])
    return {part.heading: " ".join(part.sentences) for part in parts}


def test_the_answer_names_source_depth_ties_and_what_does_not_help():
    gains = {"good": (8, 9), "other": (8.5, 3), "bad": (-4, -6), "hardly": (0.5, -0.5)}
    said = answered(gains, ["good", "other"])
    assert said["What to do"] == (
        "With 20 rows: use transfer from good and freeze 1 layer (fixed-1). It "
        "typically gains 9.0 K (8.0 to 10.0) on standalone. It cannot be told apart "
        "from other."
    )
    assert said["Which sources do not help"] == (
        "With 20 rows, these are typically worse than standalone at every depth: bad, "
        "at its best depth by 4.0 K (3.0 to 5.0). With 20 rows, these are not found to "
        "gain on standalone, but may: hardly, up to 1.5 K."
    )
    assert said["How likely each is the best"] == (
        "The chance of being the best: with 20 rows, good 50 %, other 50 %."
    )
    assert said["What to beware of"].startswith(
        "Of 50 test rows, some have the same features as train rows of a source: good "
        "3. Those"
    )
    alone = answered(gains, ["good"])["What to do"]
    assert alone.endswith("Every other source is typically worse.")


def test_without_a_verdict_nothing_is_said_of_chances():
    said = answered({"good": (8, 9), "other": (8, 3)}, ["good"], TOO_FEW)
    assert "no recommendation" in said["What to do"]
    assert [*said] == ["What to do", "What to beware of", "What is covered"]


def test_a_source_that_another_one_beats_is_not_recommended():
    """Its gain on the baseline may be larger, as that of two sizes together."""
    said = answered({"beaten": (9, 8), "best": (8.9, 8)}, ["best"])["What to do"]
    assert said.startswith("With 20 rows: use transfer from best and freeze nothing")
    assert said.endswith("Every other source is typically worse.")


def test_without_a_gain_the_answer_is_the_baseline():
    said = answered({"bad": (-4, -6), "worse": (-7, -8)}, ["bad"])
    assert said["What to do"].startswith(
        "With 20 rows: train from scratch (standalone)"
    )
