"""Specimens are built for any size, and known by what they differ in."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from bnlab.errors import Refused
from bnlab.norms.base import Norm
from bnlab.zoo.specimen import Specimen

Make = Callable[..., Specimen]


class Unset(Norm):
    """Leaves its buffer without a value."""

    name = "unset"

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.register_buffer("mean", torch.empty(features))


class Wrapped(Norm):
    """Has a layer of torch, which draws its values."""

    name = "wrapped"

    def __init__(self, features: int) -> None:
        super().__init__(features)
        self.mix = nn.Linear(features, features)


def test_norms_have_their_initial_values(at_defaults: Make) -> None:
    norm = at_defaults("batch").build((4, 3))
    assert norm.weight.tolist() == [1, 1, 1]
    assert norm.running_var.tolist() == [1, 1, 1]
    assert norm.weight.dtype == torch.float64
    assert at_defaults("weight").build((3, 2)).gain.shape == (3,)


def test_layers_of_torch_in_a_norm_start_alike_and_leave_the_global_generator_alone() -> None:
    state = torch.get_rng_state()
    first, second = (Specimen("wrapped", Wrapped, {}).build((4, 3)) for _ in range(2))
    assert torch.equal(first.mix.weight, second.mix.weight)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_tensor_without_a_value_is_refused() -> None:
    with pytest.raises(Refused, match="Unset gives mean no initial value"):
        Specimen("unset", Unset, {}).build((4, 3))


def test_labels_and_variants(at_defaults: Make) -> None:
    assert at_defaults("group", groups=2).label == "group groups=2"
    assert [(one.label, one.options["axes"]) for one in at_defaults("layer").variants()] == [
        ("layer axes=channels", "channels")
    ]
    assert list(at_defaults("batch").variants()) == []


def test_chunks_are_fitted_to_a_batch(at_defaults: Make) -> None:
    ghost = at_defaults("ghost_batch", chunk=32)
    assert ghost.fitted(64) is ghost
    assert ghost.fitted(8).options["chunk"] == 4


def test_a_norm_of_activations_may_bring_one_of_weights(at_defaults: Make) -> None:
    weights = at_defaults("weight_mean_only_batch").companion
    assert weights is not None
    assert (weights.choice, weights.of_weights) == ("weight", True)
    assert at_defaults("batch").companion is None
