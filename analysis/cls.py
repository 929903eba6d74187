"""Expected CLs limits and discovery significance of a HistFactory model, asymptotically."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pyhf
from pyhf.infer.mle import twice_nll
from scipy.optimize import brentq
from scipy.stats import norm

from analysis.significance import NoLimitError

BANDS = (-2, -1, 0, 1, 2)
_LARGEST = 1e6
TOLERANCE = 0.01  # on √q, which moves CLs at a limit of 0.05 by 0.001 at most


@dataclass(frozen=True)
class ExpectedLimit:
    """Upper limits on μ expected without signal, at −2, −1, 0, 1 and 2 σ."""

    values: tuple[float, ...]
    errors: tuple[float, ...] = (0.0,) * 5

    @property
    def median(self) -> float:
        """The limit of the median experiment."""
        return self.values[2]

    def scaled(self, factor: float) -> "ExpectedLimit":
        """Return the limits in another unit of μ."""
        return ExpectedLimit(
            tuple(factor * v for v in self.values), tuple(factor * e for e in self.errors)
        )


def root_q(band: int, confidence_level: float) -> float:
    """Return √q_A at the expected limit of a band.

    CLs = (1 − Φ(√q_A − N)) / Φ(N) = 1 − CL, solved for √q_A (arXiv:1007.1727, eq. 89).
    """
    return float(norm.isf((1 - confidence_level) * norm.cdf(band)) + band)


def expected_limit(model: pyhf.Model, confidence_level: float) -> ExpectedLimit:
    """Return the expected CLs limits on the parameter of interest (q̃, asymptotic).

    All bands follow from one function, √q_A(μ) on the Asimov data of μ = 0, where the
    unconditional fit is known and each μ takes a single conditional fit.

    Parameters
    ----------
    model : pyhf.Model
        Signal scaled so that the limit is of order one.
    confidence_level : float
        For example 0.95.

    Raises
    ------
    NoLimitError
        If a fit fails, a second minimiser finds a deeper minimum at a limit, or no μ up to 1e6 is
        excluded.
    """
    root = _root_q_of_mu(model, 0.0)
    targets = [root_q(band, confidence_level) for band in BANDS]
    upper = _bracket(root, targets[-1])
    values = tuple(_crossing(root, target, upper) for target in targets)
    if model.config.npars > 1:
        _verify(model, root, dict(zip(values, targets, strict=True)))
    return ExpectedLimit(values)


def _verify(
    model: pyhf.Model, root: Callable[[float], float], targets: Mapping[float, float]
) -> None:
    """Let Minuit look for deeper minima at the limits found."""
    check = _root_q_of_mu(model, 0.0, pyhf.optimize.minuit_optimizer())
    for mu, target in targets.items():
        if abs(root(mu) - target) > TOLERANCE or check(mu) < target - TOLERANCE:
            raise NoLimitError(
                f"the fits around μ = {mu:.4g} do not converge: the background or its uncertainty "
                "is out of proportion to the signal"
            )


def discovery_significance(model: pyhf.Model, mu: float) -> float:
    """Return the median significance √q₀ of a signal μ (arXiv:1007.1727, eq. 52)."""
    return _root_q_of_mu(model, mu)(0.0)


def _root_q_of_mu(
    model: pyhf.Model, truth: float, optimizer: Any = None
) -> Callable[[float], float]:
    """Return √q_A(μ) on the Asimov data of μ = `truth`, by pyhf's minimiser or another of its."""
    minimise = (optimizer or pyhf.optimize.scipy_optimizer()).minimize
    start = list(model.config.suggested_init())
    start[model.config.poi_index] = truth
    data = np.asarray(model.expected_data(start))
    best = -2 * float(model.logpdf(start, data)[0])
    bounds = list(model.config.suggested_bounds())
    bounds[model.config.poi_index] = (0.0, 2 * _LARGEST)

    @cache
    def root(mu: float) -> float:
        if mu == truth:
            return 0.0
        try:
            _, value = minimise(
                twice_nll,
                data,
                model,
                start,
                bounds,
                fixed_vals=[(model.config.poi_index, mu)],
                return_fitted_val=True,
            )
        except pyhf.exceptions.FailedMinimization as error:
            raise NoLimitError(f"the fit at μ = {mu:.4g} failed: {error}") from None
        return float(np.sqrt(max(float(value) - best, 0.0)))

    return root


def _bracket(root: Callable[[float], float], target: float) -> float:
    upper = 1.0
    while root(upper) < target:
        upper *= 2
        if upper > _LARGEST:
            raise NoLimitError(f"no signal strength up to {_LARGEST:g} is excluded")
    return upper


def _crossing(root: Callable[[float], float], target: float, upper: float) -> float:
    return float(brentq(lambda mu: root(mu) - target, 0.0, upper, xtol=1e-6, rtol=1e-5))


def cls_at(model: pyhf.Model, mu: float) -> Sequence[float]:
    """Return the expected CLs values (−2 … 2 σ) at `mu` by pyhf's own calculator."""
    data = model.expected_data([*_background_only(model)])
    bounds = [list(b) for b in model.config.suggested_bounds()]
    bounds[model.config.poi_index][1] = max(10.0, 2 * mu)
    found = pyhf.infer.hypotest(mu, data, model, par_bounds=bounds, return_expected_set=True)
    return [float(value) for value in found[1]]


def _background_only(model: pyhf.Model) -> list[float]:
    parameters = list(model.config.suggested_init())
    parameters[model.config.poi_index] = 0.0
    return parameters
