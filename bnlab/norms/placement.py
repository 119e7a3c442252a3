"""Placement: at which sites of a model its norm stands."""

from collections.abc import Callable, Iterable

from torch import nn

from bnlab.errors import Refused
from bnlab.norms.base import Norm
from bnlab.norms.kinds import KINDS
from bnlab.norms.site import Site


class Placement:
    """Gives each site of a model under construction its norm, or an identity.

    Args:
        make: builds the norm for a number of features; null for a net without norm.
        kinds: the kinds of site where the norm stands.
    """

    def __init__(self, make: Callable[[int], Norm] | None, kinds: Iterable[str]) -> None:
        self.kinds = frozenset(kinds)
        if unknown := self.kinds - set(KINDS):
            raise ValueError(f"no such sites: {', '.join(sorted(unknown))}")
        self._make = make
        self._offered: dict[str, None] = {}  # a set that keeps its order

    def at(self, kind: str, features: int) -> Site:
        """The site of that kind, for x of shape (B, features, *spatial)."""
        if kind not in KINDS:
            raise ValueError(f"no such site: {kind}")
        self._offered[kind] = None
        norm = self._make(features) if self._make is not None and kind in self.kinds else nn.Identity()
        return Site(kind, norm)

    def check(self, model: str) -> None:
        """Raise `Refused` where a site was asked for that the model never offered."""
        if missing := sorted(self.kinds - self._offered.keys()):
            raise Refused(
                f"placement={'+'.join(missing)}: model={model} has no such site; it has {', '.join(self._offered)}"
            )
