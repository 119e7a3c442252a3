"""Memory that a forward pass keeps for the backward pass."""

from typing import ClassVar

import torch

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.options import Moment


class KeptBytes(Diagnostic):
    """Bytes that a layer keeps from one batch's forward pass for the backward pass, per replica.

    Memory that several layers keep counts at the first of them. Parameters, buffers and the batch itself are not
    counted; copies of them that a layer makes are, as in bfloat16 and, with stacked replicas, before a convolution. The
    index of a row is the layer's kind: its class, or the name of the norm at a site; site and index "loss" stand for
    what the loss keeps.
    """

    name = "kept_bytes"
    measures = "bytes kept for the backward pass by each layer, with its kind"
    unit = "bytes"
    cost = "one more forward pass"
    source = "definition"
    writes: ClassVar = {"kept_bytes": "kind of layer"}
    at = ("site", "weight")

    def __init__(self, *, when: list[Moment]) -> None:
        self.when = when

    def observe(self, look: Look) -> Named:
        like = next(iter(look.params.values()))
        return {
            f"{path} {kind}": like.new_full((len(like), 1), size, dtype=torch.float64)
            for (path, kind), size in look.extra.kept().items()
        }

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        path, _, kind = site.partition(" ")
        return [{"step": step, "site": path, "diagnostic": self.name, "index": kind, "value": int(values[0])}]
