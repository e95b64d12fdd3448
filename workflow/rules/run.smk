"""Checks and messages around a run.

Only the process that plans the run gives them, not those that Snakemake starts for its
jobs.
"""

import re
import time
from logging.handlers import QueueHandler

from snakemake.logging import logger

from thaw.output.files import end_future
from thaw.plan.after_run import full_disks, in_a_line, in_full, to_show, what_to_read
from thaw.plan.before_run import orphans, refuse_files_for_folders, refuse_read_only
from thaw.plan import changes

STARTED = time.time()

# Options that print a graph, and should print nothing else.
GRAPHS = {"--dag", "--rulegraph", "--filegraph", "--d3dag"}


# Read off the command line: Snakemake sets these only after it has read the rules.
IS_FORCED = any(re.fullmatch("--forceall|-[A-Za-z]*F[A-Za-z]*", a) for a in sys.argv)
TARGETS = {rule.name for rule in workflow.rules}.intersection(sys.argv)

# The rankings and studies that it names, directly or by a file.
NAMED = [
    name
    for name in (*PLAN.rankings, *STUDIES)
    if name in sys.argv
    or any(in_results(f"results/{name}") in Path(a).parents for a in sys.argv)
]


def say(text, **more):
    """Log a message that our logger shows among Snakemake's own."""
    logger.info(text, extra={"thaw": True} | more)


def show_changes(names):
    """Log each study's changes, and the training to do."""
    wanted = {one for name in names for one in PLAN.rankings.get(name, [name])}
    studies = [study for study in STUDIES if study in wanted]
    for line in changes.report(PLAN, studies, in_results("results"), IS_FORCED):
        say(line)


def made_by(jobs):
    """Return the rankings and studies whose tables or figures some of the jobs make."""
    made = {str(path) for job in jobs for path in job.output}
    return [
        name
        for name in (*PLAN.rankings, *STUDIES)
        if not made.isdisjoint(
            str(in_results(f"results/{one.record}")) for one in PLAN.made_of(name)
        )
    ]


def show_results():
    """Print the recommendation of each study of this run, and where to read on.

    Those that the command line names get all tables. After a failure, only complete
    studies are printed; nothing after Ctrl-C.
    """
    # The display on a terminal makes room before the first line is printed.
    say("", thaw_is_over=True)
    for handler in logger.handlers:
        if isinstance(handler, QueueHandler):
            handler.queue.join()
    if any(
        getattr(handler, "interrupted", False)
        for handler in workflow.logger_manager.plugin_handlers
    ):
        return
    # A table or answer may hold characters that an old terminal cannot show.
    sys.stdout.reconfigure(errors="replace")
    folder = in_results("results")
    shown = to_show(PLAN, made_by(workflow.dag.jobs), folder, NAMED)
    for name in shown:
        told = in_full if name in NAMED else in_a_line
        for text in told(PLAN, name, folder, STARTED):
            print(text)
    # Seen from where Snakemake was started, which is not where it runs.
    began = Path(workflow.overwrite_workdir or "")
    for path in what_to_read(PLAN, shown, folder):
        print(f"To read: {began / path}")


onstart:
    try:
        refuse_read_only(in_results("results"))
    except ThawError as error:
        sys.exit(told(error))
    end_future(in_results("results"))
    hint = orphans(workflow.executor_plugin.name)
    if hint:
        logger.warning(hint)
    jobs = [job for job in workflow.dag.needrun_jobs() if job.output]
    show_changes([study for study in made_by(jobs) if study in STUDIES])
    say("", thaw_jobs=[(job.rule.name, job.wildcards_dict) for job in jobs])


onsuccess:
    show_results()


onerror:
    for line in full_disks(map(in_results, ("results", "logs"))):
        logger.error(line)
    show_results()


if workflow.is_main_process:
    try:
        refuse_files_for_folders(PLAN, in_results("results"))
    except ThawError as error:
        sys.exit(told(error))
    if workflow.output_settings.dryrun and not GRAPHS.intersection(sys.argv):
        own = {*STUDIES, *PLAN.rankings}
        show_changes(NAMED if TARGETS and TARGETS <= own else STUDIES)
