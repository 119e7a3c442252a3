"""Drift of running averages compared with NumPy on the norms' inputs, and with closed forms."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import BatchStatistics, Look
from bnlab.diagnostics.norm_drift import NormDrift
from tests.diagnostics.real import seen

DIAGNOSTIC = NormDrift(when=["epoch"])
CNN: dict[str, Any] = {"depth": 2, "width": 4, "at": ["before_act", "after_act"]}
LSTM: dict[str, Any] = {"width": 5, "at": ["input_to_hidden", "hidden_to_hidden", "cell"]}
Drifts = dict[tuple[str, int | None], float]


def reference(x_BC: np.ndarray, norm: str, running: dict[str, np.ndarray]) -> dict[str, float]:
    """Return the drifts of one sample x (B, C, ...) by name, for the statistics of which the norm keeps averages.

    They are taken over the channels that are not constant; without any the result is empty.
    """
    values = np.moveaxis(x_BC, 1, 0).reshape(x_BC.shape[1], -1)
    mean, var, running_var = values.mean(1), values.var(1, ddof=1), running.get("running_var")
    if norm == "batch_renorm":
        var, running_var = values.var(1) + 1e-5, running["running_std"] ** 2
    found: dict[str, float] = {}
    varies = var > 0
    if not varies.any():
        return found
    if "running_mean" in running:
        found["mean_drift"] = np.mean(np.abs(running["running_mean"] - mean)[varies] / np.sqrt(var[varies]))
    found["variance_drift"] = np.mean(np.abs(np.log((running_var / np.where(varies, var, 1))[varies])))
    return found


def drifts(look: Look, replica: int) -> dict[str, Drifts]:
    """Return the drifts by site, name and time step, from the rows."""
    found: dict[str, Drifts] = {}
    for site, values in DIAGNOSTIC.observe(look).items():
        rows = DIAGNOSTIC.rows(5, site, values[replica].numpy())
        found[site] = {(row["diagnostic"], row.get("index")): row["value"] for row in rows}
        assert len(found[site]) == len(rows)
        assert all((row["step"], row["site"]) == (5, site) for row in rows)
    return found


def expected(look: Look, replica: int, norm: str, chunk: int, per_step: bool) -> dict[str, Drifts]:
    found: dict[str, Drifts] = {}
    for site, firings in look.before.items():
        running = {
            key: b[replica].numpy() for name, b in look.buffers.items() for key in [name.removeprefix(f"{site}.norm.")]
            if key.startswith("running_")
        }  # fmt: skip
        samples: dict[tuple[str, int | None], list[float]] = {}
        for t, x in enumerate(firings):
            own = {key: value[t] if per_step else value for key, value in running.items()}
            for part in torch.split(x[replica], chunk):
                for name, value in reference(part.numpy(), norm, own).items():
                    samples.setdefault((name, t + 1 if per_step else None), []).append(value)
        found[site] = {row: float(np.mean(values)) for row, values in samples.items()}
    return found


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("norm", ["batch", "batch_reference", "noisy_batch", "batch_renorm", "variance_only_batch"])
def test_equals_numpy_on_pictures(norm: str, replicas: int) -> None:
    look = seen("cnn", (2, 6, 6), replicas, norm=norm, **CNN).look
    for r in range(replicas):
        wanted = expected(look, r, norm, 8, per_step=False)
        assert len(wanted) == 4
        found = drifts(look, r)
        assert found.keys() == wanted.keys()
        for site, by_row in wanted.items():
            assert found[site] == pytest.approx(by_row, rel=1e-7)
            assert len(by_row) == (1 if norm == "variance_only_batch" else 2)


@pytest.mark.parametrize("replicas", [1, 3])
def test_chunks_of_a_batch_are_averaged(replicas: int) -> None:
    look = seen("cnn", (2, 6, 6), replicas, norm="ghost_batch", prepare=lambda net: chunked(net, 3), **CNN).look
    for r in range(replicas):
        found, wanted = drifts(look, r), expected(look, r, "ghost_batch", 3, per_step=False)
        assert found.keys() == wanted.keys()
        for site, by_row in wanted.items():
            assert found[site] == pytest.approx(by_row, rel=1e-7)


def chunked(net: torch.nn.Module, chunk: int) -> None:
    """Return chunks of that many examples for each ghost batch norm."""
    for module in net.modules():
        if hasattr(module, "chunk"):
            module.chunk = chunk


@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("norm", ["batch", "ghost_batch", "variance_only_batch"])
@pytest.mark.parametrize("per_step", [True, False])
def test_equals_numpy_through_time(norm: str, replicas: int, per_step: bool) -> None:
    """One row per time step with separate averages, else the mean over the steps."""
    net = LSTM | {"norm": norm, "statistics_per_step": per_step, "prepare": lambda net: chunked(net, 4)}
    look = seen("lstm", (1, 4, 3), replicas, **net).look
    for r in range(replicas):
        found = drifts(look, r)
        wanted = expected(look, r, norm, 4 if norm == "ghost_batch" else 8, per_step)
        assert found.keys() == wanted.keys()
        assert {at for _, at in found["units.0.cell"]} == ({1, 2, 3, 4} if per_step else {None})
        for site, by_row in wanted.items():
            assert found[site] == pytest.approx(by_row, rel=1e-7, nan_ok=True)
        # W h = 0 at the first step: all channels are constant there, so it does not count in a mean over steps.
        at = {at for _, at in found["units.0.hidden_to_hidden"]}
        assert at == ({2, 3, 4} if per_step else {None})
        assert all(np.isfinite(value) for by_row in found.values() for value in by_row.values())


@pytest.mark.parametrize("norm", ["none", "layer", "l1", "l2", "linf", "mean_only_batch", "weight", "spectral"])
def test_norms_without_a_running_variance_have_no_rows(norm: str) -> None:
    at = [] if norm in ("none", "weight", "spectral") else ["before_act"]
    assert DIAGNOSTIC.observe(seen("cnn", (2, 6, 6), 1, norm=norm, at=at, depth=2, width=4).look) == {}


def look_of(samples: list[tuple[int | None, list[float], list[float]]], mean: Tensor, var: Tensor) -> Look:
    """Return the look of one norm `s` of one replica, with samples of slot, means and variances."""
    found = [
        BatchStatistics(slot, {"running_mean": torch.tensor([m]), "running_var": torch.tensor([v])})
        for slot, m, v in samples
    ]
    buffers: Named = {"s.norm.running_mean": mean[None], "s.norm.running_var": var[None]}
    return Look({}, statistics={"s": found}, buffers=buffers)


def test_a_mean_two_deviations_away_and_a_variance_e_times_as_large() -> None:
    look = look_of([(None, [1.0, -3.0], [4.0, 9.0])], torch.tensor([5.0, -9.0]), torch.tensor([4.0, 9.0]) * np.e)
    assert drifts(look, 0)["s"] == pytest.approx({("mean_drift", None): 2.0, ("variance_drift", None): 1.0})


def test_up_and_down_count_alike_and_do_not_cancel() -> None:
    look = look_of([(None, [0.0, 0.0], [1.0, 1.0])], torch.tensor([1.0, -1.0]), torch.tensor([np.e, 1 / np.e]))
    assert drifts(look, 0)["s"] == pytest.approx({("mean_drift", None): 1.0, ("variance_drift", None): 1.0})


def test_each_sample_meets_the_averages_of_its_step_in_whatever_order_it_came() -> None:
    samples = [(1, [0.0], [1.0]), (0, [0.0], [1.0]), (1, [2.0], [1.0])]
    look = look_of(samples, torch.tensor([[3.0], [7.0]]), torch.ones(2, 1))
    found = drifts(look, 0)["s"]
    assert found == {("mean_drift", 1): 3.0, ("mean_drift", 2): 6.0, ("variance_drift", 1): 0, ("variance_drift", 2): 0}


@pytest.mark.parametrize(
    ("mean", "var", "running_mean", "running_var", "wanted"),
    [
        (0.0, 1.0, 0.0, 0.0, [0.0, np.inf]),
        (np.nan, 1.0, 0.0, 1.0, [np.nan, 0.0]),
        (np.inf, np.nan, 0.0, 1.0, [np.nan, np.nan]),
        (np.inf, np.inf, 0.0, 1.0, [np.nan, np.inf]),
    ],
)
def test_what_has_no_finite_drift_shows(
    mean: float, var: float, running_mean: float, running_var: float, wanted: list[float]
) -> None:
    look = look_of(
        [(None, [mean, 0.0], [var, 1.0])], torch.tensor([running_mean, 0.0]), torch.tensor([running_var, 1.0])
    )
    np.testing.assert_array_equal(list(drifts(look, 0)["s"].values()), wanted)


CONSTANT: dict[str, tuple[float, float, float, float]] = {  # mean and variance of the batch, running ones
    "zero": (0.0, 0.0, 1.0, 1.0),
    "equal to the averages": (1.0, 0.0, 1.0, 0.0),
    "zero and averages of zero": (0.0, 0.0, 0.0, 0.0),
    "rounding of a constant": (0.1, 1e-16, 0.1, 1.0),
    "rounding of a large constant": (1e4, 1e-6, 0.0, 1.0),
    "rounding below zero": (3.0, -1e-15, 0.0, 1.0),
}


@pytest.mark.parametrize("channel", CONSTANT.values(), ids=CONSTANT)
def test_a_constant_channel_is_left_out(channel: tuple[float, float, float, float]) -> None:
    """The other channel's drifts, 2 and 1, are not averaged with it."""
    mean, var, running_mean, running_var = channel
    look = look_of(
        [(None, [mean, 1.0], [var, 4.0])], torch.tensor([running_mean, 5.0]), torch.tensor([running_var, 4 * np.e])
    )
    assert drifts(look, 0)["s"] == pytest.approx({("mean_drift", None): 2.0, ("variance_drift", None): 1.0})


