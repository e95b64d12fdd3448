"""The problems of a config, with their keys.

Generated blobs are independent. Of two other problems in a study the target's columns
must be the source's, in the same order, and categories are those of both. So they are
made with each other, and a problem in two studies may have two keys. The target of
several sources is made by itself.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from thaw.config.extents import Extent, extent
from thaw.config.resolved import minimal_problem
from thaw.data import COMMON, FILES, IMAGES, READS_IMAGES, WRITTEN
from thaw.keys import STAGE, Result, known_digest, result
from thaw.output.paths import problem_file


class Needs(NamedTuple):
    """The paths of a problem's inputs.

    Its own `files` and those `joined`, whose categories count too; below `results/` the
    problem whose columns it has, `source`, and the one whose scale it has, `like`, if
    any. `ruled`: whether another rule makes any of them, so that no key covers their
    content.
    """

    files: list[str]
    joined: list[str]
    source: list[str]
    like: list[str]
    ruled: bool


class Problems:
    """The problems of a config.

    `recipes`, `needs`, `extents` and `names` are by key; a problem comes after those
    that it is made from. `shown` is the first result for each name.
    """

    def __init__(self, problems: Mapping[str, dict[str, Any]]) -> None:
        """Start with no results: `pair` and `make_sure_of` add them."""
        self._problems = problems
        self.recipes: dict[str, dict[str, Any]] = {}
        self.needs: dict[str, Needs] = {}
        self.extents: dict[str, Extent] = {}
        self.names: dict[str, str] = {}
        self.shown: dict[str, Result] = {}
        self.paths: set[str] = set()

    def make_sure_of(self, name: str) -> None:
        """Add a problem that no study uses."""
        if name not in self.shown:
            self._result(name)

    def alone(self, name: str) -> Result:
        """Return the target of source models that are files."""
        return self._result(name)

    def apart(self, source: str, target: str) -> tuple[Result, Result]:
        """Return the results of a source and a target that is the same for others.

        A job checks that both have the same columns.
        """
        return self._result(source), self._result(target)

    def pair(
        self, source: str, target: str, swept: bool = False
    ) -> tuple[Result, Result]:
        """Return the results of a study's source and target.

        If the study is `swept` over target sizes, a target that would be scaled by its
        own train rows is scaled like the source, because a repeat may not look at rows
        that it does not learn from.
        """
        if source == target:
            found = self._result(source)
            return found, found
        ours, theirs = self._problems[source], self._problems[target]
        if "make_blobs" in ours and "make_blobs" in theirs:
            return self._result(source), self._result(target)
        shared = ours["categorical"] or theirs.get("columns") == COMMON
        joined = shared and _files(theirs)
        first = self._result(source, partner=target if joined else None)
        return first, self._result(target, source=(source, first), swept=swept)

    def _result(
        self,
        name: str,
        source: tuple[str, Result] | None = None,
        partner: str | None = None,
        swept: bool = False,
    ) -> Result:
        """Return a problem with the columns of `source` and a partner's categories.

        With columns: common, a partner's columns decide which are features.
        """
        problem = self._problems[name]
        if swept and source and problem.get("scale") == "standard":
            problem = problem | {"scale": {"like": source[0]}}
        files = _files(problem)
        settings = minimal_problem(problem)
        for key in ("overlap", "unit"):  # they change no number
            settings.pop(key, None)
        settings |= {key: self._content(problem, path) for key, path in files.items()}
        ruled, joined = problem["made_by_rule"], []
        if partner:
            other = self._problems[partner]
            ruled |= other["made_by_rule"]
            joined = list(_files(other).values())
            settings["joined"] = {
                "files": [self._content(other, path) for path in joined],
                "rows": other["rows"],
                **{key: other[key] for key in WRITTEN if key in other},
            }
            if other.get("columns") == COMMON:
                apart = ("columns", "label", "group", "drop")
                settings["joined"] |= {key: other[key] for key in apart if key in other}
        others = {"source": source} if source else {}
        if isinstance(problem.get("scale"), dict):
            like = problem["scale"]["like"]
            settings["scale"] = "like"
            if source is None or source[0] != like:
                others["like"] = like, self._result(like)
            else:
                others["like"] = source
        inputs = {role: found.key for role, (_, found) in others.items()}
        paths = {
            role: [problem_file(name, found.key)]
            for role, (name, found) in others.items()
        }
        ruled |= any(self.needs[key].ruled for key in inputs.values())

        made = result("make_problem", settings, inputs)
        self.recipes[made.key] = made.recipe
        self.needs[made.key] = Needs(
            files=list(files.values()),
            joined=joined,
            source=paths.get("source", []),
            like=paths.get("like", []),
            ruled=ruled,
        )
        self.extents[made.key] = extent(problem)
        self.names[made.key] = name
        self.shown.setdefault(name, made)
        self.paths.add(problem_file(name, made.key))
        return made

    def _content(self, problem: Mapping[str, Any], path: str) -> dict[str, Any]:
        """Return what a key holds of a file or of images: content, not place.

        A file that another rule makes may not exist yet, so its path counts instead.
        """
        if problem["made_by_rule"]:
            return {"path": path}
        content = known_digest(Path(path))
        if IMAGES in problem:
            return {"content": content, "computed_by": [STAGE, READS_IMAGES]}
        return {"content": content, "format": Path(path).suffix}


def _files(problem: Mapping[str, Any]) -> dict[str, str]:
    """Return the paths of a problem's own files by their keys in the config."""
    # Snakemake warns of a folder whose path ends with a slash.
    return {key: problem[key].rstrip("/") for key in FILES if key in problem}
