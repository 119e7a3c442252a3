"""Assembly, the dry run, and initial weights."""

from typing import Any

import pytest
import torch
from torch import nn

from bnlab.errors import Refused
from bnlab.models.base import assemble, dry_run, initialize, weights
from bnlab.models.mlp import MLP
from bnlab.norms.placement import Placement
from bnlab.norms.site import sites
from bnlab.norms.weight import WeightNorm


def test_a_site_that_is_never_offered_is_refused_with_those_that_are(assemble_model: Any) -> None:
    with pytest.raises(Refused) as refusal:
        assemble_model("mlp", (5,), 3, norm="layer", at=("before_act", "cell", "after_add"))
    message = str(refusal.value)
    assert message.startswith("placement=after_add+cell: model=mlp has no such site; it has ")
    assert set(message.partition("it has ")[2].split(", ")) == {"before_act", "after_act", "before_weight", "output"}


def test_one_hidden_layer_offers_no_before_weight(assemble_model: Any) -> None:
    with pytest.raises(Refused, match="placement=before_weight: model=mlp has no such site"):
        assemble_model("mlp", (5,), 3, norm="layer", at=("before_weight",), depth=1)


def test_sites_know_their_paths(assemble_model: Any) -> None:
    model = assemble_model("mlp", (5,), 3, depth=2)
    assert {path: site.id for path, site in sites(model).items()} == {path: path for path in sites(model)}


@pytest.mark.parametrize(("model", "shape"), [("mlp", (6,)), ("cnn", (1, 4, 4))])
def test_dry_run_gives_the_shape_of_one_example(assemble_model: Any, model: str, shape: tuple[int, ...]) -> None:
    net = assemble_model(model, shape, 3, norm="batch", at=("before_act",), depth=2, width=4)
    shapes = dry_run(net, [4, 2], [3, 1])
    assert list(shapes) == [
        "units.0.before_act", "units.0.after_act", "units.1.before_weight", "units.1.before_act", "units.1.after_act",
        "head.output",
    ]  # fmt: skip
    picture = shape[1:]
    assert shapes["units.0.before_act"] == (4, *picture)
    assert shapes["head.output"] == (3,)
    assert net.training
    assert all(p.is_meta for p in net.parameters())


def test_dry_run_finds_a_batch_of_one_in_training_alone(assemble_model: Any) -> None:
    def dry(norm: str, training: list[int], evaluation: list[int], model: str = "mlp", **options: Any) -> None:
        shape = (5,) if model == "mlp" else (1, 4, 4)
        dry_run(assemble_model(model, shape, 3, norm=norm, at=("before_act",), **options), training, evaluation)

    with pytest.raises(Refused, match="norm=batch has 1 value for each channel"):
        dry("batch", [8, 1], [8])
    dry("batch", [8], [8, 1])
    dry("layer", [1], [1])
    dry("batch", [1], [1], model="cnn", depth=1)  # a channel has 16 values there
    with pytest.raises(Refused, match="norm=batch has 1 value for each channel"):
        dry("batch", [1], [1], model="cnn", depth=3, pool_every=1)  # 1x1 images before the third


def test_dry_run_finds_an_impossible_site(assemble_model: Any) -> None:
    with pytest.raises(Refused, match="norm=instance has 1 value for each channel of an example"):
        dry_run(assemble_model("mlp", (5,), 3, norm="instance", at=("before_act",)), [8], [8])


@pytest.mark.parametrize("norm", ["batch", "group", "none", "weight", "spectral", "scaled_weight_standardization"])
@pytest.mark.parametrize("scheme", ["torch", "he", "glorot", "normal"])
@pytest.mark.parametrize(("model", "shape"), [("mlp", (6,)), ("cnn", (1, 4, 4))])
def test_initialize_writes_everything(
    assemble_model: Any, monkeypatch: pytest.MonkeyPatch, norm: str, scheme: str, model: str, shape: tuple[int, ...]
) -> None:
    at = () if norm == "none" else ("before_act", "after_act")

    def filled_with(rubbish: float) -> dict[str, torch.Tensor]:
        net = assemble_model(model, shape, 3, norm=norm, at=at, depth=2, width=8)
        to_empty = nn.Module.to_empty

        def dirty(self: nn.Module, **options: Any) -> nn.Module:
            to_empty(self, **options)
            for tensor in (*self.parameters(), *self.buffers()):
                tensor.data.fill_(rubbish if tensor.is_floating_point() else 7)
            return self

        with monkeypatch.context() as patch:
            patch.setattr(nn.Module, "to_empty", dirty)
            initialize(net, scheme, 0.01, seed=3)
        return dict(net.state_dict())

    torch.manual_seed(0)
    first, again = filled_with(torch.nan), filled_with(1e9)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert all(tensor.isfinite().all() for tensor in first.values())
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in first.values())


FAN_IN, FAN_OUT = 400, 500


