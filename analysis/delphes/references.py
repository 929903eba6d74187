"""ROOT references between objects of one event: `TRef`s to positions in lists."""

import awkward as ak
import numpy as np
import uproot

from common.lists import Lists

_TREF_ARRAYS = uproot.AsArray(False, False, uproot.models.TRef.Model_TRefArray)
_ID_BITS = 24  # the object number in `fUniqueID`; the bits above tell the process


def reference_arrays(branch: uproot.TBranch) -> uproot.AsObjects:
    """Return how to read a branch of `TRefArray`s that are members of a split `TClonesArray`.

    It is what uproot would find, but only after it has read the descriptions of all classes in the
    file, which takes longer than the references of a thousand events.
    """
    return uproot.AsObjects(_TREF_ARRAYS, branch)


def resolve(references: ak.Array, unique_id: ak.Array) -> ak.Array:
    """Return the position in its event's list of each object that is referred to.

    Parameters
    ----------
    references : ak.Array [events][n][m]
        The `refs` of `TRefArray`s: `fUniqueID`s, unique within an event.
    unique_id : ak.Array [events][k]
        `fUniqueID` of the objects that can be referred to.

    Returns
    -------
    ak.Array [events][n][m]
        Positions in `unique_id`.

    Raises
    ------
    ValueError
        If a reference leads to none of the objects.
    """
    wanted = ak.flatten(references, axis=2)
    known_keys, wanted_keys = _keys(unique_id), _keys(wanted)
    order = np.argsort(known_keys, kind="stable")  # fast where branches are nearly in order
    known_keys = known_keys[order]
    place = np.searchsorted(known_keys, wanted_keys)
    if np.any(place == len(order)) or np.any(known_keys[place] != wanted_keys):
        raise ValueError("references lead to objects outside the energy-flow branches")
    counts = ak.to_numpy(ak.num(unique_id))
    first = np.repeat(np.cumsum(counts) - counts, ak.to_numpy(ak.num(wanted)))
    per_list = ak.unflatten(order[place] - first, ak.flatten(ak.num(references, axis=2)))
    return ak.unflatten(per_list, ak.num(references))


def kept_positions(index: ak.Array, objects: Lists, mask: str) -> ak.Array:
    """Return the positions among those objects alone that a mask keeps.

    Parameters
    ----------
    index : ak.Array [events][n][m]
        Positions in `objects`.
    objects : Lists [events][k]
        With a column `mask` of bool.

    Returns
    -------
    ak.Array [events][n][up to m]
        Positions of objects that are not kept are left out.
    """
    kept = objects[mask]
    first = np.repeat(objects.firsts, ak.to_numpy(ak.num(ak.flatten(index, axis=2))))
    place = ak.to_numpy(ak.flatten(index, axis=None)) + first
    before = np.append(0, np.cumsum(kept))
    number = before[place] - before[first]
    lists = Lists(ak.to_numpy(ak.flatten(ak.num(index, axis=2))), {"number": number})
    return ak.unflatten(lists.filter(kept[place]).array().number, ak.num(index))


def _keys(ids: ak.Array) -> np.ndarray:
    """Return one integer per object: event and object number side by side."""
    event = np.repeat(np.arange(len(ids), dtype=np.int64), ak.to_numpy(ak.num(ids)))
    number = ak.to_numpy(ak.flatten(ids)).astype(np.int64) & (2**_ID_BITS - 1)
    return (event << _ID_BITS) | number
