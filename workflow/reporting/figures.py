"""Figures of the page: which section they belong to, what they say, and the pixels inline."""

import base64
import os
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow.pipeline import paths
from workflow.pipeline.figures import FOLDER, KINDS, OTHER, OWN_TABLE, Kind
from workflow.pipeline.provenance import ROOT

CAPTIONS = ROOT / "workflow" / "report"


@dataclass(frozen=True)
class Picture:
    """One figure: its image is inline, its links are relative to the page."""

    section: str
    title: str
    caption: str
    image: str
    pdf: str
    table: str
    wide: bool


def pictures(images: Iterable[Path], folder: Path) -> list[Picture]:
    """Return the figures in the order of `KINDS`.

    Parameters
    ----------
    images : iterable of Path
        PNG files, and folders that hold some, in the folder of figures; anything else is left out.
    folder : Path
        The folder of the run; the page stands in its `results/`.
    """
    of_run = [entry for entry in images if (folder / FOLDER).resolve() in entry.resolve().parents]
    files = [path for entry in of_run for path in _images(entry)]
    pairs = [(_kind(_name(path, folder)), path) for path in dict.fromkeys(files)]
    order = [*KINDS, OTHER]
    pairs.sort(key=lambda pair: order.index(pair[0]))
    return [_picture(kind, path, folder) for kind, path in pairs]


def _images(entry: Path) -> Sequence[Path]:
    if entry.is_dir():
        return sorted(entry.glob("*.png"))
    return [entry] if entry.suffix == ".png" else []


def _name(path: Path, folder: Path) -> str:
    """Return the path from the folder of the run, without suffix."""
    return Path(os.path.relpath(path, folder)).with_suffix("").as_posix()


def _kind(name: str) -> Kind:
    return next((kind for kind in KINDS if kind.match(name)), OTHER)


def _picture(kind: Kind, path: Path, folder: Path) -> Picture:
    match = kind.match(_name(path, folder))
    parts = match.groupdict() if match else {}
    table = path.with_suffix(".csv") if kind.table == OWN_TABLE else folder / kind.table
    caption = _caption(kind)
    return Picture(
        kind.section,
        kind.title.format(**{name: part.replace("_", " ") for name, part in parts.items()}),
        " ".join(caption.split()),
        f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}",
        link(path.with_suffix(".pdf"), folder),
        link(table, folder),
        _is_wide(path),
    )


def _caption(kind: Kind) -> str:
    path = CAPTIONS / f"{kind.caption}.rst"
    return path.read_text(encoding="utf-8") if kind.caption else ""


def _is_wide(path: Path) -> bool:
    """Return whether a PNG is so much wider than high that it wants the width of two."""
    width, height = struct.unpack(">II", path.read_bytes()[16:24])
    return bool(width > 1.5 * height)


def link(path: Path, folder: Path) -> str:
    """Return the link from the page to a file, or nothing where there is no such file."""
    page = folder / Path(paths.PAGE).parent
    return Path(os.path.relpath(path, page)).as_posix() if path.is_file() else ""
