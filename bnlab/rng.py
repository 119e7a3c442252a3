"""Keyed random generators: every draw is named by (seed, stream, index), so no draw depends on those before it.

Streams are initialization, data order, augmentation, noise …; the index is the epoch or the step. Two conditions with
one seed therefore see the same batches in the same order, and a resumed run draws what it would have drawn.
"""

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def key(seed: int, stream: str, index: int) -> int:
    """A 63-bit key: blake2b of the JSON list [seed, stream, index], which no two triples share."""
    text = json.dumps([int(seed), stream, int(index)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


def generator(seed: int, stream: str, index: int, device: "torch.device | str" = "cpu") -> "torch.Generator":
    """A fresh torch generator of that key.

    Draw on the CPU and move the result: a CUDA generator gives other numbers from the same key. Torch's CPU generator
    uses the key's low 32 bits.
    """
    import torch

    return torch.Generator(device).manual_seed(key(seed, stream, index))
