"""Thaw tells whether transfer learning helps and how many layers to freeze.

The package knows nothing of Snakemake. Each module in `thaw.stages` is one stage
of the study and runs alone from a shell: `python -m thaw.stages.train --help`.
"""
