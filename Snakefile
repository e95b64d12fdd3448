"""Thaw: does transfer learning help, and how many layers should stay frozen?

`snakemake --cores 8` makes everything; docs/run.md lists the other targets.
"""


include: "workflow/Snakefile"


rule default:
    """Everything: all tables, figures and pages of all studies."""
    default_target: True
    input:
        rules.all.input,
