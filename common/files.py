"""Writing files so that a path holds either the finished content or nothing at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.part{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
