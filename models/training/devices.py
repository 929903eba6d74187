"""Which device a training or a scoring works on; one job on each GPU of a machine."""

import ctypes
import fcntl
import tempfile
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TextIO

import torch

from common.errors import ModelError

_held: list[TextIO] = []  # a file that nobody refers to would be closed, and the lock freed


def device_of(accelerator: str, devices: int = 1) -> str:
    """Return the torch device type that an accelerator setting means on this machine.

    Parameters
    ----------
    accelerator : str
        "cpu", "cuda", "mps", or "auto": CUDA where there is a GPU, else the CPU.
    devices : int
        GPUs, or processes on the CPU, that are to work together.

    Raises
    ------
    ModelError
        If the accelerator asked for, or as many devices, are not there.
    """
    if accelerator == "auto":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a driver that is too old means no GPU
            accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    present: dict[str, Callable[[], bool]] = {
        "cpu": lambda: True,
        "cuda": torch.cuda.is_available,
        "mps": torch.backends.mps.is_available,
    }
    if not present[accelerator]():
        raise ModelError(
            f"training.accelerator: {accelerator} is not available on this machine; use auto or cpu"
        )
    most = {"cuda": torch.cuda.device_count, "mps": lambda: 1}.get(accelerator, lambda: devices)()
    if devices > most:
        raise ModelError(
            f"training.devices: {devices} asks for more than the {most} {accelerator} device(s) "
            f"that this machine offers to the job; set it to {most}, or ask for more GPUs "
            "(docs/clusters.md)"
        )
    return accelerator


@cache
def free_gpu() -> int:
    """Return a CUDA GPU that no other job has taken, and keep it for this process.

    Jobs that start at the same time on one machine thus spread over its GPUs. A job holds the lock
    of its GPU until its process ends, however it ends. Where all are taken, GPU 0 is shared.
    """
    for index in range(torch.cuda.device_count()):
        name = f"boosted-hh4b-{torch.cuda.get_device_properties(index).uuid}.lock"
        path = Path(tempfile.gettempdir()) / name
        try:
            file = path.open("a", encoding="utf-8")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # taken, by a job of this user or of another
            continue
        _held.append(file)
        return index
    return 0


def keep_freed_memory() -> None:
    """Let the C library (glibc) keep what is freed: each step takes the same memory again.

    Otherwise it goes back to the system and is cleared page by page, 1,200 times a step.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD, its largest value: only arrays above have pages
        mallopt(-1, 512 << 20)  # M_TRIM_THRESHOLD: what may lie idle


def sum_type(device: torch.device) -> torch.dtype:
    """Return the type of sums over events on a device; Apple's GPUs have no double precision."""
    return torch.float32 if device.type == "mps" else torch.float64


def torch_device(kind: str) -> torch.device:
    """Return the device of a type that this process works on: of GPUs a free one."""
    return torch.device(kind, free_gpu()) if kind == "cuda" else torch.device(kind)
