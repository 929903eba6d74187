"""Distributions of what the networks see: shares of each input in bins, filled step by step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.features import CONSTITUENT_FEATURES, KINEMATIC_FEATURES, SUBJET_FEATURES

Tensors = Mapping[str, np.ndarray]
Values = Callable[[Tensors], tuple[NDArray[np.float64], NDArray[np.int64]]]


@dataclass(frozen=True)
class Variable:
    """A quantity with its binning.

    Attributes
    ----------
    name : str
        In file names and tables.
    label : str
        Axis label with its unit.
    edges : tuple of float
        Lower end, upper end; entries beyond are counted as under- and overflow.
    bins : int
    values : callable
        From tensors of N events to M values and the event [M] that each belongs to.
    """

    name: str
    label: str
    edges: tuple[float, float]
    bins: int
    values: Values

    @property
    def bin_edges(self) -> NDArray[np.float64]:
        """Edges of the bins [B + 1]."""
        return np.linspace(*self.edges, self.bins + 1)


class Shares:
    """Shares of all entries that are in each bin of a variable, those beyond its edges included.

    Events are independent; the entries of one event, say its constituents, are not. With c of the n
    entries of an event in a bin of share f, σ² = Σ w² (c − f n)² / (Σ w n)².

    Parameters
    ----------
    variable : Variable
    """

    def __init__(self, variable: Variable) -> None:
        self.variable = variable
        size = variable.bins + 2
        self._sums, self._squares, self._products = np.zeros((3, size))
        self._squares_of_all = 0.0

    def add(self, tensors: Tensors, weight: NDArray[np.float64]) -> None:
        """Add events with weights [N]."""
        values, event = self.variable.values(tensors)
        place = np.searchsorted(self.variable.bin_edges, values, side="right")
        shape = (len(weight), len(self._sums))
        of_event = np.bincount(event * shape[1] + place, minlength=shape[0] * shape[1])
        counts = of_event.reshape(shape).astype(np.float64)
        number, square = counts.sum(axis=1), weight**2
        self._sums += weight @ counts
        self._squares += square @ counts**2
        self._products += (square * number) @ counts
        self._squares_of_all += float(square @ number**2)

    @property
    def content(self) -> NDArray[np.float64]:
        """The share in each bin [B]; zero where there is nothing."""
        total = self._sums.sum()
        return self._sums[1:-1] / total if total else np.zeros(self.variable.bins)

    @property
    def error(self) -> NDArray[np.float64]:
        """Statistical errors of the shares [B]."""
        total, share = self._sums.sum(), self.content
        if not total:
            return np.zeros(self.variable.bins)
        squares, products = self._squares[1:-1], self._products[1:-1]
        variance = squares - 2 * share * products + share**2 * self._squares_of_all
        error: NDArray[np.float64] = np.sqrt(np.maximum(variance, 0)) / abs(total)
        return error


def _token(index: int, name: str, scale: Callable[[Any], Any] = lambda x: x) -> Values:
    column = KINEMATIC_FEATURES.index(name)

    def values(tensors: Tensors) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        value = scale(tensors["kinematics"][:, index, column].astype(np.float64))
        return value, np.arange(len(value))

    return values


def _jet_tokens(kind: str, mask: str, column: int) -> Values:
    def values(tensors: Tensors) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        event, jet, token = np.nonzero(tensors[mask])
        return tensors[kind][event, jet, token, column].astype(np.float64), event

    return values


def _multiplicity(mask: str, jet: int) -> Values:
    def values(tensors: Tensors) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        count = tensors[mask][:, jet].sum(axis=-1).astype(np.float64)
        return count, np.arange(len(count))

    return values


def _constituent(name: str) -> Values:
    return _jet_tokens("constituents", "constituent_mask", CONSTITUENT_FEATURES.index(name))


def _subjet(name: str) -> Values:
    return _jet_tokens("subjets", "subjet_mask", SUBJET_FEATURES.index(name))


def _jets() -> tuple[Variable, ...]:
    variables = []
    for index, name in enumerate(("leading", "second")):
        jet = f"{name} fat-jet"
        variables += [
            Variable(f"{name}_mass", rf"{jet} mass [GeV]", (50, 250), 40, _token(index, "mass")),
            Variable(f"{name}_pt", rf"{jet} $p_T$ [GeV]", (250, 1250), 40, _token(index, "pt")),
            Variable(f"{name}_eta", rf"{jet} $\eta$", (-2, 2), 20, _token(index, "eta")),
            Variable(
                f"{name}_theta", rf"{jet} $\theta$ [rad]", (-1.5708, 1.5708), 20,
                _token(index, "theta"),
            ),
            Variable(
                f"{name}_constituents", f"{jet} constituents (cut at the tensor's length)",
                (0, 60), 30, _multiplicity("constituent_mask", index),
            ),
            Variable(
                f"{name}_subjets", f"{jet} subjets", (-0.5, 7.5), 8,
                _multiplicity("subjet_mask", index),
            ),
        ]  # fmt: skip
    return tuple(variables)


VARIABLES = (
    *_jets(),
    Variable("m_jj", r"$m_{JJ}$ [GeV]", (400, 2600), 44, _token(2, "mass")),
    Variable("pt_jj", r"$p_T^{JJ}$ [GeV]", (0, 600), 30, _token(2, "pt")),
    Variable("constituent_eta", r"constituent $\eta'$", (-1, 1), 40, _constituent("eta")),
    Variable("constituent_phi", r"constituent $\phi'$ [rad]", (-1, 1), 40, _constituent("phi")),
    Variable(
        "constituent_log_pt", r"constituent $\ln(p_T/\mathrm{GeV})$", (-1, 6), 35,
        _constituent("log_pt"),
    ),
    Variable(
        "constituent_delta_r", r"constituent $\Delta R$ to the jet axis", (0, 1.2), 30,
        _constituent("delta_r"),
    ),
    Variable(
        "subjet_log_pt", r"subjet $\ln(p_T/\mathrm{GeV})$", (2.5, 7.5), 25, _subjet("log_pt")
    ),
    Variable(
        "subjet_log_mass", r"subjet $\ln(m/\mathrm{GeV})$", (-2, 6), 32, _subjet("log_mass")
    ),
)  # fmt: skip
"""Everything that is drawn, in this order."""
