"""Every model with a few norms at every site that it offers: three updates and an evaluation give the same numbers
alone and stacked, or the cell is refused with a reason. (For all norms on the plain models see tests/contracts.)
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from bnlab import registry
from bnlab.diagnostics.activation_moments import ActivationMoments
from bnlab.errors import Refused
from bnlab.models.base import Model, dry_run
from bnlab.noise import Noise
from bnlab.norms.kinds import KINDS
from bnlab.norms.site import sites
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.sgd import SGD
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import METRICS, make_step

SEEDS, LRS, MOMENTA = (0, 1), (0.02, 0.005), (0.0, 0.9)
SHAPE, CLASSES, BATCH = (3, 8, 8), 4, 6
SMALL = {"depth": 2, "width": 4}  # except for a model's own depths
OWN: dict[str, dict[str, Any]] = {"resnet": {"depth": 8}, "vgg": {"depth": 11}}
# A norm and its sites in a model: each alone, all together, the default ones.
NORMS = [("batch", "each"), ("batch", "all"), ("layer", "all"), ("group", "default"), ("weight", "default")]
VARIANTS: dict[str, dict[str, Any]] = {
    "preact": {"preact": True}, "conv": {"shortcut": "conv"}, "branch_only": {"branch_only": True, "preact": True},
    "dropout": {"dropout": 0.3}, "bias": {"bias": True},
    "skipinit": {"scheme": "skipinit"}, "fixup": {"scheme": "fixup"},
    "fixup preact": {"scheme": "fixup", "preact": True, "shortcut": "conv", "bias": True},
}  # fmt: skip


def small(name: str, **options: Any) -> dict[str, Any]:
    own = registry.find("model", name).options
    return {key: value for key, value in SMALL.items() if key in own} | OWN.get(name, {}) | options


def train(executor: Serial | Fused, replicas: Sequence[int]) -> SimpleNamespace:
    """Return losses, moments at each site, and final tensors, with a leading axis R; `replicas` of `SEEDS`."""
    optimizer = SGD(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=False)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    step = make_step(executor, optimizer, {"moments": ActivationMoments(when=["init"])}, clip=None)

    def stacked(values: Sequence[float]) -> Tensor:
        return executor.stack([torch.tensor(values[r], dtype=torch.float64) for r in replicas])

    hyper = Hyper(stacked(LRS), stacked(MOMENTA), stacked((0.01, 0.01)))
    draws = [torch.Generator().manual_seed(SEEDS[r]) for r in replicas]
    losses, observed = [], {}
    executor.train(True)
    for n in range(3):
        x = executor.stack([torch.randn(BATCH, *SHAPE, generator=g, dtype=torch.float64) for g in draws])
        y = executor.stack([torch.randint(CLASSES, (BATCH,), generator=g) for g in draws])
        noise = Noise([SEEDS[r] for r in replicas], n, torch.device("cpu"))
        output = step(state, [(x, y)], hyper, [METRICS, "moments"] if n == 0 else [], noise)
        losses.append(output.loss_R)
        observed |= output.observed.get("moments", {})
    executor.train(False)
    with torch.no_grad():
        evaluated = executor.unstack(executor.forward(state.params, state.buffers, x, y).loss)
    tensors = {name: executor.unstack(t.detach()) for name, t in (state.params | state.buffers).items()}
    return SimpleNamespace(losses_RN=torch.stack([*losses, evaluated], 1), observed=observed, tensors=tensors)


def check(build: Callable[[int], Model], record: Callable[[str, object], None]) -> None:
    try:
        net = build(0)
        dry_run(net.to("meta", torch.float32), [BATCH], [BATCH])
    except Refused as refusal:
        reason = str(refusal)
        assert ": " in reason  # and a remedy
        record("contract", f"refused ({reason})")
        return
    fused = train(Fused([build(seed) for seed in SEEDS]), range(len(SEEDS)))
    assert fused.losses_RN.isfinite().all()
    assert set(fused.observed) == set(sites(net))
    for r, seed in enumerate(SEEDS):
        alone = train(Serial(build(seed)), [r])
        torch.testing.assert_close(fused.losses_RN[r], alone.losses_RN[0], rtol=0, atol=1e-8)
        for mine, others in ((fused.observed, alone.observed), (fused.tensors, alone.tensors)):
            assert mine.keys() == others.keys()
            for key, value in others.items():
                torch.testing.assert_close(mine[key][r], value[0], rtol=1e-8, atol=1e-8)
    record("contract", "trained")


@pytest.mark.parametrize(("norm", "where"), NORMS)
@pytest.mark.parametrize("name", sorted(registry.entries("model")))
def test_trains_alone_and_fused_or_is_refused(
    build_model: Any, assemble_model: Any, record_property: Any, name: str, norm: str, where: str
) -> None:
    offered = {site.kind for site in sites(assemble_model(name, SHAPE, CLASSES, **small(name))).values()}
    kinds = tuple(kind for kind in KINDS if kind in offered)
    chosen = {
        "each": [(k,) for k in kinds],
        "all": [kinds],
        "default": [registry.find("model", name).facts["default_sites"]],
    }
    for at in chosen[where]:
        check(
            lambda seed, at=at: build_model(name, SHAPE, CLASSES, norm=norm, at=at, seed=seed, **small(name)),
            record_property,
        )


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", ["resnet", "resnet18"])
def test_variants_of_residual_nets_train(build_model: Any, record_property: Any, name: str, variant: str) -> None:
    options = small(name, **VARIANTS[variant])
    normed = {} if "scheme" in options else {"norm": "batch", "at": ("before_act",)}
    check(lambda seed: build_model(name, SHAPE, CLASSES, seed=seed, init="he", **normed, **options), record_property)
