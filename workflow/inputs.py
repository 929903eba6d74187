"""From a sample's `files` to chunks: one file, one job, one name that belongs to the file."""

import glob
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from analysis.config.samples import Sample
from analysis.errors import ConfigError
from analysis.remote import check_url, is_remote
from workflow.paths import SAMPLE_FILE

NAME_LENGTH = 200  # file systems take 255 bytes, of which suffixes need some


class Chunk(NamedTuple):
    """One file of a sample: `name` stands in all paths and in the events' keys."""

    name: str
    source: str

    @property
    def is_remote(self) -> bool:
        return is_remote(self.source)


def chunks(sample: Sample) -> tuple[Chunk, ...]:
    """Return the chunks of a sample, in the order of its files; those of the simulation's, if any.

    Raises
    ------
    ConfigError
        If a pattern matches nothing, or a file appears twice; names the sample and the pattern.
    """
    if sample.simulation is not None:
        names = [f"{number:03d}" for number in range(sample.simulation.chunks)]
        return tuple(Chunk(n, SAMPLE_FILE.format(sample=sample.name, chunk=n)) for n in names)
    sources = [source for pattern in sample.files for source in _matches(sample.name, pattern)]
    repeated = sorted({source for source in sources if sources.count(source) > 1})
    if repeated:
        raise ConfigError(f"samples.{sample.name}.files: {repeated[0]!r} is listed twice")
    return tuple(Chunk(*pair) for pair in zip(chunk_names(sources), sources, strict=True))


def _matches(sample: str, pattern: str) -> list[str]:
    """Return the files of one pattern: itself for a URL."""
    key = f"samples.{sample}.files"
    if is_remote(pattern):
        try:
            check_url(pattern)
        except ConfigError as error:
            raise ConfigError(f"{key}: {error}") from None
        return [pattern]
    if "\0" in pattern:
        raise ConfigError(f"{key}: {pattern!r} holds a null byte; correct the path")
    found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
    if not found:
        raise ConfigError(
            f"{key}: nothing matches {pattern!r} (looked in {Path.cwd()}); correct the path or "
            "the pattern"
        )
    for source in found:
        if not Path(source).is_file():
            raise ConfigError(f"{key}: {source!r} is not a file; correct the path or the pattern")
        if re.search(r"[{}\n]", source):
            raise ConfigError(
                f"{key}: {source!r} has braces or a line break in its path, which Snakemake does "
                "not take; rename it, or make a link of another name"
            )
    return [f"./{source}" if source.startswith("-") else source for source in found]


def chunk_names(sources: Sequence[str]) -> list[str]:
    """Return a name for each file: its stem, with as many parent folders as tell all apart.

    `run_01/events.root` and `run_02/events.root` become `run_01__events` and `run_02__events`. Of
    a URL, the host is the first folder. Characters other than ASCII letters, digits, `_`, `.` and
    `-` become `_`; files that only these (or the query of a URL) tell apart get a digest of theirs.

    Raises
    ------
    ConfigError
        If two of the files are the same.
    """
    parts = [PurePosixPath(_path(source)).with_suffix("").parts for source in sources]
    depths = range(1, max(map(len, parts), default=1) + 1)
    names = [[_name("__".join(part[-depth:])) for part in parts] for depth in depths]
    names.append([_name(f"{name}_{_digest(s)}") for name, s in zip(names[0], sources, strict=True)])
    for candidates in names:
        if len(set(candidates)) == len(candidates):
            return candidates
    raise ConfigError(f"cannot tell these files apart by their names: {', '.join(sources)}")


def _name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("./_")[-NAME_LENGTH:] or "file"


def _digest(text: str) -> str:
    return hashlib.blake2b(os.fsencode(text), digest_size=4).hexdigest()


def _path(source: str) -> str:
    if not is_remote(source):
        return source
    parts = urlsplit(source)
    return f"{parts.netloc.rpartition('@')[2]}/{parts.path}"
