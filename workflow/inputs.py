"""From a sample's `files` to chunks: one file, one job, one name that belongs to the file."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from analysis.config.samples import Sample
from analysis.errors import ConfigError
from workflow.paths import SAMPLE_FILE

REMOTE = re.compile(r"^[a-z][a-z0-9+.-]*://")


class Chunk(NamedTuple):
    """One file of a sample: `name` stands in all paths and in the events' keys."""

    name: str
    source: str

    @property
    def is_remote(self) -> bool:
        return bool(REMOTE.match(self.source))


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
    sources: list[str] = []
    for pattern in sample.files:
        remote = REMOTE.match(pattern)
        found = [pattern] if remote else sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207
        if not found:
            raise ConfigError(
                f"samples.{sample.name}.files: nothing matches {pattern!r} "
                f"(looked in {Path.cwd()}); correct the path or the pattern"
            )
        sources += found
    repeated = sorted({source for source in sources if sources.count(source) > 1})
    if repeated:
        raise ConfigError(f"samples.{sample.name}.files: {repeated[0]!r} is listed twice")
    return tuple(Chunk(*pair) for pair in zip(chunk_names(sources), sources, strict=True))


def chunk_names(sources: Sequence[str]) -> list[str]:
    """Return a name for each file: its stem, with as many parent folders as tell all apart.

    `run_01/events.root` and `run_02/events.root` become `run_01__events` and `run_02__events`.
    """
    parts = [PurePosixPath(REMOTE.sub("", source)).with_suffix("").parts for source in sources]
    for depth in range(1, max(map(len, parts), default=1) + 1):
        names = [re.sub(r"[^A-Za-z0-9_.-]+", "_", "__".join(part[-depth:])) for part in parts]
        names = [name.strip("./_") or "file" for name in names]
        if len(set(names)) == len(names):
            return names
    raise ConfigError(f"cannot tell these files apart by their names: {', '.join(sources)}")
