"""Which of the configured networks answer a question together: all alike but for one thing."""

from collections.abc import Sequence
from typing import NamedTuple

from models.config.specs import NetworkSpec

RATIO_KEYS = ("question", "first", "second", "mass_gev", "signal_efficiency")
"""What tells the rows of the table of ratios of rejections apart."""
LIMIT_RATIO_KEYS = ("question", "first", "second", "mass_gev")
"""The same of ratios of limits."""


ARCHITECTURES = ("kinematics", "concatenation", "constituents", "high_level_bdt")
"""What cross-attention is compared with."""
QUESTIONS = (*ARCHITECTURES, "theta", "fusion", "encoder", "masses", "fat jets")


class Pair(NamedTuple):
    """Two networks and what their ratio tells.

    Attributes
    ----------
    question : str
        One of QUESTIONS: what the second one lacks or has instead.
    first, second : str
        Names of the networks; the ratio is that of the first over the second.
    """

    question: str
    first: str
    second: str


def network_pairs(networks: Sequence[NetworkSpec], seeds: Sequence[int]) -> list[Pair]:
    """Return the pairs that differ in nothing but what is asked, in the order of the questions.

    One of ARCHITECTURES: cross-attention over that architecture; `theta`: with over without θ;
    `fusion`: `tokens` over `sum`; `encoder`: self-attention as encoder of the jets over another;
    `masses`: one network for all masses over one for some of them; `fat jets`: the jet-free network
    over that of fat jets. All keys that both networks have must agree otherwise, sizes included; of
    the seeds, `seeds` where a network names none, they must share one. A network without θ, with
    fusion `sum` or with another encoder that stands beside the whole one is compared with others of
    its kind alone.
    """
    pairs = [
        Pair(question, first.name, second.name)
        for first in networks
        for second in networks
        if first is not second
        and set(first.seeds or seeds) & set(second.seeds or seeds)
        and (question := _question(first, second))
    ]
    ablated = {pair.second for pair in pairs if pair.question in ("theta", "fusion", "encoder")}
    pairs = [pair for pair in pairs if pair.first not in ablated or pair.second in ablated]
    return sorted(pairs, key=lambda pair: QUESTIONS.index(pair.question))


def _question(first: NetworkSpec, second: NetworkSpec) -> str:
    a, b = first.model_dump(mode="json"), second.model_dump(mode="json")
    unlike = {key for key in a.keys() & b.keys() if a[key] != b[key]} - {"name", "seeds"}
    if unlike == {"use_theta"} and a["use_theta"]:
        return "theta"
    if unlike == {"fusion"} and a["fusion"] == "tokens":
        return "fusion"
    if unlike == {"jet_encoder"} and a["jet_encoder"]["kind"] == "self_attention":
        return "encoder" if b["jet_encoder"]["kind"] != "self_attention" else ""
    if unlike == {"masses_gev"} and not a["masses_gev"]:
        return "masses"
    if unlike == {"objects"} and a["objects"] and not b["objects"]:
        return "fat jets"
    if unlike == {"architecture"} and a["architecture"] == "cross_attention":
        return b["architecture"] if b["architecture"] in ARCHITECTURES else ""
    return ""
