"""Studies of several sources and target sizes: jobs, tables, rankings and maps."""

import copy
import json
from types import SimpleNamespace

import pandas as pd
import pytest

import thaw
from configs import message_of, put, recipes
from projects import SMALL_CONFIG
from thaw.errors import ThawError
from thaw.findings.arms import OF_VERDICTS
from thaw.findings.verdicts import BETTER, TOO_FEW, UNDECIDED, WORSE
from thaw.output.inputs import read_table
from thaw.tables import sources_answer

SOURCES = ["one", "three", "four"]
STUDIES = [f"which-{source}" for source in SOURCES]
VARIANTS = ["standalone", "fixed-0", "fixed-1"]
SIZES = {"target_sizes": [10, "all"]}
STUDY = {"target": "two", "variants": VARIANTS, "repeats": 2, "repeats_per_job": 2}
WITH_SIZES = STUDY | SIZES
PROBLEM = SMALL_CONFIG["problems"]["one"]
CONFIG = SMALL_CONFIG | {
    "problems": SMALL_CONFIG["problems"]
    | {
        name: PROBLEM | {"make_blobs": PROBLEM["make_blobs"] | {"random_state": state}}
        for name, state in (("three", 3), ("four", 4))
    },
    "studies": {
        "which": WITH_SIZES | {"sources": SOURCES},
        "whole": STUDY | {"source": "one"},
        # Beside a foreign source model, one pretrained on the target itself.
        "self": STUDY | {"source": "two", "pairs": [["whole/fixed-1", "fixed-1"]]},
        "steps": STUDY
        | {"source": "two", "target": "one", "target_sizes": [8, 12]}
        | {"training": {"steps": 5}, "source_models": 2},
    },
    "maps": {"both": ["which-one", "steps"]},
}


def of_files():
    """Return such a config, with the ranking alone, whose problems are files."""
    config = copy.deepcopy(CONFIG)
    problem = {"file": "here.csv", "label": "class", "train_size": 0.5}
    for name in config["problems"]:
        scale = {"like": "one"} if name == "two" else "standard"
        config["problems"][name] = problem | {"scale": scale}
    return config | {"studies": {"which": config["studies"]["which"]}, "maps": {}}


def test_each_source_is_a_study_and_all_have_one_baseline(folder):
    for config, sources in ((CONFIG, 3), (of_files(), 1)):
        arms = [recipes(config, study) for study in STUDIES]
        for size in ("@10", ""):
            assert len({arm[f"standalone{size}"].key for arm in arms}) == 1
            assert len({arm[f"fixed-0{size}"].key for arm in arms}) == sources
    alone = CONFIG | {"studies": {"alone": WITH_SIZES | {"source": "one"}}, "maps": {}}
    assert recipes(alone, "alone") == recipes(CONFIG, "which-one")


RANKS = "'which' is not a study of this config (did you mean 'which-one'?)"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("studies/other/pairs", [["fixed-0", "which-one/fixed-0"]], ""),
        ("studies/other/pairs", [["fixed-0", "which/fixed-0"]], f"[0]: {RANKS}"),
        ("maps/both", ["other", "which"], f"maps.both: {RANKS}"),
        ("problems/two/scale", "standard", ""),
    ],
)
def test_what_a_ranking_refuses(folder, path, value, message):
    config = of_files()
    config["studies"]["other"] = WITH_SIZES | {"source": "four"}
    put(config, path, value)
    output = message_of(config)
    assert message in output if message else not output


TARGETS = [
    *("tables", "results/maps/both/freeze-map.svg", "results/which/page.html"),
    "results/steps/learning-curves.svg",
]


@pytest.fixture(scope="module")
def results(store):
    """The results of all of these studies."""
    return store.finished(CONFIG, *TARGETS).folder / "results"


@pytest.fixture
def project(store, tmp_path):
    """A copy of all, to change."""
    return store.copy(tmp_path / "project", CONFIG, *TARGETS)


def table(results, path):
    return read_table((results / path).read_bytes())


