"""Trained networks that predict new rows together, as an estimator of scikit-learn.

`Results.predictor` opens the networks of a variant that says `save: weights`,
`of_files` those of any such files. They are trained already: where scikit-learn would
fit a copy, wrap them in `sklearn.frozen.FrozenEstimator`.
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from thaw.config.users import content_of_function, parts_of_function
from thaw.data.checks import LARGEST, LARGEST_TOKEN, are_tokens
from thaw.data.images import pixels
from thaw.data.problem import Description, as_learned
from thaw.data.tables import Table, as_text, encode, read_rows
from thaw.data.transforms import transform
from thaw.errors import ThawError, listed
from thaw.external.networks import network_of, of_network
from thaw.keys import files_below
from thaw.learning.learner import State, stacked, take
from thaw.learning.tasks import TASKS, Scale
from thaw.output.tiles import Tile
from thaw.output.weights import load_networks

# Messages call rows so that come from no file.
ROWS = "the new rows"


class Predictor(BaseEstimator):
    """Trained networks; use `of_files` or `Results.predictor` to open them.

    files: the .safetensors files that hold them. networks: which of them to take,
    repeats as in "0-3" (the fourth from source model 0), source models as in "0"; None
    takes all. module: the function that builds user-supplied networks, as the config
    names it: "networks.py:small_cnn" or "torchvision.models:resnet18".

    `networks_` are those that predict, `failed_` those that are left out because they
    failed. `feature_names_in_` are the columns that rows must have.
    """

    def __init__(
        self,
        files: Sequence[str | Path],
        networks: Collection[str] | None = None,
        module: str | None = None,
    ) -> None:
        """Read the files.

        Raises `ThawError` if one is damaged or was made of another problem than the
        first, if `module` is not the function that built the networks, or if no network
        is left.
        """
        self.files, self.networks, self.module = files, networks, module
        self.networks_: list[str] = []
        self.failed_: list[str] = []
        states: list[State] = []
        for file in files:
            state, record = load_networks(Path(file))
            about, settings = record["about"], record["recipe"]["settings"]
            described = Description(**about["described"])
            kind = about["task"], described, settings["network"]
            if not states:
                self._task, self._described, self._network = first = kind
                self._added = settings.get("variant", {}).get("add", ())
                if "module" in self._network:
                    _check_named(module, self._network["module"], file)
            elif kind != first:
                raise ThawError(
                    f"{file} holds networks of another kind, or of another problem, "
                    f"than {files[0]}; open each on its own"
                )
            places = []
            for place, label in enumerate(Tile.named(record["tile"]).labels):
                is_new = label not in (*self.networks_, *self.failed_)
                if is_new and (networks is None or label in networks):
                    if place in about["failed"]:
                        self.failed_.append(label)
                    else:
                        self.networks_.append(label)
                        places.append(place)
            states.append(take(state, places))
        if not self.networks_:
            raise ThawError(f"{', '.join(map(str, files))}: no network that predicts")
        self._state = stacked(states)
        self.feature_names_in_ = np.array(self._described.before_encoding, object)
        self.n_features_in_ = len(self.feature_names_in_)

    def __sklearn_is_fitted__(self) -> bool:
        """Say that nothing is left to fit."""
        return True

    def fit(self, X: Any, y: Any = None) -> NoReturn:  # noqa: N803
        """Raise `ThawError`: the networks are trained, by `snakemake`."""
        raise ThawError(
            "these networks are trained already; wrap the predictor in "
            "sklearn.frozen.FrozenEstimator, so that nothing fits it"
        )

    def predict_file(self, file: str | Path) -> pd.DataFrame:
        """Return what is predicted of each row of a table; rows are numbered from 1.

        Of images, `file` is a folder, and each has its name there instead.
        Of classes, that is the class and the mean probability of each; of numbers, the
        mean and its spread, the standard deviation over the networks.
        Raises `ThawError` if the file cannot be read, or as `predict` does.
        """
        path, known = Path(file), self._described
        if not path.is_dir():
            rows = read_rows(path, known.categories, {}, **known.written)
            table = self._table(rows, str(path))
            table.insert(0, "row", range(1, len(table) + 1))
            return table
        if not known.files:
            raise ThawError(
                f"{path}: it is a folder, and the networks learned from no images; "
                "name a table"
            )
        names = files_below(path)
        if not names:
            raise ThawError(f"{path}: it holds no images")
        x = pixels([path / name for name in names], known.shape)
        columns = pd.Index(self.feature_names_in_)
        table = self._table(pd.DataFrame(x, columns=columns), str(path))
        table.insert(0, "file", names)
        return table

    def _table(self, rows: pd.DataFrame, place: str) -> pd.DataFrame:
        """Return what is predicted of rows; see `predict_file`."""
        raise NotImplementedError

    def _features(self, rows: Any, place: str) -> np.ndarray:
        """Return the features of rows before scaling, `[rows, features]`.

        Rows are a frame with the columns by name, or an array with those of
        `feature_names_in_`, in order. Of the problem's transforms the noise is left
        out: new rows have their own.
        """
        described, wanted = self._described, [*self.feature_names_in_]
        frame = rows
        if not isinstance(rows, pd.DataFrame):
            frame = pd.DataFrame(np.asarray(rows))
            if frame.shape[1] != self.n_features_in_:
                raise ThawError(
                    f"{place}: {frame.shape[1]} columns; the networks learned from "
                    f"{self.n_features_in_}: {', '.join(wanted)}"
                )
            frame.columns = pd.Index(wanted)
        missing = [name for name in wanted if name not in frame]
        if missing:
            raise ThawError(
                f"{place}: missing columns: {listed(missing)}. The networks learned "
                f"from {listed(wanted)}"
            )
        if frame.empty:
            raise ThawError(f"{place}: there are no rows")
        frame = frame[wanted].set_axis(pd.RangeIndex(1, len(frame) + 1))
        for name in wanted:
            known = described.categories.get(name)
            frame[name] = _read(frame[name], known, place, described.fills)
        table = Table(frame, pd.Series(), None, place, named=True)
        encoded = encode(table, described.categories)[[*described.columns]]
        steps = [step for step in described.transforms if "noise" not in step]
        x = transform(encoded.to_numpy(), described.shape, steps, part=0)
        if not described.tokens:
            return x
        wrong = ~are_tokens(x).all(1)
        if wrong.any():
            raise ThawError(
                f"{place}: row {wrong.argmax() + 1}: the networks learned from tokens, "
                f"and a value is no whole number from 0 to {LARGEST_TOKEN:,}; correct "
                "it, or leave the row out"
            )
        return x.astype(np.int64)

    def _predictions(self, rows: Any, place: str) -> np.ndarray:
        """Return what the task keeps of each network's predictions, `[R, rows, …]`."""
        x, described = self._features(rows, place), self._described
        task, file = TASKS[self._task], parts_of_function(self.module or "")[2]
        predictions = []
        with _generators_kept(), of_network(self._network, file):
            network = network_of(
                self._network, self._task, described, file, self._added
            )
            for number in range(len(self.networks_)):
                state = take(self._state, [number])
                weights = {name: state[name] for name in network.shapes}
                outputs = network.see(weights, _scaled(x, state, place)).outputs
                scale = _scale(state, "label")
                predictions.append(task.predictions(outputs.T[None], scale))
        return np.concatenate(predictions)


