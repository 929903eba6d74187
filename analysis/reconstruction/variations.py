"""Variations of the jet energy: its scale and resolution, on fat jets before their selection."""

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from analysis.config.reconstruction import FatJets, Variation
from common.hashing import uniform

_MARGIN = 4.0  # standard deviations of smearing within which a jet may pass the threshold
_SMALLEST_FACTOR = 0.1
_SCALED = ("pt", "mass", "energy")
_SCALED_OBJECTS = ("pt", "mass", "px", "py", "pz", "E")


def loosened(config: FatJets, variation: Variation) -> FatJets:
    """Return the fat-jet block with a threshold below that of every varied jet."""
    largest = 1 + variation.energy_scale + _MARGIN * variation.resolution
    return config.model_copy(update={"pt_min": config.pt_min / max(largest, 1.0)})


def vary_fatjets(
    positions: NDArray[np.int64],
    jets: ak.Array,
    config: FatJets,
    variation: Variation,
) -> tuple[NDArray[np.int64], ak.Array]:
    """Return the events whose two varied fat jets pass the threshold, and these jets.

    A jet's four-momentum and its constituents' are multiplied by 1 + δ + σ z, with z a normal
    number that hashes the jet's own η, so that it belongs to the jet whatever else is in the run,
    and every variation of the resolution moves it the same way. The jets are put in order of their
    new pT.

    Parameters
    ----------
    positions : NDArray, [N]
        Where the events are.
    jets : ak.Array [N][2]
        {pt, eta, phi, mass, energy, constituent}, found with the block of `loosened`.
    config : FatJets
        The nominal block.
    variation : Variation
        δ and σ.
    """
    from scipy.special import ndtri  # slow to import, and most reconstructions vary nothing

    eta = np.ascontiguousarray(ak.to_numpy(jets["eta"]), dtype=np.float64)
    z = ndtri(np.clip(uniform(eta.view(np.uint64), variation.seed), 1e-12, 1 - 1e-12))
    factor = 1 + variation.energy_scale + variation.resolution * z
    factor = np.maximum(factor, _SMALLEST_FACTOR)
    constituents = jets["constituent"]
    for name in _SCALED_OBJECTS:
        scaled = constituents[name] * ak.Array(factor)
        constituents = ak.with_field(constituents, scaled, name)
    for name in _SCALED:
        jets = ak.with_field(jets, jets[name] * factor, name)
    jets = ak.with_field(jets, constituents, "constituent")
    jets = jets[ak.argsort(jets["pt"], ascending=False, stable=True)]
    kept = ak.to_numpy(ak.all(jets["pt"] > config.pt_min, axis=1))
    return positions[kept], jets[kept]
