"""How networks learn where a study, or a variant, changes some of it."""

from collections.abc import Mapping
from typing import Any

# Two ways to say how long; whoever says one means it instead of the other.
BUDGETS = ("epochs", "steps")


def changed(training: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `training` with these changes; a trainer's arguments change one by one."""
    kept, found = dict(training), dict(changes)
    if any(changes.get(key) is not None for key in BUDGETS):
        kept |= dict.fromkeys(BUDGETS)
    if kept.get("arguments") and found.get("arguments"):
        found["arguments"] = kept["arguments"] | found["arguments"]
    return kept | found
