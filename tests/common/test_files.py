"""Files are finished or not there, and an error says what is in the way."""

import errno
import os
from pathlib import Path

import pytest

from common.files import UnwritableError, atomic_path, remove_partial


def write_half(path: Path) -> None:
    with atomic_path(path) as temporary:
        temporary.write_text("half of it")
        raise ValueError("half-way")


def write_and_fail(path: Path, kind: str, number: int) -> None:
    words = os.strerror(number)
    with atomic_path(path):
        if kind == "of the system":
            raise OSError(number, words)
        if kind == "in words":
            raise RuntimeError(f"I/O error: {words} (os error {number})")
        try:
            raise OSError(number, words)
        finally:
            raise RuntimeError("file is closed")


def test_file_is_whole_or_absent(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "table.csv"
    with pytest.raises(ValueError, match="half-way"):
        write_half(path)
    assert list(path.parent.iterdir()) == []
    with atomic_path(path) as temporary:
        assert temporary.suffix == ".csv"
        temporary.write_text("all of it")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize("kind", ["of the system", "in words", "on the way out"])
def test_reason_is_said_in_one_message(tmp_path: Path, number: int, kind: str) -> None:
    words = os.strerror(number)
    with pytest.raises(UnwritableError, match=f"a.csv cannot be written: {words.lower()}; "):
        write_and_fail(tmp_path / "a.csv", kind, number)


def test_what_killed_writers_left_is_removed(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "model.json") as temporary:
        temporary.write_text("{}")
        left = tmp_path / "deep" / temporary.name
        left.parent.mkdir()
        left.write_text("{")
    ours = tmp_path / "my.part.csv"
    ours.touch()
    remove_partial(tmp_path)
    assert sorted(tmp_path.rglob("*.*")) == sorted([tmp_path / "model.json", ours])


def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "model.safetensors") as temporary:
        temporary.touch(mode=0o600)
    (tmp_path / "other").touch()
    assert (tmp_path / "model.safetensors").stat().st_mode == (tmp_path / "other").stat().st_mode
