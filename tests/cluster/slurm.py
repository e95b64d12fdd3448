"""A real Slurm on this machine alone: two nodes, on the loopback address.

    python tests/cluster/slurm.py start FOLDER     # prints what a shell must export
    python tests/cluster/slurm.py stop FOLDER

Configuration, key, sockets, logs and process ids lie in the folder; the system's own
Slurm and munge stay untouched. It runs as the current user, without systemd, cgroups
and accounting.
"""

import argparse
import getpass
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

NODES = ("n1", "n2")
MUNGE_FILES = ("key", "pid", "log", "seed")
PATIENCE = 20  # seconds

# Jobs go to the node with the least load (CR_LLN). A job that exceeds its memory is
# killed within seconds (OverMemoryKill), a cancelled one a second after its signal
# (KillWait). A node that is down stays so (ReturnToService). Ended jobs are remembered
# for MinJobAge.
CONFIG = """\
ClusterName=thaw
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory,CR_LLN
SchedulerParameters=batch_sched_delay=0
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
MinJobAge=3600
KillWait=1
ReturnToService=0
{nodes}
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE
"""


def missing() -> str:
    """Return why no Slurm can be started here, or nothing."""
    programs = ("munged", "slurmctld", "slurmd", "sbatch")
    absent = [name for name in programs if find(name) is None]
    if absent:
        return f"{', '.join(absent)} missing; tests/cluster/install installs Slurm"
    return ""


def find(program: str) -> str | None:
    """Return the path of a program; daemons often lie off the users' PATH."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


class Cluster:
    """A Slurm that lives in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.environment = os.environ | {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
        }

    def start(self) -> None:
        """Start munge, the controller and both nodes; return when all are idle."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("bin", "state", *NODES):
            (self.folder / name).mkdir(exist_ok=True)
        self.configure()
        munge = [f"--{name}-file={self.folder}/munge.{name}" for name in MUNGE_FILES]
        # Only we use it, so the socket may be closed to others; `force` allows that.
        socket = f"--socket={self.folder}/munge.socket"
        self.daemon("munged", "--force", socket, *munge)
        self.daemon("slurmctld")
        for node in NODES:
            self.start_node(node)
        self.wait_until_idle()

    def configure(self) -> None:
        """Write the configuration of Slurm, and a key for munge."""
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(secrets.token_bytes(128))
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
        host = socket.gethostname().partition(".")[0]
        controller, *ports = free_ports(1 + len(NODES))
        nodes = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
            "CPUs=2 RealMemory=8000"
            for name, port in zip(NODES, ports, strict=True)
        ]
        text = CONFIG.format(
            folder=self.folder,
            host=host,
            port=controller,
            user=getpass.getuser(),
            nodes="\n".join(nodes),
        )
        (self.folder / "slurm.conf").write_text(text)
        # Snakemake's plugin calls `srun` without any of Slurm's variables.
        srun = self.folder / "bin/srun"
        config = shlex.quote(self.environment["SLURM_CONF"])
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={config} exec {find("srun")} "$@"\n')
        srun.chmod(0o755)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self.daemon("slurmd", "-N", node)

    def daemon(self, program: str, *arguments: str) -> None:
        command = [find(program) or program, *arguments]
        subprocess.run(command, env=self.environment, check=True)

    def wait_until_idle(self) -> None:
        end = time.monotonic() + PATIENCE
        while set(self.ask("sinfo", "-h", "-N", "-o", "%t").split()) != {"idle"}:
            if time.monotonic() > end:
                raise TimeoutError(f"Slurm does not start; see {self.folder}/*.log")
            time.sleep(0.1)

    def ask(self, *command: str) -> str:
        """Run a command of Slurm and return its output."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True
        )
        return done.stdout

    def kill_node(self, node: str) -> None:
        """Kill a node's daemon and all that runs there, as a power cut does."""
        self.signal(f"{node}.pid", signal.SIGKILL)
        running = self.processes(node)
        # The watcher of a job goes first, or it would tell the controller.
        self.kill([*filter(is_step, map(parent, running)), *running])
        # It would find out by itself, in five minutes.
        self.set_node(node, "down")

    def kill(self, processes: Iterable[psutil.Process]) -> None:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def processes(self, node: str | None = None) -> list[psutil.Process]:
        """Return a node's processes that belong to jobs, or all of this Slurm."""
        marks = {"SLURM_CONF": self.environment["SLURM_CONF"]}
        if node:
            marks["SLURMD_NODENAME"] = node
        return [
            process
            for process in psutil.process_iter(["cmdline", "cwd", "environ"])
            if marks.items() <= (process.info["environ"] or {}).items()
        ]

    def set_node(self, node: str, state: str) -> None:
        """Tell the controller the state of a node: `drain`, `down` or `resume`."""
        self.ask(
            *("scontrol", "update", f"nodename={node}"),
            *(f"state={state}", "reason=test"),
        )

    def stop(self) -> None:
        """Stop all daemons and jobs, and everything that waits for them."""
        for node in NODES:
            self.kill_node(node)
        self.kill(self.processes())
        self.signal("slurmctld.pid", signal.SIGTERM)
        self.signal("munge.pid", signal.SIGTERM)

    def signal(self, pid_file: str, number: signal.Signals) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / pid_file).read_text()), number)


def parent(process: psutil.Process) -> psutil.Process:
    with suppress(psutil.NoSuchProcess):
        return process.parent() or process
    return process


def is_step(process: psutil.Process) -> bool:
    """Whether this process watches over a step of a job."""
    with suppress(psutil.NoSuchProcess):
        return process.name() == "slurmstepd"
    return False


def free_ports(number: int) -> list[int]:
    """Return ports that are free."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True)
    for action in ("start", "stop"):
        actions.add_parser(action).add_argument("folder", type=Path)
    args = parser.parse_args()
    if args.action == "stop":
        Cluster(args.folder).stop()
    elif missing():
        sys.exit(missing())
    else:
        cluster = Cluster(args.folder)
        cluster.start()
        for name in ("SLURM_CONF", "PATH"):
            print(f"export {name}={shlex.quote(cluster.environment[name])}")


if __name__ == "__main__":
    main()
