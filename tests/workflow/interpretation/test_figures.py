"""From tables of what a network looks at to its figures."""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow.interpretation import figures


def test_gates_are_drawn_in_the_order_of_the_layers(tmp_path: Path) -> None:
    rows = [
        {"layer": f"jets.{jet}.layers.{layer}", "head": head, "beta": layer + 0.1 * head}
        for jet in (0, 1)
        for layer in range(12)
        for head in (0, 1)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "gates.csv", index=False)
    figure, _ = figures.gates(tmp_path, "net")
    lines = [line.get_ydata() for line in figure.axes[0].lines]
    means = [line for line in lines if len(line) == 12]
    assert len(means) == 2
    for mean in means:
        np.testing.assert_allclose(mean, np.arange(12) + 0.05)