def test_every_variant_is_trained_and_compared_at_every_size(results):
    scores = table(results, "which-one/scores.csv")
    counts = scores.groupby(["target_size", "variant"]).size()
    assert counts.to_dict() == {(n, v): 2 for n in ("10", "all") for v in VARIANTS}
    for name in ("summary", "learning-curves", "best-depths"):
        sizes = table(results, f"which-one/{name}.csv")["target_size"]
        assert {*sizes} == {"10", "all"}
    # Weak and no better are measured against it: the commonest class's share.
    (constant,) = {*table(results, "which-one/summary.csv")["constant"]}
    assert 0 < constant < 1
    # All rows are the same as no sizes.
    of_all = scores[scores["target_size"] == "all"].drop(columns="study")
    whole = table(results, "whole/scores.csv").drop(columns="study")
    pd.testing.assert_frame_equal(of_all.reset_index(drop=True), whole)


def test_a_budget_in_steps_is_the_same_at_every_size(results):
    """An epoch of 8 rows is one step, one of 12 rows are two."""
    curves = table(results, "steps/learning-curves.csv")
    curves = curves[
        (curves["variant"] == "fixed-1") & (curves["metric"] == "test_loss")
    ]
    steps = curves.groupby("target_size")["step"].agg(list)
    assert steps.to_dict() == {"8": [0, 1, 2, 3, 4, 5], "12": [0, 2, 4, 5]}
    svg = (results / "steps/learning-curves.svg").read_text()
    assert "step of gradient descent" in svg


def test_variants_of_two_studies_are_compared(results):
    pair = table(results, "self/comparisons.csv").iloc[-1]
    assert (pair["variant"], pair["reference"]) == ("whole/fixed-1", "fixed-1")
    foreign, itself = (
        scores[scores["variant"] == "fixed-1"]["test_accuracy"].mean()
        for scores in (
            table(results, f"{name}/scores.csv") for name in ("whole", "self")
        )
    )
    assert pair["mean"] == pytest.approx(foreign - itself, abs=1e-6)


def test_sizes_and_rankings_have_their_figures_pages_and_tables(results):
    for name in ("steps/target-sizes", "steps/freeze-map", "maps/both/freeze-map"):
        assert (results / f"{name}.svg").exists()
    for name, of_one_size in (("learning-curves", True), ("target-sizes", False)):
        text = (results / f"steps/{name}.svg").read_text()
        assert (", 12 train rows" in text) == of_one_size
    for name in ("answer.md", "sources.md", "differences.svg", "freeze-map.svg"):
        assert (results / "which" / name).stat().st_size
    lines = (results / "which-one/comparisons.md").read_text().splitlines()
    # They fit a terminal.
    assert max(len(line) for line in lines if line.startswith("|")) <= 80
    drawn = (results / "which/differences.svg").read_text()
    assert "from each source" in drawn and "10 rows" in drawn
    page = (results / "which/page.html").read_text()
    # A row for each source at each size, and a folded table of all depths.
    assert page.count('<th scope="row">') == 3 * 2
    assert all(f'href="../{study}/page.html"' in page for study in STUDIES)
    answers = (results / "answers.md").read_text()
    assert answers.index("# which: 3 sources → two") < answers.index("# which-four")
    with pytest.raises(ThawError, match=r"but ranks sources; .*which-one"):
        thaw.open(results / "which")


def test_all_comparisons_are_one_family_and_the_best_source_gains_most(results):
    sources = table(results, "which/sources.csv")
    # Three sources, two depths, two sizes.
    assert sources["level"].tolist() == pytest.approx([1 - OF_VERDICTS / 12] * 12)
    alone = table(results, "which-one/comparisons.csv")
    assert alone["level"].tolist() == pytest.approx([1 - OF_VERDICTS / 4] * 4)
    of_one = sources[sources["source"] == "one"]
    both = of_one.merge(alone, on=["target_size", "variant"])
    assert both["typical_x"].tolist() == both["typical_y"].tolist()
    for size, best in table(results, "which/best-sources.csv").groupby("target_size"):
        assert best["typical"].is_monotonic_decreasing
        at_size = sources[sources["target_size"] == size]
        most = at_size.groupby("source")["typical"].max()
        assert best.set_index("source")["typical"].to_dict() == most.to_dict()


def test_exactly_what_depends_on_a_size_or_another_study_reruns(project):
    assert project.stale(*TARGETS) == set()
    project.change("studies", "steps", "target_sizes", to=[8, 10, 12])
    assert {job for job in project.stale("tables") if "train" in job} == {
        f"train one {variant}@10 models-{models}-repeats-00-01"
        for variant in VARIANTS
        for models in ("00-00", "01-01")
    }
    project.config = CONFIG
    project.change("studies", "whole", "repeats", to=1)
    stale = project.stale("tables")
    assert "tables_self" in stale and "tables_which-one" not in stale
    project.config = CONFIG | {"margin": 0.2}
    assert {"tables_steps", "figures_steps", "map_both"} <= project.stale(*TARGETS)


