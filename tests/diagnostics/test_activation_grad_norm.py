"""Gradients with respect to activations compared with `retain_grad`."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnlab.diagnostics.activation_grad_norm import ActivationGradNorm
from bnlab.diagnostics.look import Look
from bnlab.norms.site import sites
from tests.diagnostics.small import NETS, Training

NORM = ActivationGradNorm(when=["init"])


def retained(net: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """Return by site the length of the gradient with respect to all its outputs, with torch's hooks."""
    passed: dict[str, list[Tensor]] = {}

    def keep(path: str, output: Tensor | tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
        # Copies, because the output of a site without norm may also feed a shortcut.
        firings = tuple(map(torch.clone, output if isinstance(output, tuple) else (output,)))
        for firing in firings:
            firing.retain_grad()
        passed.setdefault(path, []).extend(firings)
        return firings if isinstance(output, tuple) else firings[0]

    for path, site in sites(net).items():
        site.register_forward_hook(lambda module, args, output, path=path: keep(path, output))
    F.cross_entropy(net(x), y).backward()
    return {path: torch.cat([v.grad.flatten() for v in values]).norm().item() for path, values in passed.items()}


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("seeds", [(1,), (0, 1, 2)], ids=["alone", "stacked"])
def test_equals_retain_grad(net: str, seeds: tuple[int, ...]) -> None:
    training = Training(net, seeds)
    training.step()
    found = NORM.observe(training.look())
    for r, seed in enumerate(seeds):
        with training.noise(r):
            expected = retained(training.plain(r), *training.own_batches(seed)[0])
        assert {site: values[r].item() for site, values in found.items()} == pytest.approx(expected, rel=1e-10)
        assert min(expected.values()) > 0


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_takes_all_firings_together(random_look: Any, dtype: torch.dtype) -> None:
    look = random_look(2, dtype)
    found = NORM.observe(look)
    assert found.keys() == look.sites.keys()
    for site, firings in look.site_grads.items():
        for r in range(2):
            whole = np.concatenate([g[r].double().numpy().ravel() for g in firings])
            np.testing.assert_allclose(found[site][r].numpy(), [np.sqrt(np.sum(whole**2))], rtol=1e-12)


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_vanishing_and_exploding_gradients_keep_their_norm(size: float) -> None:
    look = Look({}, site_grads={"s": (torch.full((1, 2, 2), size),)})  # squares of float32 would be 0 or infinite
    assert NORM.observe(look)["s"].item() == pytest.approx(2 * size)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_shows(value: float) -> None:
    look = Look({}, site_grads={"s": (torch.tensor([[[1.0, value]], [[3.0, 4.0]]]),)})
    lost, other = NORM.observe(look)["s"].squeeze(1).tolist()
    assert lost == pytest.approx(value, nan_ok=True)
    assert other == 5.0


def test_a_row_names_the_site() -> None:
    (row,) = NORM.rows(3, "s", np.array([0.5]))
    assert row == {"step": 3, "site": "s", "diagnostic": "activation_grad_norm", "value": 0.5}
