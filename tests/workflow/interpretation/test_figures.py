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


def test_single_events_are_shown_with_all_their_constituents(tmp_path: Path) -> None:
    """Some lie further than R from the centre of their jet."""
    rng = np.random.default_rng(1)
    rows = [
        {"class": kind, "event": 1, "process": "qcd", "log_odds": 1.0, "jet": jet, "kind": part,
         "eta": eta, "phi": phi, "pt": 5.0, "attention": 0.1 if part == "constituent" else None}
        for kind in ("signal", "background")
        for jet in (1, 2)
        for part, reach in (("constituent", 1.4), ("subjet", 0.5))
        for eta, phi in rng.uniform(-reach, reach, (30, 2))
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "attention_events.csv", index=False)
    figure, _ = figures.attention_events(tmp_path, "net")
    shown = [ax for ax in figure.axes if ax.get_title()]
    assert len(shown) == 4
    for ax in shown:
        points = np.ma.getdata(ax.collections[0].get_offsets())
        assert len(points) == 30
        assert np.abs(points).max() < min(ax.get_xlim()[1], ax.get_ylim()[1])
