"""Contract of all norms, found by listing conf/norm: new ones are tested without an edit here."""

import inspect
import re
from pathlib import Path
from typing import get_args

import pytest
import torch
from omegaconf import OmegaConf
from pydantic import TypeAdapter
from torch.func import functional_call

from bnlab import registry
from bnlab.errors import Refused
from bnlab.noise import Noise, source
from bnlab.norms.reparametrization import Reparametrization

CONF = Path(__file__).parents[2] / "conf" / "norm"
EVERY_NAME = sorted(path.stem for path in CONF.glob("[!_]*.yaml"))
NAMES = [name for name in EVERY_NAME if not issubclass(registry.find("norm", name).load(), Reparametrization)]
B, C, R = 5, 8, 3  # examples, channels (divisible by the default groups), replicas
SHAPE = (B, C, 4, 3)


def passed(f, *args, seeds=(0,)):
    """Return f(*args), with the same random numbers for the same seeds."""
    with source(Noise(seeds, step=0, device=torch.device("cpu"))):
        return f(*args)


# Norms of activations and of weights; tests of the latter's effect are in test_reparametrization.py.
every_norm_of_both_sorts = pytest.mark.parametrize("name", EVERY_NAME)
every_norm = pytest.mark.parametrize("name", NAMES)


def defaults(name):
    return OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))


def variants():
    """Yield each norm with its defaults, and with each null, boolean, small number and keyword of one option."""
    for name in NAMES:
        yield pytest.param(name, {}, id=name)
        for option, annotation in registry.entries("norm")[name].options.items():
            for value in (None, True, False, 2, *get_args(annotation)):
                try:
                    TypeAdapter(annotation).validate_python(value, strict=True)
                except ValueError:
                    continue
                if value is not defaults(name)[option]:
                    yield pytest.param(name, {option: value}, id=f"{name}-{option}={value}")


every_variant = pytest.mark.parametrize(("name", "options"), list(variants()))


def test_files_and_classes_match():
    assert sorted(registry.entries("norm")) == EVERY_NAME


@every_norm_of_both_sorts
def test_yaml_holds_the_name_and_exactly_the_options(name):
    assert list(defaults(name)) == ["name", *registry.entries("norm")[name].options]
    assert defaults(name)["name"] == name


@every_norm_of_both_sorts
def test_defaults_are_of_their_type(name):
    for option, annotation in registry.entries("norm")[name].options.items():
        TypeAdapter(annotation).validate_python(defaults(name)[option], strict=True)


