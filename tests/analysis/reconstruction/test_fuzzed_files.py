"""Damaged ROOT files by the hundred: each is read to a valid table, or refused with its cause.

`FUZZ_CASES` sets their number; a case is the same in every run.
"""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import awkward as ak
import numpy as np
import pytest
import uproot

from tests.delphes_files import QCD, SIGNAL, real_branches
from tests.fuzzing import DAMAGE, Reader, Region, damaged

CASES = int(os.environ.get("FUZZ_CASES", "100"))
PIECES = 10


class Original(NamedTuple):
    """A file to be damaged: all of it, or where its structure is described."""

    content: bytes
    source: str
    regions: tuple[Region, ...]


def original(path: Path, source: str) -> Original:
    with uproot.open(path) as file:
        key = file.key("Delphes")
        tree = (key.fSeekKey, key.fSeekKey + key.fNbytes)
        classes = (file.file.fSeekInfo, file.file.fSeekInfo + file.file.fNbytesInfo)
    content = path.read_bytes()
    return Original(content, source, ((0, len(content)), tree, tree, classes, (0, 400)))


def write_uncompressed(path: Path) -> Path:
    """Write real events so that damage reaches numbers and names; no checksum catches it."""
    branches = real_branches()
    types = {name: values.type.content for name, values in branches.items()}
    with uproot.recreate(path, compression=None) as file:
        tree = file.mktree("Delphes", types, counter_name=lambda name: name.split(".")[0] + "_size")
        tree.extend(branches)
    return path


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[Original]:
    bare = write_uncompressed(tmp_path_factory.mktemp("bare") / "bare.root")
    return [
        original(SIGNAL, "eflow"),
        original(QCD, "delphes"),
        original(bare, "eflow"),
        original(bare, "eflow"),
    ]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    reader = Reader(tmp_path_factory.mktemp("reader").resolve())
    yield reader
    reader.close()


def test_undamaged_files_are_read(
    reader: Reader, originals: list[Original], tmp_path: Path
) -> None:
    for number, file in enumerate(originals):
        path = tmp_path / f"{number}.root"
        path.write_bytes(file.content)
        assert reader.read(path, file.source).kind == "read"


@pytest.mark.parametrize("piece", range(PIECES))
def test_damaged_files(
    reader: Reader, originals: list[Original], tmp_path: Path, piece: int
) -> None:
    found: Counter[str] = Counter()
    for case in range(piece, CASES, PIECES):
        rng = np.random.default_rng([2026, case])
        file = originals[rng.integers(len(originals))]
        region = file.regions[rng.integers(len(file.regions))]
        damage = DAMAGE[case // PIECES % len(DAMAGE)]
        path = tmp_path / "damaged file.root"
        path.write_bytes(damaged(file.content, damage, rng, region))
        outcome = reader.read(path, file.source)
        found[outcome.kind] += 1
        assert outcome.kind != "failure", f"case {case}, {damage.__name__}: {outcome.message}"
    assert found["refused"] > 0
    print(dict(found))


@pytest.mark.parametrize(
    ("branch", "value"),
    [
        ("EFlowTrack.PT", -1.0),
        ("EFlowTrack.PT", 1e30),
        ("EFlowTrack.Charge", 256),
        ("EFlowPhoton.Eta", 1e5),
        ("EFlowNeutralHadron.Phi", 100.0),
        ("Particle.PT", np.nan),
        ("Particle.PID", -(2**31)),
    ],
)
def test_values_that_cannot_be(reader: Reader, tmp_path: Path, branch: str, value: float) -> None:
    branches = real_branches()
    flat = np.array(ak.flatten(branches[branch]))
    flat[len(flat) // 2] = value
    branches[branch] = ak.unflatten(flat, ak.num(branches[branch]))
    types = {name: values.type.content for name, values in branches.items()}
    path = tmp_path / "odd.root"
    with uproot.recreate(path) as file:
        file.mktree("Delphes", types, counter_name=lambda name: name.split(".")[0] + "_size")
        file["Delphes"].extend(branches)
    outcome = reader.read(path, "eflow")
    expected = "read" if branch == "Particle.PID" else "refused"
    assert outcome.kind == expected, outcome.message
    if expected == "refused":
        assert "NaN, infinite or not physical, the first in entry" in outcome.message
