"""LLoCa: a transformer that is Lorentz-equivariant by learned local frames.

Spinner et al., arXiv:2505.20280, and Favaro et al., arXiv:2508.14898. The authors' package `lloca`
needs torch_geometric and takes jets packed without padding; this is the same transformer on padded
tensors, in torch alone: frames by polar decomposition from three vectors that a network of pairs
predicts, and attention that carries tensors from frame to frame. Fewer than four particles (one
beside references) span no frame: an axis of the detector stands in, and their score does depend on
how they lie.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from models.config.specs import Features, LLoCa
from models.networks.attention import masked_mean
from models.networks.batch import Batch
from models.networks.cloud import cloud_input
from models.taggers.minkowski import References, pair_mask, product, signed_log

SMALLEST = 1e-6
"""Floor of squared masses, and of squared lengths of axes, in units of `minkowski.SCALE`."""


def boost_to_rest(u: Tensor) -> Tensor:
    """Return the boosts [..., 4, 4] to the rest frames of four-velocities u [..., 4]."""
    energy, velocity = u[..., :1], u[..., 1:]
    space = velocity.unsqueeze(-1) * velocity.unsqueeze(-2) / (1 + energy).unsqueeze(-1)
    space = space + torch.eye(3, dtype=u.dtype, device=u.device)
    time = torch.cat([energy, -velocity], dim=-1).unsqueeze(-2)
    below = torch.cat([-velocity.unsqueeze(-1), space], dim=-1)
    return torch.cat([time, below], dim=-2)


def rotation_onto(first: Tensor, second: Tensor) -> Tensor:
    """Return rotations [..., 3, 3]: rows e₁ ∥ first, e₂ in the plane of both, e₃ = e₁ × e₂.

    Gram–Schmidt of two vectors [..., 3]. A second vector on the first one's line is replaced by
    the axis farthest from it.
    """
    first = first / first.square().sum(-1, keepdim=True).clamp(min=SMALLEST**2).sqrt()
    rest = second - (second * first).sum(-1, keepdim=True) * first
    farthest = nn.functional.one_hot(first.abs().argmin(-1), 3).to(first.dtype)
    other = farthest - (farthest * first).sum(-1, keepdim=True) * first
    flat = rest.square().sum(-1, keepdim=True) < SMALLEST**2
    rest = torch.where(flat, other, rest)
    rest = rest / rest.square().sum(-1, keepdim=True).clamp(min=SMALLEST**2).sqrt()
    return torch.stack([first, rest, torch.linalg.cross(first, rest)], dim=-2)


def local_frames(vectors: Tensor) -> Tensor:
    """Return Lorentz transformations L [B, N, 4, 4] into local frames, in double precision.

    L = R B with the boost B to the rest frame of the first vector, and the rotation R whose axes
    the other two give there. Under a transformation Λ of all vectors, L becomes L Λ⁻¹.

    Parameters
    ----------
    vectors : Tensor [B, N, 3, 4]
        The first one timelike, of positive energy.
    """
    vectors = vectors.double()
    time = vectors[..., 0, :]
    boost = boost_to_rest(time / product(time, time).clamp(min=SMALLEST).sqrt().unsqueeze(-1))
    axes = (vectors[..., 1:, :].unsqueeze(-2) * boost.unsqueeze(-3)).sum(-1)[..., 1:]
    turn = rotation_onto(axes[..., 0, :], axes[..., 1, :])
    lower = turn @ boost[..., 1:, :]
    return torch.cat([boost[..., :1, :], lower], dim=-2)


class Frames(nn.Module):
    """Local frames from v_k = Σ_j softmax_j φ_k(s_i, s_j, p_i·p_j) (p_i + p_j)/|p_i + p_j|."""

    def __init__(self, scalars: int, width: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            nn.Linear(2 * scalars + 1, width),
            nn.GELU(),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Linear(width, 3),
        )

    def forward(self, scalars: Tensor, momenta: Tensor, mask: Tensor) -> Tensor:
        """Return L [B, N, 4, 4] float64 of scalars [B, N, F] and momenta [B, N, 4]."""
        pairs = pair_mask(mask)
        alone = ~pairs.any(2, keepdim=True)
        pairs = pairs | (alone & torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device))
        places = mask.shape[1]
        dot = signed_log(product(momenta.unsqueeze(2), momenta.unsqueeze(1))).unsqueeze(-1)
        here = scalars.unsqueeze(2).expand(-1, -1, places, -1)
        weights = self.weights(torch.cat([here, here.transpose(1, 2), dot], dim=-1))
        weights = weights.masked_fill(~pairs.unsqueeze(-1), -torch.inf).softmax(2).double()
        sums = momenta.double().unsqueeze(2) + momenta.double().unsqueeze(1)
        size = product(sums, sums).clamp(min=SMALLEST).sqrt().unsqueeze(-1)
        rest = sums.new_tensor([1.0, 0.0, 0.0, 0.0])  # of padding, and of particles that are alone
        sums = torch.where((pairs & ~alone).unsqueeze(-1), sums / size, rest)
        return local_frames((weights.unsqueeze(-1) * sums.unsqueeze(3)).sum(2))


class LocalAttention(nn.Module):
    """Attention whose queries, keys and values are scalars and four-vectors of local frames.

    Vectors go into the common frame by L⁻¹ before they meet, with the Minkowski product between
    queries and keys, and what is gathered comes back by L.
    """

    def __init__(self, width: int, heads: int, vectors: int) -> None:
        super().__init__()
        self.heads, self.vectors = heads, vectors
        self.query_key_value = nn.Linear(width, 3 * width)
        self.output = nn.Linear(width, width)

    def _carried(self, x: Tensor, frames: Tensor) -> Tensor:
        """Return x [B, H, N, D] with its vectors transformed by frames [B, N, 4, 4]."""
        start = x.shape[-1] - 4 * self.vectors
        vectors = x[..., start:].unflatten(-1, (self.vectors, 4))
        vectors = (frames[:, None, :, None] * vectors.unsqueeze(-2)).sum(-1)
        return torch.cat([x[..., :start], vectors.flatten(-2)], dim=-1)

    def forward(self, x: Tensor, frames: Tensor, inverse: Tensor, mask: Tensor) -> Tensor:
        """Return the update [B, N, D] of tokens x [B, N, D] in frames [B, N, 4, 4]."""
        parts = self.query_key_value(x).chunk(3, dim=-1)
        split = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        q, k, v = (self._carried(part, inverse) for part in split)
        metric = q.new_ones(q.shape[-1])
        if self.vectors:
            metric[-4 * self.vectors :] = q.new_tensor([1, -1, -1, -1]).repeat(self.vectors)
        allowed = mask[:, None, None, :]
        gathered = self._carried(
            scaled_dot_product_attention(q * metric, k, v, attn_mask=allowed), frames
        )
        return self.output(gathered.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """x + Attention(LN x), then x + MLP(LN x); what is in a local frame is free to be mixed."""

    def __init__(self, width: int, spec: LLoCa) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = LocalAttention(width, spec.heads, spec.vectors)
        self.mlp = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, spec.mlp_ratio * width),
            nn.GELU(),
            nn.Linear(spec.mlp_ratio * width, width),
        )

    def forward(self, x: Tensor, frames: Tensor, inverse: Tensor, mask: Tensor) -> Tensor:
        """Return tokens [B, N, D]."""
        x = x + self.attention(self.norm(x), frames, inverse, mask)
        return x + self.mlp(x)


class LLoCaNetwork(nn.Module):
    """Scalars and momenta in local frames through transformer blocks, then their mean."""

    def __init__(self, spec: LLoCa, features: Features) -> None:
        super().__init__()
        self.cloud = cloud_input(spec, features)
        self.references = References(spec.beams, time=True)
        scalars = self.cloud.size + 1
        width = spec.heads * (spec.scalars + 4 * spec.vectors)
        self.frames = Frames(scalars, spec.frame_width)
        self.embedding = nn.Linear(scalars + 4, width)
        self.blocks = nn.ModuleList(Block(width, spec) for _ in range(spec.layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(features.classes))

    def classify(self, scalars: Tensor, momenta: Tensor, mask: Tensor) -> Tensor:
        """Return logits [B, classes] of scalars [B, N, F], momenta [B, N, 4] and mask [B, N]."""
        frames = self.frames(scalars, momenta, mask)
        local = (frames * momenta.double().unsqueeze(-2)).sum(-1).to(momenta.dtype)
        signs = frames.new_tensor([1, -1, -1, -1])
        inverse = (frames.transpose(-1, -2) * signs * signs[:, None]).to(momenta.dtype)
        frames = frames.to(momenta.dtype)
        x = self.embedding(torch.cat([scalars, signed_log(local)], dim=-1))
        for block in self.blocks:
            x = block(x, frames, inverse, mask)
        return self.head(masked_mean(self.norm(x), mask))

    def forward(self, batch: Batch) -> Tensor:
        """Return logits [B, classes]."""
        return self.classify(*self.references(self.cloud(batch)))
