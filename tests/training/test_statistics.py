"""Recomputed, frozen and compared statistics: closed identities, and fused equals serial."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bnlab.config.folder import conf_dir
from bnlab.noise import Noise
from bnlab.norms.running import RunningNorm
from bnlab.registry import entries
from bnlab.training.evaluate import in_order
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.statistics import Statistics, recompute
from tests.training.parts import Memory, data, net, train

CPU = torch.device("cpu")
RUNNING = sorted(
    name
    for name in (path.stem for path in (conf_dir() / "norm").glob("*.yaml"))
    if isinstance(entries("norm")[name].load(), type) and issubclass(entries("norm")[name].load(), RunningNorm)
)


def recomputed(executor: Serial | Fused, batch_size: int) -> dict[str, Tensor]:
    """Return the buffers after recomputing over the 64 training examples."""
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers)
    x, y = data().parts["train"]
    seeds = range(3) if isinstance(executor, Fused) else [0]
    recompute(executor, state, x, y, batch_size, Noise(list(seeds), 0, CPU))
    return {name: executor.unstack(value) for name, value in buffers.items()}


def first_inputs(model: nn.Module) -> np.ndarray:  # type: ignore[type-arg]
    """Return the inputs of the first norm, over all training examples: (64, 8)."""
    x, _ = data().parts["train"]
    return model.units[0].weight(x).detach().numpy()  # type: ignore[index, operator, union-attr]


def buffers_of_first_norm(found: dict[str, Tensor]) -> dict[str, np.ndarray]:  # type: ignore[type-arg]
    prefix = "units.0.before_act.norm."
    return {name.removeprefix(prefix): value[0].numpy() for name, value in found.items() if name.startswith(prefix)}


@pytest.mark.parametrize("norm", ["batch", "batch_reference", "noisy_batch", "ghost_batch"])
@pytest.mark.parametrize("batch_size", [64, 16, 8])
def test_precise_statistics_are_the_populations(norm: str, batch_size: int) -> None:
    """Mean and unbiased variance of all 64 examples, for any division into batches or chunks."""
    model = net(0, norm=norm)
    found = buffers_of_first_norm(recomputed(Serial(model), batch_size))
    x = first_inputs(model)
    np.testing.assert_allclose(found["running_mean"], x.mean(0), atol=1e-12)
    np.testing.assert_allclose(found["running_var"], x.var(0, ddof=1), atol=1e-12)
    assert found["num_batches_tracked"] == 0, "recomputing is no training"


def test_averaging_the_variances_alone_would_leave_out_that_of_the_means() -> None:
    model = net(0)
    found = buffers_of_first_norm(recomputed(Serial(model), 8))
    within = first_inputs(model).reshape(8, 8, 8).var(1).mean(0)
    assert (found["running_var"] > 1.01 * within).any()


@pytest.mark.parametrize("batch_size", [64, 16, 8])
def test_a_variance_alone_pools_as_the_mean_of_those_within_batches(batch_size: int) -> None:
    """Without the variance of the means, so it is smaller than the population's."""
    model = net(0, norm="variance_only_batch")
    found = buffers_of_first_norm(recomputed(Serial(model), batch_size))
    x = first_inputs(model)
    within = x.reshape(-1, batch_size, x.shape[1]).var(1, ddof=1).mean(0)
    np.testing.assert_allclose(found["running_var"], within, rtol=1e-12)


@pytest.mark.parametrize("norm", ["mean_only_batch", "weight_mean_only_batch"])
@pytest.mark.parametrize("batch_size", [64, 16, 8])
def test_a_mean_alone_pools_to_the_populations(norm: str, batch_size: int) -> None:
    model = net(0, norm=norm)
    found = buffers_of_first_norm(recomputed(Serial(model), batch_size))
    np.testing.assert_allclose(found["running_mean"], first_inputs(model).mean(0), atol=1e-12)


@pytest.mark.parametrize("size", [2**62, 2**63, 10**30])
def test_batches_of_any_size_are_at_most_the_examples(size: int) -> None:
    x, y = data().parts["train"]
    for whole in (True, False):
        assert [len(x_B) for x_B, _ in in_order(x, y, size, whole=whole)] == [64]


@pytest.mark.parametrize(("norm", "size"), [("l1", 1), ("l2", 2), ("linf", np.inf)])
def test_sizes_pool_as_powers(norm: str, size: float) -> None:
    model = net(0, norm=norm)
    found = buffers_of_first_norm(recomputed(Serial(model), 16))
    magnitude = np.abs(first_inputs(model))
    expected = magnitude.max(0) if size == np.inf else (magnitude**size).mean(0) ** (1 / size)
    np.testing.assert_allclose(found["running_size"], expected, rtol=1e-4)
    np.testing.assert_allclose(found["running_mean"], first_inputs(model).mean(0), atol=1e-12)


def test_renorm_pools_its_deviation() -> None:
    model = net(0, norm="batch_renorm")
    found = buffers_of_first_norm(recomputed(Serial(model), 16))
    eps = model.units[0].before_act.norm.eps  # type: ignore[index, union-attr]
    np.testing.assert_allclose(found["running_std"], np.sqrt(first_inputs(model).var(0) + eps), rtol=1e-10)