class Classifier(ClassifierMixin, Predictor):
    """Networks that predict classes: the mean of their probabilities decides.

    `classes_` are the names of the classes, as text.
    """

    @property
    def classes_(self) -> np.ndarray:
        """The classes' names, in the order of the probabilities."""
        return np.array(self._described.classes)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the mean probability of each class, float64 `[rows, classes]`.

        Raises `ThawError` if a column or a value is missing, or of another kind than
        those that the networks learned from.
        """
        return self._probabilities(X, ROWS)

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        """Return the class with the highest mean probability, the first of several."""
        return self.classes_[self.predict_proba(X).argmax(1)]

    def _probabilities(self, rows: Any, place: str) -> np.ndarray:
        return np.exp(self._predictions(rows, place).astype(np.float64)).mean(0)

    def _table(self, rows: pd.DataFrame, place: str) -> pd.DataFrame:
        shares = self._probabilities(rows, place)
        names = [f"p_{name}" for name in self._described.classes]
        table = pd.DataFrame(shares, columns=names)
        table.insert(0, "predicted", self.classes_[shares.argmax(1)])
        return table


class Regressor(RegressorMixin, Predictor):
    """Networks that predict a number: the mean of what they say, in its own units."""

    def predict(self, X: Any, return_std: bool = False) -> Any:  # noqa: N803
        """Return the mean prediction of each row, float64 `[rows]`.

        With `return_std`, also the standard deviation over the networks; of a single
        one it is nan. Raises `ThawError` as `Classifier.predict_proba`.
        """
        table = self._table(X, ROWS).to_numpy()
        return (table[:, 0], table[:, 1]) if return_std else table[:, 0]

    def _table(self, rows: Any, place: str) -> pd.DataFrame:
        numbers = self._predictions(rows, place)
        spread = np.full(numbers.shape[1], np.nan)
        if len(numbers) > 1:
            spread = numbers.std(0, ddof=1)
        return pd.DataFrame({"predicted": numbers.mean(0), "spread": spread})


def of_files(
    files: Sequence[str | Path],
    networks: Collection[str] | None = None,
    module: str | None = None,
) -> Classifier | Regressor:
    """Return the networks of some files; arguments and errors are `Predictor`'s."""
    task = load_networks(Path(files[0]))[1]["about"]["task"]
    kind = Classifier if TASKS[task].has_classes else Regressor
    return kind(files, networks, module)


