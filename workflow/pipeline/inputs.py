"""From a sample's `files` to chunks: one file, one job, one name that belongs to the file."""

import glob
import hashlib
import os
import re
from collections.abc import Hashable, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from analysis.config.samples import Sample
from analysis.delphes.servers import check_url, is_remote
from analysis.event_files.checks import check_heads
from common.errors import ConfigError, InputFileError
from common.files import expanded
from models.config.specs_jets import JetClass, TopTagging
from workflow.pipeline.paths import SAMPLE_FILE, nominal

NAME_LENGTH = 200  # file systems take 255 bytes, of which suffixes need some
LARGE_FILE = 1_000_000  # added to the version of a ROOT file whose addresses have 64 bits


class Chunk(NamedTuple):
    """One file of a sample: `name` stands in all paths and in the events' keys."""

    name: str
    source: str

    @property
    def is_remote(self) -> bool:
        return is_remote(self.source)


def all_chunks(samples: Sequence[Sample]) -> dict[str, dict[str, Chunk]]:
    """Return the chunks of all samples by the names of both.

    Raises
    ------
    ConfigError
        If a pattern matches nothing, or the same events are given twice, in one sample or in two
        that do not keep disjoint numbers of b hadrons; names sample and files.
    """
    chunks_of = {sample.name: chunks(sample) for sample in samples}
    seen: dict[Hashable, list[tuple[Sample, str]]] = {}
    for sample in samples:
        key, given = _given(sample, chunks_of[sample.name])
        for path in given:
            for identity in _identities(path):
                for other, source in seen.get(identity, ()):
                    if not disjoint(sample, other):
                        raise ConfigError(
                            f"samples.{sample.name}.{key}: {path!r} holds the events of "
                            f"{source!r} (sample {other.name}): it is the same file or a copy; "
                            "list it once"
                        )
                seen.setdefault(identity, []).append((sample, path))
    named = {
        name: {chunk.name: chunk for chunk in of_sample} for name, of_sample in chunks_of.items()
    }
    for name, of_sample in chunks_of.items():
        if len(named[name]) < len(of_sample):  # once in 10⁶ samples of 10⁴ files
            raise ConfigError(f"samples.{name}.files: two files get one name; rename one of them")
    return named


def _given(sample: Sample, found: Sequence[Chunk]) -> tuple[str, list[str]]:
    """Return the user's files of a sample, and the key that holds them."""
    if sample.simulation is None:
        return "files", [chunk.source for chunk in found]
    key = f"simulation.{'lhe' if sample.simulation.lhe else 'hepmc'}"
    files = event_files(sample)
    try:
        check_heads(sample.simulation, [Path(file) for file in files])
    except InputFileError as error:
        raise ConfigError(f"samples.{sample.name}.{key}: {error}") from None
    return key, files


def event_files(sample: Sample) -> list[str]:
    """Return the Les Houches or HepMC files that a sample is simulated from, in order; or none.

    Raises
    ------
    ConfigError
        If a pattern matches nothing, or is a URL; names the sample and the pattern.
    """
    if sample.simulation is None:
        return []
    key = f"samples.{sample.name}.simulation.{'lhe' if sample.simulation.lhe else 'hepmc'}"
    found = [f for pattern in sample.simulation.event_files for f in _matches(key, pattern)]
    for path in found:
        if is_remote(path):
            raise ConfigError(f"{key}: {path!r} is not on a disk; download it and give its path")
    return found


def public_files(block: TopTagging | JetClass, split: str) -> list[str]:
    """Return the public files of one split; a pattern that matches none stays as it is."""
    given = getattr(block, split)
    if isinstance(given, str):
        return [expanded(given)]
    matches = {one: sorted(glob.glob(one)) for one in map(expanded, given)}  # noqa: PTH207
    return [path for one, paths in matches.items() for path in paths or [one]]


def check_public_files(key: str, block: TopTagging | JetClass) -> None:
    """Raise ConfigError if one file, or a link to it, is given for two splits."""
    seen: dict[tuple[int, int], str] = {}
    for split in ("train", "validation", "test"):
        for path in map(Path, public_files(block, split)):
            if not path.exists():
                continue
            status = path.stat()
            other = seen.setdefault((status.st_dev, status.st_ino), split)
            if other != split:
                raise ConfigError(
                    f"{key}: {other} and {split} are the same file, {path}; give each its own jets"
                )


