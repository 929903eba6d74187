import pytest
import torch
from torch import Tensor, nn

from models.training.muon import Muon, is_matrix, orthogonal

RATE, DECAY = 0.01, 0.1


def small() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(12, 16), nn.LayerNorm(16), nn.GELU(), nn.Linear(16, 2))


def data() -> tuple[Tensor, Tensor]:
    torch.manual_seed(2)
    x = torch.randn(64, 12)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def step(network: nn.Module, *optimizers: torch.optim.Optimizer) -> float:
    network.zero_grad()
    x, y = data()
    loss = nn.functional.cross_entropy(network(x), y)
    loss.backward()
    for optimizer in optimizers:
        optimizer.step()
    return loss.item()


@pytest.mark.parametrize("shape", [(8, 8), (16, 32), (48, 16)])
def test_updates_are_nearly_orthogonal(shape: tuple[int, int]) -> None:
    torch.manual_seed(3)
    together = orthogonal(torch.randn(5, *shape))
    values = torch.linalg.svdvals(together)
    assert values.max() < 1.3
    assert values.median() > 0.65
    one = torch.randn(2, *shape)
    torch.testing.assert_close(orthogonal(one)[1:], orthogonal(one[1:]))
    torch.testing.assert_close(orthogonal(1e3 * one), orthogonal(one))
    assert not orthogonal(torch.zeros(1, *shape)).any()


def test_steps_are_those_of_torch() -> None:
    """Of its Muon for matrices, which computes in bfloat16, and of its AdamW for all else."""
    ours, theirs = small(), small()
    one = Muon(ours.parameters(), RATE, DECAY)
    matrices = [p for p in theirs.parameters() if is_matrix(p)]
    others = [p for p in theirs.parameters() if not is_matrix(p)]
    assert len(matrices) == 1
    two = (
        torch.optim.Muon(matrices, RATE, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, RATE, weight_decay=DECAY),
    )
    before = [p.detach().clone() for p in theirs.parameters()]
    for _ in range(5):
        step(ours, one)
        step(theirs, *two)
    for start, mine, torchs in zip(before, ours.parameters(), theirs.parameters(), strict=True):
        assert (mine - torchs).norm() < 0.05 * (torchs - start).norm()


def test_it_learns_a_product_and_follows_its_schedule() -> None:
    network = small()
    optimizer = Muon(network.parameters(), RATE, DECAY)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step < 200))
    losses = []
    for _ in range(210):
        losses.append(step(network, optimizer))
        schedule.step()
    assert losses[199] < 0.2 * losses[0]
    assert len(set(losses[-5:])) == 1, "a rate of zero moves nothing, in neither group"


def test_the_gradients_of_a_closure_count_and_its_value_comes_back() -> None:
    network = small()
    optimizer = Muon(network.parameters(), RATE, DECAY)
    before = [p.detach().clone() for p in network.parameters()]
    assert optimizer.step(lambda: step(network)) == pytest.approx(step(small()))
    assert all(not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
