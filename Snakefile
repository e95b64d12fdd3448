"""Thaw: does transfer learning help, and how many layers should stay frozen?

`snakemake --cores 8` makes everything; docs/run.md lists the other targets.
"""


include: "workflow/Snakefile"


# Snakemake takes a file's own first rule, and an included rule only by name.
workflow.default_target = "all"
