"""Fat jets that change places: more events to learn from than there are."""

import numpy as np

from common.columns import Columns
from models.networks.batch import NAMES


def jets_exchanged(columns: Columns, rng: np.random.Generator) -> Columns:
    """Return a batch in which fat jets 1 and 2 have changed places in half of the events.

    Constituents, subjets and kinematic tokens go together; the token of their sum stays. Which jet
    has more pT is still in the kinematics, and what is learned of one jet is known of the other.

    Parameters
    ----------
    columns : Columns
        The arrays of `models.networks.batch.Batch` of B events by name; others stay, as do events
        of a single jet.
    rng : Generator
        Draws the events, each with probability ½.
    """
    chosen = rng.random(len(columns["kinematics"])) < 0.5
    if columns["constituents"].shape[1] != 2:
        return columns
    moved = {name: columns[name].copy() for name in NAMES}
    for array in moved.values():
        array[chosen, :2] = array[chosen, 1::-1]
    return columns | moved
