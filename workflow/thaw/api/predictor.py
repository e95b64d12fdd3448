"""Trained networks that predict new rows together, as an estimator of scikit-learn.

`Results.predictor` opens the networks of a variant that says `save: weights`,
`of_files` those of any such files. They are trained already: where scikit-learn would
fit a copy, wrap them in `sklearn.frozen.FrozenEstimator`.
"""

import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
import torch
import yaml
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from thaw.config.messages import among
from thaw.config.users import content_of_function, parts_of_function
from thaw.data.checks import LARGEST_TOKEN, are_tokens
from thaw.data.images import pixels
from thaw.data.new_rows import features_of
from thaw.data.problem import Problem, as_learned
from thaw.data.tables import read_rows
from thaw.errors import ThawError, listed
from thaw.external.networks import network_of, of_network
from thaw.findings.arms import Arm, in_order
from thaw.keys import files_below
from thaw.learning.learner import State, stacked, take
from thaw.learning.settings import Training
from thaw.learning.tasks import TASKS, Scale
from thaw.output.paths import WEIGHTS, find_jobs
from thaw.output.records import Archive
from thaw.output.tiles import Tile
from thaw.output.weights import load_networks

if TYPE_CHECKING:
    from thaw.api.results import Results

# A learner asks for some; nothing learns here.
TRAINING = Training(epochs=1, batch_size=2, learning_rate=1.0)

# What messages call rows that come from no file.
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
        wanted = None if networks is None else {*networks}
        seen: set[str] = set()
        self.networks_: list[str] = []
        self.failed_: list[str] = []
        states: list[State] = []
        for file in files:
            found = load_networks(Path(file))
            task, described, failed = found.about
            kind = task, described, found.settings["network"]
            if not states:
                self._task, self._described, _ = first = kind
                variant = found.settings.get("variant", {})
                self._network, self._added = kind[2], variant.get("add", ())
                if "module" in self._network:
                    _check_named(module, self._network["module"], file)
            elif kind != first:
                raise ThawError(
                    f"{file} holds networks of another kind, or of another problem, "
                    f"than {files[0]}; open each on its own"
                )
            places, lost = [], {*failed}
            for place, label in enumerate(found.tile.labels):
                if label in seen or (wanted is not None and label not in wanted):
                    continue
                seen.add(label)
                if place in lost:
                    self.failed_.append(label)
                else:
                    self.networks_.append(label)
                    places.append(place)
            states.append(take(found.state, places))
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
        path = Path(file)
        if path.is_dir():
            return self._of_images(path)
        known = self._described
        rows = read_rows(path, known.categories, {}, **known.written)
        found = self._table(rows, str(path))
        found.insert(0, "row", range(1, len(found) + 1))
        return found

    def _of_images(self, folder: Path) -> pd.DataFrame:
        """Return what is predicted of each image below a folder, by name."""
        if not self._described.files:
            raise ThawError(
                f"{folder}: it is a folder, and the networks learned from no images; "
                "name a table"
            )
        names = files_below(folder)
        if not names:
            raise ThawError(f"{folder}: it holds no images")
        x = pixels([folder / name for name in names], self._described.shape)
        found = self._table(pd.DataFrame(x, columns=self.feature_names_in_), ROWS)
        found.insert(0, "file", names)
        return found

    def _table(self, rows: pd.DataFrame, place: str) -> pd.DataFrame:
        """Return what is predicted of rows; see `predict_file`."""
        raise NotImplementedError

    def _said(self, rows: Any, place: str) -> np.ndarray:
        """Return what the task keeps of each network's predictions, `[R, rows, …]`.

        Rows are a frame with the columns by name, or an array with those of
        `feature_names_in_`, in order.
        """
        frame = rows
        if not isinstance(rows, pd.DataFrame):
            frame = pd.DataFrame(np.asarray(rows))
            if frame.shape[1] != self.n_features_in_:
                raise ThawError(
                    f"{place}: {frame.shape[1]} columns; the networks learned from "
                    f"{self.n_features_in_}: {', '.join(self.feature_names_in_)}"
                )
            frame.columns = pd.Index(self.feature_names_in_)
        x = features_of(frame, self._described, place)
        x = _as_tokens(x, place) if self._described.tokens else x
        problem = _problem(x, self._task, len(self._described.classes))
        module = parts_of_function(self.module or "")[2]
        with _generators_kept(), of_network(self._network, module):
            network = network_of(
                *(self._network, problem, self._described.shape, module, self._added)
            )
            said = []
            for place_of_one in range(len(self.networks_)):
                state = take(self._state, [place_of_one])
                weights = {name: state[name] for name in network.shapes}
                of_features, of_labels = (
                    _scale(state, what) for what in ("feature", "label")
                )
                scaled = x
                if of_features:
                    scaled = (x - of_features.centre) / of_features.spread
                scaled = _in_range(scaled, place)
                if "feature.median" in state:
                    medians = state["feature.median"].numpy()
                    scaled = np.where(np.isnan(scaled), medians, scaled)
                own = problem._replace(test_x=scaled)
                outputs = network.learner(weights, own, TRAINING).outputs("test")
                said.append(TASKS[self._task].predictions(outputs, of_labels))
        return np.concatenate(said)


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
        return np.exp(self._said(rows, place).astype(np.float64)).mean(0)

    def _table(self, rows: pd.DataFrame, place: str) -> pd.DataFrame:
        found = self._probabilities(rows, place)
        names = [f"p_{name}" for name in self._described.classes]
        table = pd.DataFrame(found, columns=names)
        table.insert(0, "predicted", self.classes_[found.argmax(1)])
        return table


