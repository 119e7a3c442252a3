"""No norm: the identity, and no dependence on placement."""

import torch

from bnlab import registry


def test_identity_without_parameters(make_norm):
    norm = make_norm("none", 3)
    x = torch.randn(2, 3, 4)
    assert norm(x) is x
    assert not norm.state_dict()


def test_placement_is_known_to_be_ignored_without_loading_it():
    assert registry.find("norm", "none").facts["ignores_placement"] is True
