"""What limits are compared with."""

import json

import numpy as np

from workflow.reporting.comparison import benchmark_curves


def test_models_can_be_told_apart_and_rise_in_mass() -> None:
    blocks = [
        {
            "name": f"model-{k}", "label": f"model {k}", "source": "here",
            "mass_gev": [1000, 800, 1500], "cross_section_fb": [2.0, 3.0, 1.0],
        }
        for k in range(6)
    ]  # fmt: skip
    curves = benchmark_curves(json.dumps(blocks))
    assert len({(curve.line, curve.marker) for curve in curves}) == len(curves)
    for curve in curves:
        np.testing.assert_array_equal(curve.mass, [800, 1000, 1500])
        np.testing.assert_array_equal(curve.value, [3, 2, 1])