class Regressor(RegressorMixin, Predictor):
    """Networks that predict a number: the mean of what they say, in its own units."""

    def predict(self, X: Any, return_std: bool = False) -> Any:  # noqa: N803
        """Return the mean prediction of each row, float64 `[rows]`.

        With `return_std`, also the standard deviation over the networks; of a single
        one it is nan. Raises `ThawError` as `Classifier.predict_proba`.
        """
        said = self._said(X, ROWS)
        return (said.mean(0), _spread(said)) if return_std else said.mean(0)

    def _table(self, rows: pd.DataFrame, place: str) -> pd.DataFrame:
        said = self._said(rows, place)
        return pd.DataFrame({"predicted": said.mean(0), "spread": _spread(said)})


def of_files(
    files: Sequence[str | Path],
    networks: Collection[str] | None = None,
    module: str | None = None,
) -> Classifier | Regressor:
    """Return the networks of some files; arguments and errors are `Predictor`'s."""
    task = load_networks(Path(files[0])).about.task
    kind = Classifier if TASKS[task].has_classes else Regressor
    return kind(files, networks, module)


def of_study(
    study: "Results", variant: str, target_size: int | str | None = None
) -> Classifier | Regressor:
    """Return the networks of a variant of a study.

    target_size: how many train rows of the target they learned from; None is the
    largest, `"all"` if there is that.
    Raises `ThawError` if there are none, or if their weights are not there.
    """
    told, name, results = study.description, study.name, study.folder.parent
    settings = told["settings"]
    variants, sizes = settings["variants"], settings["target_sizes"]
    if variant not in variants:
        raise ThawError(
            f"{variant!r} is no variant of {name}{among(variant, variants)}"
        )
    by_text = {str(size): size for size in in_order(sizes)}
    asked = [*by_text][-1] if target_size is None else str(target_size)
    if asked not in by_text:
        raise ThawError(
            f"{asked} is no target size of {name}. Allowed: {listed(by_text)}"
        )
    network = settings["network"]
    if "estimator" in told["variants"][variant] or "trainer" in network:
        raise ThawError(
            f"{variant} of {name}: Thaw saves neither estimators nor what a trainer "
            "has trained. Allowed: a variant of network.hidden or network.module"
        )
    arm = Arm(variant, by_text[asked]).name
    wanted = Tile(range(settings["source_models"]), range(settings["repeats"])).labels
    missing, files = {*wanted}, []
    for key, tile, path in find_jobs(
        results, settings["target"], arm, told["keys"]["arms"][arm], WEIGHTS
    ):
        if not missing.isdisjoint(tile.labels):
            missing -= {*tile.labels}
            with Archive(path, key, tile):  # not another config's, or another job's
                pass
            files.append(path)
    if missing:
        own = {variant: told["variants"][variant] | {"save": "weights"}}
        entry = yaml.safe_dump(own, default_flow_style=True).strip("{}\n") + "}"
        raise ThawError(
            f"{name}: the weights of {len(missing)} of {len(wanted)} repeats of {arm} "
            f"are not there. Write `{entry}` below `variants:` in the config, unless "
            f"it is saved already, and run `snakemake {name}`, which trains them once "
            "more, to the same scores"
        )
    module = network.get("module")
    if parts_of_function(module or "")[2]:
        module = str(results.parent / module)
    return of_files(files, wanted, module)


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
    found = content_of_function(module)
    del found["libraries"]
    if found != built_by:
        raise ThawError(
            f"{file}: its networks are built by {known}, not by {module} as it is now"
        )


def _spread(said: np.ndarray) -> np.ndarray:
    """Return the standard deviation over networks `[R, rows]`; nan of a single one."""
    return said.std(0, ddof=1) if len(said) > 1 else np.full(said.shape[1], np.nan)


def _problem(x: np.ndarray, task: str, classes: int) -> Problem:
    """Return a problem whose test rows are new ones, with two train rows of zeros."""
    features = as_learned(np.zeros((2, x.shape[1]), x.dtype))
    kind = np.int64 if classes else np.float64
    labels = [np.zeros(rows, kind) for rows in (2, len(x))]
    numbers = np.arange(len(x))
    return Problem(*(features, labels[0], features, labels[1], numbers, classes, task))


def _scale(state: Any, what: str) -> Scale | None:
    """Return the scale that stands in a network's state, `[1, …]`, if one does."""
    if f"{what}.centre" not in state:
        return None
    return Scale(*(state[f"{what}.{name}"].numpy() for name in Scale._fields))


def _as_tokens(x: np.ndarray, place: str) -> np.ndarray:
    """Return features that are tokens as int64; raises `ThawError` if one is none."""
    wrong = ~are_tokens(x).all(1)
    if wrong.any():
        raise ThawError(
            f"{place}: row {wrong.argmax() + 1}: the networks learned from tokens, and "
            f"a value is no whole number from 0 to {LARGEST_TOKEN:,}; correct it, or "
            "leave the row out"
        )
    return x.astype(np.int64)


def _in_range(x: np.ndarray, place: str) -> np.ndarray:
    """Return scaled features as networks take them.

    Raises `ThawError` if one is too large.
    """
    with np.errstate(over="ignore"):  # told below
        found = as_learned(x)
    wrong = np.isinf(found).any(1)
    if wrong.any():
        raise ThawError(
            f"{place}: row {wrong.argmax() + 1}: scaled, a value is too large for a "
            "number of 32 bits; correct it, or leave the row out"
        )
    return found


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Give the global generators back as they were: a module's are seeded."""
    ours, numpys = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=()):
        yield
    random.setstate(ours)
    np.random.set_state(numpys)
