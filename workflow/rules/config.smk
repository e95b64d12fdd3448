"""Which file is the config: chosen and checked before Snakemake reads it."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

sys.path.insert(0, os.path.join(workflow.basedir, "workflow"))

from thaw.config import check_file, choose_file
from thaw.errors import ThawError

try:
    # Those that Snakemake knows so far were named with --configfile.
    CONFIG_FILE = choose_file(
        Path(), Path(workflow.basedir, "config.yaml"), workflow.configfiles
    )
    for file in (CONFIG_FILE, *workflow.configfiles):
        check_file(file)
except ThawError as error:
    raise WorkflowError(str(error)) from None

# Elsewhere than in the workflow's own folder it is not plain to see. Said once a run,
# and not on standard output, which other programs may read.
if workflow.is_main_process and not os.path.samefile(os.curdir, workflow.basedir):
    print(f"The config is {CONFIG_FILE.absolute()}.", file=sys.stderr)
