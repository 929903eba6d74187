"""Cross section and event weights of Les Houches files, by what IDWTUP makes of XWGTUP.

The eight strategies are those of the Les Houches accord, hep-ph/0109068, table 1. An event's
*share* is what it adds to the cross section [pb].
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from analysis.event_files.checks import check_cross_sections
from analysis.event_files.les_houches import Floats, Init, Process, Weights
from common.errors import InputFileError

FACTOR = 2.0
"""Ratio of the weights' average to XSECUP that is no fluctuation."""


@dataclass(frozen=True)
class Weighted:
    """The N events of all files of a sample.

    Attributes
    ----------
    cross_section_pb, error_pb : float
        Of all events, and its statistical error [pb].
    weight : float64 [N]
        Their mean is 1; an event's share is σ · weight / N.
    """

    cross_section_pb: float
    error_pb: float
    weight: Floats


def shares_per_weight(init: Init, weights: Weights, path: Path) -> tuple[Floats, float]:
    """Return each event's share of the cross section per unit of XWGTUP, and the error of the sum.

    | IDWTUP | XWGTUP | share |
    |---|---|---|
    | ±1 | [pb], averages to the process's σ | XWGTUP / events of its process |
    | ±2 | any unit | XSECUP of its process · XWGTUP / Σ of its process |
    | ±3 | ±1 | Σ XSECUP · XWGTUP / Σ |
    | ±4 | [pb], averages to σ | XWGTUP / events |

    Where every event has its number of `trials` (Sherpa), the share is XWGTUP / Σ trials, but for
    ±2, which is Monte Carlo integration itself and needs no XSECUP.

    Parameters
    ----------
    init : Init
    weights : Weights
        Of the N events of one file.
    path : pathlib.Path
        The file, to be named in errors.

    Returns
    -------
    float64 [N]
        [pb] per unit of XWGTUP.
    float
        Statistical error of σ [pb]; the file's own XERRUP for ±2 and ±3.

    Raises
    ------
    InputFileError
        If the file gives no positive cross section.
    """
    n, w, strategy = len(weights), weights.nominal, abs(init.strategy)
    declared = float(np.sqrt(sum(process.error_pb**2 for process in init.processes)))
    if strategy != 2 and np.isfinite(weights.trials).all() and weights.trials.sum() > 0:
        trials = float(weights.trials.sum())
        spread = np.sum(w**2) - np.sum(w) ** 2 / trials
        return np.full(n, 1 / trials), float(np.sqrt(max(spread, 0.0)) / trials)
    if strategy == 3:
        total = sum(process.cross_section_pb for process in init.processes)
        return np.full(n, total / _positive(w.sum(), path)), declared
    if strategy == 4:
        return np.full(n, 1 / n), float(w.std() / np.sqrt(n))
    _, kind = np.unique(weights.process, return_inverse=True)
    events = np.bincount(kind)
    if strategy == 1:
        means = np.bincount(kind, w) / events
        variance = np.bincount(kind, (w - means[kind]) ** 2) / events**2
        return 1 / events[kind], float(np.sqrt(variance.sum()))
    sigma = {process.number: process.cross_section_pb for process in init.processes}
    unknown = set(weights.process.tolist()) - sigma.keys()
    if unknown:
        raise InputFileError(
            f"{path}: events are of the process {min(unknown)}, which its <init> block does not "
            "have; make the file again"
        )
    own = np.array([sigma[int(code)] for code in weights.process])
    sums = np.bincount(kind, w)
    if not (np.abs(sums) > 0).all():
        raise InputFileError(f"{path}: the weights of a process sum to zero; make the file again")
    return own / sums[kind], declared


