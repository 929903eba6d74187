"""A reader of HS3 documents with numpy alone, as little as HistFactory models need.

It shares nothing with pyhf: rates, interpolation and constraints are written from the standard, and
the interpolation of `normsys` inside ±1σ from HistFactory's (a polynomial of degree six that meets
the exponentials with two derivatives).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from iminuit import Minuit
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm

Array = NDArray[np.float64]


def normsys(alpha: float, hi: float, lo: float) -> float:
    """Return hi^α beyond +1, lo^−α beyond −1, and the polynomial between them."""
    if abs(alpha) >= 1:
        return float(hi**alpha if alpha > 0 else lo**-alpha)
    ends = np.array([1.0, -1.0])
    powers = np.arange(1, 7)
    value = ends[:, None] ** powers
    slope = powers * ends[:, None] ** (powers - 1)
    bend = powers * (powers - 1) * ends[:, None] ** (powers - 2)
    logs = np.array([np.log(hi), -np.log(lo)])
    sides = np.array([hi, lo])
    right = np.concatenate([sides - 1, logs * sides, logs**2 * sides])
    coefficients = np.linalg.solve(np.concatenate([value, slope, bend]), right)
    return float(1 + coefficients @ alpha**powers)


def histosys(alpha: float, nominal: Array, hi: Array, lo: Array) -> Array:
    """Return what is added: linear beyond ±1, the standard's `poly6` between."""
    if abs(alpha) >= 1:
        return alpha * (hi - nominal if alpha > 0 else nominal - lo)
    S, A = (hi - lo) / 2, (hi + lo - 2 * nominal) / 16
    return alpha * (S + alpha * A * (15 + alpha**2 * (3 * alpha**2 - 10)))


class Likelihood:
    """−2 ln L of a document's first analysis, against the same at its starting point."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        (analysis,) = document["analyses"]
        (self.poi,) = analysis["parameters_of_interest"]
        named = {
            key: {entry["name"]: entry for entry in document[key]}
            for key in ("likelihoods", "distributions", "data", "domains", "parameter_points")
        }
        likelihood = named["likelihoods"][analysis["likelihood"]]
        self.channels = [
            (named["distributions"][d], np.array(named["data"][x]["contents"]))
            for d, x in zip(likelihood["distributions"], likelihood["data"], strict=True)
        ]
        self.points = {
            p["name"]: p for p in named["parameter_points"][analysis["init"]]["parameters"]
        }
        (domain,) = analysis["domains"]
        self.bounds = {
            axis["name"]: (axis["min"], axis["max"]) for axis in named["domains"][domain]["axes"]
        }
        self.names = list(self.points)
        self.start = np.array([self.points[name]["value"] for name in self.names])
        self.start[self.names.index(self.poi)] = 0.0

    def __call__(self, values: Sequence[float]) -> float:
        """Return −2 ln L(values) − constants of the data."""
        at = dict(zip(self.names, values, strict=True))
        total, pulled = 0.0, dict[str, tuple[float, float]]()
        for channel, seen in self.channels:
            rates, sums, squares = (np.zeros_like(seen) for _ in range(3))
            gammas: list[str] = []
            for sample in channel["samples"]:
                nominal = np.array(sample["data"]["contents"])
                shift, factor = np.zeros_like(seen), np.ones_like(seen)
                for modifier in sample["modifiers"]:
                    kind, data = modifier["type"], modifier.get("data")
                    if kind == "staterror":
                        gammas = modifier["parameters"]
                        factor = factor * [at[name] for name in gammas]
                        sums += nominal
                        squares += np.array(sample["data"]["errors"]) ** 2
                        continue
                    value = at[modifier["parameter"]]
                    if kind == "normfactor":
                        factor = factor * value
                        continue
                    pulled[modifier["parameter"]] = (value, 1.0)
                    if kind == "normsys":
                        factor = factor * normsys(value, data["hi"], data["lo"])
                    else:
                        sides = (np.array(data[side]["contents"]) for side in ("hi", "lo"))
                        shift += histosys(value, nominal, *sides)
                rates += (nominal + shift) * factor
            for name, total_yield, variance in zip(gammas, sums, squares, strict=False):
                if not self.points[name]["const"]:
                    pulled[name] = (at[name] - 1, np.sqrt(variance) / total_yield)
            rates = np.maximum(rates, 1e-12)
            total += 2 * np.sum(rates - seen - seen * np.log(rates / np.maximum(seen, 1e-300)))
        return float(total + sum((pull / width) ** 2 for pull, width in pulled.values()))

    def root_q(self, mu: float) -> float:
        """Return √(−2 ln λ(μ)) on data without signal, by Minuit."""
        start = self.start.copy()
        start[self.names.index(self.poi)] = mu
        minuit = Minuit(self, start)
        minuit.limits = [None if n == self.poi else self.bounds[n] for n in self.names]
        minuit.fixed = [n == self.poi or self.points[n]["const"] for n in self.names]
        minuit.tol = 1e-3
        minuit.migrad()
        return float(np.sqrt(max(minuit.fval, 0.0)))

    def expected_limit(self, confidence_level: float = 0.95) -> float:
        """Return the median expected CLs limit on the parameter of interest."""
        target = norm.isf((1 - confidence_level) / 2)
        return float(brentq(lambda mu: self.root_q(mu) - target, 1e-3, 10.0, rtol=1e-5))
