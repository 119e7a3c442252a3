"""Branch compared with skip: NumPy on the parts of a block, and closed forms."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.look import Look
from bnlab.diagnostics.residual_ratio import ResidualRatio
from tests.diagnostics.real import seen

DIAGNOSTIC = ResidualRatio(when=["init"])


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"norm": "batch", "at": ["before_act"], "preact": True},
        {"norm": "batch", "at": ["before_act", "after_add"], "preact": False, "shortcut": "conv"},
        {"scheme": "skipinit"},
    ],
)
def test_equals_numpy_on_a_residual_net(options: dict[str, Any], replicas: int) -> None:
    found = seen("resnet", (2, 6, 6), replicas, depth=8, width=3, **options)
    ratios = DIAGNOSTIC.observe(found.look)
    assert list(ratios) == [f"blocks.{i}.join.after_add" for i in range(3)]
    for r, net in enumerate(found.nets):
        given: dict[str, np.ndarray] = {}

        def note(part: str, value: Tensor, given: dict[str, np.ndarray] = given) -> None:
            given[part] = value.detach().numpy()

        for i in range(3):
            for part in ("second", "shortcut"):
                module = net.get_submodule(f"blocks.{i}.{part}")
                module.register_forward_hook(lambda _, __, y, part=f"{i}.{part}": note(part, y))
        net.train()(found.batches[-1][r][0])
        for i, ratio in enumerate(ratios.values()):
            expected = given[f"{i}.second"].var() / given[f"{i}.shortcut"].var()
            assert ratio[r].item() == pytest.approx(expected, rel=1e-9)


def test_the_variance_is_of_all_channels_together() -> None:
    """Channels that are each constant and differ by 2 have variance 1; the mean of per-channel variances would be 0."""
    level_C = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    branch = level_C.view(1, 1, 2, 1, 1).expand(1, 4, 2, 3, 3)
    skip = torch.randn(1, 4, 2, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert ratio(branch, skip) == pytest.approx([1 / skip.numpy().var()])


def test_a_branch_that_starts_from_zero_adds_nothing() -> None:
    found = seen("resnet", (2, 6, 6), 1, updates=0, depth=8, width=3, scheme="skipinit")
    assert [ratio.item() for ratio in DIAGNOSTIC.observe(found.look).values()] == [0.0] * 3


def ratio(branch: Tensor, skip: Tensor) -> list[float]:
    """Return the ratio of each replica."""
    return DIAGNOSTIC.observe(Look({}, before={"s.branch": (branch,), "s.skip": (skip,)}))["s"].squeeze(1).tolist()


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_equals_numpy(random_sites: Any, replicas: int, dtype: torch.dtype) -> None:
    branches, skips = random_sites(replicas, dtype), random_sites(replicas, dtype, seed=1)
    for parts in (branches, skips):
        del parts["site2"]  # one value, which has no variance
    before = {f"{s}.branch": x for s, x in branches.items()} | {f"{s}.skip": x for s, x in skips.items()}
    found = DIAGNOSTIC.observe(Look({}, before=before | {"units.0.before_act": branches["site0"]}))
    assert found.keys() == branches.keys()
    for site, values in found.items():
        for r in range(replicas):
            over, under = (
                np.concatenate([v[r].double().numpy().ravel() for v in named[site]]).var()
                for named in (branches, skips)
            )
            assert values[r].item() == pytest.approx(over / under, rel=1e-11)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_a_factor_and_an_offset_of_the_branch(size: float) -> None:
    skip = torch.tensor([[[[1.0, -1.0], [2.0, 3.0]]]]) * size
    assert ratio(3 * skip, skip) == pytest.approx([9.0])
    assert ratio(skip / 2 + size, skip) == pytest.approx([0.25])


def test_what_has_no_finite_ratio_shows_and_stays_with_its_replica() -> None:
    skip = torch.tensor(
        [[[1.0, 1.0]], [[1.0, 1.0]], [[torch.nan, 1.0]], [[1.0, 2.0]], [[torch.inf, 1.0]], [[1.0, 3.0]]]
    )
    branch = torch.tensor([[[0.0, 1.0]], [[2.0, 2.0]], [[0.0, 1.0]], [[0.0, torch.inf]], [[0.0, 1.0]], [[0.0, 1.0]]])
    np.testing.assert_array_equal(ratio(branch, skip), [np.inf, np.nan, np.nan, np.nan, np.nan, 0.25])


def test_one_value_has_no_ratio() -> None:
    assert np.isnan(ratio(torch.ones(1, 1, 1), torch.ones(1, 1, 1))).all()


def test_nothing_is_added_in_a_plain_net() -> None:
    look = seen("cnn", (2, 6, 6), 1, updates=0, depth=2, width=4, norm="batch", at=["before_act"]).look
    assert look.before
    assert DIAGNOSTIC.observe(look) == {}


def test_a_row_names_the_sum() -> None:
    (row,) = DIAGNOSTIC.rows(3, "blocks.0.join.after_add", np.array([0.5]))
    assert row == {"step": 3, "site": "blocks.0.join.after_add", "diagnostic": "residual_ratio", "value": 0.5}