def weigh(
    files: Sequence[tuple[Path, Init, Weights]], cross_section_pb: float | None = None
) -> Weighted:
    """Return cross section and weights of all events of a sample's files.

    The files are runs of one process: each estimates the same cross section, and they are averaged
    with their numbers of events.

    Parameters
    ----------
    files : sequence of (path, Init, Weights)
    cross_section_pb : float, optional
        In place of what the files say [pb].

    Raises
    ------
    InputFileError
        If the files do not go together, or give no positive cross section.
    """
    _check_alike(files)
    shares, errors = [], []
    for path, init, weights in files:
        if cross_section_pb is not None and _needs_given(init):
            one = (Process(0, cross_section_pb, 0.0),)
            init = replace(init, strategy=3, processes=one)
        per_weight, error = shares_per_weight(init, weights, path)
        share, nominal = per_weight * weights.chosen, float(per_weight @ weights.nominal)
        if cross_section_pb is not None:
            share, error = cross_section_pb * share / _positive(float(share.sum()), path), 0.0
        shares.append(share)
        errors.append(error * float(share.sum()) / nominal if nominal > 0 else error)
        _check_declared(path, init, weights, nominal, cross_section_pb)
    sums = np.array([share.sum() for share in shares])
    for (path, *_), sigma in zip(files, sums, strict=True):
        _positive_cross_section(float(sigma), path)
    check_cross_sections([path for path, *_ in files], sums.tolist(), errors)
    events = np.array([len(share) for share in shares])
    part = events / events.sum()
    total = float(part @ sums)
    # a file's own mean is its σ: n of N events carry n σ / N of the cross section
    weight = np.concatenate([n * share / total for n, share in zip(events, shares, strict=True)])
    return Weighted(total, float(np.sqrt(part**2 @ np.square(errors))), weight)


def _needs_given(init: Init) -> bool:
    """Return whether shares need the given cross section in place of XSECUP.

    Those of ±3 do, and those of ±2 where XSECUP is 0 for every process: the given one is then
    that of all events, which share it by XWGTUP. Else it scales the shares by XSECUP.
    """
    declared = any(process.cross_section_pb for process in init.processes)
    return abs(init.strategy) == 3 or (abs(init.strategy) == 2 and not declared)


def _check_declared(
    path: Path, init: Init, weights: Weights, nominal_pb: float, given_pb: float | None
) -> None:
    """Raise if weights in pb do not average to XSECUP, as those of a file whose weights add up."""
    declared = sum(process.cross_section_pb for process in init.processes)
    in_pb = abs(init.strategy) in (1, 4) and not np.isfinite(weights.trials).all()
    if given_pb is None and in_pb and declared > 0:
        ratio = nominal_pb / declared
        if not 1 / FACTOR < ratio < FACTOR:
            raise InputFileError(
                f"{path}: IDWTUP is {init.strategy}, so that its weights should average to the "
                f"cross section; they average to {nominal_pb:.4g} pb, <init> says {declared:.4g}; "
                "make the file with event_norm = average (MadGraph), or give the true one as "
                "simulation.cross_section_pb"
            )


def _check_alike(files: Sequence[tuple[Path, Init, Weights]]) -> None:
    first_path, first, _ = files[0]
    for path, init, _ in files:
        for what, found, wanted in (
            ("IDWTUP is", init.strategy, first.strategy),
            ("the beams are", init.beams, first.beams),
            ("their energies are", init.energies_gev, first.energies_gev),
        ):
            if found != wanted:
                raise InputFileError(
                    f"{path}: {what} {found}, in {first_path} {wanted}; the files of one sample "
                    "are runs of one process: make two samples of them"
                )


def _positive(total: float, path: Path) -> float:
    if not (np.isfinite(total) and total > 0):
        raise InputFileError(
            f"{path}: the weights of its events sum to {total:g}, so that nothing can be "
            "normalised; make the file again, with more events"
        )
    return total


def _positive_cross_section(sigma: float, path: Path) -> None:
    if not (np.isfinite(sigma) and sigma > 0):
        raise InputFileError(
            f"{path}: its cross section is {sigma:g} pb by <init> and the events' weights; give "
            "the true one as simulation.cross_section_pb"
        )
