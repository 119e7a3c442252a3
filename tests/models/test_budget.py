"""Sizes are checked before allocation: a net that does not fit is refused during assembly, and others are built."""

import tracemalloc
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bnlab import registry
from bnlab.errors import Refused, TooLarge
from bnlab.models import budget
from bnlab.models.base import Model, assemble
from bnlab.models.units import Head
from bnlab.norms.placement import Placement
from tests.models.conftest import assembled, defaults

SHAPES = {"mlp": (64,), "deep_linear": (64,)}
ABSURD: dict[str, dict[str, int]] = {
    "deep": {"depth": 10**9}, "deeper": {"depth": 2**63 - 1}, "beyond 64 bits deep": {"depth": 10**40},
    "wide": {"width": 10**9}, "wider": {"width": 2**62}, "2^63 wide": {"width": 2**63},
    "beyond 64 bits wide": {"width": 10**40}, "both": {"width": 10**5, "depth": 10**4},
}  # fmt: skip
CELLS = {
    f"{name} {what}": (name, options)
    for name, entry in registry.entries("model").items()
    for what, options in ABSURD.items()
    if options.keys() <= entry.options.keys() and not (name == "vgg" and "depth" in options)  # its depths are listed
}


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a limit that is reached quickly."""
    monkeypatch.setattr(budget, "MODULES", 500)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(("name", "options"), CELLS.values(), ids=CELLS)
def test_absurd_sizes_are_one_line_and_take_no_memory(name: str, options: dict[str, int]) -> None:
    if name == "resnet":
        options = {"depth": 20} | options
        options |= {"depth": options["depth"] // 6 * 6 + 2}
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as caught:
            assembled(name, SHAPES.get(name, (3, 8, 8)), 10, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    largest = max(options, key=lambda key: options[key])
    assert str(caught.value).startswith(f"model={name} ")
    assert str(caught.value).endswith(f": lower model.{largest}={options[largest]}")
    assert "\n" not in str(caught.value)
    assert peak < 100e6


class Other(Model):
    """Model of a user's file, built by a function of the test."""

    name = "other"
    default_sites = ("output",)

    def __init__(
        self, shape: Sequence[int], outputs: int, norms: Placement, *, make: Callable[[], Any], size: int
    ) -> None:
        super().__init__()
        self.size = size
        self.found = make()
        self.head = Head(2, outputs, norms)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x)


def other(make: Callable[[], Any], size: int = 7) -> Model:
    return assemble(Other, (2,), 3, Placement(None, ()), {"make": make, "size": size})


def with_buffer(*shape: int) -> nn.Module:
    module = nn.Module()
    module.register_buffer("kept", torch.empty(*shape))
    return module


def behind(*shape: int) -> nn.Module:
    """Replace a buffer without registering the new one."""
    module = with_buffer(1)
    module._buffers["kept"] = torch.empty(*shape)
    return module


TOO_LARGE: dict[str, Callable[[], Any]] = {
    "parameter": lambda: nn.Parameter(torch.empty(10**7, 10**7)),
    "list of parameters": lambda: nn.ParameterList(nn.Parameter(torch.empty(2**30)) for _ in range(10**6)),
    "buffer": lambda: with_buffer(10**7, 10**7),
    "buffer in another's place": lambda: behind(10**7, 10**7),
    "embedding": lambda: nn.Embedding(10**12, 512),
    "torch's own lstm": lambda: nn.LSTM(10**9, 10**7),
    "sequence": lambda: nn.Sequential(*(nn.Linear(10**6, 10**6) for _ in range(10))),
    "tensor beyond 64 bits": lambda: torch.empty(2**40, 2**40),
    "tensor of a shape beyond 64 bits": lambda: torch.zeros(10**30),
}


