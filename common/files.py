"""Writing files so that a path holds either the finished content or nothing at all."""

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from common.errors import UserError

PART = ".part"
_REMEDIES = {
    errno.ENOSPC: "free some space and run again",
    errno.EDQUOT: "free some space and run again",
    errno.EROFS: "use a folder that can be written to",
}


class UnwritableError(UserError):
    """A file cannot be written, for a reason outside the program."""


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it on success, remove it on failure.

    A job that is killed half-way, or an orphan that writes after its parent's clean-up, leaves
    `path` as it was: the rename is atomic on one file system. The temporary name keeps the
    suffix of `path`, since several writers choose their format by it.

    Parameters
    ----------
    path : path-like
        Where the finished file shall stand; missing folders are made.

    Yields
    ------
    pathlib.Path
        The file to write.

    Raises
    ------
    FileNotFoundError
        If the body ends without having written the file.
    UnwritableError
        If the disk or the quota is full, or the file system read-only.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}{PART}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _share(temporary)
        temporary.replace(path)
    except Exception as error:
        if reason := _unwritable(error):
            raise UnwritableError(f"{path} cannot be written: {reason}") from error
        raise
    finally:
        _remove(temporary)


def expanded(path: str) -> str:
    """Return a path with `~`, `~user`, `$NAME` and `${NAME}` replaced; unknown ones stay.

    Examples
    --------
    >>> expanded("data/$NOT_SET/x.root")
    'data/$NOT_SET/x.root'
    """
    return os.path.expandvars(Path(path).expanduser() if path.startswith("~") else path)


def require_space(path: Path, size: int) -> None:
    """Raise OSError, as a write would, if the disk of `path` has no `size` bytes left.

    For writers that cannot stop in good order once the disk is full.
    """
    if shutil.disk_usage(path.parent).free < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def remove_partial(folder: Path) -> None:
    """Remove what writers that were killed half-way left in `folder`, at any depth."""
    for path in folder.rglob(f".*{PART}*"):
        _remove(path)


def _share(path: Path) -> None:
    """Give a file the permissions of any new file; some libraries write for the owner alone."""
    if path.is_file():
        mask = os.umask(0)
        os.umask(mask)
        path.chmod(0o666 & ~mask)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def _unwritable(error: BaseException | None) -> str:
    """Return cause and remedy, or nothing for errors of another kind.

    The writers' libraries raise what they like; the system's words are in all of their messages.
    """
    while error is not None:
        for number, remedy in _REMEDIES.items():
            words = os.strerror(number).lower()
            if getattr(error, "errno", None) == number or words in str(error).lower():
                return f"{words}; {remedy}"
        error = error.__context__
    return ""
