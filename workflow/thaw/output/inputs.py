"""The inputs of a table or figure: settings, gathered scores, tables of its study.

The recipe of the stage names the keys of its inputs by kind: of gathered scores
(`gather`) and `tables`, by study; of `problems` by name; of the check of a `network`,
and of that for an `overlap` of train and test rows; of scores of `transferability`, by
study. A file read through here is the one that the recipe names; otherwise one line
says what is wrong.
"""

import io
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from thaw.data.problem import Description, Pool, Problem
from thaw.findings.arms import Arm, TargetSize, arms
from thaw.findings.metrics import Metric, metric_of
from thaw.findings.samples import Sample
from thaw.keys import digest_of_file
from thaw.output.histories import Histories
from thaw.output.problems import load_described
from thaw.output.records import load_check, load_record, reading, require

# The columns that are text: names, and target sizes, one of which is "all".
TEXT = ("study", "source", "variant", "reference", "best", "target_size")

# The stage that made a file; for all others, `tables`.
STAGES = {"scores.csv": "gather", "figures.json": "figures"}


def read_table(content: bytes) -> pd.DataFrame:
    """Return a table from its CSV; columns of `TEXT` are text, even "nan" or "1"."""
    columns = pd.read_csv(io.BytesIO(content), nrows=0).columns
    unknown = {name: ["", "nan"] for name in columns if name not in TEXT}
    return pd.read_csv(
        io.BytesIO(content),
        dtype=dict.fromkeys(TEXT, str),
        keep_default_na=False,
        na_values=unknown,
    )


class Files(ExitStack):
    """The files of a stage; `saw` holds the digests of those that were read.

    Files still open are closed when it is left.
    """

    def __init__(self, recipe: Mapping[str, Any], paths: Iterable[Path]) -> None:
        """Begin with nothing read. `paths` are all files that may be read."""
        super().__init__()
        self._keys = recipe["inputs"]
        self._paths = {(path.parent.name, path.name): path for path in paths}
        self._histories = dict[str, Histories]()
        self._records = dict[tuple[str, str], Any]()
        # The files that the stage itself has made so far, by name.
        self.made: dict[str, bytes] = {}
        self.saw: dict[str, Any] = {}

    def histories(self, study: str) -> Histories:
        """Return the gathered results of a study."""
        if study not in self._histories:
            path = self._paths[study, "histories.npz"]
            found = Histories(path, self._keys["gather"][study])
            self._histories[study] = self.enter_context(found)
            self.saw[f"{study}/{path.name}"] = found.saw
        return self._histories[study]

    def content(self, study: str, name: str) -> bytes:
        """Return the content of a table of a study, or of its figures for a page.

        Raises `ThawError` if it does not match its record.
        """
        if name in self.made:
            return self.made[name]
        stage = STAGES.get(name, "tables")
        path = self._paths[study, name]
        if (study, stage) not in self._records:
            record = path.parent / "records" / f"{stage}.json"
            found = load_record(record, self._keys[stage][study])
            self._records[study, stage] = found
        with reading(path, "the table it should be"):
            digest = digest_of_file(path)
            known = self._records[study, stage]["content"][name]
            require(digest == known, "it was changed")
        self.saw[f"{study}/{name}"] = digest
        return path.read_bytes()

    def has(self, study: str, name: str) -> bool:
        """Whether a study has such a table to read."""
        return (study, name) in self._paths

    def problems(self) -> dict[str, tuple[Problem | Pool, Description]]:
        """Return all problems of the recipe, by name."""
        found = {}
        for name, key in sorted(self._keys["problems"].items()):
            path = self._paths["problems", f"{name}-{key}.npz"]
            problem, description, self.saw[name] = load_described(path, key)
            found[name] = problem, description
        return found

    def check(self, what: str) -> list[dict[str, Any]]:
        """Return the rows that a check of the study found: of `network` or `overlap`.

        A check of a network has a row for each variant.
        """
        return self._checked(self._keys[what])

    def checks(self, what: str) -> dict[str, list[dict[str, Any]]]:
        """Return the rows of such results of several studies: of `transferability`."""
        keys = self._keys[what].items()
        return {study: self._checked(key) for study, key in keys}

    def _checked(self, key: str) -> list[dict[str, Any]]:
        path = next(p for p in self._paths.values() if p.stem.endswith(f"-{key}"))
        self.saw[f"{path.parent.name}/{path.name}"] = digest_of_file(path)
        return load_check(path, key)


class Inputs(NamedTuple):
    """The inputs of one table or figure: the settings that it names, and the files."""

    settings: Mapping[str, Any]
    files: Files

    @property
    def study(self) -> str:
        """The study's name."""
        return self.settings["study"]

    @property
    def histories(self) -> Histories:
        """The gathered results of the study."""
        return self.files.histories(self.study)

    def table(self, name: str, study: str | None = None) -> pd.DataFrame:
        """Return a table, of this study unless another one is named."""
        return read_table(self.files.content(study or self.study, name))

    def target(self) -> tuple[Problem, Description]:
        """Return the target problem; of a pool, all rows."""
        problem, description = self.files.problems()[self.settings["target"]]
        return problem.whole, description

    def predicted(self, problem: Problem) -> dict[Arm, np.ndarray]:
        """Return how many networks of each arm predict each class, `[rows, classes]`.

        `problem` is the target. There are none if a trainer wrote no predictions.
        """
        nothing = np.zeros((len(problem.test_y), problem.classes), np.int64)
        found = {}
        for arm in arms(self.settings["variants"], self.settings["target_sizes"]):
            counts = self.histories.predicted(arm.name)
            found[arm] = nothing if counts is None else counts
        return found

    def samples(
        self,
        variants: Iterable[str],
        size: TargetSize,
        metric: Metric,
    ) -> dict[str, Sample]:
        """Return each variant's final scores as a sample, in that order.

        They are those of repeats that learned from so many train rows. A failed network
        counts as the best constant prediction. `STUDY/VARIANT` is a variant of another
        study.
        """
        found = {}
        for variant in variants:
            study, _, own = variant.rpartition("/")
            histories = self.files.histories(study or self.study)
            arm = Arm(own, size).name
            failed, constant = histories.failed(arm), histories.constant(metric)
            values = np.where(failed, constant, histories.score(arm, metric))
            rows = histories.rows(arm, metric)
            constants = histories.rows("constant", metric)
            if rows is not None:
                rows[failed] = constants
            found[variant] = Sample(
                values,
                histories.source_models(arm),
                failed,
                metric.lower_is_better,
                constant,
                histories.addresses(arm),
                worst=metric.worst_told(constant),
                # With fewer rows each repeat has its own.
                is_known=size == "all" and histories.is_known(arm),
                by_rows=rows,
                constant_by_rows=constants,
                has_splits=histories.has_splits(),
                tested=histories.tested(),
            )
        # One for all, so that they can be compared.
        scores = [value for one in found.values() for value in one.values.tolist()]
        return {
            name: one._replace(scale=metric.unit(one.constant, scores))
            for name, one in found.items()
        }

    @property
    def metric(self) -> Metric:
        """The study's metric: that of verdicts and figures."""
        return metric_of(self.settings["metric"][0])
