"""Placements assign norms to sites."""

import pytest
from torch import nn

from bnlab.errors import Refused
from bnlab.norms.kinds import FEED_FORWARD, KINDS, RECURRENT
from bnlab.norms.placement import Placement


@pytest.fixture
def make(make_norm):
    return lambda features: make_norm("layer", features)


def test_a_site_gets_a_norm_of_its_own_where_it_is_asked_for(make) -> None:
    placement = Placement(make, ["before_act", "output"])
    given = [placement.at(kind, 4) for kind in ("before_act", "before_act", "after_act", "output")]
    assert [site.kind for site in given] == ["before_act", "before_act", "after_act", "output"]
    assert [site.norm_name for site in given] == ["layer", "layer", "", "layer"]
    assert given[0].norm is not given[1].norm
    assert placement.at("before_act", 7).norm.features == 7


def test_without_norm_every_site_is_an_identity() -> None:
    assert all(isinstance(Placement(None, KINDS).at(kind, 4).norm, nn.Identity) for kind in KINDS)


def test_a_set_has_no_order_and_no_doubles(make) -> None:
    assert Placement(make, ["after_act", "before_act", "after_act"]).kinds == {"before_act", "after_act"}


def test_check_names_what_is_missing_and_what_there_is(make) -> None:
    placement = Placement(make, ["before_act", "hidden", "cell"])
    for kind in ("before_act", "after_act", "before_act", "output"):
        placement.at(kind, 4)
    with pytest.raises(Refused) as refusal:
        placement.check("mlp")
    assert str(refusal.value) == (
        "placement=cell+hidden: model=mlp has no such site; it has before_act, after_act, output"
    )


def test_check_passes_where_all_are_offered(make) -> None:
    placement = Placement(make, ["before_act"])
    placement.at("before_act", 4)
    placement.at("after_act", 4)
    placement.check("mlp")


def test_a_word_that_is_no_site_is_a_fault(make) -> None:
    with pytest.raises(ValueError, match="no such sites: before, nowhere"):
        Placement(make, ["nowhere", "before_act", "before"])
    with pytest.raises(ValueError, match="no such site: nowhere"):
        Placement(make, []).at("nowhere", 4)


def test_kinds_are_all_different() -> None:
    assert KINDS == FEED_FORWARD + RECURRENT
    assert len(set(KINDS)) == len(KINDS)
