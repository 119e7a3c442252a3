"""Stacks of sites of one shape, so that a diagnostic serves many sites with few operations.

Legend: R replicas (leading, 1 for a single run), B batch, C units (features or channels), then positions; N = S·R for S
stacked sites.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Sites = dict[str, tuple[Tensor, ...]]  # site id -> (R, B, ...) per firing, several in recurrent nets
Named = dict[str, Tensor]  # path of a site, parameter or buffer -> (R, ...)

TOGETHER = 2**15  # numbers of a site above which stacking costs more than it saves


class Block(NamedTuple):
    """Stacked sites (N, B, C, ...), the replicas of a site adjacent, its firings concatenated along B.

    Attributes:
        sites: the sites of each part of N, several if they share one tensor.
    """

    sites: tuple[tuple[str, ...], ...]
    x: Tensor


def blocks(sites: Sites) -> list[Block]:
    """Return the sites as blocks, those of one shape and dtype together."""
    same: dict[object, list[str]] = {}
    for site, values in sites.items():
        same.setdefault(tuple((v.data_ptr(), v.shape, v.stride()) for v in values), []).append(site)
    alike: dict[object, list[list[str]]] = {}
    for names in same.values():
        values = sites[names[0]]
        small = sum(v[0].numel() for v in values) <= TOGETHER
        shape: object = tuple(v.shape for v in values) if small else names[0]
        alike.setdefault((shape, values[0].dtype), []).append(names)
    found = []
    for parts in alike.values():
        joined = [values[0] if len(values := sites[names[0]]) == 1 else torch.cat(values, 1) for names in parts]
        found.append(Block(tuple(map(tuple, parts)), joined[0] if len(parts) == 1 else torch.cat(joined)))
    return found


def each(
    found: Sequence[Block], measure: Callable[[Tensor], Tensor], only: Callable[[str], bool] = lambda _: True
) -> Named:
    """Return by site the (R, k) numbers that `measure` computes from a block's (N, ...).

    Args:
        only: selects sites; a block without a selected one is not measured.
    """
    return {
        site: numbers_Rk
        for parts, x in found
        if any(only(site) for names in parts for site in names)
        for names, numbers_Rk in zip(parts, measure(x).chunk(len(parts)), strict=True)
        for site in names
        if only(site)
    }


def all_but(x: Tensor, *kept: int) -> list[int]:
    """Return the axes of x to reduce over: all but the first and these."""
    return [axis for axis in range(1, x.ndim) if axis not in kept]
