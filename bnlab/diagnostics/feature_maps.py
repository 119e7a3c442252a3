"""Feature maps before and after each norm."""

from typing import Any

import numpy as np
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.options import Moment, Natural


class FeatureMaps(Diagnostic):
    """Activations (E, C, H, W) of chosen examples and channels of one batch that is the same at every step.

    Arrays are named `<site>.before`, the input of the norm, and `<site>.after`, the output of the site; a site without
    norm has only the latter. Only sites of images have arrays, and only of their first firing. The net is in training
    mode: the batch is normalized by its own statistics, and dropout, if any, is active. Examples are positions in the
    batch; examples and channels that do not exist are left out.

    Unit: that of the activation, in float32.
    """

    name = "feature_maps"
    measures = "images before and after each norm, of chosen examples and channels"
    unit = "the activation's"
    cost = "one more forward pass"
    source = "definition"
    table = "arrays"

    def __init__(self, *, when: list[Moment], examples: list[Natural], channels: list[Natural]) -> None:
        self.when = when
        self._examples, self._channels = examples, channels

    def observe(self, look: Look) -> Named:
        there = look.extra.again(fixed=True, gradients=False)
        observed: Named = {}
        for site, (after, *_) in there.sites.items():
            if after.ndim == 5:
                if site in there.before:
                    observed[f"{site}.before"] = self._chosen(there.before[site][0])
                observed[f"{site}.after"] = self._chosen(after)
        return observed

    def _chosen(self, x_RBCHW: Tensor) -> Tensor:
        """Return the chosen examples and channels, (R, E, C, H, W)."""
        examples, channels = (
            [place for place in places if place < size]
            for places, size in zip((self._examples, self._channels), x_RBCHW.shape[1:3], strict=True)
        )
        return x_RBCHW[:, examples][:, :, channels]

    def rows(self, step: int, site: str, values: np.ndarray[Any, Any]) -> list[Row]:  # noqa: ARG002
        return [{site: values.astype(np.float32)}]
