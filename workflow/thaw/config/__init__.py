"""The config: what it may hold, whether a file of it can be read, what follows from it.

`models` says what each key may hold. Who uses a config needs the names below only, and
gets plain values.
"""

from thaw.config.extents import Extent, extent
from thaw.config.files import check_file, choose_file
from thaw.config.job_sizes import weights_of
from thaw.config.layers import in_numbers, is_brought, is_module, is_trainer
from thaw.config.minimal import (
    minimal_network,
    minimal_problem,
    minimal_training,
    minimal_variant,
)
from thaw.config.resolve import resolve
from thaw.config.resolved import Config, Study

__all__ = [
    "Config",
    "Extent",
    "Study",
    "check_file",
    "choose_file",
    "extent",
    "in_numbers",
    "is_brought",
    "is_module",
    "is_trainer",
    "minimal_network",
    "minimal_problem",
    "minimal_training",
    "minimal_variant",
    "resolve",
    "weights_of",
]
