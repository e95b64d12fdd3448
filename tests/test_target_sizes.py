"""A study with several target sizes, from the config to its maps."""

import copy
import csv
import io
import json

import numpy as np
import pytest

from conftest import SMALL_CONFIG, Project, new_project

MADE = [
    *("sizes", "back", "results/maps/both/freeze-map.png"),
    *("results/whole/scores.csv", "results/self/comparisons.csv"),
]
LADDER = ["standalone", "fixed-0", "fixed-1", "fixed-2"]


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Project:
    """A project with a swept ladder, the same study at all rows only, and a map."""
    config = copy.deepcopy(SMALL_CONFIG)
    del config["variants"], config["repeats_per_job"]
    study = {
        "source": "one",
        "target": "two",
        "variants": "ladder",
        "repeats": 2,
        "source_models": 4,
    }
    config["studies"] = {
        "sizes": study | {"target_sizes": ["all", 8]},
        "whole": study,
        "self": study | {"source": "two", "pairs": [["whole/fixed-1", "fixed-1"]]},
        "back": study
        | {"source": "two", "target": "one", "target_sizes": [8, 12]}
        | {"training": {"steps": 5}},
    }
    config["maps"] = {"both": ["sizes", "back"]}
    project = new_project(tmp_path_factory.mktemp("swept") / "project", config)
    done = project.snakemake("--cores", "2", *MADE)
    (project.folder / "output.txt").write_text(done.stdout)
    return project


def rows(project: Project, path: str) -> list[dict[str, str]]:
    text = (project.folder / "results" / path).read_text()
    return list(csv.DictReader(io.StringIO(text)))


def test_a_budget_in_steps_is_the_same_at_every_size(swept):
    """An epoch of 8 rows is one step, one of 12 rows are two."""
    steps = {"8": [0, 1, 2, 3, 4, 5], "12": [0, 2, 4, 5]}
    for size, expected in steps.items():
        found = [
            int(row["step"])
            for row in rows(swept, "back/learning-curves.csv")
            if (row["target_size"], row["variant"]) == (size, "fixed-1")
            and row["metric"] == "test_loss"
        ]
        assert found == expected
    svg = (swept.folder / "results/back/learning-curves.svg").read_text()
    assert "step of gradient descent" in svg
    svg = (swept.folder / "results/sizes/learning-curves.svg").read_text()
    assert "epoch (0 = before training)" in svg


def test_every_variant_is_trained_and_compared_at_every_size(swept):
    scores = rows(swept, "sizes/scores.csv")
    assert {(row["target_size"], row["variant"]) for row in scores} == {
        (size, variant) for size in ("8", "all") for variant in LADDER
    }
    assert len(scores) == 8 * 2 * len(LADDER)
    for table in ("summary", "learning-curves", "best-depths"):
        sizes = {row["target_size"] for row in rows(swept, f"sizes/{table}.csv")}
        assert sizes == {"8", "all"}
    # Weak and no better are measured against it: the commonest class's share.
    constants = {float(row["constant"]) for row in rows(swept, "sizes/summary.csv")}
    assert len(constants) == 1 and 0 < constants.pop() < 1
    comparisons = rows(swept, "sizes/comparisons.csv")
    assert len(comparisons) == 6
    # Bonferroni over all six, three a size.
    assert {row["level"] for row in comparisons} == {f"{1 - 0.03 / 6:.10g}"}


def test_all_rows_are_the_same_as_no_sizes(swept):
    def scores(study):
        return [
            list(row.values())[1:]
            for row in rows(swept, f"{study}/scores.csv")
            if row["target_size"] == "all"
        ]

    assert scores("sizes") == scores("whole")
    # One from source models of `one`, one from those of `two`; `whole` has no own.
    assert len(list(swept.folder.glob("results/repeats/two/fixed-0-*"))) == 2
    assert len(list(swept.folder.glob("results/repeats/two/fixed-0@8-*"))) == 1


def test_variants_of_two_studies_are_compared(swept):
    """A foreign source model beside one pretrained on the target itself."""
    row = rows(swept, "self/comparisons.csv")[-1]
    assert (row["variant"], row["reference"]) == ("whole/fixed-1", "fixed-1")
    assert row["units"] == "4"
    values = {
        study: np.array(
            [
                float(score["test_accuracy"])
                for score in rows(swept, f"{study}/scores.csv")
                if score["variant"] == "fixed-1"
            ]
        )
        for study in ("whole", "self")
    }
    difference = values["whole"].mean() - values["self"].mean()
    assert float(row["mean"]) == pytest.approx(difference, abs=1e-6)
    # The other study's newly trained networks are compared anew.
    swept.change("studies", "whole", "repeats", to=1)
    stale = swept.stale()
    assert {"tables_self", "tables_whole"} <= stale
    assert not {"tables_sizes", "tables_back"} & stale
    swept.change("studies", "whole", "repeats", to=2)


def test_sizes_have_their_figures_and_maps_theirs(swept):
    for name in ("sizes/target-sizes", "sizes/freeze-map", "maps/both/freeze-map"):
        for suffix in ("svg", "pdf", "png"):
            assert (swept.folder / f"results/{name}.{suffix}").exists()
    assert not (swept.folder / "results/whole/freeze-map.png").exists()
    svg = (swept.folder / "results/back/boxplot.svg").read_text()
    described = json.loads((swept.folder / "results/back/study.json").read_text())
    record = json.loads(
        (swept.folder / "results/back/records/figures.json").read_text()
    )
    assert record["key"] in svg
    assert described["settings"]["target_sizes"] == [8, 12]


def test_the_tables_of_sizes_fit_a_terminal(swept):
    output = (swept.folder / "output.txt").read_text()
    tables = [line for line in output.splitlines() if line.startswith("|")]
    assert "| mean from rows: |   all |     8 |" in tables
    assert max(map(len, tables)) <= 80


def test_nothing_is_left_to_do_and_nothing_left_over(swept):
    assert swept.stale(*MADE) == set()
    said = swept.snakemake("leftovers", "--cores", "1").stdout
    assert "Nothing is left over" in said


def test_a_further_size_trains_only_itself(swept):
    sizes = ["all", 8, 10]
    swept.change("studies", "sizes", "target_sizes", to=sizes)
    trained = {job for job in swept.stale() if "train" in job}
    assert trained == {
        f"train two {variant}@10 models-{models}-repeats-00-01"
        for variant in LADDER
        for models in ("00-00", "01-03")
    }
    swept.change("studies", "sizes", "target_sizes", to=["all", 8])


def test_a_changed_margin_redraws_the_map(swept):
    swept.change("margin", to=0.2)
    stale = swept.stale()
    assert {"tables_sizes", "figures_sizes", "map_both"} <= stale
    assert not [job for job in stale if "train" in job or "gather" in job]
    swept.change("margin", to=0.01)
