"""Step outputs, buffered on the device and recorded with one transfer for many steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bnlab.diagnostics.base import Diagnostic
from bnlab.training.divergence import Divergence
from bnlab.training.recorder import Recorder, Row
from bnlab.training.state import Output

LONGEST = 50  # steps between two checks for divergence, at most


@dataclass(frozen=True)
class Entry:
    """Output of one step, with the values that the host knew at that step."""

    step: int
    epoch: float
    examples: int
    lr_R: list[float]
    seconds: float
    logged: bool
    output: Output


class Journal:
    """Buffer of step outputs; a flush reads them off the device, detects divergence and records each replica's rows.

    Every loss is checked, logged or not, so that a diverged run ends with the row of the step at which it diverged.
    Rows of later steps, computed before the check, are dropped.
    """

    def __init__(
        self, recorders: Sequence[Recorder], divergence: Sequence[Divergence], diagnostics: Mapping[str, Diagnostic]
    ) -> None:
        self._recorders, self.divergence, self._diagnostics = recorders, divergence, diagnostics
        self._pending: list[Entry] = []
        self.last_loss = [float("nan")] * len(recorders)

    def add(self, entry: Entry) -> bool:
        """Add an entry and return whether a flush is due."""
        self._pending.append(entry)
        return entry.logged or len(self._pending) >= LONGEST

    @property
    def alive(self) -> list[int]:
        """The replicas that have not diverged."""
        return [r for r, d in enumerate(self.divergence) if d.diverged_at is None]

    def flush(self) -> None:
        """Record all pending entries."""
        entries, self._pending = self._pending, []
        if not entries:
            return
        loss_KR = torch.stack([e.output.loss_R for e in entries]).double().tolist()  # the only transfer of most flushes
        alive = self.alive
        last = dict.fromkeys(alive, len(entries) - 1)
        for r in alive:
            for k, entry in enumerate(entries):
                if self.divergence[r].add(entry.step, loss_KR[k][r]):
                    last[r] = k
                    break
            self.last_loss[r] = loss_KR[last[r]][r]
        rows: dict[tuple[int, str], list[Row]] = {}
        for k, entry in enumerate(entries):
            here = [r for r in alive if k <= last[r]]
            accuracy = _numbers(entry.output.accuracy_R)
            grad_norm = _numbers(entry.output.grad_norm_R)
            for r in here:
                if entry.logged or self.divergence[r].diverged_at == entry.step:
                    rows.setdefault((r, "steps"), []).append(
                        {
                            "step": entry.step,
                            "epoch": entry.epoch,
                            "examples": entry.examples,
                            "lr": entry.lr_R[r],
                            "loss": loss_KR[k][r],
                            "accuracy": None if accuracy is None else accuracy[r],
                            "grad_norm": None if grad_norm is None else grad_norm[r],
                            "seconds": entry.seconds,
                        }
                    )
            for name, by_site in entry.output.observed.items():
                diagnostic = self._diagnostics[name]
                found: dict[int, list[Row]] = {r: [] for r in here}
                for site, values in _by_site(by_site).items():
                    for r in here:
                        found[r].extend(diagnostic.rows(entry.step, site, values[r]))
                for r, new in found.items():
                    if new and diagnostic.table == "arrays":
                        arrays = {key: array for row in new for key, array in row.items()}
                        self._recorders[r].keep(f"{name}_{entry.step}", arrays)
                    elif new:
                        rows.setdefault((r, diagnostic.table), []).extend(new)
        for (r, table), new in rows.items():
            self._recorders[r].append(table, new)


def _numbers(values: Tensor | None) -> list[float] | None:
    return None if values is None else values.double().tolist()


def _by_site(by_site: dict[str, Tensor]) -> dict[str, np.ndarray]:
    """Return the numbers of every site as arrays, read off the device in one transfer."""
    if not by_site:
        return {}
    ends = np.cumsum([v[0].numel() for v in by_site.values()])
    everything = torch.cat([v.double().flatten(1) for v in by_site.values()], 1).cpu().numpy()
    parts = zip(by_site.items(), np.split(everything, ends[:-1], axis=1), strict=True)
    return {site: part.reshape(v.shape) for (site, v), part in parts}
