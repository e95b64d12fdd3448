"""The environment of jobs, and the choice of the config file.

The config is chosen and checked here, before Snakemake reads it. Errors that the user can
mend end Snakemake with `sys.exit`: around the words of an exception it would print where
in the rules that was raised.
"""

import os
import sys
from pathlib import Path

# A workflow that was deployed by its address lies in Snakemake's store, not in a folder.
HOME = Path(str(workflow.current_basedir)).parents[1]


def prepend(variable, folder):
    """Put a folder in front of an environment variable's list of folders."""
    folders = filter(None, [str(folder), os.environ.get(variable)])
    os.environ[variable] = os.pathsep.join(folders)


# Jobs call `python -m thaw…` with the interpreter that runs Snakemake, even if its
# environment is not activated, and with the package beside this workflow, even if
# another copy is installed.
prepend("PATH", os.path.dirname(sys.executable))
if (HOME / "workflow" / "thaw").is_dir():
    prepend("PYTHONPATH", HOME / "workflow")
    sys.path.insert(0, str(HOME / "workflow"))

try:
    from thaw.config.files import choose_file, read
    from thaw.errors import ThawError, format_error
except ModuleNotFoundError as error:
    sys.exit(
        f"error: Python's package {error.name} is missing: install Thaw into the environment "
        "that runs Snakemake (pip install, with the address or the folder of Thaw's "
        "repository)"
    )

if workflow.modifier.is_main_snakefile():
    try:
        # The files that Snakemake knows so far were named with --configfile.
        CONFIG_FILE = choose_file(Path(), HOME / "config.yaml", workflow.configfiles)
        for file in (CONFIG_FILE, *workflow.configfiles):
            read(file)
    except ThawError as error:
        sys.exit(format_error(error))
    # Printed once a run, and not on standard output, which other programs may read.
    if workflow.is_main_process:
        print(
            f"The config is {CONFIG_FILE.absolute()}. "
            f"Results are in {Path('results').absolute()}.",
            file=sys.stderr,
        )
else:
    CONFIG_FILE = "config.yaml"
