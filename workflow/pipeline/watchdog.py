"""One run at a time in a folder, and no job that outlives its run.

A run that is killed with -9 can neither release a lock file nor stop its jobs. So the lock is the
system's own, freed with the process, and every job watches the process that started it. Where that
process cannot be seen, on another node of a cluster, the cluster's own means end the job.
"""

import fcntl
import os
import threading
import time
from pathlib import Path
from typing import TextIO

from common.errors import AnalysisError

_held: list[TextIO] = []  # a file that nobody refers to would be closed, and the lock freed

VARIABLE = "BOOSTED_HH4B_RUN"
INTERVAL_S = 0.5


class RunningError(AnalysisError):
    """Another run works in this folder, or the folder cannot be locked."""


def hold_lock(path: Path) -> TextIO:
    """Lock the run's folder until this process ends, or the returned file is closed.

    Marks this process as the one that its jobs watch.

    Raises
    ------
    RunningError
        If another run holds the lock, or the file system has none to give.
    """
    folder = path.parent.parent.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="utf-8")
    except OSError as error:
        raise RunningError(
            f"{folder} cannot be written to ({error.strerror}): a run needs a folder of its own "
            "(--directory)"
        ) from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        if not isinstance(error, BlockingIOError):
            raise RunningError(
                f"{path.resolve()} cannot be locked ({error.strerror}): use a folder on a file "
                "system with locks (--directory)"
            ) from None
        raise RunningError(
            f"another run is working in {folder}: wait until it ends, or use "
            "another folder (--directory)"
        ) from None
    os.environ[VARIABLE] = f"{_machine()} {os.getpid()} {_started(os.getpid())}"
    _held.append(file)
    return file


def follow_run() -> None:
    """End this process when the run that started it is gone, if it can be seen from here."""
    machine, _, process = os.environ.get(VARIABLE, "").partition(" ")
    pid, _, started = process.partition(" ")
    if not started or machine != _machine():
        return

    def watch() -> None:
        while _started(int(pid)) == started:
            time.sleep(INTERVAL_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="follow-run").start()


def _machine() -> str:
    """Return what a process number is valid in: one boot of one kernel, one process namespace."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return "unknown"  # and `_started` is empty


def _started(pid: int) -> str:
    """Return when a process started, in ticks since boot; nothing if it is gone, or a zombie."""
    try:
        _, _, fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")
    except OSError:
        return ""
    state, *rest = fields.split()
    return "" if state in "ZX" else rest[18]  # fields 3 and 22 of proc(5)
