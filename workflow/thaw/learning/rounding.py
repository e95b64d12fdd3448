"""Numbers that do not depend on who shares the work."""

import os

import torch


def fix_rounding() -> None:
    """Make every product and sum round the same, whatever shares the ensemble.

    Call it before the first product. A sum over several threads is split by their
    number. MKL rounds by where in memory a matrix happens to lie unless told otherwise
    (Intel's "conditional numerical reproducibility"); the price is not measurable.
    """
    os.environ.setdefault("MKL_CBWR", "AUTO,STRICT")
    torch.set_num_threads(1)
