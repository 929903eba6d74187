"""The curves that limits are compared with: published limits, and models of the configuration."""

import numpy as np

from analysis.config.benchmarks import Benchmark
from analysis.figures.limits import ReferenceCurve
from analysis.statistics.published import SCALING_LABELS, Scaling, published_limits
from workflow.pipeline.cli import read_block

LINES: dict[Scaling, str] = {"sqrt": "--", "linear": ":"}
ALONE: dict[Scaling, str] = {"sqrt": "D", "linear": "v"}
"""Markers of values that no line joins."""
MODEL_LINES, MODEL_MARKERS = ("-", "--", "-.", ":"), ("x", "+", "1", "2", "3")
GREYS = {"observed": "#000000", "expected": "#7a7a7a", "projection": "#4d4d4d"}


def published_curves(luminosity: float) -> list[ReferenceCurve]:
    """Return the published limits scaled to `luminosity` [fb⁻¹] both ways, each labelled."""
    curves = []
    for entry in published_limits():
        grey = GREYS[entry.kind]
        if entry.luminosity == luminosity:
            limits = entry.cross_section()
            curves.append(ReferenceCurve(entry.label, entry.masses, limits, "-.", grey))
            continue
        for scaling, line in LINES.items():
            label = f"{entry.label} {SCALING_LABELS[scaling]}"
            limits = entry.cross_section(luminosity, scaling)
            style = (line, grey) if entry.joined else ("none", grey, ALONE[scaling])
            curves.append(ReferenceCurve(label, entry.masses, limits, *style))
    return curves


def benchmark_curves(text: str) -> list[ReferenceCurve]:
    """Return the models of a list of blocks `benchmarks`, given inline or as a file.

    Each has a line and a marker of its own, and its points by rising mass.
    """
    curves = []
    for number, model in enumerate(read_block(list[Benchmark], text)):
        order = np.argsort(model.mass_gev)
        points = (np.array(model.mass_gev)[order], np.array(model.cross_section_fb)[order])
        line, marker = (styles[number % len(styles)] for styles in (MODEL_LINES, MODEL_MARKERS))
        curves.append(ReferenceCurve(model.label, *points, line, "#006400", marker))
    return curves
