"""Read a source model from its file with pretrained weights.

It is written in the form that `pretrain` writes.

Settings: the `network`, and the digest of the `file`.
Reads: `problem` (the target), the user's `network` module and file of `weights`.
Writes: `weights`.
"""

from thaw.external.checkpoints import load_checkpoint
from thaw.external.networks import network_of, of_network
from thaw.keys import check_unchanged, known_digest
from thaw.learning.checkpoints import source_model
from thaw.output.job import Job
from thaw.output.weights import save_networks


def main(job: Job) -> None:
    """Read the file; write the source model."""
    settings, file, module = job.settings, job.input("weights"), job.module
    problem, described, digest = job.load_problem("problem")
    check_unchanged(file, known_digest(file), settings["file"])
    network = network_of(settings["network"], problem.task, described, module)
    with of_network(settings["network"], module):
        state = source_model(network, str(file), load_checkpoint(file))
    saw = {"problem": digest, "file": settings["file"]}
    save_networks(job.output("weights"), state, job.tile, job.recipe, saw)
