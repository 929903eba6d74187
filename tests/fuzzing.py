"""Damage to ROOT files, and a process of its own in which damaged files are read."""

import multiprocessing
import os
import resource
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import awkward as ak
import numpy as np

from analysis.config.reconstruction import FatJets, Reconstruction
from analysis.reconstruction.event_table import EVENT_TYPE
from analysis.reconstruction.reconstruct import reconstruct_file
from common.errors import AnalysisError
from workflow.pipeline.cli import limit_memory

MEMORY_BYTES = 3 * 2**30  # of address space, so that a length gone wild cannot take the machine
TIMEOUT_S = 30.0
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x40000000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
PAYLOAD = b"x'+str(open('%s','w'))+'"

Region = tuple[int, int]
Damage = Callable[[bytearray, np.random.Generator, Region], None]


def flip_bits(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    for place in rng.integers(*region, size=rng.integers(1, 9)):
        data[place] ^= 1 << rng.integers(8)


def cut_tail(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    del data[rng.integers(len(data)) :]


def zero_block(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    start, stop = _block(rng, region)
    data[start:stop] = bytes(stop - start)


def random_block(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    start, stop = _block(rng, region)
    data[start:stop] = rng.bytes(stop - start)


def move_block(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    start, stop = _block(rng, region)
    place = rng.integers(*region)
    block = data[start:stop]
    data[place : place + len(block)] = block


def lose_block(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    start, stop = _block(rng, region)
    del data[start:stop]


def set_length(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    """Write extreme integers over what may be lengths, counts and positions."""
    for place in rng.integers(*region, size=rng.integers(1, 4)):
        width = int(rng.choice([2, 4, 8]))
        value = int(rng.choice(EXTREMES)) & (2 ** (8 * width) - 1)
        data[place : place + width] = value.to_bytes(width, "big")


def put_code(data: bytearray, rng: np.random.Generator, region: Region) -> None:
    """Write Python code over a name; what ran it would leave the file `ran`."""
    place = int(rng.integers(*region))
    while place < region[1] and not chr(data[place]).isidentifier():
        place += 1
    code = PAYLOAD % b"ran"
    length = data[place - 1]
    data[place : place + length] = code[:length].ljust(length, b" ") if length < 200 else code


DAMAGE: tuple[Damage, ...] = (
    flip_bits,
    cut_tail,
    zero_block,
    random_block,
    move_block,
    lose_block,
    set_length,
    put_code,
)


def damaged(content: bytes, damage: Damage, rng: np.random.Generator, region: Region) -> bytes:
    """Return a damaged copy."""
    data = bytearray(content)
    damage(data, rng, region)
    return bytes(data)


def _block(rng: np.random.Generator, region: Region) -> tuple[int, int]:
    start = int(rng.integers(*region))
    return start, min(start + int(2 ** rng.uniform(0, 13)), region[1])


class Outcome(NamedTuple):
    """What came of a file: `read`, `refused` with a message, or a `failure`."""

    kind: str
    message: str


class Reader:
    """A process that reads one file after another, with bounds on its memory and time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._start()

    def read(self, path: Path, source: str) -> Outcome:
        """Reconstruct a file and check its table."""
        try:
            self._pipe.send((str(path), source))
            if not self._pipe.poll(TIMEOUT_S):
                return self._restart("failure", f"no end after {TIMEOUT_S:g} s")
            outcome: Outcome = self._pipe.recv()
            return outcome
        except (EOFError, BrokenPipeError):
            self._process.join()
            return self._restart("failure", f"the process died ({self._process.exitcode})")

    def close(self) -> None:
        self._process.kill()
        self._process.join()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._folder), daemon=True)
        self._process.start()
        theirs.close()

    def _restart(self, *outcome: str) -> Outcome:
        self.close()
        self._start()
        return Outcome(*outcome)


def _serve(pipe: Connection, folder: Path) -> None:
    os.chdir(folder)
    watch_effects(folder)
    limit_memory(MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    table = folder / "events.parquet"
    while True:
        path, source = pipe.recv()
        pipe.send(_attempt(path, table, Reconstruction(fatjets=FatJets(source=source))))


def _attempt(path: str, table: Path, config: Reconstruction) -> Outcome:
    EFFECTS.clear()
    try:
        flow = reconstruct_file(path, table, config)
        problem = problem_of(table, flow["generated"].raw)
        outcome = Outcome("failure" if problem else "read", problem)
    except AnalysisError as error:
        clear = path in str(error) and "\n" not in str(error)
        outcome = Outcome("refused" if clear else "failure", str(error))
    except BaseException:
        outcome = Outcome("failure", traceback.format_exc())
    if EFFECTS:
        return Outcome("failure", f"side effects: {EFFECTS}; {outcome}")
    return outcome


EFFECTS: list[str] = []


def watch_effects(folder: Path) -> None:
    """Note in `EFFECTS` what this process does from now on, but for reading and its table."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("os.system", "subprocess.Popen", "os.exec", "os.fork", "socket.connect"):
            EFFECTS.append(f"{event} {arguments}")
        elif event in ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "shutil.rmtree"):
            if not str(arguments[0]).startswith(str(folder)):
                EFFECTS.append(f"{event} {arguments}")
        elif event == "open" and isinstance(arguments[0], str):
            flags = arguments[2] or 0
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            inside = arguments[0].startswith(str(folder / "events.parquet"))
            if writes and not inside and arguments[0] != os.devnull:
                EFFECTS.append(f"{event} {arguments}")

    sys.addaudithook(hook)


def problem_of(path: Path, n_events: int) -> str:
    """Return why a table of events is not valid; nothing if it is."""
    table = ak.from_parquet(path)
    if table.type.content != ak.types.from_datashape(str(EVENT_TYPE), highlevel=False):
        return f"type {table.type}"
    for name in table.fields:
        for field in table[name].fields or [None]:
            column = table[name] if field is None else table[name][field]
            if not np.isfinite(ak.to_numpy(ak.flatten(column, axis=None))).all():
                return f"{name}.{field} is not finite"
    entry = ak.to_numpy(table.entry)
    jets = table.fatjet
    valid = {
        "entries": np.all(np.diff(entry) > 0) and np.all((entry >= 0) & (entry < n_events)),
        "order of fat jets": ak.all(jets.pt[:, 0] >= jets.pt[:, 1]),
        "order of constituents": ak.all(
            table.constituent.pt[..., 1:] <= table.constituent.pt[..., :-1]
        ),
        "θ": ak.all(abs(jets.theta) <= 1.5708),
        "mass": ak.all((jets.mass >= 0) & (jets.mass <= jets.energy * 1.001)),
        "multiplicity": ak.all(jets.multiplicity > 0),
        "kind": ak.all((table.constituent.kind >= 0) & (table.constituent.kind <= 4)),
    }
    return ", ".join(name for name, holds in valid.items() if not holds)
