"""A fit in HS3: the limit of another reader is that of pyhf."""

import json
from typing import Any

import numpy as np
import pytest

from analysis.statistics.cls import expected_limit
from analysis.statistics.hs3 import hs3_document
from analysis.statistics.workspace import Channel, build_workspace, model_of
from common.errors import AnalysisError
from tests.analysis.statistics.hs3_reader import Likelihood

QCD, TOP = np.array([200.0, 60.0, 12.0]), np.array([20.0, 8.0, 0.0])
SHAPES = {
    "jes": {
        "signal": (np.array([2.0, 6.0, 9.0]), np.array([3.5, 4.5, 7.0])),
        "qcd": (QCD * [1.1, 1.0, 0.9], QCD * [0.8, 1.0, 1.3]),
        "ttbar": (TOP * 1.2, TOP * 0.9),
    }
}
RATES = {
    "luminosity": {"signal": 0.01, "qcd": 0.01, "ttbar": 0.01},
    "norm_qcd": {"qcd": 0.3},
    "btag": {"signal": 0.08, "qcd": -0.06},
}


def channel(name: str = "4b", scale: float = 1.0, **changed: Any) -> Channel:
    known = {
        "signal": scale * np.array([3.0, 5.0, 8.0]),
        "signal_error": 0.04,
        "background": {"qcd": scale * QCD, "ttbar": scale * TOP},
        "background_error": np.array([15.0, 0.0, 3.0]),
        "normalisations": RATES,
        "shapes": SHAPES if scale == 1.0 else {},
    }
    return Channel(name, **(known | changed))


CASES = {
    "shapes": [channel()],
    "one bin": [
        Channel("count", np.array([10.0]), 0.0, {"qcd": np.array([20.0])}, np.array([3.0]))
    ],
    "two channels": [channel(), channel("3b", 0.5)],
}


def document(channels: list[Channel], unit: float = 1.0) -> tuple[dict[str, Any], dict[str, Any]]:
    workspace = build_workspace(channels, unit)
    return workspace, json.loads(json.dumps(hs3_document(workspace, "a test")))


@pytest.mark.parametrize("channels", CASES.values(), ids=CASES)
def test_another_reader_finds_the_limit_of_pyhf(channels: list[Channel]) -> None:
    workspace, found = document(channels)
    wanted = expected_limit(model_of(workspace), 0.95).median
    assert Likelihood(found).expected_limit() == pytest.approx(wanted, rel=1e-3)


def test_another_reader_finds_pyhf_s_likelihood_far_from_the_minimum() -> None:
    """Differences of −2 ln L at random parameters, also beyond ±1σ, with every kind of modifier."""
    workspace, found = document(CASES["two channels"])
    model, reader = model_of(workspace), Likelihood(found)
    data = [x for entry in workspace["observations"] for x in entry["data"]]
    data += model.config.auxdata
    generator = np.random.default_rng(5)
    differences = []
    for _ in range(20):
        pulls = generator.normal(0, 1.5, len(reader.names))
        values = [
            start if reader.points[name]["const"] else abs(start + 0.1 * pull) if start else pull
            for name, start, pull in zip(reader.names, reader.start, pulls, strict=True)
        ]
        values[reader.names.index("mu")] = abs(values[reader.names.index("mu")])
        theirs = -2 * float(model.logpdf(values, data)[0])
        differences.append(reader(values) - theirs)
    np.testing.assert_allclose(differences, differences[0], rtol=1e-9)


def test_a_document_refers_to_what_it_holds() -> None:
    _, found = document(CASES["two channels"])
    held = {p["name"] for p in found["parameter_points"][0]["parameters"]}
    used = set()
    for distribution in found["distributions"]:
        for sample in distribution["samples"]:
            for modifier in sample["modifiers"]:
                used |= set(modifier.get("parameters", [modifier.get("parameter")]))
    assert used == held == {axis["name"] for axis in found["domains"][0]["axes"]}
    assert found["metadata"]["hs3_version"] == "0.2"
    constant = [p["name"] for p in found["parameter_points"][0]["parameters"] if p["const"]]
    assert constant == ["mc_4b_1", "mc_3b_1"]


def test_an_unknown_modifier_is_named() -> None:
    workspace, _ = document(CASES["one bin"])
    workspace["channels"][0]["samples"][1]["modifiers"].append(
        {"name": "free", "type": "shapefactor", "data": None}
    )
    with pytest.raises(AnalysisError, match="'free' has the type 'shapefactor'"):
        hs3_document(workspace, "a test")
