"""What a diagnostic is: tensors in, tensors out. It knows neither models nor training.

Legend: R replicas (leading, 1 for a run alone), B batch, C units (features or channels), then positions; n numbers.
"""

from collections.abc import Iterable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

Sites = dict[str, tuple[Tensor, ...]]  # site id -> (R, B, ...) a firing, several in recurrent nets
Row = dict[str, Any]

ACTIVATED = ("after_act", "hidden")  # kinds of site that an activation leads to


class Diagnostic:
    """Base of the diagnostics that look at what passes the sites and at the gradients of the parameters."""

    name: ClassVar[str]
    table: ClassVar[str] = "layers"  # the table of `runs.schema` that its rows belong to

    def observe(self, sites: Sites, grads: dict[str, Tensor]) -> dict[str, Tensor]:
        """From (R, B, ...) activations by site and (R, ...) gradients by parameter to (R, k) numbers by site.

        Nothing is read off the device here.
        """
        raise NotImplementedError

    def rows(self, step: int, site: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> list[Row]:
        """The rows of the (k,) numbers of one replica at one site."""
        raise NotImplementedError


def firings(sites: Sites) -> list[tuple[str, Tensor]]:
    """Each site with one (R, n) tensor of all that passed it: firings, examples, features and positions together.

    In float64: squares of a vanishing or exploding signal, and counts of more than 2^24 values, are lost in float32.
    """
    joined = []
    for site, values in sites.items():
        flat = [v.flatten(1).double() for v in values]
        joined.append((site, flat[0] if len(flat) == 1 else torch.cat(flat, 1)))
    return joined


def by_unit(sites: Sites) -> list[tuple[str, Tensor]]:
    """Each site with one (R, C, n) tensor: by unit all that passed it, in the precision in which it passed."""
    joined = []
    for site, values in sites.items():
        flat = [v.movedim(2, 1).flatten(2) for v in values]
        joined.append((site, flat[0] if len(flat) == 1 else torch.cat(flat, 2)))
    return joined


def activated(sites: Sites) -> Sites:
    """Those sites that stand behind an activation."""
    return {site: values for site, values in sites.items() if site.rpartition(".")[2] in ACTIVATED}


def weights(grads: dict[str, Tensor]) -> list[tuple[str, Tensor]]:
    """(R, n) gradient in float64 of each weight (what has two axes or more), by the path of the layer that holds it.

    Where a norm stands on it, it is the learned weight and not the normalized one.
    """
    return [(name.rpartition(".")[0], g.flatten(1).double()) for name, g in grads.items() if g.ndim > 2]


def named_rows(step: int, site: str, names: Iterable[str], values: Iterable[float]) -> list[Row]:
    """A row of `layers` for each number, under the name that it goes by there."""
    pairs = zip(names, values, strict=True)
    return [{"step": step, "site": site, "diagnostic": name, "value": value} for name, value in pairs]
