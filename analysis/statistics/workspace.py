"""HistFactory workspaces of a search: channels, samples and nuisances, as pyhf reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyhf
from numpy.typing import NDArray

from common.errors import NoLimitError

NEGLIGIBLE = 1e-3
MU = "mu"


@dataclass(frozen=True)
class Channel:
    """One category of events, one bin or several.

    Attributes
    ----------
    name : str
        Tag category, or "count".
    signal : NDArray, [K]
        Signal yields at 1 fb.
    signal_error : float
        Relative Monte Carlo error of the signal's yield.
    background : mapping
        Yields [K] per process.
    background_error : NDArray, [K]
        Absolute Monte Carlo error of the total background per bin.
    normalisations : mapping
        Nuisance → sample → relative effect δ on the yield: +1σ multiplies by 1 + δ, −1σ divides.
    shapes : mapping
        Nuisance → sample → yields [K] at +1σ and −1σ.
    """

    name: str
    signal: NDArray[np.float64]
    signal_error: float
    background: Mapping[str, NDArray[np.float64]]
    background_error: NDArray[np.float64]
    normalisations: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shapes: Mapping[str, Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]] = field(
        default_factory=dict
    )

    @property
    def total(self) -> NDArray[np.float64]:
        """Background per bin."""
        return np.sum(list(self.background.values()), axis=0)


def build_workspace(channels: Sequence[Channel], unit_fb: float) -> dict[str, Any]:
    """Return the workspace of a fit to all channels, with Asimov data without signal.

    Parameters
    ----------
    channels : sequence of Channel
        Exclusive channels.
    unit_fb : float
        Cross section that μ = 1 stands for [fb]; near the expected limit, since pyhf's bound on
        the parameter is 10.

    Raises
    ------
    NoLimitError
        If a yield is negative or not finite, or there is no signal or no background.
    """
    for channel in channels:
        _check(channel)
    if not sum(float(c.signal.sum()) for c in channels) > 0:
        raise NoLimitError("no signal in any channel of the fit")
    return {
        "channels": [
            {
                "name": channel.name,
                "samples": [
                    _signal(channel, unit_fb),
                    *(_background(channel, name) for name in channel.background),
                ],
            }
            for channel in channels
        ],
        "observations": [
            {"name": channel.name, "data": channel.total.tolist()} for channel in channels
        ],
        "measurements": [
            {"name": f"sigma_over_{unit_fb:g}_fb", "config": {"poi": MU, "parameters": []}}
        ],
        "version": "1.0.0",
    }


def model_of(workspace: Mapping[str, Any]) -> pyhf.Model:
    """Return the model of a workspace, which is validated against pyhf's schema."""
    found = pyhf.Workspace(workspace)
    return found.model()


def _check(channel: Channel) -> None:
    yields = {"signal": channel.signal, **channel.background}
    for name, values in yields.items():
        if not np.isfinite(values).all() or (values < 0).any():
            raise NoLimitError(
                f"channel {channel.name}: the yields of {name} must be finite and not negative, "
                f"found {values.tolist()}"
            )
    if not (channel.total > 0).all():
        raise NoLimitError(f"channel {channel.name} has bins without background")


def _signal(channel: Channel, unit_fb: float) -> dict[str, Any]:
    modifiers: list[dict[str, Any]] = [{"name": MU, "type": "normfactor", "data": None}]
    modifiers += _normsys(f"mc_signal_{channel.name}", channel.signal_error)
    modifiers += _systematics(channel, "signal", unit_fb)
    data = (unit_fb * channel.signal).tolist()
    return {"name": "signal", "data": data, "modifiers": modifiers}


def _background(channel: Channel, name: str) -> dict[str, Any]:
    modifiers = _systematics(channel, name, 1.0)
    relevant = channel.background_error >= NEGLIGIBLE * channel.total
    if relevant.any():
        share = channel.background[name] / channel.total
        # pyhf holds the parameter of a bin without error fixed
        error = np.where(relevant, channel.background_error * np.sqrt(share), 0.0).tolist()
        modifiers.append({"name": f"mc_{channel.name}", "type": "staterror", "data": error})
    return {"name": name, "data": channel.background[name].tolist(), "modifiers": modifiers}


def _systematics(channel: Channel, sample: str, scale: float) -> list[dict[str, Any]]:
    modifiers = []
    for name, effects in channel.normalisations.items():
        modifiers += _normsys(name, effects.get(sample, 0.0))
    for name, templates in channel.shapes.items():
        if sample in templates:
            high, low = (np.maximum(scale * side, 0).tolist() for side in templates[sample])
            data = {"hi_data": high, "lo_data": low}
            modifiers.append({"name": name, "type": "histosys", "data": data})
    return modifiers


def _normsys(name: str, effect: float) -> list[dict[str, Any]]:
    """A relative effect, log-symmetric so that no yield turns negative; none if negligible."""
    if abs(effect) < NEGLIGIBLE:
        return []
    high = 1 + effect if effect > 0 else 1 / (1 - effect)
    return [{"name": name, "type": "normsys", "data": {"hi": high, "lo": 1 / high}}]
