"""What the values of an event may be: damage that still decodes does not pass for physics."""

import awkward as ak
import numpy as np

from common.errors import InputFileError, NormalisationError
from common.lists import Lists

REMEDY = "replace the file, or set `reconstruction.on_bad_file: skip` to leave it out"

MOMENTUM = (0.0, 1e5)  # GeV; a hundred TeV is more than any collider has
LENGTH = (-1e5, 1e5)  # mm; no tracker is a hundred metres long
ANGLE = (-2 * np.pi - 1e-3, 2 * np.pi + 1e-3)
LIMITS = {
    "eflow": {
        "pt": MOMENTUM,
        "eta": (-20.0, 20.0),
        "phi": ANGLE,
        "mass": (-1.0, 1e5),
        "charge": (-3, 3),
        "d0": LENGTH,
        "error_d0": LENGTH,
        "dz": LENGTH,
        "error_dz": LENGTH,
    },
    "particle": {"pt": MOMENTUM, "eta": (-1e4, 1e4), "phi": ANGLE},  # the beam's η is ±999.9
    "fatjet": {"pt": MOMENTUM, "eta": (-20.0, 20.0), "phi": ANGLE, "mass": (-1.0, 1e5)},
}
NAMES = {"eflow": "energy-flow objects", "particle": "generator particles", "fatjet": "fat jets"}


def check_values(path: str, events: ak.Array) -> None:
    """Raise if a value of a step of events cannot be (see `LIMITS`); NaN and infinities included.

    Parameters
    ----------
    path : str
        The file, for the message.
    events : ak.Array
        Records of `DelphesFile.steps`.

    Raises
    ------
    NormalisationError
        If a generator weight is NaN or infinite.
    InputFileError
        If a momentum, an angle, a mass or a charge is outside its limits; names the first event.
    """
    bad = ~np.isfinite(ak.to_numpy(events.weight))
    if bad.any():
        raise NormalisationError(
            f"{path}: {bad.sum()} generator weights are NaN or infinite, the first in entry "
            f"{events.entry[bad][0]}; {REMEDY}"
        )
    for name, limits in LIMITS.items():
        if name in events.fields:
            _check_objects(path, NAMES[name], events[name], limits, ak.to_numpy(events.entry))


def _check_objects(
    path: str,
    name: str,
    objects: ak.Array,
    limits: dict[str, tuple[float, float]],
    entries: np.ndarray,
) -> None:
    limits = {field: ends for field, ends in limits.items() if field in objects.fields}
    lists = Lists.of(objects, *limits)
    if all(_inside(lists[field], *ends) for field, ends in limits.items()):
        return
    bad = np.logical_or.reduce([_outside(lists[field], *ends) for field, ends in limits.items()])
    first = entries[lists.owners[bad.argmax()]]
    values = ", ".join(f"{field} {_shown(lists[field][bad.argmax()])}" for field in limits)
    raise InputFileError(
        f"{path}: {bad.sum()} {name} are NaN, infinite or not physical, the first in entry {first} "
        f"({values}); {REMEDY}"
    )


def _shown(value: np.generic) -> str:
    return str(value) if isinstance(value, np.integer) else f"{value:g}"


def _inside(numbers: np.ndarray, low: float, high: float) -> bool:
    """Whether all values are within the limits, without an array of answers."""
    return len(numbers) == 0 or bool(numbers.min() >= low and numbers.max() <= high)


def _outside(values: ak.Array, low: float, high: float) -> np.ndarray:
    """Return which values are not within the limits; NaN is not."""
    numbers = ak.to_numpy(values)
    return ~((numbers >= low) & (numbers <= high))
