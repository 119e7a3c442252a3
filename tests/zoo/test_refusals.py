"""Refusals are found by trying."""

from collections.abc import Callable

from bnlab.zoo.refusals import refusals
from bnlab.zoo.specimen import Specimen


def test_situations_with_their_reasons(at_defaults: Callable[..., Specimen]) -> None:
    assert refusals(at_defaults("none")) == {}
    found = refusals(at_defaults("batch"))
    assert found.keys() == {"MLP, batch of 1", "1×1 images, batch of 1"}
    assert "1 value for each channel" in found["MLP, batch of 1"]
    assert "MLP, batch of 33" in refusals(at_defaults("ghost_batch"))
    assert refusals(at_defaults("weight_standardization")).keys() == {"weight with 1 input"}
