"""Train some repeats of a variant on the target problem.

A reference has its `estimator` instead of network, training and variant.

Settings: the study's `seed`, `network` (the source models') and `training`, the
`variant`, and the `target_size` if it is not all train rows.
Reads: `problem`, `source_models` if the variant is pretrained, and the user's `network`
module or `trainer`. All of a study's checks (`checked`) come first.
Writes: `scores`, `history` and, if they are kept, `predictions` and `weights`.
"""

import sys
from collections.abc import Sequence
from typing import Any

from thaw.learning.history import Reached
from thaw.learning.seeds import Whose
from thaw.learning.settings import Variant
from thaw.output.predictions import Predictions
from thaw.stages.command import Job
from thaw.stages.fit import fit


def learn(job: Job, whose: Whose, kind: str) -> tuple[Reached, Predictions]:
    """Train networks of a variant; return their scores and predictions."""
    # Imported only here, because an estimator's job needs no torch.
    from thaw.learning.learner import Network
    from thaw.learning.variants import fresh_groups, phases_of, start_repeats
    from thaw.output.weights import load_source_models
    from thaw.stages.networks import Start, train_networks

    variant = Variant(**job.settings["variant"])

    def start(network: Network, classes: Sequence[str]) -> Start:
        inherited = None
        saw: dict[str, Any] = {}
        if variant.pretrained:
            paths, key = job.inputs["source_models"], job.keys["source_models"]
            inherited, digests = load_source_models(paths, key, job.tile.models)
            saw["source_models"] = digests
        fresh = fresh_groups(variant, network, inherited, classes)
        print(f"drawn anew: {', '.join(fresh) or 'no layer'}", file=sys.stderr)
        saw["fresh"] = ", ".join(fresh)
        phases = phases_of(variant, network, fresh)
        return Start(
            weights=lambda whose: start_repeats(network, fresh, inherited, whose),
            phases=phases,
            saw=saw,
        )

    return train_networks(job, whose, kind, start, variant.add)


def main(job: Job) -> None:
    """Train the repeats; write their scores and histories."""
    fit(job, learn)
