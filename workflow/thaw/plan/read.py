"""The config file that a run takes, and the plan that follows from it."""

from pathlib import Path

from thaw.config.files import choose_file, read
from thaw.config.messages import among
from thaw.config.resolve import resolve
from thaw.errors import ThawError
from thaw.keys import PACKAGE
from thaw.plan.plan import Plan

# The repository's own, if the package lies in a clone of it.
SHIPPED = PACKAGE.parents[1] / "config.yaml"


def planned() -> Plan:
    """Return the plan of the config file that a run in this folder takes.

    Raises `ThawError` if there is none, or if something is wrong with it.
    """
    return Plan(resolve(read(config_file())))


def config_file() -> Path:
    """Return the config file that a run in this folder takes.

    Raises `ThawError` if there is none.
    """
    file = choose_file(Path(), SHIPPED)
    if file == SHIPPED and not SHIPPED.exists():
        raise ThawError(
            f"{Path.cwd()} has no config.yaml; go to a folder with one, or let "
            "`thaw init` write one"
        )
    return file


def named(study: str, plan: Plan) -> str:
    """Return the name of a study or ranking; raises `ThawError` if there is none."""
    known = [*plan.rankings, *plan.studies]
    if study not in known:
        raise ThawError(f"{study!r} is no study{among(study, known)}")
    return study
