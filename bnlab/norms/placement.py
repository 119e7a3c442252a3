"""Placement: where in a model its norm stands, at which sites and on weights."""

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
    """Gives each site and each weight of a model under construction its norm, or none.

    Args:
        make: builds the norm for a number of features; null for a net without norm.
        kinds: the kinds of site where the norm stands.
        make_for_weight: builds the norm of a weight for the weight's shape; null for weights without norm.
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
        self._offered: dict[str, None] = {}  # a set that keeps its order

    @classmethod
    def of(cls, norm: type[Norm] | type[Reparametrization], options: Mapping[str, Any], kinds: Iterable[str]) -> Self:
        """The placement of a norm of either sort; with no kinds of site, one of activations stands nowhere."""
        if issubclass(norm, Reparametrization):
            return cls(None, (), partial(norm, **options))
        return cls(partial(norm, **options), kinds, norm.reparametrization)

    def at(self, kind: str, features: int) -> Site:
        """The site of that kind, for x of shape (B, features, *spatial)."""
        if kind not in KINDS:
            raise ValueError(f"no such site: {kind}")
        self._offered[kind] = None
        norm = self._make(features) if self._make is not None and kind in self.kinds else nn.Identity()
        return Site(kind, norm)

    def reparametrize(self, layer: nn.Module) -> nn.Module:
        """The layer of a unit, its weight (out, in, *kernel) normalized where the norm is one of weights."""
        if self._make_for_weight is None:
            return layer
        return reparametrize(layer, self._make_for_weight(layer.get_parameter("weight").shape))

    def check(self, model: str) -> None:
        """Raise `Refused` where a site was asked for that the model never offered."""
        if missing := sorted(self.kinds - self._offered.keys()):
            raise Refused(
                f"placement={'+'.join(missing)}: model={model} has no such site; it has {', '.join(self._offered)}"
            )
