"""Describe the origin of a study's tables and figures."""

import json

from thaw.output.inputs import Inputs


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the description as JSON."""
    text = json.dumps(inputs.settings["description"], indent=1)
    return {"study.json": f"{text}\n".encode()}
