"""Workspaces of pyhf in the HEP Statistics Serialization Standard, HS3 0.2, by hand.

No package converts them: pyhs3 and RooFit read HS3, and do not read the JSON of pyhf. The mapping
is that of the standard's chapter on HistFactory: a channel is a `histfactory_dist`, a modifier
names its parameters, and the errors of `staterror` stand beside the contents of the samples.
The key `interpolation` is left out: pyhs3 and HistFactory itself then interpolate as pyhf does
(codes 4 and 4p).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyhf

from analysis.statistics.workspace import model_of
from common.errors import AnalysisError

VERSION = "0.2"
LIKELIHOOD, DOMAIN, POINT = "likelihood", "parameters", "nominal"


def hs3_document(workspace: Mapping[str, Any], description: str) -> dict[str, Any]:
    """Return the HS3 document of a workspace: model, data, likelihood, domain and analysis.

    Parameters
    ----------
    workspace : mapping
        HistFactory workspace of pyhf, with modifiers normfactor, normsys, histosys and staterror.
    description : str
        What it is of, and what its parameter of interest stands for.

    Raises
    ------
    AnalysisError
        If it holds a modifier of another type.
    """
    config = model_of(workspace).config
    channels = workspace["channels"]
    names = [channel["name"] for channel in channels]
    observed = {entry["name"]: entry["data"] for entry in workspace["observations"]}
    measurement = workspace["measurements"][0]
    parameters = [
        {"name": name, "value": value, "const": const, "min": low, "max": high}
        for name, value, const, (low, high) in zip(
            _flat(config),
            config.suggested_init(),
            config.suggested_fixed(),
            config.suggested_bounds(),
            strict=True,
        )
    ]
    return {
        "metadata": {
            "hs3_version": VERSION,
            "packages": [{"name": "pyhf", "version": pyhf.__version__}],
            "description": description,
        },
        "distributions": [_distribution(channel) for channel in channels],
        "data": [
            {
                "name": f"data_{name}",
                "type": "binned",
                "axes": _axes(name, len(observed[name])),
                "contents": observed[name],
            }
            for name in names
        ],
        "likelihoods": [
            {
                "name": LIKELIHOOD,
                "distributions": names,
                "data": [f"data_{name}" for name in names],
            }
        ],
        "domains": [
            {
                "name": DOMAIN,
                "type": "product_domain",
                "axes": _chosen(parameters, "name", "min", "max"),
            }
        ],
        "parameter_points": [
            {"name": POINT, "parameters": _chosen(parameters, "name", "value", "const")}
        ],
        "analyses": [
            {
                "name": measurement["name"],
                "likelihood": LIKELIHOOD,
                "parameters_of_interest": [config.poi_name],
                "domains": [DOMAIN],
                "init": POINT,
            }
        ],
    }


def _chosen(rows: Sequence[Mapping[str, Any]], *keys: str) -> list[dict[str, Any]]:
    return [{key: row[key] for key in keys} for row in rows]


def _flat(config: Any) -> list[str]:
    """Return one name per number in pyhf's vector of parameters."""
    names: list[str] = []
    for name in config.par_order:
        known = config.param_set(name)
        names += [name] if known.is_scalar else _of_bins(name, known.n_parameters)
    return names


def _of_bins(parameter: str, bins: int) -> list[str]:
    return [f"{parameter}_{k}" for k in range(bins)]


def _axes(channel: str, bins: int) -> list[dict[str, Any]]:
    """Return the axis of a channel, of unit bins: the workspace does not know their edges."""
    return [{"name": f"bin_{channel}", "min": 0.0, "max": float(bins), "nbins": bins}]


def _distribution(channel: Mapping[str, Any]) -> dict[str, Any]:
    samples = channel["samples"]
    return {
        "name": channel["name"],
        "type": "histfactory_dist",
        "axes": _axes(channel["name"], len(samples[0]["data"])),
        "samples": [_sample(sample) for sample in samples],
    }


def _sample(sample: Mapping[str, Any]) -> dict[str, Any]:
    errors = [m["data"] for m in sample["modifiers"] if m["type"] == "staterror"]
    total = np.sqrt(np.sum(np.square(errors), axis=0)).tolist() if errors else None
    return {
        "name": sample["name"],
        "data": {"contents": sample["data"], "errors": total or [0.0] * len(sample["data"])},
        "modifiers": [_modifier(modifier) for modifier in sample["modifiers"]],
    }


def _modifier(modifier: Mapping[str, Any]) -> dict[str, Any]:
    name, data = modifier["name"], modifier["data"]
    named = {"name": name, "type": modifier["type"]}
    match modifier["type"]:
        case "normfactor":
            return named | {"parameter": name}
        case "normsys":
            return named | {"parameter": name, "constraint": "Gauss", "data": data}
        case "histosys":
            variations = {end: {"contents": data[f"{end}_data"]} for end in ("hi", "lo")}
            return named | {"parameter": name, "constraint": "Gauss", "data": variations}
        case "staterror":
            return named | {"parameters": _of_bins(name, len(data)), "constraint": "Gauss"}
        case other:
            raise AnalysisError(
                f"HS3: modifier {name!r} has the type {other!r}, which is not translated; "
                "known are normfactor, normsys, histosys and staterror"
            )
