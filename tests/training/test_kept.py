"""Bytes kept for the backward pass, counted by hand."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile

from bnlab.noise import Noise
from bnlab.norms.reparametrization import reparametrize
from bnlab.norms.spectral import SpectralNorm
from bnlab.training.kept import Layer, entered, keeping
from tests.diagnostics.small import BATCH, CLASSES, NETS, Training, build

FLOAT = 8  # bytes per number
LOSS = BATCH * CLASSES * FLOAT + FLOAT  # log probabilities, and the sum of the examples' weights


def kept(net: str, seeds: tuple[int, ...] = (1,), **options: Any) -> dict[Layer, int]:
    return Training(net, seeds, models=[build(net, seed, **options) for seed in seeds]).look().extra.kept()


def test_of_weights_norms_and_activations() -> None:
    """Each norm keeps its input and two statistics, each ReLU its output, which the next weight needs too."""
    hidden = BATCH * 4 * FLOAT
    expected = {("loss", "loss"): LOSS}
    for unit in range(3):
        expected[f"units.{unit}.before_act", "batch"] = hidden + 2 * 4 * FLOAT
        expected[f"units.{unit}.act", "ReLU"] = hidden
    assert kept("mlp", activation="relu", dropout=0.0) == expected


def test_dropout_keeps_a_mask_and_hides_what_was_kept_before_it() -> None:
    hidden = BATCH * 4
    assert kept("mlp", normed=False) == {
        ("dropout", "Dropout"): 3 * hidden,  # in bytes; one module, called after each unit
        **{(f"units.{unit}.act", "Tanh"): hidden * FLOAT for unit in range(3)},
        **{(f"{layer}.weight", "Linear"): hidden * FLOAT for layer in ("units.1", "units.2", "head")},
        ("loss", "loss"): LOSS,
    }


def test_of_pictures() -> None:
    """6x6 images of 3 channels, halved, then 3x3 of 6: a pool keeps the positions of its maxima."""
    first, second = BATCH * 3 * 36 * FLOAT, BATCH * 6 * 9 * FLOAT
    assert kept("cnn") == {
        ("units.0.before_act", "batch"): first + 2 * 3 * FLOAT,
        ("units.0.act", "ReLU"): first,
        ("pools.0", "MaxPool2d"): first // 4,
        ("units.1.weight", "Conv2d"): first // 4,  # output of the pool
        ("units.1.before_act", "batch"): second + 2 * 6 * FLOAT,
        ("units.1.act", "ReLU"): second,
        ("pools.1", "MaxPool2d"): BATCH * 6 * FLOAT,
        ("head.weight", "Linear"): BATCH * 6 * FLOAT,
        ("loss", "loss"): LOSS,
    }


def test_of_time_steps() -> None:
    """Each of 3 steps keeps its own tensors; a norm copies the running statistics of its step."""
    state, gates = BATCH * 3 * FLOAT, BATCH * 12 * FLOAT
    assert kept("lstm") == {
        ("units.0.from_input", "Linear"): 3 * BATCH * 4 * FLOAT,  # the batch, contiguous per step
        ("units.0.input_to_hidden", "batch"): 3 * (gates + 4 * 12 * FLOAT),
        ("units.0.from_hidden", "Linear"): 3 * state,
        ("units.0.hidden_to_hidden", "batch"): 3 * (gates + 4 * 12 * FLOAT),
        ("units.0", "LSTMUnit"): 3 * 5 * state,  # four gates and the cell's tanh
        ("units.0.cell", "batch"): 3 * (state + 4 * 3 * FLOAT),
        ("head.weight", "Linear"): state,
        ("loss", "loss"): LOSS,
    }


@pytest.mark.parametrize("net", NETS)
def test_stacked_replicas_keep_as_much_each_and_the_copies_that_stacking_makes(net: str) -> None:
    """vmap folds replicas into channels: a convolution or a pool then keeps a copy of its input."""
    alone, together = kept(net), kept(net, (0, 1, 2))
    batch = Training(net, (1,)).own_batches(1)[0][0].numel() * FLOAT
    for layer, size in together.items():
        one = alone.get(layer, 0)
        path, kind = layer
        if kind == "MaxPool2d":
            assert size == one + alone[path.replace("pools", "units") + ".act", "ReLU"]
        elif layer not in alone:
            assert (kind, size) == ("Conv2d", batch)
        elif kind == "loss":
            assert one < size <= one + BATCH * FLOAT + FLOAT  # the labels
        else:
            assert size == one
    assert together.keys() >= alone.keys()


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
def test_all_of_it_is_what_the_allocator_has_given_away(net: str, seeds: tuple[int, ...]) -> None:
    """After a forward pass, except the losses themselves."""
    training = Training(net, seeds)
    counted = sum(training.look().extra.kept().values()) * len(seeds)
    stack, pairs = training.executor.stack, [training.own_batches(seed)[0] for seed in seeds]
    x, y = stack([x for x, _ in pairs]), stack([y for _, y in pairs])
    noise = Noise(seeds, 0, x.device)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        passed = training.executor.forward(training.state.tensors, training.state.buffers, x, y, noise=noise)
    allocated = sum(event.self_cpu_memory_usage for event in profiled.key_averages())
    assert passed.loss.requires_grad
    assert 0 <= allocated - counted <= 64


def test_what_is_own_counts_nowhere_and_views_count_whole() -> None:
    x, own = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    with keeping(nn.Identity(), [own]) as found:
        wide = x + own
        kept_until_the_end = own.exp() * own + wide[:1].square() + wide[1:2].square()
    assert kept_until_the_end.shape == (4, 3)
    assert found == {("loss", "loss"): 2 * 4 * 3 * 4}  # exp(own), wide; 4 bytes per number


def test_a_norm_of_a_weight_goes_under_its_own_name() -> None:
    layer = reparametrize(nn.Linear(3, 4), SpectralNorm((4, 3), iterations=1))
    with entered(layer) as inside:
        seen = watch(layer.norm, inside)
        layer.norm.reset_parameters(layer.weight.detach())
        layer(torch.randn(2, 3))
    assert seen == [[("", "Linear"), ("norm", "spectral")]]


def watch(module: nn.Module, inside: list[Layer]) -> list[list[Layer]]:
    """Return the blocks of memory around the module, whenever it is called."""
    seen: list[list[Layer]] = []
    module.register_forward_hook(lambda *_: seen.append(list(inside)), prepend=True)
    return seen


def test_no_hook_is_left_behind() -> None:
    model = build("resnet", 0)
    with pytest.raises(ZeroDivisionError), entered(model):
        raise ZeroDivisionError
    hooks = [hook for module in model.modules() for hook in (*module._forward_hooks, *module._forward_pre_hooks)]
    assert hooks == []
