"""The Higgs jets of a signal's files."""

from collections.abc import Sequence

import awkward as ak

from analysis.config.reconstruction import Reconstruction
from analysis.delphes.reader import open_delphes
from analysis.evaluation.subjet_scan import higgs_jets
from common.errors import EmptySampleError


def read_higgs_jets(files: Sequence[str], config: Reconstruction, events: int) -> ak.Array:
    """Return the Higgs jets in the first events of some files (see `higgs_jets`).

    Raises
    ------
    EmptySampleError
        If there is none.
    """
    parts, left = [], events
    for path in files:
        if left <= 0:
            break
        opened = open_delphes(
            path, fatjets=config.fatjets.source == "delphes", names=config.branches
        )
        with opened as file:
            for step in file.steps(config.step_size):
                parts.append(higgs_jets(step[:left], config.fatjets))
                left -= len(step)
                if left <= 0:
                    break
    jets = ak.concatenate(parts)
    if not len(jets):
        raise EmptySampleError(
            f"no fat jet with two b hadrons is in the first {events} events of {', '.join(files)}: "
            "raise subjet_scan.events, or loosen reconstruction.fatjets"
        )
    return jets
