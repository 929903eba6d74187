"""Reconstruction as analysis scripts do it: read with uproot, then an event loop, jet by jet.

The scripts that accompany papers on fat-jet networks take Delphes' own `FatJet`s, look up the
constituents of the two leading ones, centre and rotate each jet, and pad it. This is that, as such
scripts are written: with awkward arrays indexed inside the loop. The same loop runs eight times
faster on lists (`as_lists`), which few scripts do. Either does less than
`analysis.reconstruction.reconstruct`:
no clustering, no subjets, no truth flavour, no check of a value, no file written.
"""

import math
from typing import Any

import awkward as ak
import numpy as np
import uproot

EFLOW = {"EFlowTrack": "PT", "EFlowPhoton": "ET", "EFlowNeutralHadron": "ET"}
FATJET = ("PT", "Eta", "Phi", "Mass")
MAX_CONSTITUENTS = 50


def read_tree(path: str) -> Any:
    """Return the tree of a file, to be read."""
    return uproot.open({path: "Delphes"})


def loop(
    tree: Any,
    *,
    as_lists: bool,
    pt_min: float = 250.0,
    abs_eta_max: float = 2.0,
    mass_min: float = 50.0,
) -> dict[int, list[dict[str, Any]]]:
    """Return the two oriented fat jets of each selected event by entry number."""
    names = [f"{name}.{leaf}" for name, pt in EFLOW.items() for leaf in (pt, "Eta", "Phi")]
    names += [f"{name}.fUniqueID" for name in EFLOW]
    names += [f"FatJet.{leaf}" for leaf in (*FATJET, "Constituents")]
    arrays = tree.arrays(names)
    columns = {name: ak.to_list(arrays[name]) if as_lists else arrays[name] for name in names}
    selected = {}
    for entry in range(tree.num_entries):
        jets = [
            dict(zip(FATJET, values, strict=True))
            for values in zip(*(columns[f"FatJet.{leaf}"][entry] for leaf in FATJET), strict=True)
        ]
        order = sorted(range(len(jets)), key=lambda k: -jets[k]["PT"])[:2]
        if len(order) < 2 or any(jets[k]["PT"] <= pt_min for k in order):
            continue
        if any(abs(jets[k]["Eta"]) >= abs_eta_max for k in order):
            continue
        if any(jets[k]["Mass"] <= mass_min for k in order):
            continue
        objects: dict[int, tuple[float, float, float]] = {}
        for name, pt in EFLOW.items():
            ids = columns[f"{name}.fUniqueID"][entry]
            values = zip(
                *(columns[f"{name}.{leaf}"][entry] for leaf in (pt, "Eta", "Phi")), strict=True
            )
            objects.update(zip(ids, values, strict=True))
        pair = []
        for k in order:
            references = columns["FatJet.Constituents"][entry][k]["refs"]
            constituents = [objects[reference] for reference in references]
            pair.append(jets[k] | orient(constituents, jets[k]["Eta"], jets[k]["Phi"]))
        selected[entry] = pair
    return selected


def orient(
    constituents: list[tuple[float, float, float]], jet_eta: float, jet_phi: float
) -> dict[str, Any]:
    """Return θ and the centred, rotated and flipped constituents of one jet, padded with zeros."""
    pt, eta, phi = np.array(constituents).T
    deta = eta - jet_eta
    dphi = (phi - jet_phi + np.pi) % (2 * np.pi) - np.pi
    weight = pt / pt.sum()
    deta = deta - (weight * deta).sum()
    dphi = dphi - (weight * dphi).sum()
    covariance = np.cov(np.stack([deta, dphi]), aweights=weight, ddof=0)
    axis = np.linalg.eigh(covariance)[1][:, -1]
    theta = math.atan2(axis[0], axis[1])
    if theta > np.pi / 2:
        theta -= np.pi
    elif theta <= -np.pi / 2:
        theta += np.pi
    x = math.cos(theta) * deta - math.sin(theta) * dphi
    y = math.sin(theta) * deta + math.cos(theta) * dphi
    if (weight * np.sign(x)).sum() < 0:
        x = -x
    if (weight * np.sign(y)).sum() < 0:
        y = -y
    leading = np.argsort(-pt)[:MAX_CONSTITUENTS]
    image = np.zeros((MAX_CONSTITUENTS, 3))
    image[: len(leading)] = np.stack([x, y, np.log(pt)], axis=1)[leading]
    return {"theta": theta, "constituents": image}
