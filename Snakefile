"""Thaw: does transfer learning help, and how many layers should stay frozen?

`snakemake --cores 8` makes everything; README.md lists the other targets.
"""

from snakemake.utils import min_version

min_version("9.19")


include: "workflow/rules/config.smk"


# A working directory (--directory) with a config.yaml of its own uses that one.
configfile: CONFIG_FILE


include: "workflow/rules/common.smk"
include: "workflow/rules/problems.smk"
include: "workflow/rules/source_models.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/targets.smk"


rule all:
    """Everything: all tables and figures of all studies."""
    input:
        rules.tables.input,
        rules.figures.input,
        expand("results/{study}/study.json", study=STUDIES),


onstart:
    show_changes(name for name in STUDIES if name in studies_that_run(workflow))


onsuccess:
    show_results(workflow)
