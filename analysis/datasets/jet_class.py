"""The public JetClass files (Zenodo 6619768): single fat jets of ten classes as network inputs.

Qu, Li and Qian, arXiv:2202.03772. A file holds a tree `tree` with one jet per entry: `part_*` of
its constituents as lists, `jet_*` of the jet, and one flag `label_*` for each class.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from common.errors import InputFileError

TREE = "tree"
CLASSES = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
"""Names of the classes behind `label_`; the first is the background of all others."""
MOMENTUM = ("part_energy", "part_px", "part_py", "part_pz")
KINDS = (
    "part_isChargedHadron",
    "part_isElectron",
    "part_isMuon",
    "part_isPhoton",
    "part_isNeutralHadron",
)
"""Flags of a constituent's class, in the order of the classes of our datasets."""
LABELS = tuple(f"label_{name}" for name in CLASSES)
BRANCHES = (*MOMENTUM, "part_charge", *KINDS, *LABELS)


@dataclass(frozen=True)
class Jets:
    """N jets with up to P constituents.

    Attributes
    ----------
    constituents : [N, P, 4] float64
        (E, px, py, pz) in GeV, zero padded.
    charge : [N, P] int8
    kind : [N, P] int8
        Class of a constituent, an index into `KINDS`; −1 where the file has none.
    label : [N] uint8
        Index into `CLASSES`.
    """

    constituents: NDArray[np.float64]
    charge: NDArray[np.int8]
    kind: NDArray[np.int8]
    label: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.label)


def read_jets(path: str | Path, step: int = 10_000, most: int | None = None) -> Iterator[Jets]:
    """Yield the jets of a file, `step` at a time, up to `most` of them.

    Raises
    ------
    InputFileError
        If the file cannot be read, has another layout, or a jet without class or constituents.
    """
    start = 0
    try:
        with uproot.open(path) as file:
            tree = file[TREE]
            missing = [name for name in BRANCHES if name not in tree]
            if missing:
                raise InputFileError(
                    f"{path} has no branch {', '.join(missing)}; the JetClass layout has "
                    f"{', '.join(BRANCHES)}"
                )
            for part in tree.iterate(BRANCHES, step_size=step, entry_stop=most):
                yield _jets(part, f"{path}: jet {{}}", start)
                start += len(part)
    except (OSError, KeyError, ValueError, uproot.DeserializationError) as error:
        raise InputFileError(
            f"{path} cannot be read as a JetClass file ({error}); it must hold the tree {TREE!r} "
            "with a jet per entry; download it again"
        ) from None


def _jets(part: ak.Array, where: str, start: int) -> Jets:
    """Return the jets of some entries; `where` names one of them in an error."""
    count = ak.to_numpy(ak.num(part["part_px"]))
    flags = np.stack([ak.to_numpy(part[name]) for name in LABELS], axis=-1).astype(np.int64)
    for wrong, what in ((count == 0, "no constituent"), (flags.sum(1) != 1, "not one class")):
        if wrong.any():
            jet = start + int(np.flatnonzero(wrong)[0])
            raise InputFileError(f"{where.format(jet)} has {what}; download the file again")
    longest = int(count.max(initial=1))

    def padded(name: str) -> NDArray[np.float64]:
        filled = ak.fill_none(ak.pad_none(part[name], longest, clip=True), 0)
        return np.asarray(ak.to_numpy(filled), dtype=np.float64)

    momentum = np.stack([padded(name) for name in MOMENTUM], axis=-1)
    size = np.linalg.norm(momentum[..., 1:], axis=-1)
    slow = ~np.isfinite(momentum).all((1, 2)) | (momentum[..., 0] < 0.99 * size).any(1)
    if slow.any():
        jet = start + int(np.flatnonzero(slow)[0])
        raise InputFileError(f"{where.format(jet)} has a constituent that is no (E, p) in GeV")
    kinds = np.stack([padded(name) for name in KINDS], axis=-1) > 0
    kind = np.where(kinds.any(-1), kinds.argmax(-1), -1)
    return Jets(
        momentum,
        padded("part_charge").astype(np.int8),
        kind.astype(np.int8),
        flags.argmax(1).astype(np.uint8),
    )
