"""The results of a study as data frames and figures, for notebooks and scripts."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from markdown_it import MarkdownIt

from thaw.config.messages import among
from thaw.config.users import parts_of_function
from thaw.errors import ThawError, listed
from thaw.findings.arms import Arm, arms, in_order
from thaw.findings.metrics import metric_of
from thaw.findings.samples import Sample
from thaw.learning.history import METRICS, names_of
from thaw.learning.tasks import TASKS
from thaw.output.inputs import Inputs, read_table
from thaw.output.paths import (
    PREDICTIONS_NPZ,
    WEIGHTS,
    models_begin,
    problem_file,
    repeats_begin,
)
from thaw.output.problems import load_described
from thaw.output.records import Archive, load_record
from thaw.output.tiles import Tile
from thaw.plan.outputs import BEST_SOURCES, FIGURES, GATHER, TABLES, named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from thaw.api.predictor import Classifier, Regressor


class Results:
    """The results of a study, as they lie in its folder.

    Each is read when it is asked for, and raises `ThawError` if a file is not what its
    record says. Frames are the CSV files of the folder, with their columns; where a
    network failed, scores are what it reached.
    """

    def __init__(self, folder: Path) -> None:
        """Open a folder such as `results/forward`.

        Raises `ThawError` if it does not hold a study's scores and tables.
        """
        self.folder = folder.resolve()
        self._records = {stage: self._record(stage) for stage in (GATHER, TABLES)}
        self._settings = self._records[GATHER]["recipe"]["settings"]
        self.name: str = self._settings["study"]
        self.arms = arms(self._settings["variants"], self._settings["target_sizes"])
        self.metric = metric_of(self._settings["metric"][0])
        key = self._records[GATHER]["key"]
        read = self._records[TABLES]["recipe"]["inputs"].get(GATHER, {})
        if read.get(self.name, key) != key:
            raise ThawError(
                f"{folder}: its tables were made from other scores than those beside "
                "them; run the stage that makes tables again (`snakemake "
                f"{TABLES}_{self.name}`)"
            )
        if self.folder.name != self.name:
            raise ThawError(
                f"{folder} holds the study {self.name}; rename it to {self.name}"
            )

    def __repr__(self) -> str:
        """Return the answer's first words."""
        parts = json.loads(self._content("answer.json"))
        return f"<{self.name}: {' '.join(parts[0]['sentences'])}>"

    def _repr_html_(self) -> str:
        """Return the answer and the comparisons, as a notebook shows them."""
        words = [self.answer, self._content("comparisons.md").decode()]
        renderer = MarkdownIt("commonmark", {"html": False}).enable("table")
        return renderer.render("\n\n".join(words))

    @property
    def scores(self) -> pd.DataFrame:
        """All scores in the end: a row a repeat of a variant at a target size."""
        return self.table("scores.csv")

    @property
    def summary(self) -> pd.DataFrame:
        """Mean, spread and its parts, quartiles, failures: a row a variant and size."""
        return self.table("summary.csv")

    @property
    def comparisons(self) -> pd.DataFrame:
        """Differences with intervals, and verdicts: a row a comparison and size."""
        return self.table("comparisons.csv")

    @property
    def answer(self) -> str:
        """The answer in words, as Markdown."""
        return self._content("answer.md").decode()

    def table(self, name: str) -> pd.DataFrame:
        """Return a CSV file of the folder by its name, such as `best-depths.csv`.

        Raises `ThawError` if the study has none of that name.
        """
        known = [n for record in self._records.values() for n in record["content"]]
        tables = [file for file in known if file.endswith(".csv")]
        if name not in tables:
            raise ThawError(f"{self.name} has no {name}{among(name, tables)}")
        return read_table(self._content(name))

    @property
    def histories(self) -> pd.DataFrame:
        """Scores after every epoch: a row an epoch of a repeat.

        The columns are `variant`, `target_size`, `source_model`, `repeat`, `epoch`,
        `step` (of gradient descent) and, by the names of the task, score and loss on
        train and test rows.
        """
        self._check_trained()
        with self._inputs() as inputs:
            histories, parts = inputs.histories(), []
            for arm in self.arms:
                steps = histories[f"{arm.name}/steps"]
                values = [histories[f"{arm.name}/{metric}"] for metric in METRICS]
                names = names_of(TASKS[str(histories[f"{arm.name}/task"])])
                repeats, epochs = values[0].shape
                frame = _addressed(arm, histories["addresses"], epochs)
                frame["epoch"] = np.tile(np.arange(epochs), repeats)
                frame["step"] = np.tile(steps, repeats)
                columns = dict(zip(names, map(np.ravel, values), strict=True))
                parts.append(frame.assign(**columns))
        return pd.concat(parts, ignore_index=True)

    @property
    def predictions(self) -> pd.DataFrame:
        """The prediction of each network for each test row.

        The columns are `variant`, `target_size`, `source_model`, `repeat`, `row` (in
        the problem's file, from 1), the `label`, what is `predicted` and, of classes,
        the probability of each, `p_NAME`; where a network failed, nothing may be
        predicted. Images have a `file` as well. Raises `ThawError` if the folder
        beside it that holds what jobs wrote, `repeats/`, is gone, or if the study keeps
        none.
        """
        return self._predictions(self.arms)

    def confusion(
        self, variant: str, target_size: int | str | None = None
    ) -> pd.DataFrame:
        """Return how a variant's networks predict each class, on average.

        A row a class, a column a predicted one; each cell is a share of the row's class
        in the test rows. `target_size` is that of `predictor`; errors are those of
        `predictions`. Raises `ThawError` if the labels are numbers, too.
        """
        table, classes = self._of_classes(variant, target_size)
        counts = pd.crosstab(table["label"], table["predicted"])
        counts = counts.reindex(index=classes, columns=classes, fill_value=0)
        return counts.div(counts.sum(axis=1), axis=0)

    def rows(self, variant: str, target_size: int | str | None = None) -> pd.DataFrame:
        """Return the share of a variant's networks that get each test row right.

        The columns are `row`, of images `file`, `label` and `right`. Arguments and
        errors are those of `confusion`.
        """
        table, _ = self._of_classes(variant, target_size)
        table["right"] = table["label"] == table["predicted"]
        columns = [name for name in ("row", "file", "label") if name in table]
        return table.groupby(columns, as_index=False)["right"].mean()

    def figure(self, name: str) -> "Figure":
        """Draw a figure of the study anew, such as `boxplot`; return it.

        Raises `ThawError` if the study has no such figure.
        """
        import matplotlib as mpl

        from thaw.stages.make import make_output

        record = self._record(FIGURES)
        recipe, names = record["recipe"], record["recipe"]["settings"]["outputs"]
        if name not in names:
            known = among(name, names)
            raise ThawError(f"{self.name} has no figure {name!r}{known}")
        (output,) = named(FIGURES, [name])
        with mpl.rc_context(), Inputs(recipe, self.folder.parent) as inputs:
            return make_output(output, inputs)

    def predictor(
        self, variant: str, target_size: int | str | None = None
    ) -> "Classifier | Regressor":
        """Return a variant's saved networks, as an estimator of scikit-learn.

        target_size: how many train rows of the target they learned from, or `"all"`;
        None is the largest. Raises `ThawError` if the weights were not saved.
        """
        # It imports torch.
        from thaw.api.predictor import of_files

        arm, description = self._arm(variant, target_size), self.description
        network = description["settings"]["network"]
        if "estimator" in description["variants"][variant] or "trainer" in network:
            raise ThawError(
                f"{variant} of {self.name}: Thaw saves neither estimators nor what a "
                "trainer has trained. Allowed: a variant of network.hidden or "
                "network.module"
            )
        advice = (
            f"Write `save: weights` in {variant} below `variants:` in the config, and "
            f"run `snakemake {self.name}`, which trains them once more, to the same "
            "scores"
        )
        files = [path for path, *_ in self._archives(arm, WEIGHTS, "weights", advice)]
        module = network.get("module")
        if parts_of_function(module or "")[2]:
            module = str(self.folder.parents[1] / module)
        return of_files(files, {*self._tile.labels}, module)

    def samples(self, arms: Iterable[Arm]) -> dict[Arm, Sample]:
        """Return the scores of arms as the statistics take them."""
        with self._inputs() as inputs:
            samples = {}
            for arm in arms:
                of_arm = inputs.samples([arm.variant], arm.target_size, self.metric)
                samples[arm] = of_arm[arm.variant]
            return samples

    @property
    def description(self) -> dict[str, Any]:
        """The study's settings, keys, code and library versions."""
        return json.loads(self._content("study.json"))

    @property
    def target(self) -> dict[str, str]:
        """The key of the target problem, by its name; of given scores, none."""
        return self._records[GATHER]["recipe"]["inputs"].get("problems", {})

    def jobs(
        self, suffix: str, arm: Arm | None = None
    ) -> Iterator[tuple[str, Tile, Path]]:
        """Yield the key, tile and file of each job that wrote such a file.

        They are those of an arm, or of the source models. Jobs that were cut
        differently before may hold the same networks.
        """
        inputs = self._records[GATHER]["recipe"]["inputs"]
        if arm:
            (target,) = inputs["problems"]
            keys = inputs["arms"][arm.name]
            begins = [repeats_begin(target, arm.name, key) for key in keys]
        else:
            keys = inputs["source_models"]
            begins = [models_begin(self._settings["source"], key) for key in keys]
        for key, begin in zip(keys, begins, strict=True):
            for path in sorted((self.folder.parent / begin).glob(f"*{suffix}")):
                yield key, Tile.named(path.name.removesuffix(suffix)), path

    @property
    def _tile(self) -> Tile:
        """The tile of all repeats of an arm."""
        settings = self._settings
        return Tile(range(settings["source_models"]), range(settings["repeats"]))

    def _arm(self, variant: str, target_size: int | str | None) -> Arm:
        """Return an arm by its names, at the largest size unless one is named.

        Raises `ThawError` if it is not one of the study, or if scores were given.
        """
        self._check_trained()
        variants = self._settings["variants"]
        sizes = {str(size): size for size in in_order(self._settings["target_sizes"])}
        size = [*sizes][-1] if target_size is None else str(target_size)
        if variant not in variants:
            raise ThawError(
                f"{variant!r} is no variant of {self.name}{among(variant, variants)}"
            )
        if size not in sizes:
            raise ThawError(
                f"{size} is no target size of {self.name}. Allowed: {listed(sizes)}"
            )
        return Arm(variant, sizes[size])

    def _check_trained(self) -> None:
        """Raise `ThawError` where scores were given, and no network is known."""
        if self._records[GATHER]["recipe"]["stage"] != GATHER:
            raise ThawError(f"{self.name} was made from scores; nothing else is known")

    def _record(self, stage: str) -> dict[str, Any]:
        path = self.folder / "records" / f"{stage}.json"
        if not path.exists():
            places = self.folder, self.folder / "results", self.folder.parent
            studies = [str(study) for place in places for study in studies_in(place)]
            there = f"; there are {', '.join(studies)}" if studies else ""
            what = "scores" if stage == GATHER else stage
            ranking = ", but ranks sources" * (self.folder / BEST_SOURCES).exists()
            raise ThawError(f"{self.folder} holds no {what} of a study{ranking}{there}")
        return load_record(path)

    def _content(self, name: str) -> bytes:
        """Return a file's content, checked against the record of its stage."""
        with self._inputs() as inputs:
            return inputs.content(self.name, name)

    def _inputs(self) -> Inputs:
        keys = {stage: {self.name: r["key"]} for stage, r in self._records.items()}
        recipe = {"settings": {"study": self.name}, "inputs": keys}
        return Inputs(recipe, self.folder.parent)

    def _of_classes(
        self, variant: str, target_size: int | str | None
    ) -> tuple[pd.DataFrame, list[str]]:
        """Return a variant's predictions, of sound networks, and all classes."""
        table = self._predictions([self._arm(variant, target_size)])
        classes = [name[2:] for name in table if name.startswith("p_")]
        if not classes:
            raise ThawError(f"{self.name} predicts numbers; this is for classes")
        return table[table["predicted"].notna()].copy(), classes

    def _predictions(self, arms: Iterable[Arm]) -> pd.DataFrame:
        """Return the predictions of arms, as `predictions`."""
        self._check_trained()
        if not self._settings["keeps_predictions"]:
            raise ThawError(
                f"{self.name} keeps no predictions; set `predictions: true`, and run "
                "again"
            )
        ((target, key),) = self.target.items()
        path = self.folder.parent / problem_file(target, key)
        problem, description, _ = load_described(path, key)
        whole, classes = problem.whole, np.array(description.classes)
        labels = classes[whole.test_y] if whole.classes else whole.test_y
        by_row = pd.Series(labels, whole.test_rows)
        parts = []
        for arm in arms:
            jobs = self._archives(arm, PREDICTIONS_NPZ, "predictions", "Run again")
            for _, archive, tile, places in jobs:
                outputs = archive[TASKS[whole.task].kept]
                rows = np.broadcast_to(archive["rows"], outputs.shape[:2])[places]
                addresses = np.array(tile.addresses)[places]
                table = _addressed(arm, addresses, rows.shape[1])
                outputs, rows = outputs[places], rows.ravel()
                table = table.assign(row=rows, **description.files_of(rows))
                table["label"] = by_row.loc[rows].to_numpy()
                if whole.classes:
                    logs = outputs.reshape(len(rows), -1).astype(float)
                    predicted = pd.Series(classes[logs.argmax(axis=1)])
                    is_known = np.isfinite(logs).all(axis=1)
                    table["predicted"] = predicted.where(is_known)
                    shares = zip(classes, np.exp(logs).T, strict=True)
                    table = table.assign(**{f"p_{name}": p for name, p in shares})
                else:
                    table["predicted"] = outputs.ravel()
                parts.append(table)
        return pd.concat(parts, ignore_index=True)

    def _archives(
        self, arm: Arm, suffix: str, content: str, advice: str
    ) -> Iterator[tuple[Path, Archive, Tile, list[int]]]:
        """Yield the jobs' files that hold an arm's networks, opened, and their tiles.

        With each come the places of its networks that no file before it holds. Raises
        `ThawError`, with the content and the advice, if some networks are in none.
        """
        labels = self._tile.labels
        missing = {*labels}
        for key, tile, path in self.jobs(suffix, arm):
            places = [n for n, label in enumerate(tile.labels) if label in missing]
            if places:
                missing -= {*tile.labels}
                with Archive(path, key, tile) as archive:
                    yield path, archive, tile, places
        if missing:
            raise ThawError(
                f"{self.name}: the {content} of {len(missing)} of {len(labels)} "
                f"repeats of {arm.name} are not there. {advice}"
            )


def studies_in(folder: Path) -> list[Path]:
    """Return the folders of studies that lie in a folder."""
    return sorted(path.parents[1] for path in folder.glob(f"*/records/{GATHER}.json"))


def _addressed(arm: Arm, addresses: np.ndarray, times: int) -> pd.DataFrame:
    """Return the columns that say which repeat a row is of, each so many times."""
    models, repeats = np.repeat(addresses, times, axis=0).T
    return pd.DataFrame(
        {
            "variant": arm.variant,
            "target_size": str(arm.target_size),
            "source_model": models,
            "repeat": repeats,
        }
    )
