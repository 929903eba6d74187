"""Profiling a HistFactory likelihood as a problem of least squares, without cancellation."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyhf
from numpy.typing import NDArray
from scipy.optimize import least_squares

from analysis.statistics.significance import log1p_minus

Array = NDArray[np.float64]
_SMALLEST_RATE = 1e-9  # of what is seen
_PRECISION = 1e-11
_STEP = 1e-4  # of a parameter, for derivatives
_FORWARD = 2.0**-26  # of a parameter or 1, for those of the fit
_MARGIN = 0.01  # of the range, from its ends: a step away from a bound starts very small


@dataclass
class Profile:
    """The deviance of a model to Asimov data, minimised at fixed signal strength.

    −2 ln λ is a sum of squares: of the signed deviance residuals of the bins,
    ± √(2 [ν − n + n ln(n/ν)]), and of the pulls of the constrained parameters. Written so it is
    exactly zero where the data were made and keeps its relative precision however many events a
    bin holds, where the difference of two log-likelihoods of order n ln n does not; and
    Gauss–Newton steps, which know the curvature, follow the narrow valleys between a background's
    large uncertainty and the bin's small Poisson error.

    Attributes
    ----------
    model : pyhf.Model
        Constraints normal or Poisson.
    truth : float
        Signal strength of the Asimov data, all other parameters at their nominal values.
    """

    model: pyhf.Model
    truth: float
    _minima: dict[float, tuple[float, Array]] = field(default_factory=dict)
    _starts: list[Array] = field(default_factory=list)

    def __post_init__(self) -> None:
        config = self.model.config
        self.nominal = np.array(config.suggested_init(), dtype=np.float64)
        self.nominal[config.poi_index] = self.truth
        self.free = ~np.array(config.suggested_fixed(), dtype=bool)
        self.free[config.poi_index] = False
        self.bounds = np.array(config.suggested_bounds(), dtype=np.float64)
        self.data = np.asarray(self.model.expected_data(self.nominal.tolist()), dtype=np.float64)
        self._constraints = _constraints(self.model)
        self._shifted = pyhf.Model(
            self.model.spec,
            batch_size=1 + int(self.free.sum()),
            validate=False,
            poi_name=config.poi_name,
        )

    def residuals(self, parameters: Array) -> Array:
        """Return the residuals of bins and constraints, whose squares sum to −2 ln λ.

        Parameters
        ----------
        parameters : NDArray, [P]
            All parameters, in the model's order.
        """
        return self._residuals_of(self.model, parameters)

    def _residuals_of(self, model: pyhf.Model, parameters: Array) -> Array:
        """Return the residuals [..., R] of parameters [..., P], as many as the model takes."""
        rates = np.asarray(model.expected_data(parameters), dtype=np.float64)
        sigma = self._constraints
        normal = np.isfinite(sigma)
        pulls = (rates[..., normal] - self.data[normal]) / sigma[normal]
        deviances = deviance_residual(self.data[~normal], rates[..., ~normal])
        return np.concatenate([deviances, pulls], axis=-1)

    def deviance(self, parameters: Array) -> float:
        """Return −2 ln λ at given parameters, [P]."""
        return float(np.sum(self.residuals(parameters) ** 2))

    def parameters(self, mu: float) -> Array:
        """Return the best parameters at given signal strength, [P]."""
        return self._minimum(mu)[1]

    def root_q(self, mu: float) -> float:
        """Return √(−2 ln λ(μ)), which is the Asimov significance of `truth` against μ."""
        return self._minimum(mu)[0]

    def correlation(self) -> tuple[list[str], Array]:
        """Return names and correlation of the fitted parameters at the truth, μ among them.

        −2 ln λ = Σ r² with r = 0 at the truth, so that the covariance is (JᵀJ)⁻¹ with the Jacobian
        J of the residuals. What μ and nuisances share shows in the first row.

        Returns
        -------
        names : list of str, [F]
            Of vectors, each entry has its number behind the name.
        correlation : NDArray, [F, F]
        """
        config = self.model.config
        names = [
            name if config.param_set(name).is_scalar else f"{name}_{k}"
            for name in config.par_order
            for k in range(config.param_set(name).n_parameters)
        ]
        fitted = self.free.copy()
        fitted[config.poi_index] = True
        steps = _STEP * np.eye(len(self.nominal))[fitted]
        jacobian = np.stack(
            [
                (self.residuals(self.nominal + h) - self.residuals(self.nominal - h)) / (2 * _STEP)
                for h in steps
            ],
            axis=1,
        )
        covariance = np.linalg.inv(jacobian.T @ jacobian)
        sigma = np.sqrt(np.diag(covariance))
        return [n for n, f in zip(names, fitted, strict=True) if f], covariance / np.outer(
            sigma, sigma
        )

    def learn(self, parameters: Array) -> None:
        """Start the fits from here as well, and forget what was found without."""
        self._starts.append(parameters)
        self._minima.clear()

    def _minimum(self, mu: float) -> tuple[float, Array]:
        if mu not in self._minima:
            nearest = min(self._minima, key=lambda known: abs(known - mu), default=None)
            found = [] if nearest is None else [self._minima[nearest][1]]
            minima = [self._fit(mu, start) for start in (self.nominal, *found, *self._starts)]
            self._minima[mu] = min(minima, key=lambda item: item[0])
        return self._minima[mu]

    def _fit(self, mu: float, start: Array) -> tuple[float, Array]:
        full, free = start.copy(), self.free
        full[self.model.config.poi_index] = mu

        def function(values: Array) -> Array:
            full[free] = values
            return self.residuals(full)

        if not free.any():
            return float(np.linalg.norm(function(full[free]))), full
        low, high = self.bounds[free].T

        def jacobian(values: Array) -> Array:
            step = _FORWARD * np.maximum(1.0, np.abs(values))
            step = np.where(values + step > high, -step, step)
            full[free] = values
            shifted = np.tile(full, (1 + len(values), 1))
            shifted[1:, free] += np.diag(step)
            found = self._residuals_of(self._shifted, shifted)
            derivatives: Array = ((found[1:] - found[0]) / step[:, None]).T
            return derivatives

        margin = _MARGIN * (high - low)
        inside = np.clip(full[free], low + margin, high - margin)
        tolerances: dict[str, Any] = dict.fromkeys(("ftol", "xtol", "gtol"), _PRECISION)
        solution = least_squares(function, inside, jacobian, (low, high), **tolerances)
        full[free] = solution.x
        return float(np.sqrt(2 * solution.cost)), full.copy()


def deviance_residual(n: Array, rate: Array) -> Array:
    """Return ± √(2 [ν − n + n ln(n/ν)]) with the sign of ν − n, to full relative precision.

    Parameters
    ----------
    n, rate : NDArray, [K]
        Observed and expected events; rates are kept from falling to zero.
    """
    seen = np.where(n > 0, n, 1.0)
    rate = np.maximum(rate, _SMALLEST_RATE * seen)
    x = (rate - seen) / seen
    half = np.where(n > 0, -seen * log1p_minus(x), rate)
    return np.copysign(np.sqrt(2 * np.maximum(half, 0.0)), rate - n)


def _constraints(model: pyhf.Model) -> Array:
    """Return the width of each datum's normal distribution; infinite where it is a count."""
    widths = [np.full(model.config.nmaindata, np.inf)]
    for name in model.config.auxdata_order:
        parameter = model.config.param_set(name)
        normal = parameter.pdf_type == "normal"
        widths.append(
            np.array(parameter.width()) if normal else np.full(parameter.n_parameters, np.inf)
        )
    return np.concatenate(widths)
