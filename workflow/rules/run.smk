"""Messages around a run.

Only the process that plans the run gives them, not those that Snakemake starts for its
jobs.
"""

import re

from snakemake.logging import logger

from thaw.errors import refuse
from thaw.output.tiles import Tile
from thaw.plan import changes
from thaw.plan.run import full_disks, refuse_read_only, unfit_problems
from thaw.plan.run import lines_of, to_show, what_to_read

# Options that print a graph, and should print nothing else.
GRAPHS = {"--dag", "--rulegraph", "--filegraph", "--d3dag"}

# Options and targets by which a run does more or less than what its studies need.
PARTS = {"-R", "--forcerun", "-U", "--until", "-O", "--omit-from", *TARGETS}
PARTS -= {*STUDIES, *PLAN.rankings}

# The results that the logger counts, by rule; other jobs make tables and pages.
COUNTED = {
    "make_problem": "problems",
    "check_overlap": "checks",
    "check_network": "checks",
    "pretrain": "source models",
    "read_checkpoints": "source models",
    "train": "repeats",
    "train_and_save": "repeats",
}

# Read off the command line: Snakemake sets these only after it has read the rules.
IS_FORCED = any(re.fullmatch("--forceall|-[A-Za-z]*F[A-Za-z]*", a) for a in sys.argv)
# The rankings and studies that it names, as targets or by a file of theirs.
NAMED = [
    name
    for name in (*PLAN.rankings, *STUDIES)
    if name in sys.argv
    or any(locate(f"results/{name}") in Path(a).parents for a in sys.argv)
]


def show_changes(names):
    """Log each study's changes, and the training to do."""
    expanded = {study for name in names for study in PLAN.rankings.get(name, [name])}
    studies = [study for study in STUDIES if study in expanded]
    for line in changes.report(PLAN, studies, locate("results"), IS_FORCED):
        logger.info(line, extra={"event": "thaw"})


def studies_of(jobs):
    """Return the rankings and studies whose tables or figures some of the jobs make."""
    stages = [PLAN.stages.get(job.rule.name) for job in jobs]
    folders = {stage.folder for stage in stages if stage}
    return [name for name in (*PLAN.rankings, *STUDIES) if name in folders]


def count_results(job):
    """Return what the logger counts a job's results as, how many it makes, and how many
    rows its fits learn from, again and again.
    """
    kind = COUNTED.get(job.rule.name, "tables and pages")
    tile = job.wildcards.get("tile")
    fits = Tile.named(tile).fits if tile else 1
    return kind, fits, fits * PLAN.rows_seen(job.wildcards.key) if tile else 0


def show_results():
    """Print the recommendation of each study of this run, and where to read on.

    Those that the command line names get all tables. After a failure, only complete
    studies are printed; nothing after Ctrl-C.
    """
    # Another thread shows what was logged, and knows of Ctrl-C.
    if listener := workflow.logger_manager.queue_listener:
        listener.queue.join()
        if any(getattr(handler, "interrupted", False) for handler in listener.handlers):
            return
    # A table or answer may hold characters that an old terminal cannot show.
    sys.stdout.reconfigure(errors="replace")
    folder = locate("results")
    for name in NAMED or to_show(PLAN, studies_of(workflow.dag.jobs)):
        for line in lines_of(PLAN, name, folder, bool(NAMED)):
            print(line)
    # Seen from where Snakemake was started, which is not where it runs.
    began = Path(workflow.overwrite_workdir or "")
    for path in what_to_read(PLAN, NAMED, folder):
        print(f"To read: {began / path}")


onstart:
    try:
        for folder in ("results", "logs"):
            refuse_read_only(locate(folder))
    except ThawError as error:
        sys.exit(format_error(error))
    jobs = [job for job in workflow.dag.needrun_jobs() if job.output]
    show_changes([name for name in studies_of(jobs) if name in STUDIES])
    logger.info(
        "", extra={"thaw_jobs": {job.jobid: count_results(job) for job in jobs}}
    )


onsuccess:
    show_results()


onerror:
    for line in full_disks(map(locate, ("results", "logs"))):
        logger.error(line)
    show_results()


if workflow.is_main_process:
    try:
        refuse(unfit_problems(PLAN, locate("results")))
    except ThawError as error:
        sys.exit(format_error(error))
    if workflow.output_settings.dryrun and not (GRAPHS | PARTS).intersection(sys.argv):
        show_changes(NAMED or STUDIES)
