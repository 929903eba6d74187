"""Dropout with few random bits: its share, its independence, its gradient."""

import numpy as np
import pytest
import torch

from models.networks.dropout import Dropout, kept


@pytest.mark.parametrize("p", [0.1, 0.5, 2**-16, 1 - 2**-17])
def test_dropout_keeps_its_share_and_the_mean(p):
    torch.manual_seed(1)
    numbers = kept(torch.Size((1000, 1001)), p)
    share = (numbers == 0).double().mean().item()
    rounded = min(round(p * 2**16), 2**16 - 1) / 2**16
    assert abs(share - rounded) < 5 * (p * (1 - p) / numbers.numel()) ** 0.5 + 1e-12
    assert set(numbers.unique().tolist()) == {0.0, np.float32(1 / (1 - rounded))}


def test_dropout_is_independent_from_number_to_number():
    """Neighbours at all distances within two words of the generator drop together as by chance."""
    torch.manual_seed(1)
    dropped = kept(torch.Size((1_000_000,)), 0.1) == 0
    for distance in range(1, 9):
        together = (dropped[distance:] & dropped[:-distance]).double().mean().item()
        assert abs(together - 0.01) < 5 * (0.01 * 0.99 / 1e6) ** 0.5


def test_dropout_follows_the_seed_and_passes_the_gradient_of_what_it_kept():
    layer, x = Dropout(0.3), torch.randn(50, 7, requires_grad=True)
    torch.manual_seed(1)
    first = layer(x)
    torch.manual_seed(1)
    assert torch.equal(first, layer(x))
    assert not torch.equal(first, layer(x))
    first.sum().backward()
    torch.testing.assert_close(x.grad * x, first)
    assert torch.equal(layer.eval()(x), x)
    assert torch.equal(Dropout(0.0)(x), x)
