"""The likelihoods of a run in one archive, as HEPData takes them: for pyhf, and in HS3."""

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from analysis.statistics.hs3 import hs3_document
from analysis.statistics.patchset import background_only, signal_patchset
from common.files import atomic_path

README = """\
# Likelihoods of gg → H → hh → 4b

One folder per network, m_H and seed. Each network has its own score at each m_H, so that each
folder has its own bins: the folders describe the same events and are not to be combined.

- BkgOnly.json, patchset.json: HistFactory for pyhf. The patch adds the signal:
  `pyhf patchset apply BkgOnly.json patchset.json --name NAME | pyhf cls`, where NAME is the one in
  patchset.json, as mH1000. Its reference ins0000000 is to be replaced by the record's own number.
- hs3.json: the whole model in HS3 {version}, for readers of that standard.

The observations are the expected background: data without fluctuations and without signal. The
parameter mu is the cross section times 1/fb over the number in the measurement's name.
"""


def description_of(workspace: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    """Return what a workspace is of, from the row of the table of limits that it belongs to."""
    unit = workspace["measurements"][0]["name"].removeprefix("sigma_over_").removesuffix("_fb")
    return (
        f"Search for gg -> H -> hh -> 4b at m_H = {row['mass_gev']:g} GeV, network "
        f"{row['network']}, seed {row['seed']}: expected background as data; mu = 1 is "
        f"sigma(gg -> H -> hh) = {unit} fb"
    )


def members(workspace: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the archive's JSON files of one fit, by path."""
    mass = f"mH{row['mass_gev']:g}".replace(".", "p")
    folder = f"{row['network']}/{mass}/{row['seed']}"
    description = description_of(workspace, row)
    return {
        f"{folder}/BkgOnly.json": background_only(workspace),
        f"{folder}/patchset.json": signal_patchset(workspace, mass, row["mass_gev"], description),
        f"{folder}/hs3.json": hs3_document(workspace, description),
    }


def write_archive(files: Iterable[tuple[str, str]], path: Path) -> None:
    """Write texts into a gzipped tar file; the same texts give the same bytes."""
    with (
        atomic_path(path) as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, text in files:
            content = text.encode()
            header = tarfile.TarInfo(name)
            header.size = len(content)
            archive.addfile(header, io.BytesIO(content))


def dumps(content: Any) -> str:
    """Return JSON text as the run's other files have it."""
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
