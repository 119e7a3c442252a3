"""Training and evaluation are apart where there are running statistics."""

from collections.abc import Callable

import pytest

from bnlab.zoo.modes import Modes, modes
from bnlab.zoo.specimen import Specimen


def test_without_state_there_is_no_difference(at_defaults: Callable[..., Specimen]) -> None:
    assert modes(at_defaults("layer")) == Modes(0, 0, 0)
    assert modes(at_defaults("weight")) == Modes(0, None, None)


def test_running_statistics_differ_from_a_batchs(at_defaults: Callable[..., Specimen]) -> None:
    found = modes(at_defaults("batch"))
    assert found.train_eval == pytest.approx(0.217, abs=0.001)
    assert found.alone == 0
    assert found.forgotten == pytest.approx(0.868, abs=0.001)
    assert modes(at_defaults("spectral")).train_eval == pytest.approx(1.9e-4, abs=1e-5)


def test_the_batchs_own_statistics_are_refused_for_none_but_differ_for_one_example(
    at_defaults: Callable[..., Specimen],
) -> None:
    found = modes(at_defaults("batch", track_running_stats=False))
    assert found.train_eval == 0
    assert found.alone is not None
    assert found.alone > 0.5


def test_a_norm_that_is_refused_has_none(at_defaults: Callable[..., Specimen]) -> None:
    assert modes(at_defaults("group", groups=5)) == Modes(None, None, None)
