"""The loop: when rows are written, divergence, and fused equals serial row by row."""

import gc
import weakref
from math import isfinite

import pytest
import torch
import torch.nn.functional as F

from bnlab.diagnostics.base import Diagnostic, Numbers, Row
from bnlab.diagnostics.block import Named
from bnlab.diagnostics.look import Look
from bnlab.optim.schedules.plateau import Plateau
from bnlab.runs.schema import COLUMNS, COSTS, METRICS
from bnlab.training.statistics import Mode, Statistics
from tests.diagnostics.small import at_defaults
from tests.training.parts import Memory, data, net, prepared, train


@pytest.fixture(scope="module")
def run() -> Memory:
    return train([0.05])[0][0]


def steps_of(memory: Memory, table: str, **where: str) -> list[int]:
    rows = [row for row in memory.rows[table] if all(row[k] == v for k, v in where.items())]
    return sorted({row["step"] for row in rows})


def test_rows_have_the_columns_of_the_schema(run: Memory) -> None:
    for table, rows in run.rows.items():
        for row in rows:
            assert row.keys() <= set(COLUMNS[table])


def test_what_is_written_when(run: Memory) -> None:
    """64 training examples in batches of 16: 4 updates per epoch, 30 in total."""
    assert steps_of(run, "steps") == [*range(0, 30, 4), 30]
    assert steps_of(run, "evals", split="val") == [*range(4, 30, 4), 30]
    assert steps_of(run, "evals", split="test") == steps_of(run, "evals", split="train") == [30]
    assert steps_of(run, "histograms") == [0]
    assert steps_of(run, "layers", diagnostic="weight_grad_norm") == list(range(4, 30, 4))
    assert steps_of(run, "layers", diagnostic="activation_std") == sorted({0, 30, *range(4, 30, 4), *range(0, 30, 7)})


@pytest.mark.parametrize("modes", [("running",), ("running", "recomputed")])
def test_the_examples_of_all_evaluations_are_known_before(modes: tuple[Mode, ...]) -> None:
    """7 evaluations between epochs, and the last one."""
    (memory,), loop = prepared([0.05], statistics=Statistics(modes=modes, examples=16))
    expected = loop.evaluator.examples(7)
    loop.run()
    assert sum(row["n"] for row in memory.rows["evals"]) == expected


def test_epochs_examples_and_rates(run: Memory) -> None:
    for row in run.rows["steps"]:
        assert row["epoch"] == row["step"] / 4
        assert row["examples"] == row["step"] * 16
        assert row["lr"] == 0.05


def test_the_rows_are_those_of_a_plain_loop(run: Memory) -> None:
    """torch's modules, loss and optimizer with the same batches in the same order."""
    source, model = data(), net(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(31):
        epoch, index = divmod(step, 4)
        x, y = source.batch(source.order(0, epoch)[index * 16 : (index + 1) * 16])
        prediction = model(x)
        loss = F.cross_entropy(prediction, y)
        optimizer.zero_grad()
        loss.backward()
        (row,) = [r for r in run.rows["steps"] if r["step"] == step] or [None]
        if row is not None:
            norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
            assert row["loss"] == pytest.approx(loss.item(), abs=1e-12)
            assert row["grad_norm"] == pytest.approx(norm.item(), abs=1e-12)
            assert row["accuracy"] == pytest.approx((prediction.argmax(1) == y).double().mean().item())
        if step == 29:
            optimizer.step()
            model.eval()
            x_val, y_val = source.parts["val"]
            expected = F.cross_entropy(model(x_val), y_val).item()
            model.train()
            (evaluated,) = [r for r in run.rows["evals"] if r["step"] == 30 and r["split"] == "val"]
            assert evaluated["loss"] == pytest.approx(expected, abs=1e-12)
            assert evaluated["n"] == 16
        else:
            optimizer.step()


def test_looking_at_the_end_leaves_no_trace() -> None:
    """The last row is measured without an update: weights and running statistics are those after the 30th."""
    (memory,), (outcome,) = train([0.05])
    model, source = net(0), data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for step in range(30):
        epoch, index = divmod(step, 4)
        x, y = source.batch(source.order(0, epoch)[index * 16 : (index + 1) * 16])
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    last = memory.checkpoints[-1]
    for name, tensor in (dict(model.named_parameters()) | dict(model.named_buffers())).items():
        kept = (last["params"] | last["buffers"])[name]
        torch.testing.assert_close(kept, tensor.detach(), rtol=0, atol=1e-10)
    assert set(outcome.metrics) == set(METRICS)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_fused_writes_the_rows_of_serial(accumulate: int) -> None:
    rates = [0.05, 0.01, 0.02]
    source = data(drop_last=False, n=90)
    fused, _ = train(rates, fused=True, source=source, accumulate=accumulate, updates=40)
    for r, rate in enumerate(rates):
        (alone,), _ = train([rate], first_seed=r, source=source, accumulate=accumulate, updates=40)
        for table, rows in alone.rows.items():
            assert len(fused[r].rows[table]) == len(rows)
            for ours, theirs in zip(fused[r].rows[table], rows, strict=True):
                for column in theirs:
                    if column != "seconds":
                        assert ours[column] == pytest.approx(theirs[column], abs=1e-8)


def test_a_diverged_run_ends_with_its_true_last_row() -> None:
    (memory,), (outcome,) = train([1e30], log_every=10, updates=200)
    at = outcome.diverged_at
    assert at is not None
    last = memory.rows["steps"][-1]
    assert last["step"] == at
    assert not isfinite(last["loss"]) or at >= 20
    assert all(row["step"] < at for row in memory.rows["steps"][:-1])
    assert all(row["step"] <= at for table in memory.rows.values() for row in table)
    assert "test_accuracy" not in outcome.metrics, "a diverged run has no final evaluation"


def test_the_verdict_does_not_depend_on_how_often_one_looks() -> None:
    ends = {train([1e30], log_every=every, updates=200)[1][0].diverged_at for every in (1, 7, 1000)}
    assert len(ends) == 1


def test_a_diverged_replica_keeps_its_slot_and_leaves_its_siblings_alone() -> None:
    with_it, outcomes = train([0.05, 1e30, 0.02], fused=True, updates=60)
    assert [o.diverged_at is not None for o in outcomes] == [False, True, False]
    without, _ = train([0.05, 0.01, 0.02], fused=True, updates=60)
    for r in (0, 2):
        for ours, theirs in zip(with_it[r].rows["steps"], without[r].rows["steps"], strict=True):
            assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-12)
    assert with_it[1].rows["steps"][-1]["step"] == outcomes[1].diverged_at


