"""Tables from scikit-learn's functions that return features and labels."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from sklearn import datasets

from thaw.data.table import Table, as_text, numbered
from thaw.errors import ThawError


def generate(function: str, settings: Mapping[str, Any]) -> Table:
    """Call a function of `sklearn.datasets` with the arguments that the settings name.

    Rows keep the order in which it returns them. Of a `load_…` function features and
    classes keep their names.
    Raises `ThawError` if the function does not take the arguments.
    """
    arguments = dict(settings[function])
    if function.startswith("load_"):
        arguments |= {"as_frame": True}
    try:
        made = getattr(datasets, function)(**arguments)
    except (TypeError, ValueError) as error:
        raise ThawError(f"{function}: {' '.join(str(error).split())}") from error
    if function.startswith("load_"):
        x, y = made["data"], made["target"]
    else:
        x, y = made
        x = pd.DataFrame(x, columns=numbered(x.shape[1]))
    index = pd.RangeIndex(1, len(x) + 1)
    labels = as_text(pd.Series(y).set_axis(index), function)
    return Table(x.set_axis(index), labels, None, function, named=False)
