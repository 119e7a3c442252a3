"""The measured axes are those of the norms' definitions."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bnlab.norms.base import Norm
from bnlab.zoo.shared import axes, reached, words
from bnlab.zoo.specimen import Specimen

IMAGES, VECTORS, WEIGHT = (8, 8, 4, 4), (8, 8), (8, 6, 3, 3)


class Cross(Norm):
    """Shares along H and along W, but not over both."""

    name = "cross"

    def forward(self, x: Tensor) -> Tensor:
        return x - x.mean(2, keepdim=True) - x.mean(3, keepdim=True)


@pytest.mark.parametrize(
    ("name", "images", "vectors", "evaluation"),
    [
        ("none", "–", "–", "–"),
        ("batch", "N H W", "N", "–"),
        ("ghost_batch", "N/2 H W", "N/2", "–"),
        ("layer", "C H W", "C", "C H W"),
        ("group", "C/4 H W", "C/4", "C/4 H W"),
        ("instance", "H W", "refused", "H W"),
        ("frn", "H W", "–", "H W"),
    ],
)
def test_axes(at_defaults: Callable[..., Specimen], name: str, images: str, vectors: str, evaluation: str) -> None:
    specimen = at_defaults(name).fitted(IMAGES[0])
    assert axes(specimen, IMAGES) == images
    assert axes(specimen, VECTORS) == vectors
    assert axes(specimen, IMAGES, training=False) == evaluation


def test_axes_of_weights(at_defaults: Callable[..., Specimen]) -> None:
    assert axes(at_defaults("weight"), WEIGHT) == "I K"
    assert axes(at_defaults("spectral"), WEIGHT) == "O I K"


def test_what_is_no_box_is_said_to_be_none() -> None:
    found = reached(Specimen("cross", Cross, {}), (2, 2, 4, 4))
    assert int(found.sum()) == 7
    assert words(found, "NCHW") == "H W (not a box)"


def test_parts_of_an_axis() -> None:
    found = torch.zeros(4, 8, dtype=torch.bool)
    found[0, -3:] = True
    assert words(found, "NC") == "3 of C"
    found[:2, -2:] = found[:2, -3:-2] = True
    assert words(found, "NC") == "N/2 3 of C"
