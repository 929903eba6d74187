"""Devices: errors in plain words, and jobs that start together take different GPUs."""

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch.overrides import TorchFunctionMode

from common.errors import ModelError
from models.config.specs import Kinematics, Training
from models.training import devices
from models.training.devices import device_of, free_gpu, sum_type
from models.training.inference import log_odds
from models.training.training import train

PRETEND = """
import sys, torch
from types import SimpleNamespace
torch.cuda.device_count = lambda: 2
torch.cuda.get_device_properties = lambda index: SimpleNamespace(uuid=f"{sys.argv[1]}-{index}")
from models.training.devices import free_gpu
print(free_gpu(), free_gpu(), flush=True)
sys.stdin.read()
"""


def test_an_accelerator_that_is_not_there():
    assert device_of("cpu") == "cpu"
    absent = [a for a in ("cuda", "mps") if not getattr(torch.backends, a).is_built()]
    for accelerator in absent:
        with pytest.raises(ModelError, match=f"{accelerator} is not available.*use auto or cpu"):
            device_of(accelerator)


def test_more_gpus_than_there_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert device_of("auto", 2) == "cuda"
    with pytest.raises(ModelError, match=r"training.devices: 4 asks for more than the 2 cuda"):
        device_of("cuda", 4)


def test_jobs_on_one_machine_take_different_gpus_until_they_end(tmp_path):
    """Two processes get one each, a third shares; when the first ends, its GPU is free again."""
    command = [sys.executable, "-c", PRETEND, tmp_path.name]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    jobs: list[subprocess.Popen] = []
    environment = {"TMPDIR": str(tmp_path), "PYTHONPATH": ".", "PATH": ""}

    def start() -> str:
        jobs.append(subprocess.Popen(command, env=environment, **pipes))
        return jobs[-1].stdout.readline()

    try:
        assert [start(), start(), start()] == ["0 0\n", "1 1\n", "0 0\n"]
        for job in (jobs[0], jobs[2]):
            job.kill()
            job.wait()
        assert start() == "0 0\n"
    finally:
        for job in jobs:
            job.kill()
            job.communicate()


def test_a_lock_that_cannot_be_opened_is_no_obstacle(monkeypatch, tmp_path):
    """A GPU whose lock belongs to another user counts as taken."""
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path / "absent"))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    properties = SimpleNamespace(uuid="x")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    free_gpu.cache_clear()
    try:
        assert free_gpu() == 0
    finally:
        free_gpu.cache_clear()


class SinglePrecision(TorchFunctionMode):
    """A device without double precision: only what went to the host's memory may be double."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        first = args[0] if args and isinstance(args[0], torch.Tensor) else None
        wide = func is torch.Tensor.double
        wide |= any(value is torch.float64 for value in (*args[1:], kwargs.get("dtype")))
        if first is None:
            elsewhere = kwargs.get("device") is not None
        else:
            elsewhere = first.is_floating_point() and not hasattr(first, "on_host")
        if wide and elsewhere:
            raise TypeError(f"{func} asks the device for float64")
        result = func(*args, **kwargs)
        if func is torch.Tensor.cpu:
            result.on_host = True
        return result


def test_apple_gpus_are_not_asked_for_double_precision(data, tmp_path, monkeypatch):
    assert sum_type(torch.device("mps")) == torch.float32
    assert sum_type(torch.device("cpu")) == torch.float64
    monkeypatch.setattr("models.training.loop.sum_type", lambda _: torch.float32)
    settings = Training(epochs=1, accelerator="cpu")
    with SinglePrecision():
        model = train(Kinematics(name="n", layers=1), settings, data, 1, tmp_path)
        assert len(log_odds(model.network, data.validation.events)) == len(data.validation)
        with pytest.raises(TypeError, match="asks the device for float64"):
            torch.ones(3).double()
