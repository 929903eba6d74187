"""Cut flows."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.reconstruction.cut_counts import CutCounts
from analysis.reconstruction.cutflow import Step

WEIGHTS = st.lists(
    st.tuples(st.integers(-8, 8), st.booleans(), st.booleans()), min_size=1, max_size=30
)


def flow(rows: list[tuple[int, bool, bool]]) -> CutCounts:
    weight, one, two = (np.array(column) for column in zip(*rows, strict=True))
    return CutCounts.of(weight / 4, {"one": one, "two": two})


def test_cuts_add_up_in_order() -> None:
    steps = flow([(4, True, True), (-2, True, False), (8, False, True)]).steps
    assert [(s.name, s.raw, s.sum_w, s.sum_w2) for s in steps] == [
        ("generated", 3, 2.5, 5.25),
        ("one", 2, 0.5, 1.25),
        ("two", 1, 1.0, 1.0),
    ]


def test_n_minus_one_is_what_passes_all_other_cuts() -> None:
    rows = [(4, True, True), (-2, True, False), (8, False, True)]
    found = flow(rows).n_minus_one
    assert [(s.name, s.raw, s.sum_w) for s in found] == [("one", 2, 3.0), ("two", 2, 0.5)]
    weight, one, two = (np.array(column) for column in zip(*rows, strict=True))
    needed = CutCounts.of(weight / 4, {"one": one, "two": two}, ["one"])
    assert needed.n_minus_one == found[1:]
    assert needed.steps == flow(rows).steps


@given(WEIGHTS, WEIGHTS)
def test_flow_of_chunks_is_the_sum_of_their_flows(one: list, other: list) -> None:
    assert flow(one) + flow(other) == flow(one + other)
    assert flow(one) + CutCounts.empty(["one", "two"]) == flow(one)


@given(WEIGHTS)
def test_steps_survive_json(rows: list) -> None:
    written = json.loads(json.dumps(flow(rows).to_json()))
    for name in ("steps", "n_minus_one"):
        assert tuple(Step(**step) for step in written[name]) == getattr(flow(rows), name)


def test_different_steps_do_not_add() -> None:
    with pytest.raises(ValueError, match="different steps"):
        CutCounts.empty(["one"]) + CutCounts.empty(["two"])