@pytest.mark.parametrize("channel", CONSTANT.values(), ids=CONSTANT)
@pytest.mark.parametrize("slots", [(None,), (None, None), (0, 1)], ids=str)
def test_a_norm_whose_channels_are_all_constant_has_no_row(
    channel: tuple[float, float, float, float], slots: tuple[int | None, ...]
) -> None:
    mean, var, running_mean, running_var = channel
    steps = (2,) if slots[0] is not None else ()
    samples = [(slot, [mean], [var]) for slot in slots]
    look = look_of(samples, torch.full((*steps, 1), running_mean), torch.full((*steps, 1), running_var))
    assert drifts(look, 0)["s"] == {}


@pytest.mark.parametrize(("slots", "wanted"), [((None, None), {None: 3.0}), ((0, 1), {2: 3.0})], ids=str)
def test_a_sample_whose_channels_are_all_constant_is_left_out(
    slots: tuple[int | None, ...], wanted: dict[int | None, float]
) -> None:
    steps = (2,) if slots[0] is not None else ()
    samples = [(slots[0], [7.0], [0.0]), (slots[1], [0.0], [1.0])]
    found = drifts(look_of(samples, torch.full((*steps, 1), 3.0), torch.ones(*steps, 1)), 0)["s"]
    assert found == {
        (n, at): v if n == "mean_drift" else 0 for n in ("mean_drift", "variance_drift") for at, v in wanted.items()
    }


