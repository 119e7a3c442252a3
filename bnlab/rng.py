"""Keyed random generators: every draw has a key (seed, stream, index), so no draw depends on earlier ones.

Streams are initialization, data order, augmentation, noise …; the index is the epoch or the step. Two conditions with
one seed therefore see the same batches in the same order, and a resumed run makes the same draws.
"""

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def key(seed: int, stream: str, index: int) -> int:
    """Return a 63-bit key: blake2b of the JSON list [seed, stream, index], which is unique to the triple."""
    text = json.dumps([int(seed), stream, int(index)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, stream: str, index: int, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """Return a new torch generator with that key.

    Draw on the CPU and move the result: a CUDA generator gives other numbers for the same key. Torch's CPU generator
    uses the key's low 32 bits.
    """
    import torch

    return torch.Generator(device).manual_seed(key(seed, stream, index))
