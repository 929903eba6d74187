"""A real SLURM on one machine, for as long as a test needs it: no systemd, nothing in /etc.

    python -m tests.robustness.slurm snakemake --workflow-profile workflow/profiles/slurm

starts munged, slurmctld and slurmd with a configuration of their own, runs the command where
`sbatch` and its kin find them, and stops all three. Memory limits are enforced, by the accounting
that polls the processes; the one "GPU" is a device file that nobody uses.
"""

import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
START_S = 30
CONFIGURATION = """\
ClusterName=one_machine
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=5
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
SlurmdParameters=config_overrides
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory=64000 Gres=gpu:1
PartitionName=main Nodes={host} Default=YES MaxTime=1-0
"""


def missing() -> str:
    """Return why SLURM cannot be started here, or nothing."""
    lacking = [name for name in (*DAEMONS, "sbatch", "srun") if _find(name) is None]
    if lacking:
        return f"no {', '.join(lacking)}: apt-get install slurmctld slurmd slurm-client munge"
    return "" if os.geteuid() == 0 else "slurmd starts jobs as root only"


def _find(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


@contextmanager
def one_machine(folder: Path, cpus: int = 8) -> Iterator[dict[str, str]]:
    """Start SLURM with all its files in `folder`; stop it, and its jobs, at the end.

    Parameters
    ----------
    folder : Path
        Receives configuration, state and logs; short, since it holds a socket (107 characters).
    cpus : int
        What the node claims to have, beside 64 GB and one GPU.

    Yields
    ------
    dict of str
        The environment in which `sbatch`, `squeue` and `scancel` find it.

    Raises
    ------
    RuntimeError
        If a daemon does not start; with the end of its log.
    """
    host = socket.gethostname().split(".")[0]
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir(parents=True)
    text = CONFIGURATION.format(
        folder=folder, host=host, ports=_free_ports(), user=getpass.getuser(), cpus=cpus
    )
    configuration = folder / "slurm.conf"
    configuration.write_text(text)
    (folder / "gres.conf").write_text(f"NodeName={host} Name=gpu File=/dev/null\n")
    environment = {**os.environ, "SLURM_CONF": str(configuration)}
    environment["PATH"] = f"{folder / 'bin'}:{environment['PATH']}"
    _shim(folder / "bin" / "srun", configuration)
    with ExitStack() as stack:
        stack.enter_context(_munged(folder))
        stack.enter_context(_daemon("slurmctld", folder, "-D", "-f", str(configuration)))
        stack.enter_context(_daemon("slurmd", folder, "-D", "-f", str(configuration)))
        stack.callback(_cancel_all, environment)
        _wait_until_idle(environment, folder)
        yield environment


def _free_ports() -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(2)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _shim(path: Path, configuration: Path) -> None:
    """Give `srun` its configuration: the plugin's job step drops what begins with SLURM_."""
    path.write_text(f'#!/bin/sh\nSLURM_CONF={configuration} exec {_find("srun")} "$@"\n')
    path.chmod(0o755)


@contextmanager
def _munged(folder: Path) -> Iterator[None]:
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(128))
    key.chmod(0o600)
    options = [f"--{name}-file={folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
    arguments = ("--foreground", "--force", f"--socket={folder}/munge.socket", *options)
    with _daemon("munged", folder, *arguments):
        limit = time.monotonic() + START_S
        while not (folder / "munge.socket").exists():
            if time.monotonic() > limit:
                raise RuntimeError(f"munged does not start: {_tail(folder, 'munged')}")
            time.sleep(0.05)
        yield


@contextmanager
def _daemon(name: str, folder: Path, *arguments: str) -> Iterator[None]:
    with (folder / f"{name}.out").open("w") as output:
        process = subprocess.Popen(
            [str(_find(name)), *arguments], stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_idle(environment: dict[str, str], folder: Path) -> None:
    limit = time.monotonic() + START_S
    command = ["sinfo", "--noheader", "--format=%T"]
    while True:
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if run.stdout.strip() == "idle":
            return
        if time.monotonic() > limit:
            logs = "\n".join(_tail(folder, name) for name in DAEMONS)
            raise RuntimeError(f"SLURM does not start: {run.stdout} {run.stderr}\n{logs}")
        time.sleep(0.2)


def _cancel_all(environment: dict[str, str]) -> None:
    """Leave no job behind: a daemon that ends does not end what it started."""
    cancel = ["scancel", "--full", "--signal=KILL", "--user", getpass.getuser()]
    subprocess.run(cancel, env=environment, capture_output=True, check=False)
    limit = time.monotonic() + START_S
    queue = ["squeue", "--noheader"]
    while time.monotonic() < limit:
        run = subprocess.run(queue, env=environment, capture_output=True, text=True, check=False)
        if not run.stdout.strip():
            return
        subprocess.run(cancel, env=environment, capture_output=True, check=False)
        time.sleep(0.2)


def _tail(folder: Path, name: str) -> str:
    paths = [path for path in folder.glob(f"{name}.*") if path.suffix in (".log", ".out")]
    return "\n".join(f"{path.name}: {path.read_text()[-2000:]}" for path in paths)


def main() -> int:
    """Run the command line's command on the cluster and return its exit status."""
    if reason := missing():
        print(reason, file=sys.stderr)
        return 77
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that it stops what it started
    with (
        tempfile.TemporaryDirectory(prefix="slurm.", dir="/tmp") as folder,
        one_machine(Path(folder)) as environment,
    ):
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