def test_a_spread_that_float32_tells_from_its_mean_counts() -> None:
    look = look_of([(None, [100.0], [1e-6])], torch.tensor([100.0]), torch.tensor([1e-6 * np.e], dtype=torch.float32))
    assert drifts(look, 0)["s"]["variance_drift", None] == pytest.approx(1.0, rel=1e-5)


def test_replicas_that_are_constant_have_no_row_and_others_have_theirs() -> None:
    sample = BatchStatistics(None, {"running_mean": torch.zeros(2, 1), "running_var": torch.tensor([[0.0], [1.0]])})
    buffers: Named = {"s.norm.running_mean": torch.ones(2, 1), "s.norm.running_var": torch.ones(2, 1)}
    look = Look({}, statistics={"s": [sample]}, buffers=buffers)
    assert drifts(look, 0)["s"] == {}
    assert drifts(look, 1)["s"] == {("mean_drift", None): 1.0, ("variance_drift", None): 0.0}


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_a_replica_does_not_see_a_lost_one(value: float) -> None:
    look = seen("lstm", (1, 4, 3), 3, norm="batch", **LSTM).look
    others = [drifts(look, r) for r in (1, 2)]
    for samples in look.statistics.values():
        for sample in samples:
            for statistic in sample.values.values():
                statistic[0, 0] = value
    assert all(not np.isfinite(value) for by_row in drifts(look, 0).values() for value in by_row.values())
    for r, other in zip((1, 2), others, strict=True):
        assert drifts(look, r) == {site: pytest.approx(by_row, rel=0, nan_ok=True) for site, by_row in other.items()}


def test_before_any_batch_the_averages_are_where_they_start() -> None:
    look = seen("mlp", (6,), 1, updates=0, depth=1, width=4, norm="batch", at=["before_act"]).look
    (x,) = look.before["units.0.before_act"]
    by_mean, by_variance = drifts(look, 0)["units.0.before_act"].values()
    values = x[0].numpy()
    assert by_mean == pytest.approx(np.mean(np.abs(values.mean(0)) / values.std(0, ddof=1)))
    assert by_variance == pytest.approx(np.mean(np.abs(np.log(values.var(0, ddof=1)))), rel=1e-7)
