"""The workflow as its users run it: real Snakemake in a temporary copy."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from conftest import FOUR, ONE_JOB_CONFIG, ROOT, SMALL_CONFIG, new_project

BIN = Path(sys.executable).parent


def test_a_run_makes_every_file_and_ends_with_the_tables(finished):
    names = [
        *("histories.npz", "scores.csv", "source-models.csv", "study.json"),
        *("page.html", "figures.json", "answer.json", "recommendation.csv"),
        *("summary.csv", "summary.md", "comparisons.csv", "comparisons.md"),
        *("best-depths.csv", "learning-curves.csv"),
        *("gains-by-epoch.csv", "gains-by-epoch.pdf"),
        *("boxplot.svg", "boxplot.png", "learning-curves.svg", "learning-curves.png"),
        *("differences.svg", "source-models.svg", "source-models.png"),
        *(f"records/{stage}.json" for stage in FOUR),
    ]
    expected = {f"{study}/{name}" for study in ("ahead", "back") for name in names} | {
        *("back/source-accuracy.svg", "back/source-spread.png"),
        *("problems/one-KEY.npz", "problems/problems.svg", "problems/problems.png"),
        *(
            f"{stem}.{suffix}"
            for stem in (
                "source-models/one-KEY/models-00-00",
                "repeats/two/fixed-1-KEY/models-00-00-repeats-01-01",
                "repeats/one/fixed-1-KEY/models-01-01-repeats-00-01",
            )
            for suffix in ("csv", "history.npz")
        ),
        "source-models/two-KEY/models-01-01.safetensors",
        "report.html",
    }
    made = {
        re.sub("-[0-9a-f]{12}(?=[/.])", "-KEY", name)
        for name in finished.results("**/*.*")
    }
    assert expected <= made
    assert not [name for name in made if Path(name).name.startswith(".")]

    assert (finished.folder / "output.txt").read_text().splitlines() == [
        "ahead: No recommendation: too few repeats: 2 of the 8 it takes.",
        "back: No recommendation: too few source models: 2 of the 7 it takes.",
        "To read: results/report.html",
    ]


def test_one_studys_target_shows_only_its_tables(finished):
    (finished.folder / "results/back/boxplot.svg").unlink()
    output = finished.snakemake("back", "--cores", "2").stdout
    for table in ("summary.md", "comparisons.md", "answer.md"):
        assert (finished.folder / "results/back" / table).read_text() in output
    assert "Figures in results/back, as .svg, .pdf and .png: boxplot, " in output
    assert "ahead" not in output


@pytest.mark.parametrize(
    ("target", "rules"),
    [
        ("problems", {"make_problem", "problems_figure"}),
        ("source_models", {"make_problem", "pretrain"}),
        (
            "scores",
            {"make_problem", "pretrain", "train", "gather_ahead", "gather_back"},
        ),
    ],
)
def test_targets_of_stages(fresh, target, rules):
    planned = {job.split()[0] for job in fresh.stale(target)}
    assert planned == rules | {target}


def test_all_is_the_default_target_so_that_it_can_be_run_in_batches(fresh):
    first = fresh.planned("--batch", "all=1/9").keys()
    assert "gather_ahead" in first
    assert first < fresh.planned().keys()


@pytest.mark.parametrize("option", ["--dag", "--rulegraph", "--filegraph"])
def test_graphs_have_nothing_else_on_standard_output(fresh, option):
    output = fresh.snakemake(option).stdout
    assert output.startswith("digraph")
    assert output.rstrip().endswith("}")


def test_works_unactivated_from_elsewhere_and_with_a_space_in_its_path(tmp_path):
    project = new_project(tmp_path / "a folder" / "thaw")
    project.config = ONE_JOB_CONFIG
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    project.snakemake(
        *("--snakefile", str(project.folder / "Snakefile")),
        *("--directory", str(elsewhere / "run"), "--cores", "2", "scores"),
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert (elsewhere / "run/results/ahead/scores.csv").exists()
    assert not (project.folder / "results").exists()


def test_a_working_directory_with_a_config_uses_it(tmp_path):
    project = new_project(tmp_path / "thaw")
    run = tmp_path / "run"
    run.mkdir()
    config = project.config
    config["studies"] = {"other": config["studies"]["ahead"]}
    (run / "config.yaml").write_text(yaml.safe_dump(config))
    output = project.snakemake(
        *("--snakefile", "../thaw/Snakefile", "-n", "other"), cwd=run
    ).stdout
    assert "results/other/boxplot.svg" in output


def test_a_run_elsewhere_says_once_which_config_it_takes(fresh, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    elsewhere = ("-n", "--directory", str(run))
    assert f"The config is {fresh.folder}/config.yaml." in (
        fresh.snakemake(*elsewhere).stderr
    )
    (run / "config.yaml").write_text(yaml.safe_dump(fresh.config))
    done = fresh.snakemake(*elsewhere)
    assert done.stderr.count(f"The config is {run}/config.yaml.") == 1
    assert "The config is" not in done.stdout
    # Child processes of Snakemake do not repeat it.
    inner = fresh.snakemake(*elsewhere, "--mode", "subprocess")
    assert "The config is" not in inner.stderr


def test_a_new_results_folder_beside_an_old_one_is_pointed_out(finished, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    old = f"this config has results in {finished.folder}/results"
    assert old in finished.snakemake("-n", "--directory", str(run)).stderr
    assert old not in finished.snakemake("-n").stderr
    (run / "config.yaml").write_text(yaml.safe_dump(finished.config))
    assert old not in finished.snakemake("-n", "--directory", str(run)).stderr


def test_a_config_with_another_suffix_is_reported(fresh, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yml").write_text(yaml.safe_dump(fresh.config))
    done = fresh.snakemake("-n", "--directory", str(run), check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{run}/config.yml is not read; name it config.yaml" in output
    assert "Traceback" not in output
    named = ("--configfile", str(run / "config.yml"))
    fresh.snakemake("-n", "--directory", str(run), *named)


def test_no_python_is_run_from_a_config(fresh):
    spoil(fresh, "__use_yte__: true\nran: ?open('ran', 'w')\n")
    done = fresh.snakemake("-n", check=False)
    assert done.returncode != 0
    assert "__use_yte__: Thaw runs no Python from" in done.stdout + done.stderr
    assert not (fresh.folder / "ran").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("__use_yte__: true\n", "__use_yte__: Thaw runs no Python from"),
        ("seed: 2\nseed: 3\n", "seed: is there twice, again in line 2 of"),
        ("base: &a [*a]\n", "cannot be read as a config: line 1: an alias stands"),
    ],
)
def test_a_file_named_with_configfile_is_checked(fresh, text, message):
    more = fresh.folder / "more.yaml"
    more.write_text(text)
    done = fresh.snakemake("-n", "--configfile", str(more), check=False)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_command_line_overrides_a_study(fresh):
    jobs = fresh.planned("scores", "--config", "repeats_per_job=1")
    assert {job for job in jobs if job.startswith("train one fixed-1")} == {
        f"train one fixed-1 models-{model}-{model}-repeats-{repeat}-{repeat}"
        for model in ("00", "01")
        for repeat in ("00", "01")
    }


def spoil(project, text):
    path = project.folder / "config.yaml"
    path.write_text(path.read_text() + text)


@pytest.mark.parametrize(
    ("spoil_config", "arguments", "message"),
    [
        (
            lambda project: project.change("studies", "ahead", "repeats", to=0),
            [],
            "studies.ahead.repeats: 0 is too small. Allowed: 1 or more",
        ),
        (
            lambda project: project.change("studies", "ahead", "target", to="tow"),
            [],
            "studies.ahead.target: 'tow' is not a problem of this config "
            "(did you mean 'two'?). Allowed: one, two",
        ),
        (
            lambda project: None,
            ["--config", "repeats_per_jobs=30"],
            "repeats_per_jobs: unknown key (did you mean 'repeats_per_job'?)",
        ),
        (
            lambda project: spoil(project, "  x: [1\n"),
            [],
            "config.yaml: cannot be read as a config: line ",
        ),
        (
            lambda project: project.change("training", "epochs", to=10**9),
            [],
            "training.epochs: 1000000000 is too large. Allowed: 1000000 or less",
        ),
        (
            lambda project: spoil(project, "seed: 2\n"),
            [],
            "seed: is there twice, again in line",
        ),
        (
            lambda project: project.change("studies", "train", to={}),
            [],
            "studies.train.source: this key is missing",
        ),
        (
            lambda project: project.change(
                "studies", "train", to=project.config["studies"]["ahead"]
            ),
            [],
            "studies.train: 'train' is reserved; choose another name",
        ),
    ],
)
def test_a_wrong_config_ends_before_any_job(fresh, spoil_config, arguments, message):
    spoil_config(fresh)
    done = fresh.snakemake("--cores", "1", *arguments, check=False)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (fresh.folder / "results").exists()


def test_a_damaged_file_is_named_with_the_remedy_and_the_rest_goes_on(finished):
    (models,) = (finished.folder / "results/source-models").glob("one-*/*.safetensors")
    whole = models.read_bytes()
    models.write_bytes(whole[:100])
    finished.change("studies", "ahead", "repeats", to=3)
    done = finished.snakemake("scores", "--cores", "2", check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    message = "error: (results/.*00-00.safetensors) is not the source models it should "
    (named,) = set(re.findall(message, output))
    assert "delete it and run again" in output
    assert "Traceback" not in output
    assert finished.results("repeats/two/standalone-*/*-repeats-02-02.csv")

    (finished.folder / named).unlink()
    finished.snakemake("scores", "--cores", "2")
    assert models.read_bytes() == whole


def test_studies_share_what_they_train(fresh):
    """Two studies with a variant in common; one of them has further repeats."""
    config = fresh.config
    config["repeats_per_job"] = 2
    ahead = config["studies"]["ahead"] | {"variants": ["standalone"]}
    more = ahead | {"repeats": 5, "source": "two"}
    config["studies"] = {"ahead": ahead, "more": more}
    fresh.config = config
    assert {job for job in fresh.stale("scores") if job.startswith("train")} == {
        f"train two standalone models-00-00-repeats-{numbers}"
        for numbers in ("00-01", "02-03", "04-04")
    }
    fresh.snakemake("scores", "--cores", "2")
    scores = {
        study: fresh.results(f"{study}/scores.csv").popitem()[1].decode()
        for study in ("ahead", "more")
    }
    ours = scores["ahead"].replace("ahead,", "more,").splitlines()
    assert ours == scores["more"].splitlines()[: len(ours)]


def test_a_dry_run_begins_with_what_changed(finished):
    assert finished.snakemake("-n").stdout.splitlines()[:2] == [
        "ahead: no change; nothing to train",
        "back: no change; nothing to train",
    ]
    finished.change("training", "epochs", to=2)
    finished.change("variants", "fixed-1", "freeze", to=2)
    finished.change("studies", "back", "margin", to=0.5)
    finished.change("studies", "new", to=SMALL_CONFIG["studies"]["ahead"])
    expected = [
        "ahead: training.epochs 3 → 2, variants.fixed-1.freeze 1 → 2; "
        "2 repeats of each variant; 6 repeats and 1 source model to train",
        "back: margin 0.01 → 0.5, training.epochs 3 → 2, "
        "variants.fixed-1.freeze 1 → 2; 2 source models × 2 repeats of each = 4 of "
        "each variant; 8 repeats and 2 source models to train",
        "new: new; nothing to train",
    ]
    assert finished.snakemake("-n").stdout.splitlines()[:3] == expected
    run = finished.snakemake("results/ahead/study.json", "--cores", "2")
    assert expected[0] in run.stderr.splitlines()
    assert expected[1] not in run.stderr
    path = finished.folder / "workflow/thaw/learning/ensemble.py"
    path.write_text(path.read_text() + "\nEDITED = 1\n")
    assert finished.snakemake("-n").stdout.splitlines()[0] == (
        "ahead: code of pretrain, train; 2 repeats of each variant; "
        "6 repeats and 1 source model to train"
    )
    path = finished.folder / "workflow/thaw/figures/boxplot.py"
    path.write_text(path.read_text() + "\nEDITED = 1\n")
    words = finished.snakemake("-n").stdout.splitlines()[0]
    assert words.startswith("ahead: code of pretrain, train, code of figures; ")


def test_it_says_how_a_study_grows_and_what_is_trained_again(finished):
    """Back, source model 1 is alone in a tile that a third one joins."""
    for study, models, repeats in (("ahead", 3, 1), ("back", 3, 2)):
        finished.change("studies", study, "source_models", to=models)
        finished.change("studies", study, "repeats", to=repeats)
    assert finished.snakemake("-n").stdout.splitlines()[:2] == [
        "ahead: 2 → 1 repeats of each, 1 → 3 source models; 3 source models × 1 repeat "
        "of each = 3 of each variant; 6 repeats and 2 source models to train",
        "back: 2 → 3 source models; 3 source models × 2 repeats of each = 6 of each "
        "variant; 8 repeats and 2 source models to train, 5 of them again (in jobs "
        "that are cut differently now)",
    ]


def test_jobs_that_are_cut_differently_train_nothing_and_leave_the_only_copy(finished):
    finished.change("studies", "back", "repeats_per_job", to=1)
    said = finished.snakemake("-n").stdout
    assert "back: no change; nothing to train" in said
    assert "Nothing is left over" in finished.snakemake("leftovers").stdout


def test_figures_and_the_description_say_what_made_them(finished):
    folder = finished.folder / "results/ahead"
    key = json.loads((folder / "records/figures.json").read_text())["key"]
    for suffix in ("png", "svg"):
        figure = (folder / f"boxplot.{suffix}").read_bytes()
        assert f"Thaw, settings {key}".encode() in figure
    described = json.loads((folder / "study.json").read_text())
    training = described["settings"]["training"]
    assert training.items() >= SMALL_CONFIG["training"].items()
    assert described["versions"].keys() >= {"torch", "numpy", "sklearn"}
    (folder,) = (finished.folder / "results/repeats/two").glob("fixed-0-*")
    assert [folder.name.rpartition("-")[2]] == described["keys"]["arms"]["fixed-0"]


def test_changed_results_are_not_shown(finished):
    """Edited tables are made anew before they are printed."""
    answer = finished.folder / "results/ahead/answer.md"
    right = answer.read_bytes()
    answer.write_text("Transfer always helps.\n")
    output = finished.snakemake("results/ahead/answer.md", "--cores", "2").stdout
    assert "**ahead**" in output
    assert "Transfer always helps" not in output
    assert answer.read_bytes() == right
    # A target that leaves them alone does not print them.
    answer.write_text("Transfer always helps.\n")
    scores = "results/ahead/scores.csv"
    assert "helps" not in finished.snakemake("--cores", "1", scores).stdout


def test_gathering_reads_what_its_rule_declares(finished):
    """And nothing else of the results, though it knows their folder."""
    (job,) = (
        block
        for name, block in finished.planned("--forcerun", "gather_back").items()
        if name == "gather_back"
    )
    declared = set(re.search(r"\n    input: (.*)", job).group(1).split(", "))
    record = json.loads(
        (finished.folder / "results/back/records/gather.json").read_text()
    )
    code = (
        "import argparse, json, sys; from pathlib import Path\n"
        "from thaw.stages.gather import main\n"
        "sys.addaudithook(lambda event, told: event == 'open' and"
        " str(told[0]).startswith('results/re') and print(told[0])\n"
        "    or event == 'open' and str(told[0]).startswith('results/so')"
        " and print(told[0]))\n"
        "main(argparse.Namespace(recipe=json.loads(sys.argv[1]), repeats_per_job=4,"
        " results=Path('results'), histories=Path('a/h.npz'), scores=Path('a/s.csv'),"
        " source_models=Path('a/m.csv'), record=Path('a/records/gather.json'),"
        " target=Path(sys.argv[2]), functions=[]))\n"
    )
    (target,) = (path for path in declared if "/problems/" in path)
    done = subprocess.run(
        [sys.executable, "-c", code, json.dumps(record["recipe"]), target],
        cwd=finished.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == declared - {target}


def test_output_that_cannot_hold_a_character_ends_no_run(finished):
    environment = os.environ | {"PYTHONIOENCODING": "latin-1"}
    done = finished.snakemake(
        "ahead", "--cores", "1", "--forcerun", "figures_ahead", env=environment
    )
    assert "**ahead**: one ? two" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_nothing_in_the_results_changes_from_run_to_run(finished, tmp_path):
    """No file holds a time, a folder or a host."""
    again = new_project(tmp_path / "elsewhere")
    again.snakemake("ahead", "--cores", "1")
    made = again.results("**/*.*")
    assert made == {path: finished.results("**/*.*")[path] for path in made}


def test_a_file_with_a_time_in_the_future_fails_no_job(finished):
    """As after a copy from a machine whose clock is ahead."""
    histories = finished.folder / "results/ahead/histories.npz"
    os.utime(histories, (time.time() + 9999,) * 2)
    finished.change("margin", to=0.5)
    finished.snakemake("--cores", "1", "results/ahead/comparisons.csv")
    assert histories.stat().st_mtime <= time.time()


def test_a_node_with_other_code_or_libraries_refuses_the_job(fresh):
    """As on a cluster: a job is named by the key that the main process computed."""
    scores = r"results/repeats/two/fixed-0-\w+/models-00-00-repeats-00-00.csv"
    wanted = re.search(scores, fresh.snakemake("-n").stdout).group()
    path = fresh.folder / "workflow/thaw/learning/ensemble.py"
    path.write_text(path.read_text() + "\nEDITED = 1\n")
    done = fresh.snakemake(wanted, "--cores", "1", check=False)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    assert len(re.findall("\nerror: not what the run asked for", output)) == 1
    assert "config, code or libraries differ here (numpy " in output
    assert "Traceback" not in output
    assert not fresh.results("repeats/**/*.*")


@pytest.mark.parametrize(
    "command",
    [
        ["snakemake", "--lint"],
        ["snakefmt", "--check", "Snakefile", "workflow"],
        ["mypy"],
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
    ],
    ids=" ".join,
)
def test_style(command):
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_cluster_gets_what_runs_networks():
    """A rule that `use rule` derives from a local one is not local by itself."""
    text = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    rules = re.split(r"^ *(?:use rule \w+ as|rule)[ :]", text, flags=re.MULTILINE)[1:]
    submitted = {
        rule.split(":")[0]
        for rule in rules
        if "localrule: True\n" not in rule and "log:\n" in rule
    }
    assert submitted == {"check_trainer", "pretrain", "train", "transferability"}
