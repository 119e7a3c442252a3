"""Placement: which sites of a model have its norm, and whether its weights are normalized."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Self

import torch
from torch import nn

from bnlab.errors import Refused
from bnlab.norms.base import Norm
from bnlab.norms.kinds import KINDS
from bnlab.norms.reparametrization import Reparametrization, reparametrize
from bnlab.norms.site import Site


class Placement:
    """The norms of the sites and weights of a model under construction.

    Args:
        make: builds the norm for a number of features; None for a net without norm.
        kinds: the kinds of site that have the norm.
        make_for_weight: builds the norm of a weight for the weight's shape; None for weights without norm.
    """

    def __init__(
        self,
        make: Callable[[int], Norm] | None,
        kinds: Iterable[str],
        make_for_weight: Callable[[torch.Size], Reparametrization] | None = None,
    ) -> None:
        self.kinds = frozenset(kinds)
        if unknown := self.kinds - set(KINDS):
            raise ValueError(f"no such sites: {', '.join(sorted(unknown))}")
        self._make = make
        self._make_for_weight = make_for_weight
        self._offered: dict[str, None] = {}  # an ordered set

    @classmethod
    def of(cls, norm: type[Norm] | type[Reparametrization], options: Mapping[str, Any], kinds: Iterable[str]) -> Self:
        """Return the placement of a norm of activations at these kinds of site, or of a norm of weights."""
        if issubclass(norm, Reparametrization):
            return cls(None, (), partial(norm, **options))
        return cls(partial(norm, **options), kinds, norm.reparametrization)

    def at(self, kind: str, features: int) -> Site:
        """Return the site of this kind, for x of shape (B, features, *spatial)."""
        if kind not in KINDS:
            raise ValueError(f"no such site: {kind}")
        self._offered[kind] = None
        norm = self._make(features) if self._make is not None and kind in self.kinds else nn.Identity()
        return Site(kind, norm)

    def reparametrize(self, layer: nn.Module) -> nn.Module:
        """Return the layer of a unit, its weight (out, in, *kernel) normalized if the norm is one of weights."""
        if self._make_for_weight is None:
            return layer
        return reparametrize(layer, self._make_for_weight(layer.get_parameter("weight").shape))

    def check(self, model: str) -> None:
        """Raise `Refused` if the placement has a kind of site that the model does not offer."""
        if missing := sorted(self.kinds - self._offered.keys()):
            raise Refused(
                f"placement={'+'.join(missing)}: model={model} has no such site; it has {', '.join(self._offered)}"
            )
