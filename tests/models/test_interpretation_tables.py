"""The tables of what a network looks at."""

import numpy as np
import pandas as pd
import pytest

from models.interpretation_tables import tables
from models.specs import (
    Concatenation,
    CrossAttention,
    HighLevelMLP,
    IAFormerEncoder,
    JetTagger,
    Kinematics,
)
from tests.models.events import FEATURES, make_sample
from tests.models.test_interpretation import network_of

SAMPLE = make_sample(40, 1)
PERMUTATION = {"permutation"}
LAYERS = {*PERMUTATION, "grad_cam", "similarity"}


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        (CrossAttention(name="n", width=16), {*LAYERS, "attention"}),
        (CrossAttention(name="n", width=16, mass_token=False, fusion="sum"), LAYERS),
        (
            CrossAttention(name="n", width=16, jet_encoder=IAFormerEncoder(kind="iaformer")),
            {*LAYERS, "attention", "gates"},
        ),
        (Concatenation(name="n", width=16), LAYERS),
        (Kinematics(name="n", width=16), LAYERS),
        (HighLevelMLP(name="n", width=16), PERMUTATION),
        (JetTagger(name="n", width=16), PERMUTATION),
    ],
)
def test_each_network_fills_the_tables_it_can(spec, names):
    found = tables(network_of(spec), SAMPLE.events, SAMPLE.label, FEATURES)
    assert set(found) == names
    for columns in found.values():
        frame = pd.DataFrame(columns)
        assert len(frame) > 0
        assert not frame.isna().any(axis=None)


def test_attention_of_each_token_sums_to_one():
    network = network_of(CrossAttention(name="n", width=16))
    found = tables(network, SAMPLE.events, SAMPLE.label, FEATURES)
    frame = pd.DataFrame(found["attention"])
    total = frame.groupby(["class", "layer", "token"])["value"].sum()
    assert len(total) == 2 * 2 * 3
    assert (total > 0.9).all()
    assert (total <= 1 + 1e-6).all()


def test_permutation_table_begins_with_what_was_not_shuffled():
    network = network_of(Kinematics(name="n", width=16))
    frame = pd.DataFrame(tables(network, SAMPLE.events, SAMPLE.label, FEATURES)["permutation"])
    first = frame[frame["repeat"] == 0]
    assert set(first["shuffled"]) == {"nothing"}
    np.testing.assert_array_equal(first["label"], SAMPLE.label)
    assert frame["repeat"].nunique() == 6
