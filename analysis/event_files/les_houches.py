"""Les Houches event files: the block <init>, the events' weights, and a range of the events.

The format is that of hep-ph/0609017, with the weights of its versions 2 and 3 (arXiv:1405.1067);
its numbers are those of the Les Houches accord, hep-ph/0109068, whose names are in capitals here.
"""

import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.event_files.lines import lines, number, refuse_second
from common.errors import ConfigError, InputFileError

Floats = NDArray[np.float64]
FIRST_LINES = 20
"""Lines among which the first tag has to be."""
END = b"</LesHouchesEvents>"
COLOURED = {*range(1, 7), 21}
_INIT = re.compile(rb"<init(?=[\s>])")
_TRIALS = re.compile(rb"\bn?trials\s*=\s*['\"]\s*([^'\"\s]+)", re.IGNORECASE)
_NAMES = re.compile(
    rb"<weight(?:info)?\s[^>]*?\b(?:id|name)\s*=\s*['\"]\s*([^'\"]+?)\s*['\"][^>]*?"
    rb"(?:/>|>\s*([^<]*?)\s*</weight)"
)
_LIST = re.compile(rb"<weights>(.*?)</weights>", re.DOTALL)
_BLOCKS = re.compile(rb"\s*<(rwgt|weights)\b.*?</\1>", re.DOTALL)
_FORTRAN = re.compile(rb"(?<!\S)([-+]?[\d.]+)[Dd]([-+]?\d+)(?!\S)")
_NAMED = re.compile(rb"<wgt\s[^>]*?id\s*=\s*['\"]\s*([^'\"]+?)\s*['\"]\s*>\s*([^<\s]+)")


@dataclass(frozen=True)
class Process:
    """One process: LPRUP, its cross section XSECUP and error XERRUP [pb]."""

    number: int
    cross_section_pb: float
    error_pb: float


@dataclass(frozen=True)
class Init:
    """What a file says of all its events.

    Attributes
    ----------
    beams : tuple of int
        IDBMUP, PDG codes.
    energies_gev : tuple of float
        EBMUP.
    strategy : int
        IDWTUP, what the events' weights mean.
    processes : tuple of Process
    text : bytes
        All lines before the first event, with those of the block itself.
    """

    beams: tuple[int, int]
    energies_gev: tuple[float, float]
    strategy: int
    processes: tuple[Process, ...]
    text: bytes

    @property
    def weight_names(self) -> dict[bytes, bytes]:
        """The names of the weights that the file declares, in order, with what they stand for."""
        return {match[1]: match[2] or b"" for match in _NAMES.finditer(self.text)}


@dataclass(frozen=True)
class Weights:
    """Of the N events of a file.

    Attributes
    ----------
    nominal, chosen : float64 [N]
        XWGTUP, and the weight that was asked for; the same if none was.
    process : int64 [N]
        IDPRUP.
    trials : float64 [N]
        Points tried for each event, as Sherpa gives them; NaN where a file has none.
    """

    nominal: Floats
    chosen: Floats
    process: NDArray[np.int64]
    trials: Floats

    def __len__(self) -> int:
        return len(self.nominal)


def read_init(path: Path) -> Init:
    """Return what a file says of all its events; reads no event.

    Raises
    ------
    InputFileError
        If it is not a Les Houches file, or its block <init> is not complete.
    """
    return _head(path, lines(path))


def read_weights(path: Path, weight: str | None = None) -> Weights:
    """Return the weights of all events of a file.

    Parameters
    ----------
    path : pathlib.Path
    weight : str, optional
        Name of the weight to choose among those of <rwgt> or <weights>.

    Raises
    ------
    InputFileError
        If the file holds no event or ends early, or an event is not what the format wants.
    ConfigError
        If it has no weight of this name.
    """
    source = lines(path)
    init = _head(path, source)
    wanted = _identity(path, init, weight)
    numbers = array("d")
    for block in _events(path, source):
        is_first = not numbers
        numbers.extend(_numbers(path, block, wanted))
        if is_first:
            _check_colours(path, block)
    if not numbers:
        raise InputFileError(f"{path}: holds no event; make it again, or leave it out")
    nominal, chosen, process, trials = np.array(numbers).reshape(-1, 4).T
    return Weights(nominal, chosen, process.astype(np.int64), trials)


