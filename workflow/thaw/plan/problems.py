"""The problems of a config, with their keys.

Generated blobs are independent. Of two other problems in a study the target's columns
must be the source's, in the same order, and categories are those of both. So they are
made with each other, and a problem in two studies may have two keys. The target of
several sources is made by itself.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thaw.config.config import Study
from thaw.config.problem import Like, Problem
from thaw.data import COMMON, IMAGES, WRITTEN
from thaw.keys import known_digest
from thaw.output.paths import problem_file
from thaw.plan.planned import Planned, plan_result

# The other keys of a problem that decide which columns another one takes with columns:
# common.
OF_COLUMNS = ("columns", "label", "group", "drop")


class Problems:
    """The problems of a config.

    `by_path` comes in the order in which they are made; `shown` is the first result for
    each name.
    """

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        """Start with no results: `of_study` and `make_sure_of` add them."""
        self._problems = problems
        self.by_path: dict[str, Planned] = {}
        self.shown: dict[str, Planned] = {}

    def make_sure_of(self, name: str) -> None:
        """Add a problem that no study uses."""
        if name not in self.shown:
            self._add(name)

    def of_study(self, study: Study) -> tuple[Planned | None, Planned]:
        """Return the source, if it is a problem, and the target of a study.

        If the study has target sizes, a target that would be scaled by its own train
        rows is scaled like the source, because a repeat may not look at rows that it
        does not learn from. Of several sources each has the same target, and a job
        checks that all have its columns.
        """
        if study.files:
            return None, self._add(study.target)
        learned, target = (
            self._problems[name] for name in (study.source, study.target)
        )
        are_blobs = bool(learned.get("make_blobs") and target.get("make_blobs"))
        if study.sources or are_blobs or study.source == study.target:
            return self._add(study.source), self._add(study.target)
        shares = learned.get("categorical") or target.get("columns") == COMMON
        partner = self._problems[study.target] if shares and target.paths else None
        source = self._add(study.source, partner=partner)
        if study.draws_rows and target.scale == "standard":
            target = target.model_copy(update={"scale": Like(like=study.source)})
        return source, self._add(study.target, target, source)

    def _add(
        self,
        name: str,
        problem: Problem | None = None,
        source: Planned | None = None,
        partner: Problem | None = None,
    ) -> Planned:
        """Return a problem with the columns of `source` and a partner's categories.

        With columns: common, a partner's columns decide which are features.
        """
        problem = problem or self._problems[name]
        # Neither the check for equal rows nor a unit changes a number.
        settings = problem.minimal("overlap", "unit")
        settings |= {
            key: _content(problem, path) for key, path in problem.paths.items()
        }
        files = {"files": [*problem.paths.values()], "joined": []}
        if partner:
            files["joined"] = [*partner.paths.values()]
            settings["joined"] = _joined(partner)
        inputs = {"source": source} if source else {}
        if isinstance(problem.scale, Like):
            like = problem.scale.like
            settings["scale"] = "like"
            is_source = source is not None and source.name == like
            inputs["like"] = source if is_source else self._add(like)  # type: ignore
        is_ruled = any(p.get("made_by_rule") for p in (problem, partner) if p)
        at = "make_problem", problem_file, name
        planned = plan_result(*at, settings, inputs, files, is_ruled)
        self.by_path[planned.path] = planned
        self.shown.setdefault(name, planned)
        return planned


def _joined(problem: Problem) -> dict[str, Any]:
    """Return what keys hold of the partner whose categories, or columns, count too."""
    settings = problem.minimal()
    names = (*WRITTEN, *(OF_COLUMNS if problem.get("columns") == COMMON else ()))
    return {
        "files": [_content(problem, path) for path in problem.paths.values()],
        "rows": problem.get("rows"),
        **{name: settings[name] for name in names if name in settings},
    }


def _content(problem: Problem, path: str) -> dict[str, Any]:
    """Return what a key holds of a file or of images: content, not place.

    A file that another rule makes may not exist yet, so its path counts instead.
    """
    if problem.get("made_by_rule"):
        return {"path": path}
    content = known_digest(Path(path))
    if problem.get(IMAGES):
        return {"content": content, "libraries": ["pillow"]}
    return {"content": content, "format": Path(path).suffix}
