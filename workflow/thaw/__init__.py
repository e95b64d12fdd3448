"""Thaw: does transfer learning help, and how many layers should stay frozen?

The package knows nothing of Snakemake. Each module in `thaw.stages` is one stage
of the study and runs alone from a shell: `python -m thaw.stages.train --help`.
"""