def write_range(files: Sequence[Path], first: int, last: int, output: Path) -> None:
    """Write the events first … last − 1 of the files, counted through, as one plain file.

    Weights are left out: each event has the weight 1 and each process the cross section 1 pb
    (IDWTUP 3), so that a generator takes every event once. Fortran's exponents `D`, which Pythia
    cannot read, become `E`. All else is as it was.

    Raises
    ------
    InputFileError
        As in `read_weights`.
    """
    place, head = 0, None
    with output.open("wb") as file:
        for path in files:
            source = lines(path)
            init = _head(path, source)
            for block in _events(path, source):
                if first <= place < last:
                    if head is None:
                        head = init
                        file.write(_unit_head(init))
                    file.write(_unit_event(block))
                place += 1
                if place >= last:
                    break
            if place >= last:
                break
        file.write(END + b"\n")


def _head(path: Path, source: Iterator[bytes]) -> Init:
    """Read from the source up to the end of its block <init>."""
    text: list[bytes] = []
    is_known = in_header = False
    body: list[bytes] | None = None
    for line in source:
        text.append(line)
        stripped = line.strip()
        is_known |= b"<LesHouchesEvents" in line
        if not is_known and len(text) >= FIRST_LINES:
            break
        if body is not None:
            before, end, _ = stripped.partition(b"</init>")
            body.append(before)
            if end:
                return _parse_init(path, body, b"".join(text))
        elif stripped.startswith(b"<header") or in_header:
            in_header = b"</header>" not in stripped
        elif _INIT.match(stripped):
            body = []
        elif re.match(rb"<event\b", stripped):
            break
    if not is_known:
        raise InputFileError(
            f"{path}: is not a Les Houches file: <LesHouchesEvents is not among its first lines; "
            "give an .lhe or .lhe.gz file"
        )
    raise InputFileError(
        f"{path}: has no complete <init> block: it ends early or is damaged; make it again"
    )


def _parse_init(path: Path, body: list[bytes], text: bytes) -> Init:
    rows = [line.split() for line in body if line and not line.startswith((b"#", b"<"))]
    found = [number(path, word, "<init>") for row in rows[:1] for word in row]
    count = int(found[9]) if len(found) >= 10 else 0
    if count < 1 or len(rows) <= count or any(len(row) < 4 for row in rows[1 : count + 1]):
        raise InputFileError(
            f"{path}: its <init> block is not that of the Les Houches accord (10 numbers, and 4 of "
            "each process); make the file again"
        )
    processes = []
    for row in rows[1 : count + 1]:
        sigma, error, _, code = (number(path, word, "<init>") for word in row[:4])
        processes.append(Process(int(code), sigma, error))
    strategy = int(found[8])
    if abs(strategy) not in (1, 2, 3, 4):
        raise InputFileError(
            f"{path}: IDWTUP is {strategy} in <init>; the accord knows ±1, ±2, ±3 and ±4"
        )
    return Init(
        (int(found[0]), int(found[1])), (found[2], found[3]), strategy, tuple(processes), text
    )


