"""The inputs of a table or figure: settings, gathered scores, tables of its study.

The recipe of the stage names the keys of its inputs by kind: of gathered scores
(`gather`) and `tables`, by study; of `problems` by name; of the checks of `networks`
and for `overlaps` of train and test rows; of scores of `transferability`, by study. A
file read through here is the one that the recipe names; otherwise one line says what
is wrong.
"""

import io
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from thaw.data.problem import Description, Pool, Problem
from thaw.findings.arms import Arm, TargetSize
from thaw.findings.metrics import Metric, metric_of
from thaw.findings.samples import Sample
from thaw.keys import digest_of_file
from thaw.output.histories import Histories
from thaw.output.paths import check_file, problem_file
from thaw.output.problems import load_described
from thaw.output.records import (
    content_digest,
    load_check,
    load_record,
    reading,
    require,
)

# The columns that are text: names, and target sizes, one of which is "all".
TEXT = (
    *("study", "source", "variant", "reference", "best", "layers", "target_size"),
    *("train_rows_of", "beaten_by", "chosen", "best_variant", "ties"),
)

# The stages that made files by how their names end; all others are `tables`.
STAGES = {"scores.csv": "gather", ".svg": "figures", ".png": "figures"}


def read_table(content: bytes) -> pd.DataFrame:
    """Return a table from its CSV; columns of `TEXT` are text, even "nan" or "1"."""
    columns = pd.read_csv(io.BytesIO(content), nrows=0).columns
    return pd.read_csv(
        io.BytesIO(content),
        dtype=dict.fromkeys(TEXT, str),
        keep_default_na=False,
        na_values={name: ["", "nan"] for name in columns if name not in TEXT},
    )


class Inputs(ExitStack):
    """The settings of tables, figures or a page, and the files that they read.

    The files are closed when it is left. saw: the digests of those that were read.
    contents: the files that the stage itself has made so far, by name.
    """

    def __init__(self, recipe: Mapping[str, Any], results: Path) -> None:
        """Begin with nothing read. `results` is the folder of all results."""
        super().__init__()
        self.settings: Mapping[str, Any] = recipe["settings"]
        self._keys, self._results = recipe["inputs"], results
        self._histories = dict[str, Histories]()
        self._records = dict[tuple[str, str], dict[str, Any]]()
        self.contents: dict[str, bytes] = {}
        self.saw: dict[str, Any] = {}

    @property
    def study(self) -> str:
        """The study's name."""
        return self.settings["study"]

    @property
    def metric(self) -> Metric:
        """The study's metric: that of verdicts and figures."""
        return metric_of(self.settings["metric"][0])

    def histories(self, study: str | None = None) -> Histories:
        """Return the gathered results of this study, or of the one that is named."""
        study = study or self.study
        if study not in self._histories:
            path = self._results / study / "histories.npz"
            histories = Histories(path, self._keys["gather"][study])
            self._histories[study] = self.enter_context(histories)
            digest = content_digest(histories.record)
            self.saw[f"{study}/{path.name}"] = {path.name: digest}
        return self._histories[study]

    def table(self, name: str, study: str | None = None) -> pd.DataFrame:
        """Return a table, of this study unless another one is named."""
        return read_table(self.content(study or self.study, name))

    def content(self, study: str, name: str) -> bytes:
        """Return the content of a table or figure of a study.

        Raises `ThawError` if it does not match its record.
        """
        if name in self.contents:
            return self.contents[name]
        path, recorded = self._results / study / name, self._recorded(study, name)
        with reading(path):
            digest = digest_of_file(path)
            require(digest == recorded[name], "it was changed")
        self.saw[f"{study}/{name}"] = digest
        return path.read_bytes()

    def has(self, study: str, name: str) -> bool:
        """Whether a study has such a table to read."""
        return name in self._recorded(study, name)

    def settings_of(self, study: str) -> dict[str, Any]:
        """Return those of a study's tables, which are all that is known of it."""
        return self._record(study, "tables")["recipe"]["settings"]

    def _recorded(self, study: str, name: str) -> dict[str, str]:
        """Return the digests of the files of the stage that makes a file of a study."""
        stages = (stage for end, stage in STAGES.items() if name.endswith(end))
        stage = next(stages, "tables")
        if study not in self._keys.get(stage, {}):
            return {}
        return self._record(study, stage)["content"]

    def _record(self, study: str, stage: str) -> dict[str, Any]:
        if (study, stage) not in self._records:
            path = self._results / study / "records" / f"{stage}.json"
            self._records[study, stage] = load_record(path, self._keys[stage][study])
        return self._records[study, stage]

    def problems(self) -> dict[str, tuple[Problem | Pool, Description]]:
        """Return all problems of the recipe, by name."""
        problems = {}
        for name, key in sorted(self._keys["problems"].items()):
            path = self._results / problem_file(name, key)
            problem, description, self.saw[name] = load_described(path, key)
            problems[name] = problem, description
        return problems

    def check(
        self, kind: str, name: str, study: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the rows that a check found.

        `kind` is `networks`, with a row for each variant of the study `name`,
        `overlaps` of the target `name` or, of a `study` of several, `transferability`,
        of which there may be none.
        """
        key = self._keys[kind] if study is None else self._keys[kind].get(study)
        if key is None:
            return []
        path = self._results / check_file(kind, name, key)
        self.saw[f"{path.parent.name}/{path.name}"] = digest_of_file(path)
        return load_check(path, key)

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
        samples = {}
        for name in variants:
            study, _, variant = name.rpartition("/")
            histories = self.histories(study)
            samples[name] = _sample(histories, Arm(variant, size), metric)
        # One unit for all, so that they can be compared.
        scores = [v for sample in samples.values() for v in sample.values.tolist()]
        return {
            name: sample._replace(scale=metric.unit(sample.constant, scores))
            for name, sample in samples.items()
        }


def _sample(histories: Histories, arm: Arm, metric: Metric) -> Sample:
    """Return the final scores of an arm as a sample."""
    name, constant_rows = arm.name, histories.get(f"constant/rows/{metric.name}")
    failed = histories[f"{name}/failed"]
    rows = histories.get(f"{name}/rows/{metric.name}")
    score = histories.get(f"constant/metrics/{metric.name}")
    constant = np.nan if score is None else float(score)
    addresses = histories.get(f"{name}/addresses")
    tested, rarest = int(histories["tested"]), int(histories["rarest"])
    if rows is not None:
        rows[failed] = constant_rows
    return Sample(
        values=np.where(failed, constant, histories.score(name, metric)),
        source_models=histories.get(f"{name}/source_model"),
        failed=failed,
        lower_is_better=metric.lower_is_better,
        constant=constant,
        # Where scores are given, each arm has its own.
        addresses=histories["addresses"] if addresses is None else addresses,
        worst=metric.worst_told(constant),
        # With fewer rows each repeat has its own.
        is_known=arm.target_size == "all" and histories.is_known(name),
        by_rows=rows,
        constant_by_rows=constant_rows,
        has_splits=bool(histories["has_splits"]),
        tested=tested,
        decisive=metric.decisive_rows(tested, rarest),
    )