@pytest.mark.parametrize("norm", RUNNING)
def test_recomputed_fused_is_recomputed_serial(norm: str) -> None:
    nets = [net(seed, norm=norm) for seed in range(3)]
    stacked = recomputed(Fused([net(seed, norm=norm) for seed in range(3)]), 16)
    for seed, model in enumerate(nets):
        params, buffers = Serial(model).tensors()
        x, y = data().parts["train"]
        recompute(Serial(model), TrainState(0, params, buffers), x, y, 16, Noise([seed], 0, CPU))
        for name, value in buffers.items():
            torch.testing.assert_close(stacked[name][seed], value, rtol=0, atol=1e-10)


def test_recomputing_does_not_change_training_and_does_change_what_is_evaluated() -> None:
    (plain,), _ = train([0.1])
    (precise,), _ = train([0.1], statistics=Statistics(recompute="epoch", examples=64))
    for ours, theirs in zip(precise.rows["steps"], plain.rows["steps"], strict=True):
        assert ours["loss"] == theirs["loss"]
    losses = [[row["loss"] for row in run.rows["evals"]] for run in (plain, precise)]
    assert losses[0] != losses[1]


def final(memory: Memory) -> dict[str, Tensor]:
    return memory.checkpoints[-1]["params"] | memory.checkpoints[-1]["buffers"]


def initial(norm: str = "batch") -> dict[str, Tensor]:
    return {name: value.detach() for name, value in net(0, norm=norm).state_dict().items()}


@pytest.mark.parametrize("norm", RUNNING)
@pytest.mark.parametrize("what", ["statistics", "affine", "both"])
def test_frozen_is_bit_unchanged_and_the_rest_moves(norm: str, what: str) -> None:
    (memory,), _ = train([0.05], norm=norm, statistics=Statistics(freeze=what))  # type: ignore[arg-type]
    before, after = initial(norm), final(memory)
    buffers = dict(net(0, norm=norm).named_buffers())
    assert before.keys() == after.keys()
    for name, value in after.items():
        kind = "weights" if ".norm." not in name else "statistics" if name in buffers else "affine"
        if kind == what or (what == "both" and kind != "weights"):
            assert torch.equal(value, before[name]), name
        elif kind == "weights" and value.ndim > 1:  # a bias before a norm that centres has gradient 0
            assert not torch.equal(value, before[name]), name


def test_frozen_from_a_step_on() -> None:
    """Before that step as without freezing; then the running statistics of that step normalize in training too."""
    (plain,), _ = train([0.05], log_every=1)
    (frozen,), _ = train([0.05], log_every=1, statistics=Statistics(freeze="both", freeze_from=10))
    losses = [[row["loss"] for row in run.rows["steps"]] for run in (plain, frozen)]
    assert losses[0][:10] == losses[1][:10]
    assert losses[0][10] != losses[1][10]
    tracked = final(frozen)["units.0.before_act.norm.num_batches_tracked"]
    assert tracked == 10


def test_frozen_fused_is_frozen_serial() -> None:
    statistics = Statistics(freeze="both", freeze_from=7)
    fused, _ = train([0.05, 0.02], fused=True, statistics=statistics)
    for seed, rate in enumerate([0.05, 0.02]):
        (alone,), _ = train([rate], first_seed=seed, statistics=statistics)
        for name, value in final(alone).items():
            torch.testing.assert_close(final(fused[seed])[name], value, rtol=0, atol=1e-10)


def test_modes_are_recorded_side_by_side_at_the_end_and_leave_no_trace() -> None:
    modes = Statistics(modes=("running", "batch", "recomputed"), examples=64)
    (compared,), _ = train([0.1], statistics=modes)
    (plain,), _ = train([0.1])
    extra = [row for row in compared.rows["evals"] if row["mode"] != "running"]
    assert [row for row in compared.rows["evals"] if row["mode"] == "running"] == plain.rows["evals"]
    assert {(row["split"], row["mode"], row["step"]) for row in extra} == {
        (split, mode, 30) for split in ("val", "test") for mode in ("batch", "recomputed")
    }
    for name, value in final(plain).items():
        assert torch.equal(final(compared)[name], value)


def test_forgotten_eval_mode_is_measured() -> None:
    """mode=batch equals torch in training mode on the same batches (20 test examples: one batch of 16)."""
    import torch.nn.functional as F

    (memory,), _ = train([0.1], statistics=Statistics(modes=("running", "batch")))
    model = net(0)
    model.load_state_dict(final(memory))
    model.train()
    x, y = (part[:16] for part in data().parts["test"])
    (row,) = (r for r in memory.rows["evals"] if r["mode"] == "batch" and r["split"] == "test")
    assert row["n"] == 16
    assert row["loss"] == pytest.approx(F.cross_entropy(model(x), y).item(), abs=1e-10)
    (running,) = (r for r in memory.rows["evals"] if r["mode"] == "running" and r["split"] == "test")
    assert abs(row["loss"] - running["loss"]) > 1e-3