@pytest.mark.parametrize(
    ("scheme", "std", "bound"),
    [
        ("torch", (1 / FAN_IN / 3) ** 0.5, FAN_IN**-0.5),
        ("he", (2 / FAN_IN) ** 0.5, None),
        ("glorot", (2 / (FAN_IN + FAN_OUT)) ** 0.5, (6 / (FAN_IN + FAN_OUT)) ** 0.5),
        ("normal", 0.03, None),
    ],
)
def test_schemes_have_their_distribution(build_model: Any, scheme: str, std: float, bound: float | None) -> None:
    unit = build_model("mlp", (FAN_IN,), 3, depth=1, width=FAN_OUT, init=scheme, std=0.03).units[0]
    assert_distributed(unit.weight.weight, std, bound)
    if scheme == "torch":
        assert 0.9 * FAN_IN**-0.5 < unit.weight.bias.abs().max() <= FAN_IN**-0.5
    else:
        assert not unit.weight.bias.any()


@pytest.mark.parametrize(
    ("scheme", "std", "bound"),
    [
        ("torch", (1 / (9 * 32) / 3) ** 0.5, (9 * 32) ** -0.5),
        ("he", (2 / (9 * 32)) ** 0.5, None),
        ("glorot", (2 / (9 * 96)) ** 0.5, (6 / (9 * 96)) ** 0.5),
    ],
)
def test_schemes_count_the_window_of_a_convolution(
    build_model: Any, scheme: str, std: float, bound: float | None
) -> None:
    unit = build_model("cnn", (1, 4, 4), 3, depth=2, width=32, pool_every=1, init=scheme).units[1]
    assert unit.weight.weight.shape == (64, 32, 3, 3)
    assert_distributed(unit.weight.weight, std, bound)


def assert_distributed(weight: torch.Tensor, std: float, bound: float | None) -> None:
    weight, n = weight.detach(), weight.numel()
    assert abs(weight.mean()) < 5 * std / n**0.5
    assert weight.std() == pytest.approx(std, rel=5 / n**0.5)
    if bound is None:
        assert ((weight / std) ** 4).mean() == pytest.approx(3, abs=0.2)  # of a normal distribution
    else:
        assert 0.999 * bound < weight.abs().max() <= bound * (1 + 1e-6)


def test_one_seed_gives_one_net_whatever_the_norm(build_model: Any) -> None:
    def start(norm: str, at: tuple[str, ...], seed: int = 0, **options: Any) -> dict[str, torch.Tensor]:
        net = build_model("mlp", (6,), 3, norm=norm, at=at, depth=2, width=8, seed=seed, **options)
        return {name: p for name, p in net.named_parameters() if ".weight." in name or name.startswith("head.weight")}

    plain = start("none", ())
    for norm, at in (("batch", ("before_act",)), ("layer", ("after_act", "before_weight")), ("group", ("before_act",))):
        torch.testing.assert_close(start(norm, at), plain, rtol=0, atol=0)
    assert not torch.equal(start("none", (), seed=1)["units.0.weight.weight"], plain["units.0.weight.weight"])
    assert not torch.equal(plain["units.1.weight.weight"][:, :6], plain["units.0.weight.weight"])


def test_a_deeper_net_starts_from_the_same_first_layers_and_head(build_model: Any) -> None:
    shallow, deep = (dict(build_model("mlp", (6,), 3, depth=d, width=8).named_parameters()) for d in (2, 4))
    assert shallow.keys() < deep.keys()
    for name, tensor in shallow.items():
        torch.testing.assert_close(deep[name], tensor, rtol=0, atol=0)


def test_weights_are_named_by_their_layer(assemble_model: Any) -> None:
    model = assemble_model("cnn", (1, 4, 4), 3, norm="batch", at=("before_act",), depth=2)
    assert weights(model) == {
        "units.0.weight": "units.0.weight.weight", "units.1.weight": "units.1.weight.weight",
        "head.weight": "head.weight.weight",
    }  # fmt: skip


class Halved(MLP):
    """Model that halves its initial weights."""

    def adjust_initial(self) -> None:
        for unit in self.units:
            unit.weight.weight.mul_(0.5)


def test_a_model_may_change_its_start_and_norms_of_weights_follow() -> None:
    options = {"depth": 2, "width": 4, "activation": "relu", "dropout": 0.0, "bias": True}
    nets = [assemble(kind, (5,), 3, Placement(None, (), WeightNorm), options) for kind in (MLP, Halved)]
    for net in nets:
        initialize(net, "he", 0.01, seed=0)
    for unit, halved in zip(nets[0].units, nets[1].units, strict=True):
        torch.testing.assert_close(halved.weight.weight, unit.weight.weight / 2, rtol=0, atol=0)
        torch.testing.assert_close(halved.weight.norm.gain, unit.weight.norm.gain / 2)
    assert torch.equal(nets[0].head.weight.weight, nets[1].head.weight.weight)
