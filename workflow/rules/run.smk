"""What is checked and said around a run.

Only the process that plans the run does any of it, not those that Snakemake starts for
its jobs.
"""

import time

from snakemake.logging import logger

from thaw.output.files import end_future
from thaw.plan.after_run import full_disks, told
from thaw.plan.before_run import orphans, refuse_files_for_folders, refuse_read_only
from thaw.plan.changes import report

STARTED = time.time()

# Options that print a graph, and should print nothing else.
GRAPHS = {"--dag", "--rulegraph", "--filegraph", "--d3dag"}


def show_changes(studies):
    """Say of each study what changed, and what must be trained."""
    for line in report(PLAN, studies, in_results("results")):
        logger.info(line)


def studies_of(jobs):
    """Return the studies of which some jobs make tables or figures."""
    made = {str(path) for job in jobs for path in job.output}
    return [
        study
        for study in STUDIES
        if not made.isdisjoint(
            str(in_results(f"results/{one.record}")) for one in PLAN.made_of(study)
        )
    ]


def show_results():
    """Print the tables of each study that this run asked for, and where figures are.

    After a failure, those of the studies that are complete.
    """
    # What a table or answer holds may be more than an old terminal can show.
    sys.stdout.reconfigure(errors="replace")
    for study in studies_of(workflow.dag.jobs):
        for text in told(PLAN, STUDIES[study], in_results("results"), STARTED):
            print(text)


onstart:
    try:
        refuse_read_only(in_results("results"))
    except ThawError as error:
        raise WorkflowError(str(error)) from None
    end_future(in_results("results"))
    hint = orphans(workflow.executor_plugin.name)
    if hint:
        logger.warning(hint)
    show_changes(studies_of(workflow.dag.needrun_jobs()))


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
        raise WorkflowError(str(error)) from None
    if workflow.output_settings.dryrun and not GRAPHS.intersection(sys.argv):
        show_changes(STUDIES)
