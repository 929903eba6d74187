"""Lines of text files, plain or gzip."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from common.errors import InputFileError

GZIP = b"\x1f\x8b"


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, of what it holds where it is a gzip file.

    Raises
    ------
    InputFileError
        If the file cannot be read, or is a gzip file that is damaged or ends early.
    """
    try:
        with path.open("rb") as raw:
            is_gzip = raw.read(2) == GZIP
        with gzip.open(path, "rb") if is_gzip else path.open("rb") as file:
            yield from file
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise InputFileError(
            f"{path}: the gzip file is damaged or ends early; copy it anew, or make it again"
        ) from None
    except OSError as error:
        raise InputFileError(f"{path}: cannot be read ({error.strerror}); check it") from None


def number(path: Path, text: bytes, what: str) -> float:
    """Return a number of a file, which may have Fortran's exponent `D`.

    Raises
    ------
    InputFileError
        If it is none; names the file and `what` it should have been.
    """
    try:
        return float(text.replace(b"D", b"E").replace(b"d", b"e"))
    except ValueError:
        raise InputFileError(
            f"{path}: {what} should be a number, found {text.decode(errors='replace')!r}; make the "
            "file again"
        ) from None


def refuse_second(path: Path, rest: Iterable[bytes], begin: bytes) -> None:
    """Check that no other file was appended behind the end of one.

    Raises
    ------
    InputFileError
        If a line of the rest has the words with which a file begins.
    """
    if any(begin in line for line in rest):
        raise InputFileError(
            f"{path}: holds several files, one behind the other, of which only the first would be "
            "read; give each as a file of its own"
        )
