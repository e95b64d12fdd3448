"""A real Slurm on this machine alone: two nodes, on the loopback address.

Configuration, key, sockets, logs and process ids lie in its folder; the system's own
Slurm and munge stay untouched. It runs as the current user, without systemd, cgroups
and accounting.
"""

import getpass
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil

from processes import send, wait_until

NODES = ("n1", "n2")
MUNGE_FILES = ("key", "pid", "log", "seed")

# Jobs go to the node with the least load (CR_LLN). A job that exceeds its memory is
# killed within seconds (OverMemoryKill), a cancelled one a second after its signal
# (KillWait). A node that is down stays so (ReturnToService), and its jobs begin again
# after cred_expire. Ended jobs are remembered for MinJobAge.
CONFIG = """\
ClusterName=thaw
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=20
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
    absent = ", ".join(name for name in programs if find(name) is None)
    return absent and f"{absent} missing; tests/cluster/install installs Slurm"


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
            self.daemon("slurmd", "-N", node)
        states = ("sinfo", "-h", "-N", "-o", "%t")
        wait_until(lambda: {*self.ask(*states).split()} == {"idle"})

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
        values = {"folder": self.folder, "host": host, "port": controller}
        text = CONFIG.format(**values, user=getpass.getuser(), nodes="\n".join(nodes))
        (self.folder / "slurm.conf").write_text(text)
        # Snakemake's plugin calls `srun` without any of Slurm's variables.
        srun = self.folder / "bin/srun"
        config = shlex.quote(self.environment["SLURM_CONF"])
        srun.write_text(f'#!/bin/sh\nSLURM_CONF={config} exec {find("srun")} "$@"\n')
        srun.chmod(0o755)

    def daemon(self, program: str, *arguments: str) -> None:
        command = [find(program) or program, *arguments]
        subprocess.run(command, env=self.environment, check=True)

    def ask(self, *command: str) -> str:
        """Run a command of Slurm and return its output."""
        options = {"env": self.environment, "capture_output": True, "text": True}
        return subprocess.run(command, **options).stdout

    def kill_node(self, node: str) -> None:
        """Take a node down and kill all that runs there, as a power cut does.

        The controller would find out by itself, in five minutes.
        """
        self.signal(f"{node}.pid", signal.SIGKILL)
        self.set_node(node, "down")
        send(signal.SIGKILL, self.processes(node))

    def processes(self, node: str | None = None) -> list[psutil.Process]:
        """Return a node's processes that belong to jobs, or all of this Slurm."""
        marks = {"SLURM_CONF": self.environment["SLURM_CONF"]}
        marks |= {"SLURMD_NODENAME": node} if node else {}
        return [
            process
            for process in psutil.process_iter(["cmdline", "cwd", "environ"])
            if marks.items() <= (process.info["environ"] or {}).items()
        ]

    def set_node(self, node: str, state: str) -> None:
        """Tell the controller the state of a node: `drain`, `down` or `resume`."""
        reason = "reason=test"
        self.ask("scontrol", "update", f"nodename={node}", f"state={state}", reason)

    def stop(self) -> None:
        """Stop all daemons and jobs, and everything that waits for them."""
        for node in NODES:
            self.kill_node(node)
        send(signal.SIGKILL, self.processes())
        for name in ("slurmctld", "munge"):
            self.signal(f"{name}.pid", signal.SIGTERM)

    def signal(self, pid_file: str, number: signal.Signals) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / pid_file).read_text()), number)


def free_ports(number: int) -> list[int]:
    with ExitStack() as stack:
        servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
        return [stack.enter_context(each).getsockname()[1] for each in servers]
