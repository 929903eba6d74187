"""One run at a time in a folder, and no job that outlives its run.

A run that is killed with -9 can neither release a lock file nor stop its jobs. So the lock is the
system's own, freed with the process, and every job watches the process that started it.
"""

import fcntl
import os
import socket
import threading
import time
from pathlib import Path
from typing import TextIO

from analysis.errors import AnalysisError

_held: list[TextIO] = []  # a file that nobody refers to would be closed, and the lock freed

VARIABLE = "BOOSTED_HH4B_RUN"
INTERVAL_S = 0.5


class RunningError(AnalysisError):
    """Another run works in this folder."""


def hold_lock(path: Path) -> TextIO:
    """Lock the run's folder until this process ends, or the returned file is closed.

    Marks this process as the one that its jobs watch.

    Raises
    ------
    RunningError
        If another run holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise RunningError(
            f"another run is working in {path.parent.parent.resolve()}: wait until it ends, or use "
            "another folder (--directory)"
        ) from None
    os.environ[VARIABLE] = f"{socket.gethostname()}:{os.getpid()}"
    _held.append(file)
    return file


def follow_run() -> None:
    """End this process when the run that started it, on the same machine, is gone."""
    host, _, pid = os.environ.get(VARIABLE, "").rpartition(":")
    if host != socket.gethostname():
        return

    def watch() -> None:
        while Path(f"/proc/{pid}").exists():
            time.sleep(INTERVAL_S)
        os._exit(1)

    if Path("/proc/self").exists():
        threading.Thread(target=watch, daemon=True, name="follow-run").start()
