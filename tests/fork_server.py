"""Python with the packages of others imported: each call of it is a fork, in place of a start.

`ForkServer().run(["-m", "snakemake", "--version"], folder)` does what `subprocess.run` does with a
`python` of that command line. The project's own modules are imported by each call for itself. What
runs there finds a `python` of the same kind as its `sys.executable`, so the jobs of a Snakemake are
forks, too. Python's options are `-P` and `-m` alone; of the variables that Python and its packages
read at their start (OMP_NUM_THREADS) only `PYTHONWARNINGS=error` is heeded. A server with variables
of its own, `ForkServer(LC_ALL="C")`, refuses calls that have them otherwise. The packages are
imported with warnings as errors.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

PACKAGES = (
    "awkward", "coffea.analysis_tools", "fastjet", "h5py", "hist", "lightning.pytorch",
    "matplotlib.figure", "pandas", "pyarrow.parquet", "pydantic", "pyhf", "pythia8mc",
    "rich.console", "safetensors.torch", "scipy.optimize", "scipy.stats", "snakemake.cli",
    "typer", "uproot", "vector", "xgboost",
)  # fmt: skip
KILLED = -signal.SIGKILL
ending: list[tuple[int, socket.socket]] = []
"""The status with which this process ends, and whom to tell."""


class ForkServer:
    """The server, started with further variables, and stopped with this process."""

    def __init__(self, **variables: str) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="python.")
        self.address = str(Path(self.folder.name, "socket"))
        self.python = Path(self.folder.name, "python")
        words = f'"{sys.executable}" -IS "{__file__}" "{self.address}" "{self.python}"'
        self.python.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        self.python.chmod(0o755)
        command = [sys.executable, "-P", __file__, "--serve", self.address, json.dumps(variables)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        environment |= variables
        environment["PYTHONWARNINGS"] = "error"
        environment.pop("PYTHONPATH", None)
        self.process = subprocess.Popen(
            command, env=environment, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Call Python with `arguments` in `folder`, and return its status and what it wrote."""
        variables = os.environ if environment is None else environment
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
            with Path(os.devnull).open() as nothing:
                files = [file.fileno() for file in (nothing, out, error)]
                call = [str(self.python), *arguments]
                status = ask(self.address, call, str(folder), dict(variables), files)
            out.seek(0)
            error.seek(0)
            return subprocess.CompletedProcess(list(arguments), status, out.read(), error.read())

    def as_executable(self) -> str:
        """Return code that makes what a process starts with its `sys.executable` a call."""
        return f"import sys; sys.executable = {str(self.python)!r}"

    def stop(self) -> None:
        """End the server."""
        self.process.communicate()
        self.folder.cleanup()


def ask(
    address: str, call: list[str], folder: str, environment: dict[str, str], files: list[int]
) -> int:
    """Let the server run a command line with three files as standard ones; return its status."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [b"\n"], files)
        connection.sendall(json.dumps([call, folder, environment]).encode() + b"\n")
        with connection.makefile("rb") as answer:  # up to the end of the process
            return int(answer.read() or KILLED)


def serve(address: str, variables: Mapping[str, str]) -> None:
    """Answer calls, each in a process of its own, until stdin ends."""
    for name in PACKAGES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        print("ready", flush=True)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection, _ = listener.accept()
            if not os.fork():
                break
            connection.close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        else:
            return
    _, files, _, _ = socket.recv_fds(connection, 1, 3)
    call, folder, environment = json.loads(connection.makefile().readline())
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for name, value in variables.items():
        if environment.get(name) != value:
            print(f"this Python was started with {name}={value}", file=sys.stderr)
            ending.append((1, connection))
            return
    if "PYTHONWARNINGS" not in environment:
        warnings.filters[:] = [one for one in warnings.filters if one[0] != "error"]
    ending.append((become(*call), connection))


def become(python: str, *words: str) -> int:
    """Do what `python` with these words does, and return the status with which it ends."""
    sys.executable = python
    status = 0
    try:
        interpret(*words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        status = 1
        traceback.print_exc()
    return status


def interpret(*words: str) -> None:
    """Run the module or file of a command line of Python."""
    safe = words[0] == "-P" or "PYTHONSAFEPATH" in os.environ
    kind, *rest = words[words[0] == "-P" :]
    path = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if kind == "-m":
        sys.path[:0] = path if safe else [str(Path.cwd()), *path]
        sys.argv = rest
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path[:0] = path if safe else [str(Path(kind).resolve().parent), *path]
        sys.argv = [kind, *rest]
        runpy.run_path(kind, run_name="__main__")


@atexit.register  # before those of all packages, and so called as the last one
def leave() -> None:
    """End without taking Python down, which would copy the memory of all packages."""
    for status, connection in ending:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(status).encode())
        os._exit(status)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve(sys.argv[2], json.loads(sys.argv[3]))
    else:
        found = ask(sys.argv[1], sys.argv[2:], str(Path.cwd()), dict(os.environ), [0, 1, 2])
        sys.exit(found if found >= 0 else 128 - found)
