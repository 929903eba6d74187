"""Attention layers with masks: pre-layer-norm, GELU, torch's fused kernels."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from models.config.specs import Transformer
from models.networks.dropout import Dropout


class Attention(nn.Module):
    """Multi-head attention of queries to a context.

    softmax(QKᵀ/√d) V with Q from the queries, K and V from the context.

    Parameters
    ----------
    width : int
    heads : int
        Must divide `width`.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.output = nn.Linear(width, width)

    def forward(
        self,
        queries: Tensor,
        context: Tensor,
        mask: Tensor | None = None,
        bias: Tensor | None = None,
    ) -> Tensor:
        """Return what each query gathers from the context.

        Parameters
        ----------
        queries : Tensor [B, Q, D]
        context : Tensor [B, S, D]
        mask : Tensor [B, S] bool, optional
            True for context tokens that may be attended to. Where a whole row is False, the
            row attends evenly to its padding, whose content is constant: finite, no gradient.
        bias : Tensor [B, heads, Q, S], optional
            Added to QKᵀ/√d.

        Returns
        -------
        Tensor [B, Q, D]
        """
        q = self._split(self.query(queries))
        k, v = (self._split(x) for x in self.key_value(context).chunk(2, dim=-1))
        allowed = _broadcast(mask)
        if bias is not None:
            bias = bias.to(q.dtype)
            allowed = bias if allowed is None else bias.masked_fill(~allowed, -torch.inf)
        gathered = scaled_dot_product_attention(q, k, v, attn_mask=allowed)
        return self.output(gathered.transpose(1, 2).flatten(2))

    @torch.no_grad()
    def weights(self, queries: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return the attention weights [B, heads, Q, S], which sum to 1 over S."""
        q = self._split(self.query(queries))
        k = self._split(self.key_value(context).chunk(2, dim=-1)[0])
        logits = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        allowed = _broadcast(mask)
        if allowed is not None:
            logits = logits.masked_fill(~allowed, -torch.inf)
        return logits.softmax(-1)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


def _broadcast(mask: Tensor | None) -> Tensor | None:
    """Return mask [B, S] as [B, 1, 1, S], all True where a row is empty."""
    if mask is None:
        return None
    return (mask | ~mask.any(-1, keepdim=True))[:, None, None, :]


def mlp(width: int, hidden: int) -> nn.Sequential:
    """Return Linear → GELU → Linear, from and to `width`."""
    return nn.Sequential(
        nn.Linear(width, hidden),
        nn.GELU(),
        nn.Linear(hidden, width),
    )


class SelfAttentionLayer(nn.Module):
    """x + Attention(LN x), then x + MLP(LN x)."""

    def __init__(self, size: Transformer) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size.width)
        self.attention = Attention(size.width, size.heads)
        self.mlp_norm = nn.LayerNorm(size.width)
        self.mlp = mlp(size.width, round(size.mlp_ratio * size.width))
        self.dropout = Dropout(size.dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return tokens [B, N, D] of tokens x [B, N, D] with mask [B, N]."""
        normed = self.norm(x)
        x = x + self.dropout(self.attention(normed, normed, mask))
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


class CrossAttentionLayer(nn.Module):
    """x + Attention(LN x, LN context), then x + MLP(LN x)."""

    def __init__(self, size: Transformer) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size.width)
        self.context_norm = nn.LayerNorm(size.width)
        self.attention = Attention(size.width, size.heads)
        self.mlp_norm = nn.LayerNorm(size.width)
        self.mlp = mlp(size.width, round(size.mlp_ratio * size.width))
        self.dropout = Dropout(size.dropout)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """Return tokens [B, Q, D] of queries x [B, Q, D] and context [B, S, D], mask [B, S]."""
        attended = self.attention(self.norm(x), self.context_norm(context), mask)
        x = x + self.dropout(attended)
        return x + self.dropout(self.mlp(self.mlp_norm(x)))


def masked_mean(x: Tensor, mask: Tensor) -> Tensor:
    """Return the mean [B, D] over the valid tokens of x [B, N, D]; zero where there is none."""
    kept = x.masked_fill(~mask.unsqueeze(-1), 0.0)
    return kept.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
