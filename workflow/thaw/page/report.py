"""The report: all studies of a config on one page."""

import json
from collections import Counter
from collections.abc import Sequence

from thaw.output.inputs import Inputs
from thaw.page.page import rendered, sections
from thaw.page.ranking import Ranking
from thaw.page.section import Section
from thaw.plan.outputs import ON_PAGES

# The overview's axis covers at least so many margins either way.
LEAST = 3


def make(inputs: Inputs) -> dict[str, bytes]:
    """Return the page."""
    settings, studies = inputs.settings, sections(inputs)
    reach = 1.1 * max(LEAST, *(study.reach for study in studies))
    networks = Counter(key for study in studies for key in study.networks)
    scales = {(study.metric.axis, study.units, study.margin) for study in studies}
    page = rendered(
        title=settings["title"],
        question=settings["question"],
        rankings=[Ranking(inputs.files, told) for told in settings["rankings"]],
        studies=studies,
        made=[study.made for study in studies],
        figures=json.loads(inputs.files.content("problems", ON_PAGES)),
        # Caveats that all studies share are listed once.
        shared=shared_tags(studies),
        reach=reach,
        # In units of the metric if all studies have the same, else in margins.
        scale=scales.pop() if len(scales) == 1 else None,
        share_networks=max(networks.values()) > 1,
        is_report=True,
    )
    return {"report.html": page}


def shared_tags(studies: Sequence[Section]) -> set[str]:
    """Return the caveats of all studies, if there are several."""
    tags = [{*study.tags} for study in studies]
    return set.intersection(*tags) if len(tags) > 1 else set()
