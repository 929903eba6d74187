"""Merged cut flows and the normalisation."""

from typing import Any

import pytest

from analysis.cutflow import event_scale, merge
from analysis.errors import EmptySampleError, NormalisationError


def chunk(weights: list[tuple[int, float]], status: str = "read") -> dict[str, Any]:
    steps = [
        {"name": f"cut {n}", "raw": raw, "sum_w": total, "sum_w2": total**2 / max(raw, 1)}
        for n, (raw, total) in enumerate(weights)
    ]
    return {"file": "f.root", "status": status, "reason": "truncated", "steps": steps}


def test_merge_adds_and_leaves_skipped_files_out() -> None:
    merged = merge("s", [chunk([(10, 5.0), (4, 2.0)]), chunk([(20, 6.0), (6, 3.0)]),
                         chunk([(0, 0.0), (0, 0.0)], "skipped")])  # fmt: skip
    assert [(step.raw, step.sum_w) for step in merged.steps] == [(30, 11.0), (10, 5.0)]
    assert merged.skipped == (("f.root", "truncated"),)


def test_weighted_yield_does_not_depend_on_the_number_of_files() -> None:
    one, two = [chunk([(10, 5.0), (4, 2.0)])], [chunk([(10, 5.0), (4, 2.0)])] * 2
    yields = [
        merge("s", files).steps[1].sum_w
        * event_scale(3000, 2.0, 1.5, merge("s", files).generated.sum_w)
        for files in (one, two)
    ]
    assert yields[0] == pytest.approx(yields[1]) == pytest.approx(3000 * 1000 * 2 * 1.5 * 0.4)


def test_no_normalisation() -> None:
    with pytest.raises(EmptySampleError, match=r"all 1 files were skipped.*f\.root: truncated"):
        merge("s", [chunk([(0, 0.0)], "skipped")])
    with pytest.raises(NormalisationError, match="add up to -1"):
        merge("s", [chunk([(3, -1.0)])])
