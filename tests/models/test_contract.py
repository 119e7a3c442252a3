"""Contract of all models, found by listing the registry: new ones are tested without an edit here."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from bnlab import registry
from bnlab.errors import Refused
from bnlab.models.base import Model, dry_run
from bnlab.models.describe import layers
from bnlab.noise import Noise, source
from bnlab.norms.kinds import FEED_FORWARD, KINDS
from bnlab.norms.site import sites, tape

every_model = pytest.mark.parametrize("name", sorted(registry.entries("model")))


def nets(assemble_or_build: Any, name: str, **options: Any) -> Iterator[Model]:
    """Return the model for each kind of data that it supports, at least one."""
    taken = 0
    for shape in ((6,), (1, 8, 8), (3, 9, 7)):
        try:
            model = assemble_or_build(name, shape, 4, **options)
        except Refused:
            continue
        taken += 1
        yield model
    assert taken


@every_model
def test_offers_its_default_sites_and_an_output(assemble_model: Any, name: str) -> None:
    for model in nets(assemble_model, name):
        offered = [site.kind for site in sites(model).values()]
        assert set(registry.find("model", name).facts["default_sites"]) <= set(offered) <= set(KINDS)
        assert offered.count("output") == 1
        assert offered[-1] == "output"


@every_model
def test_the_head_offers_only_the_output_and_the_first_unit_no_before_weight(assemble_model: Any, name: str) -> None:
    for model in nets(assemble_model, name):
        assert [path for path in sites(model) if path.startswith("head.")] == ["head.output"]
        called = [layer.path for layer in layers(model, 2)]
        first = next(path for path in called if path.endswith(".weight"))
        assert f"{first.removesuffix('weight')}before_weight" not in called


@every_model
def test_every_site_is_passed_once_in_a_feed_forward_pass(assemble_model: Any, name: str) -> None:
    for model in nets(assemble_model, name):
        if not {site.kind for site in sites(model).values()} <= set(FEED_FORWARD):
            continue  # recurrent: once per time step
        with tape() as seen, torch.no_grad():
            model(torch.empty(3, *model.input_shape, device="meta"))
        assert seen.after.keys() == sites(model).keys()
        assert {(len(values), len(values[0])) for values in seen.after.values()} == {(1, 3)}


@every_model
def test_a_norm_stands_at_every_site_of_its_kind_and_nowhere_else(assemble_model: Any, name: str) -> None:
    for plain in nets(assemble_model, name):
        for kind in {site.kind for site in sites(plain).values()}:
            model = assemble_model(name, plain.input_shape, 4, norm="layer", at=(kind,))
            normed = {path for path, site in sites(model).items() if site.norm_name}
            assert normed == {path for path, site in sites(plain).items() if site.kind == kind}
            dry_run(model, [2], [2])  # with the correct number of features


@every_model
def test_an_example_does_not_see_the_others_in_evaluation(build_model: Any, name: str) -> None:
    entry = registry.find("model", name)
    options = {"dropout": 0.3} if "dropout" in entry.options else {}
    for model in nets(build_model, name, norm="batch", at=entry.facts["default_sites"], **options):
        x = torch.randn(5, *model.input_shape, dtype=torch.float64)
        with source(Noise([0], 0, x.device)):
            assert model(x).shape == (5, 4)
        model.eval()
        torch.testing.assert_close(model(x), torch.cat([model(one) for one in x.split(1)]))


@every_model
def test_every_parameter_gets_a_gradient(build_model: Any, name: str) -> None:
    options = {"activation": "tanh"} if "activation" in registry.find("model", name).options else {}
    for model in nets(build_model, name, **options):
        loss = model(torch.randn(5, *model.input_shape, dtype=torch.float64)).square().sum()
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        assert all(gradient.abs().sum() > 0 for gradient in gradients)
        assert len({gradient.data_ptr() for gradient in gradients}) == len(gradients)  # an update overwrites them
