"""One step: what it computes when, and what it leaves unchanged. Its numbers are compared in test_groups and proofs."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.noise import Noise
from bnlab.optim.hyper import Hyper
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import Output, TrainState
from bnlab.training.step import METRICS, make_step
from tests.diagnostics.small import PLAIN_SGD, Spy, build, drawn

LR = 0.05
NEEDS = ("before", "site_grads", "statistics")
either = pytest.mark.parametrize("replicas", [1, 2], ids=["serial", "fused"])


class Asking(Spy):
    """Spy with the given needs, which observes a number at a site."""

    def __init__(self, *needs: str) -> None:
        super().__init__()
        self.needs: ClassVar = needs

    def observe(self, look: Look) -> Named:
        super().observe(look)
        self.grads = {name: grad.clone() for name, grad in look.grads.items()}  # the update clips them in place
        assert not torch.is_grad_enabled()
        return {"site": torch.zeros(1)}


class Case:
    """A net with batch norm and dropout, two batches, and a record of the options of its forward passes."""

    def __init__(self, replicas: int = 1, *needs: str, clip: float | None = None, batches: int = 2) -> None:
        nets = [build("mlp", seed) for seed in range(replicas)]
        self.executor = Serial(*nets) if replicas == 1 else Fused(nets)
        self.executor.train(True)
        params, buffers = self.executor.tensors()
        self.state = TrainState(0, params, buffers, PLAIN_SGD.slots(list(params.values())))
        self.spy = Asking(*needs)
        self.replicas = replicas
        stack = self.executor.stack
        drawn_RN = [[drawn("mlp", 10 * r + i) for i in range(batches)] for r in range(replicas)]
        self.batches = [tuple(map(stack, zip(*one, strict=True))) for one in zip(*drawn_RN, strict=True)]
        self.passes: list[dict[str, Any]] = []
        self._forward = self.executor.forward
        self.executor.forward = self._recorded  # type: ignore[method-assign]
        self._step = make_step(self.executor, PLAIN_SGD, {"spy": self.spy}, clip)

    def step(self, due: Sequence[str] = (), **options: bool) -> Output:
        stack = self.executor.stack
        lr = stack([torch.tensor(LR * (r + 1), dtype=torch.float64) for r in range(self.replicas)])
        hyper = Hyper(lr, torch.full_like(lr, 0.9), torch.full_like(lr, 0.01))
        noise = Noise(list(range(self.replicas)), self.state.step, torch.device("cpu"))
        return self._step(self.state, self.batches, hyper, due, noise, **options)

    def tensors(self) -> dict[str, Tensor]:
        slots = {f"{name} {i}": v for name, values in self.state.slots.items() for i, v in enumerate(values)}
        return {name: t.detach().clone() for name, t in (self.state.params | self.state.buffers | slots).items()}

    def _recorded(self, *tensors: Any, **options: Any) -> Any:
        self.passes.append(options)
        return self._forward(*tensors, **options)


@either
@pytest.mark.parametrize("due", [(), (METRICS,), ("spy",), (METRICS, "spy")], ids=str)
def test_what_is_due_is_computed_and_nothing_else(replicas: int, due: tuple[str, ...]) -> None:
    case = Case(replicas)
    output = case.step(due)
    scored, observed = METRICS in due, "spy" in due
    assert output.loss_R.shape == (replicas,)
    assert (output.accuracy_R is not None, output.grad_norm_R is not None) == (scored, scored)
    assert output.observed.keys() == ({"spy"} if observed else set())
    assert len(case.spy.looks) == observed
    assert [one["score"] for one in case.passes] == [scored, scored]
    assert [one["watch"] is not None for one in case.passes] == [observed, False]  # sites take memory


@either
@pytest.mark.parametrize("needs", [(), *((need,) for need in NEEDS), NEEDS], ids=str)
def test_a_look_has_what_its_diagnostic_needs(replicas: int, needs: tuple[str, ...]) -> None:
    case = Case(replicas, *needs)
    case.step(["spy"])
    (look,) = case.spy.looks
    assert {need for need in NEEDS if getattr(look, need)} == set(needs)
    watch = case.passes[0]["watch"]
    assert (watch.before, watch.leading, watch.statistics) == tuple(need in needs for need in NEEDS)
    assert look.sites.keys() == (look.site_grads.keys() or look.sites.keys())
    assert look.grads.keys() == look.params.keys() == case.state.params.keys()
    for values in (*look.sites.values(), *look.before.values(), *look.site_grads.values()):
        assert all(value.shape[0] == replicas and not value.requires_grad for value in values)


@either
def test_a_look_is_of_the_state_before_the_step(replicas: int) -> None:
    case = Case(replicas)
    before = case.tensors()
    output = case.step(["spy"])
    (look,) = case.spy.looks
    buffers = {name: case.executor.unstack(before[name]) for name in case.state.buffers}
    torch.testing.assert_close(look.buffers, buffers, rtol=0, atol=0)
    assert any(not torch.equal(before[name], now) for name, now in case.state.buffers.items())
    torch.testing.assert_close(look.loss_R, output.loss_R, rtol=0, atol=0)
    assert look.lr_R is not None
    assert look.lr_R.tolist() == [LR * (r + 1) for r in range(replicas)]


@either
@pytest.mark.parametrize("due", [(), (METRICS, "spy")], ids=str)
def test_without_an_update_nothing_changes(replicas: int, due: tuple[str, ...]) -> None:
    case = Case(replicas, *NEEDS, clip=0.5)
    case.step()
    before = case.tensors()
    tried = case.step(due, update=False)
    torch.testing.assert_close(case.tensors(), before, rtol=0, atol=0)
    assert case.state.step == 1
    done = case.step(due)
    assert case.state.step == 2
    for field in ("loss_R", "accuracy_R", "grad_norm_R"):
        assert (getattr(tried, field) is None) == (getattr(done, field) is None)
        if getattr(done, field) is not None:
            torch.testing.assert_close(getattr(tried, field), getattr(done, field), rtol=1e-12, atol=0)
    assert all(not torch.equal(case.state.params[name], before[name]) for name in case.state.params)


@either
@pytest.mark.parametrize("batches", [1, 2])
@pytest.mark.parametrize("due", [(), (METRICS,), ("spy",)], ids=str)
def test_clipping_scales_down_and_never_up(replicas: int, batches: int, due: tuple[str, ...]) -> None:
    """Whether the norm is also recorded or not; what is observed is the gradient before clipping."""
    free, loose, tight = (Case(replicas, clip=clip, batches=batches) for clip in (None, 1e6, 1e-3))
    started = free.tensors()
    norm_R = Case(replicas, batches=batches).step([METRICS]).grad_norm_R
    assert norm_R is not None
    for case in (free, loose, tight):
        case.step(due)
    torch.testing.assert_close(loose.tensors(), free.tensors(), rtol=0, atol=0)
    for i, name in enumerate(free.state.params):
        decay = 0.01 * free.executor.unstack(started[name])
        gradient, clipped = (case.executor.unstack(case.state.slots["velocity"][i]) - decay for case in (free, tight))
        factor = (1e-3 / norm_R).view(-1, *[1] * (gradient.ndim - 1))
        torch.testing.assert_close(clipped, gradient * factor, rtol=1e-9, atol=1e-15)
    if due == ("spy",):
        torch.testing.assert_close(tight.spy.grads, free.spy.grads, rtol=1e-12, atol=0)
