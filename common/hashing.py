"""Random numbers that belong to an event: hashes of its identity, independent of all else."""

import hashlib

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]


def mix(values: Keys) -> Keys:
    """Return the finaliser of SplitMix64 of each value: a bijection that scatters its bits.

    Steele, Lea, Flood, OOPSLA 2014, https://doi.org/10.1145/2660193.2660195.
    """
    with np.errstate(over="ignore"):
        x = values.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def name_hash(name: str) -> np.uint64:
    """Return 64 bits of a name's BLAKE2 digest, the same on every machine."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def uniform(key: Keys, seed: int, stream: int = 0) -> NDArray[np.float64]:
    """Return a number in [0, 1) for each key; another seed or stream gives independent ones."""
    salt = mix(mix(np.array([seed], dtype=np.uint64)) + np.uint64(stream))
    return (mix(key ^ salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53
