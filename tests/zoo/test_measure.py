"""Everything is measured of every norm of conf/norm."""

from collections.abc import Callable

import pytest

from bnlab.config.folder import conf_dir
from bnlab.zoo.measure import collection, measure
from bnlab.zoo.specimen import Specimen

NORMS = sorted(path.stem for path in (conf_dir() / "norm").glob("[!_]*.yaml"))


@pytest.mark.parametrize("name", NORMS)
def test_each_norm_has_all_facts(at_defaults: Callable[..., Specimen], name: str) -> None:
    found = measure(at_defaults(name), None)
    assert found.norm == name
    assert found.source
    assert found.times == {}
    if found.acts_on != "weight":
        assert found.modes.alone == 0  # nothing of an example's evaluation depends on its batch
        assert (found.modes.train_eval == 0) == ("num_batches_tracked" not in found.state)


def test_a_norm_of_both(at_defaults: Callable[..., Specimen]) -> None:
    found = measure(at_defaults("weight_mean_only_batch"), None)
    assert (found.acts_on, found.axes) == ("x and weight", "N H W; weight: I K")
    assert found.parameters == "bias (C), gain (O)"


def test_a_variant_that_shares_elsewhere_has_a_row(at_defaults: Callable[..., Specimen]) -> None:
    chosen = [at_defaults("layer"), at_defaults("noisy_batch"), at_defaults("rms", eps=0.1)]
    assert [one.label for one in collection(chosen)] == ["layer", "layer axes=channels", "noisy_batch", "rms eps=0.1"]


def test_options_that_never_fit_are_refused_everywhere(at_defaults: Callable[..., Specimen]) -> None:
    found = measure(at_defaults("group", groups=7), at_defaults("batch"))
    assert (found.axes, found.parameters) == ("refused", "refused")
    assert set(found.times.values()) == {None}
