"""Say of each file whether it can be read as a config: `python -m thaw.config FILE …`.

Snakemake reads a file named with `--configfile` before Thaw can check it, and says of
one that does not parse neither where nor why. This does.
"""

import sys
from pathlib import Path

from thaw.config.files import read
from thaw.errors import ThawError

try:
    for argument in sys.argv[1:]:
        read(Path(argument))
except ThawError as error:
    sys.exit(f"error: {error}")