def test_a_further_source_trains_only_what_is_new(project):
    project.change("studies", "which", "sources", to=["one", "three"])
    stale = project.stale(*TARGETS)
    assert stale >= {"tables_which", "figures_which", "page_which"}
    assert not [job for job in stale if "train" in job or "gather" in job]
    project.make("results/which/sources.csv")
    sources = table(project.folder / "results", "which/sources.csv")["source"]
    assert {*sources} == {"one", "three"}
    project.change("studies", "which", "sources", to=["two", "one", "three"])
    stale = project.stale("tables")
    # Two depths at a further size, and no baseline; all rows are those of `self`.
    assert {job for job in stale if "train" in job} == {
        f"train two {arm}@10 models-00-00-repeats-00-01" for arm in VARIANTS[1:]
    }
    assert not {f"gather_{study}" for study in STUDIES} & stale


@pytest.mark.slow
def test_a_ranking_stands_for_its_studies_at_the_end(project):
    (project.folder / "results/which/answer.md").write_text("Edited.")
    output = project.snakemake("--cores", "2", "tables").stdout
    assert "which: With 10 rows" in " ".join(output.split())
    assert "which-one:" not in output


def answered(results, gains, may_be_best, verdict=None):
    """Return the answer to other gains of each depth, each ± 1."""
    record = json.loads((results / "which/records/tables.json").read_text())
    settings = record["recipe"]["settings"] | {"target_sizes": [10], "shown_size": 10}
    del settings["outputs"]

    def changed_table(name, study="which"):
        frame = table(results, f"{study}/{name}")
        if name == "sources.csv":
            for place, row in frame.iterrows():
                gain = gains[row["source"]][VARIANTS.index(row["variant"]) - 1]
                kind = BETTER if gain > 1 else WORSE if gain < -1 else UNDECIDED
                columns = ["verdict", "typical", "typical_low", "typical_high"]
                values = verdict or kind, gain, gain - 1, gain + 1
                frame.loc[place, columns] = values
        elif name == "best-sources.csv":
            best = frame["source"].isin(may_be_best)
            frame["may_be_best"] = best.map({True: "yes", False: "no"})
            frame["beaten_by"] = best.map({True: "", False: " ".join(may_be_best)})
            depth = {source: gain.index(max(gain)) for source, gain in gains.items()}
            frame["variant"] = [VARIANTS[1 + depth[name]] for name in frame["source"]]
        elif name == "overlap.csv":
            frame.loc[frame["train_rows_of"] == "one", "equal"] = 3
        return frame

    inputs = SimpleNamespace(settings=settings, table=changed_table)
    return " ".join(sources_answer.make(inputs)["answer.md"].decode().split())


def test_the_answer_names_source_depth_ties_and_what_does_not_help(results):
    tied = {"one": (8, 9), "three": (8.5, 3), "four": (-4, -6)}
    words = answered(results, tied, ["one", "three"])
    for sentence in (
        "With 10 rows: use transfer and freeze 1 layer (fixed-1 from one). It",
        "typically gains 9.000 (8.000 to 10.000) on standalone. Of those better than",
        "standalone, it cannot be told apart from fixed-0 from three.",
        "even the best depth of these is worse than standalone: four by 4.000 (3",
        "have the same features as train rows of a source: one 3.",
    ):
        assert sentence in words
    assert "no recommendation" in answered(results, tied, ["one"], TOO_FEW)


def test_the_answer_is_the_best_source_or_the_baseline(results):
    """The gain of the best source on the baseline need not be the largest."""
    tied = {"one": (9, 8), "three": (8.9, 8), "four": (0.5, -0.5)}
    words = answered(results, tied, ["three"])
    assert "use transfer and fine-tune all layers (fixed-0 from three)." in words
    assert "told apart" not in words
    assert "worse than standalone" not in words
    worse = {"one": (-4, -6), "three": (-7, -8), "four": (-9, -9)}
    words = answered(results, worse, ["one"])
    assert "With 10 rows: train from scratch (standalone)" in words