def test_plateau_lowers_the_rate_after_evaluations() -> None:
    (memory,), _ = train([1e-9], schedule=Plateau(gamma=0.5, patience=0, threshold=0.5), updates=20, log_every=1)
    rates = {row["step"]: row["lr"] for row in memory.rows["steps"]}
    assert rates[4] == 1e-9, "the first evaluation is the best so far"
    assert rates[8] == pytest.approx(0.5e-9)
    assert rates[16] == pytest.approx(0.125e-9)


def test_accumulated_batches_give_the_gradient_of_their_mean() -> None:
    """Two batches of 16 with separate batch statistics: loss and gradient norm are those of the two in sequence."""
    source, model = data(), net(0)
    (memory,), _ = train([0.05], accumulate=2, updates=4, log_every=1, source=source)
    order = source.order(0, 0)
    losses = [F.cross_entropy(model(x), y) for x, y in (source.batch(order[:16]), source.batch(order[16:32]))]
    mean = torch.stack(losses).mean()
    mean.backward()
    norm = torch.cat([p.grad.flatten() for p in model.parameters()]).norm()
    row = memory.rows["steps"][0]
    assert row["loss"] == pytest.approx(mean.item(), abs=1e-12)
    assert row["grad_norm"] == pytest.approx(norm.item(), abs=1e-12)
    assert memory.rows["steps"][1]["examples"] == 32


def test_says_what_an_update_cost() -> None:
    _, outcomes = train([0.05, 0.01], fused=True, updates=20)
    for outcome in outcomes:
        assert set(outcome.cost) == set(COSTS) - {"processes"}
        pace, throughput = outcome.cost["update_seconds"], outcome.cost["examples_per_second"]
        assert pace is not None
        assert 0 < 20 * pace < outcome.seconds
        assert throughput == pytest.approx(2 * 16 / pace), "both replicas' batches of 16"


class Maps(Diagnostic):
    """Diagnostic that keeps the first numbers of a site as an array."""

    name = "maps"
    table = "arrays"

    def __init__(self) -> None:
        self.when = ["log"]

    def observe(self, look: Look) -> Named:
        return {site: values[0].flatten(1)[:, :4] for site, values in look.sites.items()}

    def rows(self, step: int, site: str, values: Numbers) -> list[Row]:
        return [{site: values.reshape(2, 2)}]


@pytest.mark.parametrize("fused", [False, True])
def test_arrays_go_to_a_file_a_step(fused: bool) -> None:
    memories, _ = train([0.05, 0.01][: 1 + fused], fused=fused, updates=9, extra={"maps": Maps()})
    for memory in memories:
        assert list(memory.arrays) == ["maps_1", "maps_2", "maps_4", "maps_8"], "after 1, 2, 4, 8 updates"
        assert list(memory.arrays["maps_4"])[:2] == ["units.0.before_act", "units.0.after_act"]
        assert {array.shape for array in memory.arrays["maps_4"].values()} == {(2, 2)}
        assert "arrays" not in memory.rows


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("name", [None, "kept_bytes", "landscape"])
def test_what_a_loop_held_goes_with_it(fused: bool, name: str | None) -> None:
    """Without waiting for Python's cycle collector, because the next pack needs the memory."""
    gc.collect()
    gc.disable()
    try:
        extra = {} if name is None else {name: at_defaults(name)}
        recorders, loop = prepared([0.1, 0.2] if fused else [0.1], fused=fused, extra=extra)
        loop.run()
        held = weakref.ref(next(iter(loop._state.params.values())))
        del recorders, loop
        assert held() is None
    finally:
        gc.enable()