@pytest.mark.parametrize("make", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_users_model_is_counted_too(make: Callable[[], Any]) -> None:
    with pytest.raises(Refused, match=r"^model=other .*: lower model\.size=7$"):
        other(make)


@pytest.mark.usefixtures("few")
def test_modules_without_numbers_are_counted() -> None:
    with pytest.raises(Refused, match=r"^model=other has more than 500 modules"):
        other(lambda: nn.ModuleList(nn.ReLU() for _ in range(10**9)))


FAULTS: dict[str, tuple[Callable[[], Any], type[Exception]]] = {
    "type": (lambda: nn.Linear("3", 2), TypeError),  # type: ignore[arg-type]
    "shapes": (lambda: torch.empty(2, 3) @ torch.empty(2, 3), RuntimeError),
    "overflow of a float": (lambda: 10.0**400, OverflowError),
    "attribute": (lambda: nn.Linear(2, 2).there_is_none, AttributeError),
    "negative": (lambda: torch.empty(-1), RuntimeError),
    "division": (lambda: 1 // 0, ZeroDivisionError),
}


@pytest.mark.parametrize(("make", "kind"), FAULTS.values(), ids=FAULTS)
def test_faults_of_a_models_code_stay_what_they_are(make: Callable[[], Any], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        other(make)


def hooks() -> int:
    module = nn.modules.module
    return (
        len(module._global_parameter_registration_hooks)
        + len(module._global_buffer_registration_hooks)
        + len(module._global_module_registration_hooks)
    )


@pytest.mark.parametrize("make", [lambda: nn.Linear(2, 2), TOO_LARGE["parameter"], FAULTS["shapes"][0]])
def test_nothing_is_counted_afterwards(make: Callable[[], Any]) -> None:
    before = hooks()
    with suppress(Refused, RuntimeError):
        other(make)
    assert hooks() == before


def tied() -> nn.Module:
    """Return a hundred layers that share one weight."""
    first = nn.Linear(100, 100, bias=False)
    layers = [nn.Linear(1, 1, bias=False) for _ in range(100)]
    for layer in layers:
        layer.weight = first.weight
    return nn.ModuleList(layers)


FITS = {"tied weights": tied, "lazy": lambda: nn.LazyLinear(3), "no numbers": lambda: nn.ReLU()}


@pytest.mark.parametrize("make", FITS.values(), ids=FITS)
def test_what_fits_is_built(make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a machine of 90 kB: the shared weight needs 80 kB with its gradient."""
    monkeypatch.setattr("bnlab.memory.total", lambda: 90_000)
    assert isinstance(other(make), Model)


@pytest.mark.parametrize("share", [1.0, 1.01])
def test_weights_count_with_their_gradients_and_buffers_once(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    net = assembled("mlp", (64,), 10, norm="batch", at=("before_act",), depth=2, width=16)
    weights, buffers = (
        sum(one.numel() * one.element_size() for one in found) for found in (net.parameters(), net.buffers())
    )
    monkeypatch.setattr("bnlab.memory.total", lambda: int((2 * weights + buffers) / share))
    if share == 1:
        assembled("mlp", (64,), 10, norm="batch", at=("before_act",), depth=2, width=16)
    else:
        with pytest.raises(TooLarge, match=r"needs [\d.]+ kB or more .* and this machine has [\d.]+ kB of memory"):
            assembled("mlp", (64,), 10, norm="batch", at=("before_act",), depth=2, width=16)


@pytest.mark.parametrize("name", sorted(registry.entries("model")))
def test_a_model_offers_the_sites_that_it_says(name: str) -> None:
    """Over its options, a model has exactly the kinds of site that it declares."""
    offers = registry.find("model", name).facts["offers"]
    met: set[str] = set()
    for depth in {"vgg": (11,), "resnet": (8, 14)}.get(name, (1, 2)):
        options = {"depth": depth, "width": 4}
        norms = Placement(None, ())
        own = {key: value for key, value in options.items() if key in registry.find("model", name).options}
        kind = registry.find("model", name).load()
        assemble(kind, SHAPES.get(name, (3, 8, 8)), 4, norms, {**defaults("model", name), **own})
        met |= norms._offered.keys()
    assert met == set(offers) == set(kind.offers)