def disjoint(one: Sample, other: Sample) -> bool:
    """Whether two samples keep events with different numbers of b hadrons."""
    if one.name == other.name or not (one.b_hadrons and other.b_hadrons):
        return False
    low, high = sorted((one.b_hadrons, other.b_hadrons), key=lambda kept: kept.min)
    return low.max is not None and low.max < high.min


def _identities(source: str) -> list[Hashable]:
    """Return what a file shares with others only where they are one, or copies."""
    if is_remote(source):
        parts = urlsplit(source)
        return [(parts.scheme, parts.hostname, parts.port, unquote(parts.path), parts.query)]
    status = Path(source).stat()
    uuid = root_uuid(source)
    return [(status.st_dev, status.st_ino), *([uuid] if uuid else [])]


def chunks(sample: Sample) -> tuple[Chunk, ...]:
    """Return the chunks of a sample, in the order of its files; those of the simulation's, if any.

    Raises
    ------
    ConfigError
        If a pattern matches nothing; names the sample and the pattern.
    """
    if sample.simulation is not None:
        names = [f"{number:03d}" for number in range(sample.simulation.chunks)]
        file = nominal(SAMPLE_FILE)
        return tuple(Chunk(n, file.format(sample=sample.name, chunk=n)) for n in names)
    key = f"samples.{sample.name}.files"
    sources = [source for pattern in sample.files for source in _matches(key, pattern)]
    return tuple(Chunk(chunk_name(source), source) for source in sources)


def _matches(key: str, pattern: str) -> list[str]:
    """Return the files of one pattern of a key: itself for a URL."""
    if "\0" in pattern:
        raise ConfigError(f"{key}: {pattern!r} holds a null byte; correct the path")
    as_written = is_remote(pattern) or glob.glob(pattern, recursive=True)  # noqa: PTH207
    path = pattern if as_written else expanded(pattern)
    if is_remote(path):
        try:
            check_url(path)
        except ConfigError as error:
            raise ConfigError(f"{key}: {error}") from None
        return [path]
    matches = sorted(glob.glob(path, recursive=True))  # noqa: PTH207
    if not matches:
        unset = re.findall(r"\$\{?(\w+)", path)
        raise ConfigError(
            f"{key}: nothing matches {pattern!r} (looked in {Path.cwd()}); "
            + (f"set the variable {unset[0]}, or " if unset else "")
            + "correct the path or the pattern"
        )
    for source in matches:
        if not Path(source).is_file():
            raise ConfigError(f"{key}: {source!r} is not a file; correct the path or the pattern")
        if re.search(r"[{}\n]", source):
            raise ConfigError(
                f"{key}: {source!r} has braces or a line break in its path, which Snakemake does "
                "not take; rename it, or make a link of another name"
            )
    return [f"./{source}" if source.startswith("-") else source for source in matches]


def chunk_name(source: str) -> str:
    """Return the name of a file in the results: its stem and a digest, whatever else is there.

    The digest is that of the UUID which ROOT gives each file that it makes, so that a file keeps
    its name, and its events their keys, where it is moved. Of a URL, and of a file that is not
    ROOT's, it is that of the path. Characters other than ASCII letters, digits, `_`, `.` and `-`
    become `_`.
    """
    path, identity = os.path.normpath(source), root_uuid(source)
    if is_remote(source):
        parts = urlsplit(source)
        path = f"{parts.netloc.rpartition('@')[2]}/{parts.path}"
        identity = os.fsencode(f"{path}?{parts.query}")
    digest = hashlib.blake2b(identity or os.fsencode(path), digest_size=6).hexdigest()
    stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", PurePosixPath(path).stem).strip("./_")
    return f"{stem[-NAME_LENGTH:] or 'file'}_{digest}"


def root_uuid(path: str) -> bytes | None:
    """Return the 16 bytes that tell a ROOT file from all others; None for any other file.

    They stand in the file's header, as ROOT's class TFile describes it.
    """
    try:
        with Path(path).open("rb") as file:
            header = file.read(80)
    except OSError:
        return None
    if len(header) < 80 or not header.startswith(b"root"):
        return None
    is_large = int.from_bytes(header[4:8], "big") >= LARGE_FILE
    start = 59 if is_large else 47
    return header[start : start + 16] if any(header[start : start + 16]) else None
