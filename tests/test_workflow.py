"""A run of the workflow: its files, its targets, its rules, and their style."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from projects import FOUR, ROOT

OF_A_STUDY = [
    *("scores.csv", "source-models.csv", "summary.csv", "comparisons.md", "answer.md"),
    *("histories.npz", "study.json", "learning-curves.csv", "learning-curves.svg"),
    *("boxplot.svg", "boxplot.png", "differences.svg", "page.html"),
    *(f"records/{stage}.json" for stage in FOUR),
]
OF_JOBS = [
    "repeats/two/fixed-1-KEY/models-00-00-repeats-01-01",
    "repeats/one/fixed-1-KEY/models-01-01-repeats-00-01",
]


def test_a_run_makes_every_file_and_ends_with_the_answers(finished_once):
    expected = {
        *("problems/one-KEY.npz", "problems/problems.svg", "report.html"),
        *("source-models/two-KEY/models-01-01.safetensors", "answers.md"),
        *(f"{study}/{name}" for study in ("ahead", "back") for name in OF_A_STUDY),
        *(f"{job}.{end}" for job in OF_JOBS for end in ("csv", "history.npz")),
    }
    results = finished_once.results("**/*.*")
    names = {re.sub("-[0-9a-f]{12}(?=[/.])", "-KEY", name) for name in results}
    assert expected <= names
    assert not [name for name in names if Path(name).name.startswith(".")]
    assert (finished_once.folder / "output.txt").read_text().splitlines() == [
        "ahead: No recommendation: too few: 2 of the 7 repeats it takes.",
        "back: No recommendation: too few: 2 of the 6 source models it takes.",
        "To read: results/report.html",
    ]

    # Figures and the description say what made them.
    folder = finished_once.folder / "results/ahead"
    key = json.loads((folder / "records/figures.json").read_text())["key"]
    for suffix in ("png", "svg"):
        figure = (folder / f"boxplot.{suffix}").read_bytes()
        assert f"Thaw, settings {key}".encode() in figure
    described = json.loads((folder / "study.json").read_text())
    assert described["settings"]["training"]["batch_size"] == 8
    assert described["versions"].keys() >= {"torch", "numpy", "sklearn"}
    [key] = described["keys"]["arms"]["fixed-0"]
    assert (folder / f"../repeats/two/fixed-0-{key}").is_dir()


def test_studies_share_what_they_train_and_save(fresh):
    """Two studies with a variant in common; one of them has further repeats."""
    config = fresh.config
    config["repeats_per_job"] = 2
    config["variants"]["standalone"]["save"] = "weights"
    few = config["studies"]["ahead"] | {"variants": ["standalone"]}
    config["studies"] = {"few": few, "more": few | {"repeats": 5, "source": "two"}}
    fresh.config = config
    ends = ("00-01", "02-03", "04-04")
    tiles = [f"models-00-00-repeats-{repeats}" for repeats in ends]
    assert {job for job in fresh.stale("scores") if job.startswith("train")} == {
        f"train_and_save two standalone {tile}" for tile in tiles
    }
    fresh.make("scores")
    weights = fresh.results("repeats/two/standalone-*/*.safetensors")
    assert [Path(name).stem for name in weights] == tiles
    fewer, more = (
        fresh.results(f"{study}/scores.csv").popitem()[1].decode().splitlines()
        for study in ("few", "more")
    )
    assert fewer[1:] == [line.replace("more,", "few,") for line in more[1 : len(fewer)]]


@pytest.mark.slow
def test_graphs_batches_and_settings_of_the_command_line(fresh):
    output = fresh.snakemake("--rulegraph").stdout
    # Nothing else is on standard output.
    assert output.startswith("digraph") and output.rstrip().endswith("}")
    # `all` is the default target, or there would be no batches; and a study's setting
    # on the command line overrides that of the file.
    setting = "studies={back: {repeats_per_job: 1}}"
    jobs = fresh.reasons("--batch", "all=1/1", "--config", setting)
    assert sum(job.startswith("train one fixed-1") for job in jobs) == 4
    config, more = fresh.folder / "config.yaml", fresh.folder / "more.yaml"
    more.write_text("__use_yte__: true\n")
    runs_python = "__use_yte__: true\nran: ?open('ran', 'w')\n"
    for text, arguments, message in (
        ("", ["--config", "repeats_per_jobs=30"], "repeats_per_jobs: unknown key"),
        (
            "",
            ["--configfile", str(more)],
            "Thaw runs no Python from it; remove __use_yte__",
        ),
        (runs_python, [], "Thaw runs no Python from it; remove __use_yte__"),
    ):
        config.write_text(config.read_text() + text)
        done = fresh.snakemake("-n", *arguments, check=False)
        assert done.returncode != 0
        assert message in done.stderr and "Traceback" not in done.stderr
    assert not (fresh.folder / "ran").exists()


@pytest.mark.parametrize(
    "command",
    [
        "ruff check .",
        "ruff format --check .",
        "snakefmt --check Snakefile workflow",
        pytest.param("snakemake --lint", marks=pytest.mark.slow),
        pytest.param("mypy", marks=pytest.mark.slow),
    ],
)
def test_style(command):
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    options = {"cwd": ROOT, "env": os.environ | {"PATH": path}}
    done = subprocess.run(command.split(), capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_cluster_gets_what_computes_for_long():
    """A rule that `use rule` derives from a local one is not local by itself."""
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.split(r"^ *(?:use rule \w+ as|rule)[ :]", text, flags=re.MULTILINE)[1:]
    submitted = {
        rule.split(":")[0].removesuffix(" with")
        for rule in rules
        if "localrule: True\n" not in rule and "log:\n" in rule
    }
    assert submitted == {"check_network", "pretrain", "train", "transferability"}
