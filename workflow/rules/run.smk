"""What happens around a run: settings files brought up to date, what is said.

Only the process that plans the run does any of it, not those that Snakemake starts for
its jobs.
"""

from snakemake.logging import logger

from thaw.plan.changes import report
from thaw.plan.after_run import full_disks, told
from thaw.plan.before_run import (
    orphans,
    refuse_files_for_folders,
    refuse_read_only,
    settle_all,
)

# Options that print a graph, and should print nothing else.
GRAPHS = {"--dag", "--rulegraph", "--filegraph", "--d3dag"}


def show_changes(studies):
    """Say of each study what changed, and what must be trained."""
    for line in report(PLAN, studies, in_results("results")):
        logger.info(line)


def show_results():
    """Print the tables of each study that this run asked for, and where figures are.

    After a failure, those of the studies that are complete.
    """
    asked = {
        job.wildcards.study for job in workflow.dag.jobs if job.name == "summarize"
    }
    for study in filter(asked.__contains__, STUDIES):
        for text in told(PLAN, STUDIES[study], in_results("results")):
            print(text)


onstart:
    try:
        refuse_read_only(in_results("results"))
    except ThawError as error:
        raise WorkflowError(str(error)) from None
    hint = orphans(workflow.executor_plugin.name)
    if hint:
        logger.warning(hint)
    jobs = workflow.dag.needrun_jobs()
    run = {job.wildcards.study for job in jobs if "study" in job.wildcards.keys()}
    show_changes([study for study in STUDIES if study in run])


onsuccess:
    show_results()


onerror:
    for line in full_disks(map(in_results, ("results", "logs"))):
        logger.error(line)
    show_results()


if workflow.is_main_process:
    try:
        refuse_files_for_folders(PLAN, in_results("results"))
        settle_all(PLAN, in_results("results"), outputs_of)
    except ThawError as error:
        raise WorkflowError(str(error)) from None
    # Where nothing can be written, one can still look at what there is.
    except OSError as error:
        logger.warning(f"{error.filename} cannot be written: {error.strerror}")
    if workflow.output_settings.dryrun and not GRAPHS.intersection(sys.argv):
        show_changes(STUDIES)
