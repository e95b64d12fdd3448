"""Print the state of a Slurm job in the words that Snakemake understands.

profiles/cluster-generic calls it: `python -m thaw.plan.cluster_status JOB`.
"""

import subprocess
import sys

STATES = {"COMPLETED": "success"} | dict.fromkeys(
    [
        *("BOOT_FAIL", "CANCELLED", "DEADLINE", "FAILED", "NODE_FAIL"),
        *("OUT_OF_MEMORY", "PREEMPTED", "TIMEOUT"),
    ],
    "failed",
)


def main() -> None:
    """Ask Slurm for the state of the job that the first argument names."""
    command = ["scontrol", "--oneliner", "show", "job", sys.argv[1]]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode == 0:
        state = answer.stdout.partition(" JobState=")[2].partition(" ")[0]
        print(STATES.get(state, "running"))
    elif "Invalid job id" in answer.stderr:
        print("failed")  # ended so long ago that Slurm has forgotten it
    else:
        print("running")  # the controller does not answer; ask again later


if __name__ == "__main__":
    main()
