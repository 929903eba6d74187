"""Small files in the layout of JetClass, for tests."""

from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from analysis.datasets.jet_class import CLASSES, KINDS, LABELS


def jet_class_columns(jets: int, seed: int = 0) -> dict[str, ak.Array]:
    """Return the branches of `jets` jets, classes in turn; the later the class, the wider."""
    rng = np.random.default_rng(seed)
    label = np.arange(jets) % len(CLASSES)
    count = rng.integers(2, 30, jets)
    total = count.sum()
    width = np.repeat(0.03 * (1 + label), count)
    pt = rng.exponential(20, total) + 0.5
    axis = rng.uniform(-1, 1, jets), rng.uniform(-3, 3, jets)
    deta, dphi = rng.normal(0, width), rng.normal(0, width)
    eta, phi = np.repeat(axis[0], count) + deta, np.repeat(axis[1], count) + dphi
    kind = rng.integers(0, len(KINDS), total)
    charge = np.where(kind < 3, rng.choice([-1.0, 1.0], total), 0.0)
    momentum = {
        "part_px": pt * np.cos(phi),
        "part_py": pt * np.sin(phi),
        "part_pz": pt * np.sinh(eta),
        "part_energy": pt * np.cosh(eta),
    }
    flat = momentum | {"part_deta": deta, "part_dphi": dphi, "part_charge": charge}
    flat |= {f"part_{name}": rng.normal(0, 0.1, total) for name in ("d0val", "dzval")}
    flat |= {f"part_{name}": rng.uniform(0, 0.1, total) for name in ("d0err", "dzerr")}
    found = {name: ak.unflatten(values.astype(np.float32), count) for name, values in flat.items()}
    found |= {name: ak.unflatten(kind == code, count) for code, name in enumerate(KINDS)}
    sums = {name: ak.to_numpy(ak.sum(found[name], axis=1)) for name in momentum}
    transverse = np.hypot(sums["part_px"], sums["part_py"])
    found |= {
        "jet_pt": transverse,
        "jet_eta": np.arcsinh(sums["part_pz"] / transverse),
        "jet_phi": np.arctan2(sums["part_py"], sums["part_px"]),
        "jet_energy": sums["part_energy"],
        "jet_nparticles": count.astype(np.float32),
    }
    return found | {name: label == code for code, name in enumerate(LABELS)}


def write_jet_class(path: Path, columns: dict[str, ak.Array]) -> None:
    """Write branches as a JetClass file."""
    with uproot.recreate(path) as file:
        file["tree"] = columns