def _check_named(
    module: str | None, built_by: Mapping[str, Any], file: str | Path
) -> None:
    """Raise `ThawError` unless the caller's `module` is what built a file's networks.

    A file may name any installed function, so its word is not enough to call one.
    """
    known = f"{built_by.get('import', 'FILE.py')}:{built_by['function']}"
    if module is None:
        raise ThawError(
            f"{file}: its networks are built by a function, which is only called if "
            f"you name it: module={known!r}"
        )
    content = content_of_function(module)
    del content["libraries"]
    if content != built_by:
        raise ThawError(
            f"{file}: its networks are built by {known}, not by {module} as it is now"
        )


def _read(
    column: pd.Series, known: Sequence[str] | None, place: str, fills: bool
) -> pd.Series:
    """Return a column as float64 or, if its categories are `known`, as text.

    Raises `ThawError` if a value is no finite number, or not among these; or if it is
    missing, unless one `fills` numbers.
    """
    if known is None:
        values = pd.to_numeric(column, errors="coerce").astype(np.float64)
        wrong = ~(values.abs() <= LARGEST) & ~(fills & column.isna())
        reason = "{!r} is not a finite number; correct it, or leave the row out"
    else:
        values = as_text(column)
        wrong = ~values.isin(known)
        reason = f"the category {{!r}} is unknown. Allowed: {listed(known)}"
    if wrong.any():
        row = wrong.idxmax()
        if pd.isna(column[row]):
            reason = "a value is missing; give it, or leave the row out"
        where = f"{place}: column {column.name}, row {row}"
        raise ThawError(f"{where}: {reason.format(str(column[row]))}")
    return values


def _scale(state: State, name: str) -> Scale | None:
    """Return the scale that stands in a network's state, `[1, …]`, if one does."""
    if f"{name}.centre" not in state:
        return None
    return Scale(*(state[f"{name}.{field}"].numpy() for field in Scale._fields))


def _scaled(x: np.ndarray, state: State, place: str) -> np.ndarray:
    """Return features as the network of a state takes them, missing ones filled.

    Raises `ThawError` if one is too large.
    """
    if scale := _scale(state, "feature"):
        x = (x - scale.centre) / scale.spread
    with np.errstate(over="ignore"):  # told below
        scaled = as_learned(x)
    wrong = np.isinf(scaled).any(1)
    if wrong.any():
        raise ThawError(
            f"{place}: row {wrong.argmax() + 1}: scaled, a value is too large for a "
            "number of 32 bits; correct it, or leave the row out"
        )
    if "feature.median" in state:
        return np.where(np.isnan(scaled), state["feature.median"].numpy(), scaled)
    return scaled


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Give the global generators back as they were: a module's are seeded."""
    pythons, numpys = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=()):
            yield
    finally:
        random.setstate(pythons)
        np.random.set_state(numpys)
