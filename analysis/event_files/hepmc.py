"""HepMC files of versions 2 and 3 as text: their events counted, a range of them cut out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.event_files.lines import lines, number, refuse_second
from common.errors import InputFileError

LISTINGS = {b"HepMC::IO_GenEvent": 2, b"HepMC::Asciiv3": 3}
"""The formats, by the beginning of the lines around all events; their versions."""
START, END = b"-START_EVENT_LISTING", b"-END_EVENT_LISTING"
FIRST_LINES = 20


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes
    ----------
    events : int
    cross_section_pb, error_pb : float, optional
        As the last event gives them: a generator's best estimate comes last.
    """

    events: int
    cross_section_pb: float | None
    error_pb: float


def read_format(path: Path) -> bytes:
    """Return the name of a file's format; reads its first lines alone.

    Raises
    ------
    InputFileError
        If it is not a HepMC file of version 2 or 3 in text.
    """
    for k, line in enumerate(lines(path)):
        for name in LISTINGS:
            if line.startswith(name + START):
                return name
        if k > FIRST_LINES:
            break
    raise InputFileError(
        f"{path}: is not a HepMC file of version 2 or 3 in text: no line "
        "HepMC::Asciiv3-START_EVENT_LISTING or HepMC::IO_GenEvent-START_EVENT_LISTING is among "
        "its first; give an .hepmc or .hepmc.gz file"
    )


def read_content(path: Path) -> Content:
    """Return how many events a file holds, and its cross section.

    Raises
    ------
    InputFileError
        If the file holds no event, ends early, or is not a HepMC file.
    """
    name = read_format(path)
    events, last = 0, None
    for line in _body(path, name):
        if line.startswith(b"E "):
            events += 1
        elif line.startswith((b"C ", b"A 0 GenCrossSection ")):
            last = line
    if events == 0:
        raise InputFileError(f"{path}: holds no event; make it again, or leave it out")
    if last is None:
        return Content(events, None, 0.0)
    words = last.split()[1 if last.startswith(b"C ") else 3 :]
    sigma, error = (number(path, word, "the cross section") for word in words[:2])
    return Content(events, sigma if sigma > 0 else None, max(error, 0.0))


def write_range(files: Sequence[Path], first: int, last: int, folder: Path) -> list[Path]:
    """Write the events first … last − 1 of the files, counted through; one file of each with any.

    Raises
    ------
    InputFileError
        As in `read_content`.
    """
    place = 0
    written: list[Path] = []
    for path in files:
        name = read_format(path)
        output = folder / f"{len(written)}.hepmc"
        with output.open("wb") as file:
            file.write(b"HepMC::Version 3.0.0\n" + name + START + b"\n")
            begun = place
            for line in _body(path, name):
                place += line.startswith(b"E ")
                if place > last:
                    place = last
                    break
                if place == begun or place > first:  # the file's own head, or an event
                    file.write(line)
            file.write(name + END + b"\n")
        if place > first:
            written.append(output)
        if place >= last:
            break
    return written


def _body(path: Path, name: bytes) -> Iterator[bytes]:
    """Yield the lines between the two that enclose all events."""
    source = lines(path)
    for line in source:
        if line.startswith(name + START):
            break
    for line in source:
        if line.startswith(b"HepMC::"):
            if line.startswith(name + END):
                refuse_second(path, source, START)
                return
            continue
        yield line
    raise InputFileError(
        f"{path}: ends early, without {(name + END).decode()}; copy it anew, or make it again"
    )
