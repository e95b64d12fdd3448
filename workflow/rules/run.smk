"""What happens around a run: settings files brought up to date, what is said.

Only the process that plans the run does any of it, not those that Snakemake starts for
its jobs.
"""

import shutil
import subprocess
import textwrap

from snakemake.logging import logger

from thaw.changes import report
from thaw.output.files import end_future
from thaw.output.problems import load_described
from thaw.output.settings import settle, tell
from thaw.results import result

# Options that print a graph, and should print nothing else.
GRAPHS = {"--dag", "--rulegraph", "--filegraph", "--d3dag"}


def outputs_of(stage, folder=None):
    """Return what a rule makes below the results' folder; of a table's, in `folder`."""
    results = in_results("results")
    paths = [
        Path(path).relative_to(results).as_posix()
        for path in getattr(rules, stage).output
    ]
    if folder is None:
        return paths
    name = {"study": folder, "map": folder.removeprefix("maps/")}
    return [path.format(**name) for path in paths]


def leftovers_recipe():
    """Return what tells leftovers from results: what Thaw makes, and what is in use."""
    wanted = {*shared_figures(), "results/answers.md"}
    for study in STUDIES:
        wanted |= {*tables_of(study), *figures_of(study), f"results/{study}/study.json"}
    made = {
        "{study}/settings/{stage}.json",
        "maps/{map}/settings/{stage}.json",
        "settings/{stage}.json",
    }
    used = {"settings/leftovers.json"}
    for stage in ("make_problem", "pretrain", "train"):
        made.update(outputs_of(stage))
    used |= {path.removeprefix("results/") for path in problem_files()}
    for stage, folder in PLAN.tables:
        made.update(outputs_of(stage))
        used.add(Path(folder, "settings", f"{stage}.json").as_posix())
        outputs = outputs_of(stage, folder)
        if not wanted.isdisjoint(f"results/{path}" for path in outputs):
            used.update(outputs)
    trained = [
        (begin, total, study.settings.repeats_per_job)
        for study in STUDIES.values()
        for begin, total in {**study.repeats, **study.models}.items()
    ]
    settings = {"made": sorted(made), "used": sorted(used), "trained": trained}
    return result("leftovers", settings, {})


def refuse_files_for_folders():
    """Say which file is in the place of a folder; Snakemake would fail without a word."""
    results = in_results("results")
    kinds = [results / kind for kind in ("problems", "source-models", "repeats")]
    studies = [results / study for study in STUDIES]
    for folder in (results, results.with_name("logs"), *kinds, *studies):
        if folder.exists() and not folder.is_dir():
            raise WorkflowError(
                f"{folder} is a file, and a folder of that name is needed: move it away"
            )


def settle_tables():
    """Bring file times and the settings files of all tables and figures up to date.

    Where they cannot be written, one can still look at what there is.
    """
    results = in_results("results")
    try:
        end_future(results)
        for (stage, folder), result in PLAN.tables.items():
            settle(
                results / folder / "settings" / f"{stage}.json",
                results / folder / "records" / f"{stage}.json",
                result.recipe,
                [results / path for path in outputs_of(stage, folder)],
            )
        tell(results / "settings" / "leftovers.json", leftovers_recipe().recipe)
    except OSError as error:
        logger.warning(f"{error.filename} cannot be written: {error.strerror}")


def show_changes(studies):
    """Say of each study what changed, and what must be trained."""
    for line in report(PLAN, studies, in_results("results")):
        logger.info(line)


def studies_that_run():
    """Return the studies of which this run makes anything."""
    jobs = workflow.dag.needrun_jobs()
    found = {job.wildcards.study for job in jobs if "study" in job.wildcards.keys()}
    return [study for study in STUDIES if study in found]


def show_warnings(study):
    """Print what looks wrong about a study's data; their jobs' logs say it, too."""
    names = (study.settings.source, study.settings.target)
    for name, result in dict(zip(names, (study.source, study.target))).items():
        path = in_results(f"results/{path_of(name, result.key)}")
        try:
            _, description, _ = load_described(path, result.key)
        except (ThawError, OSError):
            continue  # whoever learns from it says so
        for note in description.notes:
            if note.startswith("warning: "):
                print(f"{name}: {note}")


def show_results():
    """Print the tables of each study that this run asked for, and where figures are.

    After a failure, those of the studies that are complete.
    """
    asked = {
        job.wildcards.study for job in workflow.dag.jobs if job.name == "summarize"
    }
    for study in filter(asked.__contains__, STUDIES):
        folder = Path("results") / study
        files = [folder / f"{name}.md" for name in ("summary", "comparisons", "answer")]
        if not all(file.exists() for file in files):
            continue
        print()
        for file in files:
            print(file.read_text(encoding="utf-8"))
        figures = ", ".join(Path(path).stem for path in figures_of(study)[::2])
        print(textwrap.fill(f"Figures in {folder}, as .svg and .png: {figures}", 80))
        show_warnings(STUDIES[study])


def show_orphans():
    """Say how to cancel what an earlier run of this folder left in Slurm's queue.

    A run that was killed cannot cancel its jobs. They spoil nothing, but what this run
    starts as well is made twice.
    """
    if workflow.executor_plugin.name != "slurm" or not shutil.which("squeue"):
        return
    # Snakemake names all jobs of a run by the run, and comments each with its rule.
    command = ["squeue", "--me", "--noheader", "--format=%j|%k|%Z"]
    queue = subprocess.run(command, capture_output=True, text=True).stdout
    jobs = [line.split("|", 2) for line in queue.splitlines()]
    runs = {
        name
        for name, comment, folder in jobs
        if comment.startswith("rule_") and folder == os.getcwd()
    }
    if runs:
        logger.warning(
            "Jobs of an earlier run of this folder are still in Slurm's queue. To "
            f"cancel them: scancel --name={','.join(sorted(runs))}"
        )


onstart:
    show_orphans()
    show_changes(studies_that_run())


onsuccess:
    show_results()


onerror:
    show_results()


if workflow.is_main_process:
    refuse_files_for_folders()
    settle_tables()
    if workflow.output_settings.dryrun and not GRAPHS.intersection(sys.argv):
        show_changes(STUDIES)
