"""Contract of all norms of weights, found by listing conf/norm: new ones are tested without an edit here."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.func import functional_call

from bnlab import registry
from bnlab.norms.placement import Placement
from bnlab.norms.reparametrization import Reparametrization, norm_of_weight, reparametrize

CONF = Path(__file__).parents[2] / "conf" / "norm"
NAMES = [
    path.stem
    for path in sorted(CONF.glob("[!_]*.yaml"))
    if issubclass(registry.find("norm", path.stem).load(), Reparametrization)
]
R = 3  # replicas
SHAPES = [(5, 4), (1, 6), (6, 3, 2, 2), (4, 1, 3, 3)]

every_norm = pytest.mark.parametrize("name", NAMES)
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def moved(norm, size=0.3):
    """Return the norm with its parameters moved from their initial values."""
    with torch.no_grad():
        for parameter in norm.parameters():
            parameter += size * torch.randn_like(parameter)
    return norm


def test_there_are_some():
    assert len(NAMES) >= 4


@every_norm
def test_it_is_known_to_ignore_placement_without_loading_it(name):
    assert registry.find("norm", name).facts["ignores_placement"] is True


@every_norm
@every_shape
def test_reset_writes_everything(make_weight_norm, name, shape):
    weight = torch.randn(shape)
    norm = make_weight_norm(name, weight)
    states = []
    for rubbish in (torch.nan, 1e9):
        for tensor in (*norm.parameters(), *norm.buffers()):
            tensor.data.fill_(rubbish)
        norm.reset_parameters(weight)
        states.append([tensor.detach().clone() for tensor in (*norm.parameters(), *norm.buffers())])
    torch.testing.assert_close(*states, atol=0, rtol=0)
    assert all(tensor.isfinite().all() for tensor in states[0])


@every_norm
@every_shape
def test_no_parameter_is_taken_for_a_weight(make_weight_norm, name, shape):
    assert all(parameter.ndim < 2 for parameter in make_weight_norm(name, torch.randn(shape)).parameters())


@every_norm
@every_shape
def test_shape_and_type_are_kept_also_without_storage(make_weight_norm, name, shape):
    for weight in (torch.randn(shape), torch.randn(shape, dtype=torch.float64)):
        norm = make_weight_norm(name, weight)
        w = norm(weight)
        assert (w.shape, w.dtype) == (weight.shape, weight.dtype)
        assert norm.to("meta")(weight.to("meta")).shape == shape


@every_norm
@every_shape
def test_gradients_are_those_of_finite_differences(make_weight_norm, name, shape):
    weight = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    norm = moved(make_weight_norm(name, weight)).eval()
    leaves = dict(norm.named_parameters())
    gradcheck = torch.autograd.gradcheck
    assert gradcheck(lambda v, *p: functional_call(norm, dict(zip(leaves, p, strict=True)), (v,)),
                     (weight, *leaves.values()))  # fmt: skip


@every_norm
def test_memory_format_does_not_matter(make_weight_norm, name):
    weight = torch.randn(6, 3, 2, 2)
    norm = moved(make_weight_norm(name, weight))
    expected = norm.eval()(weight)
    torch.testing.assert_close(norm(weight.to(memory_format=torch.channels_last)), expected)


@every_norm
def test_nan_is_not_hidden(make_weight_norm, name):
    weight = torch.randn(5, 4)
    norm = make_weight_norm(name, weight)
    weight[2, 1] = torch.nan
    assert norm(weight)[2].isnan().all()


@every_norm
@every_shape
def test_a_zero_weight_gives_no_wrong_number(make_weight_norm, name, shape):
    """NaN if it has no direction (detected as divergence), or zeros; never infinite, and no crash."""
    weight = torch.zeros(shape)
    w = make_weight_norm(name, weight)(weight)
    assert w.isnan().all() or (w == 0).all()


@every_norm
def test_under_autocast_it_stays_in_float32(make_weight_norm, name):
    weight = torch.randn(64, 48)
    norms = [make_weight_norm(name, weight) for _ in range(2)]
    with torch.autocast("cpu", torch.bfloat16):
        w = [norms[0](weight) for _ in range(3)][-1]
    expected = [norms[1](weight) for _ in range(3)][-1]
    assert w.dtype == torch.float32
    torch.testing.assert_close(w, expected, atol=0, rtol=0)
    torch.testing.assert_close(norms[0].state_dict(), norms[1].state_dict(), atol=0, rtol=0)


@every_norm
@every_shape
@pytest.mark.filterwarnings("error:There is a performance drop")  # an operation that vmap runs once per replica
def test_stacked_replicas_equal_serial_ones(make_weight_norm, name, shape):
    weights = torch.randn(R, *shape, dtype=torch.float64, requires_grad=True)
    serial = [moved(make_weight_norm(name, weight)) for weight in weights]
    for norm in serial:
        for buffer in norm.buffers():
            buffer += 0.1 * torch.randn_like(buffer)
    params = {
        key: torch.stack([one.get_parameter(key).detach() for one in serial]).requires_grad_()
        for key, _ in serial[0].named_parameters()
    }
    buffers = {key: torch.stack([one.get_buffer(key) for one in serial]) for key, _ in serial[0].named_buffers()}
    norm = make_weight_norm(name, weights[0])

    def loss(params, buffers, weight, dw):
        return (functional_call(norm, (params, buffers), (weight,)) * dw).sum()

    for training in (True, True, False):
        dw = torch.randn_like(weights)
        norm.train(training)
        losses = torch.vmap(loss)(params, buffers, weights, dw)
        gradients = torch.autograd.grad(losses.sum(), [weights, *params.values()])
        for r, one in enumerate(serial):
            weight = weights[r].detach().requires_grad_()
            expected = (one.train(training)(weight) * dw[r]).sum()
            torch.testing.assert_close(losses[r], expected)
            torch.testing.assert_close(
                tuple(gradient[r] for gradient in gradients),
                torch.autograd.grad(expected, [weight, *one.parameters()]),
            )
            torch.testing.assert_close({key: value[r] for key, value in buffers.items()}, dict(one.named_buffers()))


@every_norm
def test_two_passes_before_the_gradients(make_weight_norm, name):
    weight = torch.randn(5, 4, requires_grad=True)
    norm = make_weight_norm(name, weight)
    first, second = norm(weight).square().sum(), norm(weight).cos().sum()
    both = torch.autograd.grad(first + second, weight)
    norm.reset_parameters(weight)
    apart = [torch.autograd.grad(f(norm(weight)), weight)[0] for f in (lambda w: w.square().sum(),
                                                                       lambda w: w.cos().sum())]  # fmt: skip
    torch.testing.assert_close(both[0], sum(apart))


LAYERS = {
    "linear": (lambda: nn.Linear(4, 5), (7, 4)),
    "no-bias": (lambda: nn.Linear(4, 5, bias=False), (7, 4)),
    "conv": (lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2, padding_mode="reflect"), (3, 4, 6, 6)),
}


@every_norm
@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_uses_the_normalized_weight_and_keeps_its_names(make_weight_norm, name, layer):
    make, shape = LAYERS[layer]
    plain, x = make(), torch.randn(shape)
    keys, weight = list(plain.state_dict()), plain.weight.detach().clone()
    norm = moved(make_weight_norm(name, weight))
    with torch.no_grad():
        expected = functional_call(plain, {"weight": norm.eval()(weight)}, (x,))
    same = reparametrize(plain, norm)
    assert same is plain
    torch.testing.assert_close(same.eval()(x), expected)
    torch.testing.assert_close(same.weight, weight, atol=0, rtol=0)
    assert [key for key in same.state_dict() if not key.startswith("norm.")] == keys
    assert norm_of_weight(same) is norm
    assert norm_of_weight(make()) is None


def test_a_placement_knows_both_sorts(make_norm):
    class Doubled(Reparametrization):
        name = "doubled"

        def forward(self, weight):
            return 2 * weight

    class Beside(type(make_norm("layer", 4))):
        reparametrization = Doubled

    options = {"axes": "all", "eps": 1e-5, "affine": False}
    of_weights = Placement.of(Doubled, {}, ())
    assert isinstance(norm_of_weight(of_weights.reparametrize(nn.Linear(4, 4))), Doubled)
    assert of_weights.at("before_act", 4).norm_name == ""
    both = Placement.of(Beside, options, ["before_act"])
    assert isinstance(norm_of_weight(both.reparametrize(nn.Conv2d(4, 4, 3))), Doubled)
    assert isinstance(both.at("before_act", 4).norm, Beside)
    plain = nn.Linear(4, 4)
    assert Placement(None, ()).reparametrize(plain) is plain
    assert type(plain) is nn.Linear