def _events(path: Path, source: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines of each event, its tags among them."""
    block: list[bytes] | None = None
    number_of_events = 0
    for line in source:
        if block is not None:
            block.append(line)
            if b"</event>" in line:
                number_of_events += 1
                yield block
                block = None
        elif (start := line.lstrip()).startswith((b"<event>", b"<event ")):
            block = [line]
        elif start.startswith(END):
            refuse_second(path, chain([start.removeprefix(END)], source), b"<LesHouchesEvents")
            return
    raise InputFileError(
        f"{path}: ends early, after {number_of_events} events, without {END.decode()}; copy it "
        "anew, or make it again"
    )


def _numbers(
    path: Path, block: list[bytes], wanted: tuple[bytes, int] | None
) -> tuple[float, float, float, float]:
    """Return XWGTUP, the chosen weight, IDPRUP and the trials of an event."""
    words = block[1].split()
    if len(words) < 6:
        raise InputFileError(
            f"{path}: an event begins with {block[1].decode(errors='replace').strip()!r}, not with "
            "the six numbers of the accord; make the file again"
        )
    try:
        particles, process, nominal = int(words[0]), float(words[1]), float(words[2])
    except ValueError:
        particles = int(number(path, words[0], "NUP"))
        process, nominal = number(path, words[1], "IDPRUP"), number(path, words[2], "XWGTUP")
    if len(block) < particles + 3:
        raise InputFileError(
            f"{path}: an event has fewer lines than its {particles} particles; make the file again"
        )
    if not np.isfinite(nominal):
        raise InputFileError(f"{path}: an event has the weight {nominal}; make the file again")
    match = _TRIALS.search(block[0])
    trials = number(path, match[1], "trials") if match else np.nan
    chosen = nominal if wanted is None else _chosen(path, block, *wanted)
    if wanted is not None and not np.isfinite(chosen):
        raise InputFileError(
            f"{path}: an event has the weight {chosen} under the name {wanted[0].decode()!r}; "
            "choose another as simulation.weight, or make the file again"
        )
    return nominal, chosen, process, trials


def _check_colours(path: Path, block: list[bytes]) -> None:
    """Raise if a particle of an event that has colour is given none."""
    for line in block[2 : 2 + int(block[1].split()[0])]:
        words = line.split()
        if len(words) < 13:
            raise InputFileError(
                f"{path}: a particle has {len(words)} numbers, not the 13 of the accord: "
                f"{line.decode(errors='replace').strip()!r}; make the file again"
            )
        if abs(int(words[0])) in COLOURED and words[4] == words[5] == b"0":
            raise InputFileError(
                f"{path}: its quarks and gluons carry no colours (ICOLUP is 0), so that nothing "
                "can be showered; write the file with colours, or let its generator shower the "
                "events and give them as `hepmc`"
            )


def _identity(path: Path, init: Init, weight: str | None) -> tuple[bytes, int] | None:
    """Return the identity of a weight and its place in <weights>, −1 if it is not declared."""
    if weight is None:
        return None
    names = init.weight_names
    wanted = weight.encode()
    for place, (name, meaning) in enumerate(names.items()):
        if wanted in (name, meaning):
            return name, place
    return wanted, -1


def _chosen(path: Path, block: list[bytes], name: bytes, place: int) -> float:
    text = b"".join(block)
    named = dict(_NAMED.findall(text))
    if name in named:
        return number(path, named[name], "<wgt>")
    match = _LIST.search(text)
    listed = match[1].split() if match else []
    if 0 <= place < len(listed):
        return number(path, listed[place], "<weights>")
    known = ", ".join(word.decode(errors="replace") for word in list(named)[:12])
    raise ConfigError(
        f"simulation.weight: an event of {path} has no weight {name.decode()!r}; "
        + (f"there are {known}" if known else "its events have the nominal one alone: leave it out")
    )


def _unit_head(init: Init) -> bytes:
    """Return the lines before the first event, with IDWTUP 3 and cross sections of 1 pb."""
    start = list(_INIT.finditer(init.text))[-1].end()
    before, rest = init.text[:start], init.text[start:]
    first, *body = rest.split(b"\n")
    place = 0
    for k, line in enumerate(body):
        words = _FORTRAN.sub(rb"\1E\2", line).split()
        if not words or words[0].startswith((b"#", b"<")):
            continue
        if place == 0:
            words[8] = b"3"
        elif place <= len(init.processes):
            words[:3] = b"1.", b"0.", b"1."
        else:
            continue
        body[k] = b" ".join(words)
        place += 1
    return before + b"\n".join([first, *body])


def _unit_event(block: list[bytes]) -> bytes:
    words = block[1].split()
    words[2] = b"1."
    text = b"".join([block[0], b" ".join(words) + b"\n", *block[2:]])
    return _FORTRAN.sub(rb"\1E\2", _BLOCKS.sub(b"", text))