@every_norm_of_both_sorts
def test_yaml_opens_with_one_line_on_what_it_is(name):
    first = (CONF / f"{name}.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(r"# \S.{10,118}", first)


@every_norm_of_both_sorts
def test_docstring_names_the_source(name):
    doc = inspect.getdoc(registry.entries("norm")[name].load()) or ""
    assert re.search(r"Source: .*\b(19|20)\d\d\b", doc)


@every_norm_of_both_sorts
def test_options_have_no_second_home_for_defaults(name):
    signature = inspect.signature(registry.entries("norm")[name].load())
    assert all(parameter.default is parameter.empty for parameter in signature.parameters.values())
    assert next(iter(signature.parameters)) == ("features" if name in NAMES else "shape")


@every_variant
def test_reset_writes_everything(make_norm, name, options):
    norm = make_norm(name, C, **options)
    tensors = [*norm.parameters(), *norm.buffers()]
    states = []
    for rubbish in (torch.nan, torch.inf):
        for tensor in tensors:
            tensor.data.fill_(rubbish if tensor.is_floating_point() else int(rubbish == torch.inf) + 7)
        torch.manual_seed(0)
        norm.reset_parameters()
        states.append([tensor.clone() for tensor in tensors])
    assert all(tensor.isfinite().all() for state in states for tensor in state)
    torch.testing.assert_close(*states, atol=0, rtol=0)


@every_norm
def test_shape_and_type_are_kept(make_norm, name):
    x = torch.randn(SHAPE)
    assert passed(make_norm(name, C), x).shape == x.shape
    y = passed(make_norm(name, C, dtype=torch.float64), x.double())
    assert y.dtype == torch.float64


@every_norm
def test_memory_format_does_not_matter(make_norm, name):
    norm, x = make_norm(name, C), torch.randn(SHAPE)
    last = x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(passed(norm, last), passed(norm, x), atol=1e-5, rtol=1e-5)


@every_norm
def test_half_precision_takes_statistics_in_float32(make_norm, name):
    norm, other = make_norm(name, C), make_norm(name, C)
    x = (torch.randn(64, C, 8, 8) + 3).bfloat16()
    y, expected = passed(norm, x), passed(other, x.float())
    assert y.dtype == torch.bfloat16
    torch.testing.assert_close(y.float(), expected, atol=0.02, rtol=0.01)
    torch.testing.assert_close(dict(norm.named_buffers()), dict(other.named_buffers()), atol=1e-5, rtol=1e-5)


@every_norm
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_large_offset_keeps_its_precision(make_norm, name, memory_format):
    x = (torch.randn(16, C, 8, 8) + 1e4).to(memory_format=memory_format)
    expected = passed(make_norm(name, C, dtype=torch.float64), x.double())
    # torch's kernels sum 1,024 values near 10,000 in float32, hence the tolerance; a one-pass variance is off by 1,000.
    torch.testing.assert_close(passed(make_norm(name, C), x).double(), expected, atol=0.02, rtol=0)


@every_norm
def test_nan_is_not_hidden(make_norm, name):
    x = torch.randn(SHAPE)
    x[2, 1, 0, 0] = torch.nan
    assert passed(make_norm(name, C), x)[2, 1, 0, 0].isnan()


@every_variant
def test_runs_without_storage(make_norm, name, options):
    norm = make_norm(name, C, **options).to("meta")
    assert norm(torch.empty(SHAPE, device="meta")).shape == SHAPE


@every_norm
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_stacked_replicas_may_lie_in_any_layout(make_norm, name, training, axis):
    # A vmapped convolution leaves the replicas among its channels, and images may be channels-last.
    norm = make_norm(name, C).train(training)
    buffers = {key: value.repeat(R, *[1] * value.ndim) for key, value in norm.named_buffers()}
    x = torch.randn(R, *SHAPE) + 100
    expected = torch.stack([passed(norm, one, seeds=[r]) for r, one in enumerate(x)])
    laid_out = x.movedim(0, axis).clone(memory_format=torch.contiguous_format).movedim(axis, 0)
    laid_out_last = x.movedim(2, -1).clone(memory_format=torch.contiguous_format).movedim(-1, 2)
    for stacked in (laid_out, laid_out_last):
        fused = torch.vmap(lambda buffers, x: functional_call(norm, buffers, (x,)))
        y = passed(fused, buffers, stacked, seeds=range(R))
        torch.testing.assert_close(y, expected, atol=2e-3, rtol=0)


@every_variant
@pytest.mark.parametrize("shape", [(6, C), SHAPE], ids=["2-D", "4-D"])
@pytest.mark.filterwarnings("error:There is a performance drop")  # an operation that vmap runs once per replica
def test_stacked_replicas_equal_serial_ones(make_norm, name, options, shape):
    try:
        make_norm(name, C, **options).to("meta")(torch.empty(shape, device="meta"))
    except Refused as refusal:
        pytest.skip(str(refusal))
    serial = [make_norm(name, C, dtype=torch.float64, **options) for _ in range(R)]
    for norm in serial:
        for parameter in norm.parameters():
            parameter.data += 0.3 * torch.randn_like(parameter)
    params = {
        key: torch.stack([one.get_parameter(key).detach() for one in serial]).requires_grad_()
        for key, _ in serial[0].named_parameters()
    }
    buffers = {key: torch.stack([one.get_buffer(key) for one in serial]) for key, _ in serial[0].named_buffers()}
    norm = make_norm(name, C, dtype=torch.float64, **options)

    def loss(params, buffers, x, dy):
        return (functional_call(norm, (params, buffers), (x,)) * dy).sum()

    for training in (True, True, False):
        x = torch.randn(R, *shape, dtype=torch.float64, requires_grad=True)
        dy = torch.randn_like(x)
        norm.train(training)
        losses = passed(torch.vmap(loss), params, buffers, x, dy, seeds=range(R))
        gradients = torch.autograd.grad(losses.sum(), [x, *params.values()])
        for r, one in enumerate(serial):
            x_r = x[r].detach().requires_grad_()
            expected = (passed(one.train(training), x_r, seeds=[r]) * dy[r]).sum()
            torch.testing.assert_close(losses[r], expected)
            torch.testing.assert_close(
                tuple(gradient[r] for gradient in gradients), torch.autograd.grad(expected, [x_r, *one.parameters()])
            )
            torch.testing.assert_close({key: value[r] for key, value in buffers.items()}, dict(one.named_buffers()))
