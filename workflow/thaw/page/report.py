"""The report: all studies of a config on one page."""

import json

from thaw.output.inputs import Inputs
from thaw.page import drawn
from thaw.page.page import rendered, sections
from thaw.plan.outputs import ON_PAGES

# How many margins the overview's axis reaches either way; what is beyond ends there.
LEAST, MOST = 3, 30


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the page."""
    settings, studies = inputs.settings, sections(inputs)
    reach = 1.1 * max(LEAST, min(MOST, max(study.reach for study in studies)))
    page = rendered(
        title=settings["title"],
        question=settings["question"],
        studies=studies,
        figures=json.loads(inputs.files.content("problems", ON_PAGES)),
        # Caveats that all studies have are said once.
        shared=set.intersection(*({*study.tags} for study in studies)),
        reach=reach,
        axis=drawn.Axis(-reach, reach),
        is_report=True,
    )
    return {"report.html": page}
