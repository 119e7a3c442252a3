"""Tensors without initial value are found, also after a change of dtype."""

import pytest
import torch
from torch import nn

from bnlab.errors import Refused
from bnlab.norms.storage import allocate, check_initial


class Counted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(3))
        self.register_buffer("count", torch.empty((), dtype=torch.long))
        self.register_buffer("mask", torch.empty(3, dtype=torch.bool))  # has no value that marks it as unset


@pytest.mark.parametrize("given", ["weight", "count"])
def test_each_needs_a_value(given: str) -> None:
    with torch.device("meta"):
        module = nn.Sequential(Counted())
    allocate(module)
    module.to(torch.float64)
    (other,) = {"weight", "count"} - {given}
    with torch.no_grad():
        getattr(module[0], given).zero_()
        with pytest.raises(Refused, match=f"Counted gives {other} no initial value"):
            check_initial(module)
        getattr(module[0], other).zero_()
    check_initial(module)
