"""Update ratios compared with torch's own optimizer and a closed form."""

from copy import deepcopy
from typing import NamedTuple

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.diagnostics.update_ratio import UpdateRatio
from tests.diagnostics.real import DECAY, LR, MOMENTUM, Seen, seen

DIAGNOSTIC = UpdateRatio(when=["init"])


class Due(NamedTuple):
    """Passes that only have the update."""

    after: Named

    def updated(self) -> Named:
        return self.after


def observed(before: Named, after: Named) -> Named:
    return DIAGNOSTIC.observe(Look({}, params=before, passes=Due(after)))  # type: ignore[arg-type]


def size(weight: Tensor) -> float:
    return float(np.sqrt(np.square(weight.detach().numpy()).sum()))


def reference(found: Seen, replica: int, clip: float | None) -> dict[str, float]:
    """Return by layer ‖ΔW‖/‖W‖ of the last update, with all updates by torch.optim."""
    net = found.start[replica].train()
    optimizer = torch.optim.SGD(net.parameters(), LR, MOMENTUM, weight_decay=DECAY)
    for by_replica in found.batches:
        before = deepcopy(dict(net.named_parameters()))
        optimizer.zero_grad()
        x, y = by_replica[replica]
        F.cross_entropy(net(x), y).backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
        optimizer.step()
    ratios = {name: size(p - before[name]) / size(before[name]) for name, p in net.named_parameters() if p.ndim > 1}
    return {name.rpartition(".")[0]: ratio for name, ratio in ratios.items()}


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(
    ("name", "shape", "options"),
    [
        ("mlp", (6,), {"depth": 2, "width": 5, "norm": "batch", "at": ["before_act"]}),
        ("cnn", (2, 6, 6), {"depth": 2, "width": 3, "norm": "weight"}),
        ("lstm", (1, 4, 3), {"width": 4}),
    ],
)
@pytest.mark.parametrize("clip", [None, 0.01])
def test_equals_torch_with_momentum_decay_and_clipping(
    name: str, shape: tuple[int, ...], options: dict[str, object], replicas: int, clip: float | None
) -> None:
    found = seen(name, shape, replicas, clip=clip, **options)
    ratios = DIAGNOSTIC.observe(found.look)
    for r in range(replicas):
        expected = reference(found, r, clip)
        assert ratios.keys() == expected.keys()
        for layer, ratio in expected.items():
            # torch adds 1e-6 to the norm by which it clips
            assert ratios[layer][r].item() == pytest.approx(ratio, rel=1e-8 if clip is None else 1e-4)


def test_the_first_update_is_rate_times_gradient_and_decay() -> None:
    """Closed form: ‖ΔW‖ = η ‖∂L/∂W + λW‖ as long as there is no momentum."""
    look = seen("mlp", (6,), 1, updates=0, depth=2, width=5).look
    for layer, ratio in DIAGNOSTIC.observe(look).items():
        W, g = look.params[f"{layer}.weight"], look.grads[f"{layer}.weight"]
        assert ratio.item() == pytest.approx(LR * size(g + DECAY * W) / size(W), rel=1e-10)


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_equals_numpy_for_weights_alone(replicas: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    shapes = {"units.0.weight.weight": (4, 3), "units.1.weight.weight": (2, 4, 3, 3), "one.weight": (1, 1), "b": (5,)}
    before, after = (
        {name: torch.randn(replicas, *shape, generator=draw).to(dtype) for name, shape in shapes.items()} for _ in "ab"
    )
    ratios = observed(before, after)
    assert list(ratios) == ["units.0.weight", "units.1.weight", "one"]
    for layer, ratio in ratios.items():
        for r in range(replicas):
            W, V = (named[f"{layer}.weight"][r].double() for named in (before, after))
            assert ratio[r].item() == pytest.approx(size(V - W) / size(W), rel=1e-13)


def test_a_small_update_is_not_lost_to_float32() -> None:
    before = torch.full((1, 3, 3), 1.0)
    after = torch.nextafter(before, torch.tensor(2.0))
    assert observed({"a.weight": before}, {"a.weight": after})["a"].item() == pytest.approx(2**-23, rel=1e-12)


def test_what_has_no_finite_ratio_shows() -> None:
    before = torch.tensor([[[0.0]], [[0.0]], [[1.0]], [[1.0]], [[2.0]]])
    after = torch.tensor([[[0.0]], [[1.0]], [[torch.nan]], [[torch.inf]], [[3.0]]])
    ratios = observed({"a.weight": before}, {"a.weight": after})["a"].squeeze(1).tolist()
    np.testing.assert_array_equal(ratios, [np.nan, np.inf, np.nan, np.inf, 0.5])


def test_a_row_names_the_layer() -> None:
    (row,) = DIAGNOSTIC.rows(3, "units.0.weight", np.array([0.5]))
    assert row == {"step": 3, "site": "units.0.weight", "diagnostic": "update_ratio", "value": 0.5}
