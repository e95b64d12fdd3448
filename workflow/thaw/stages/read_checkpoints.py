"""Read a source model from its files with pretrained weights.

It is written in the form that `pretrain` writes.

Settings: the `network`, and the digest of the `file` (or files).
Reads: `problem` (the target), the user's `network` module and files of `weights`.
Writes: `weights`.
"""

from typing import Any

from thaw.config.users import digest_of_weights
from thaw.external.checkpoints import load_checkpoint
from thaw.external.networks import network_of, of_network
from thaw.keys import check_unchanged
from thaw.learning.checkpoints import source_model
from thaw.output.job import Job
from thaw.output.weights import save_networks


def main(job: Job) -> None:
    """Read the files; write the source model."""
    settings, files, module = job.settings, [*job.inputs["weights"]], job.module
    problem, described, digest = job.load_problem("problem")
    # The config names a file, or the folder of several.
    name = files[0].parent if len(files) > 1 else files[0]
    check_unchanged(name, digest_of_weights(files), settings["file"])
    network = network_of(settings["network"], problem.task, described, module)
    entries: dict[str, Any] = {}
    for file in files:
        entries |= load_checkpoint(file)
    with of_network(settings["network"], module):
        state = source_model(network, str(name), entries)
    saw = {"problem": digest, "file": settings["file"]}
    save_networks(job.output("weights"), state, job.tile, job.recipe, saw)
