"""A site that a recurrent net calls once per time step.

Legend: B batch, C features.
"""

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from bnlab.norms.running import RunningNorm, is_collecting, is_watching, slot
from bnlab.norms.site import Site


class TimedSite(Site):
    """A site whose norm keeps separate running statistics for each time step; the steps share γ and β.

    The norm is unaware of time. Each of its buffers gets a leading axis of `steps`, and at step t the t-th entry takes
    the buffer's place; this works for any norm and leaves one without buffers unchanged. Steps later than any in
    training use the last one's statistics (Cooijmans et al. 2016, arXiv:1603.09025, section 3).

    Args:
        site: the point and its norm.
        steps: number of time steps with separate statistics; None for one set that all steps share and every step
            updates. The batch is normalized step by step in either case.
    """

    def __init__(self, site: Site, steps: int | None) -> None:
        super().__init__(site.kind, site.norm)
        self.steps = steps
        self._apart: list[tuple[nn.Module, str]] = []  # module and name of each buffer with an entry per step
        if steps is not None:
            for module in self.norm.modules():
                for key, buffer in module.named_buffers(recurse=False):
                    module._buffers[key] = buffer.new_empty((steps, *buffer.shape))
                    self._apart.append((module, key))

    def forward(self, x_BC: Tensor, t: int) -> Tensor:  # type: ignore[override]
        """Return x normalized at step t, counted from 0."""
        return self.passed(self._normalized(x_BC, t), x_BC)

    def _normalized(self, x_BC: Tensor, t: int) -> Tensor:
        if self.steps is None or not self._apart:
            return self.norm(x_BC)
        own = min(t, self.steps - 1)
        whole = [buffer for module, key in self._apart if (buffer := module._buffers[key]) is not None]
        # Under vmap torch's batch norm loses what it writes into a buffer whose replicas are not contiguous in memory,
        # as those of a single entry. In training it therefore writes into a copy.
        entries = [buffer[own].clone() if self.norm.training else buffer[own] for buffer in whole]
        self._put(entries)
        try:
            with slot(own) if is_collecting() or is_watching() else nullcontext():
                y_BC = self.norm(x_BC)
        finally:
            self._put(whole)
        if self.norm.training:
            for buffer, entry in zip(whole, entries, strict=True):
                buffer[own].copy_(entry)
        return y_BC

    def _put(self, buffers: list[Tensor]) -> None:
        for (module, key), buffer in zip(self._apart, buffers, strict=True):
            module._buffers[key] = buffer


class HoistedSite(TimedSite):
    """A timed site that processes all steps together, before the loop over time.

    A norm of single examples is called once. A norm over the batch is called for each step: folding the steps into
    channels, for one call of torch's batch norm, was measured to be slower.
    """

    def forward(self, x_NC: Tensor, batch: int) -> tuple[Tensor, ...]:  # type: ignore[override]
        """Map (T·B, C), the examples of one step after another, to (B, C) for each step."""
        came = torch.split(x_NC, batch)
        if isinstance(self.norm, RunningNorm):
            steps = tuple(self._normalized(x_BC, t) for t, x_BC in enumerate(came))
        else:
            steps = torch.split(self.norm(x_NC), batch)
        return tuple(map(self.passed, steps, came))
