"""Delphes files for tests: real events written again, changed in one respect."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import uproot

from workflow.pipeline.inputs import root_uuid

DATA = Path(__file__).parent / "data"
SIGNAL, QCD = DATA / "tiny_signal_mH1000.root", DATA / "tiny_qcd.root"
LEAVES = {
    "Event": ("Weight",),
    "Particle": ("PID", "PT", "Eta", "Phi"),
    "EFlowTrack": ("PT", "Eta", "Phi", "Mass", "Charge", "PID"),
    "EFlowPhoton": ("ET", "Eta", "Phi"),
    "EFlowNeutralHadron": ("ET", "Eta", "Phi"),
}
Change = Callable[[np.ndarray], None]


def real_branches(source: Path = SIGNAL) -> dict[str, ak.Array]:
    """Return the branches of a real file that the analysis reads; the arrays are shared."""
    return dict(_branches(source))


@cache
def _branches(source: Path) -> dict[str, ak.Array]:
    with uproot.open(source) as file:
        tree = file["Delphes"]
        return {
            f"{name}.{leaf}": tree[f"{name}.{leaf}"].array()
            for name, leaves in LEAVES.items()
            for leaf in leaves
        }


def write_flat(
    path: Path,
    branches: Mapping[str, Any],
    tree: str = "Delphes",
    change: Mapping[str, Change] | None = None,
    copies: int = 1,
) -> Path:
    """Write branches literally named `EFlowTrack.PT`, beside `EFlowTrack_size`.

    `change` edits the flattened values of a branch in place; the events are written `copies` times.
    """
    columns = {}
    for name, values in branches.items():
        flat = np.array(ak.flatten(values))
        if change and name in change:
            change[name](flat)
        columns[name] = ak.unflatten(flat, ak.num(values))
    types = {name: values.type.content for name, values in columns.items()}
    with uproot.recreate(path) as file:
        out = file.mktree(tree, types, counter_name=lambda name: f"{name.split('.')[0]}_size")
        if len(next(iter(columns.values()))):
            for _ in range(copies):
                out.extend(columns)
    return path


def as_another(source: Path, path: Path) -> Path:
    """Copy a ROOT file and give the copy a UUID of its own, as if ROOT had made it anew.

    It follows from the names of file and folder, so that its events fall into the same folds each
    time.
    """
    content = bytearray(source.read_bytes())
    uuid = root_uuid(str(source))
    assert uuid is not None
    start, name = content.index(uuid), "/".join(path.parts[-2:])
    content[start : start + 16] = hashlib.blake2b(name.encode(), digest_size=16).digest()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
