"""The training step with batch norm, an LSTM cell and dropout, single and stacked, compared with a plain loop."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bnlab.diagnostics.activation_moments import ActivationMoments
from bnlab.models.base import Model, assemble, initialize
from bnlab.models.units import Dropout, Head
from bnlab.noise import Noise
from bnlab.norms.batch import BatchNorm
from bnlab.norms.placement import Placement
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.sgd import SGD
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import METRICS, make_step

SEEDS, LRS, MOMENTA = (0, 1, 2), (0.1, 0.05, 0.02), (0.0, 0.5, 0.9)  # stable; otherwise rounding grows without bound
TIME, INPUTS, HIDDEN, CLASSES, BATCH, STEPS = 5, 6, 8, 4, 12, 200


class RecurrentNet(Model):
    """LSTM cell with norms at its four sites and dropout on its input, then a head: the hardest case."""

    name = "recurrent_proof"
    default_sites = ("input_to_hidden", "hidden_to_hidden", "cell")

    def __init__(self, shape: tuple[int, ...], outputs: int, norms: Placement) -> None:
        super().__init__()
        inputs = shape[1]
        self.dropout = Dropout(0.25)
        self.from_input = nn.Linear(inputs, 4 * HIDDEN)
        self.from_hidden = nn.Linear(HIDDEN, 4 * HIDDEN, bias=False)
        self.input_to_hidden = norms.at("input_to_hidden", 4 * HIDDEN)
        self.hidden_to_hidden = norms.at("hidden_to_hidden", 4 * HIDDEN)
        self.cell = norms.at("cell", HIDDEN)
        self.hidden = norms.at("hidden", HIDDEN)
        self.head = Head(HIDDEN, outputs, norms)

    def forward(self, x_BTI: Tensor) -> Tensor:
        x_BTI = self.dropout(x_BTI)
        h = c = x_BTI.new_zeros(len(x_BTI), HIDDEN)
        for x_BI in x_BTI.unbind(1):
            gates = self.input_to_hidden(self.from_input(x_BI)) + self.hidden_to_hidden(self.from_hidden(h))
            i, f, g, o = gates.chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = self.hidden(o.sigmoid() * self.cell(c).tanh())
        return self.head(h)


def build(seed: int) -> Model:
    norm = partial(BatchNorm, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, sync=True)
    net = assemble(RecurrentNet, (TIME, INPUTS), CLASSES, Placement(norm, RecurrentNet.default_sites), {})
    initialize(net, "torch", 0.01, seed)
    return net.double()


def batches(seed: int, step: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1000 * seed + step % 7)
    x = torch.randn(BATCH, TIME, INPUTS, generator=draw, dtype=torch.float64)
    return x, (x.sum((1, 2)) > 0).long() + 2 * (x[:, 0, 0] > 0).long()


def train(executor: Serial | Fused, replicas: list[int]) -> SimpleNamespace:
    """Run 200 training steps of bnlab; return losses, observed moments and the final state, with a leading axis R."""
    optimizer = SGD(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=False)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    step = make_step(executor, optimizer, {"moments": ActivationMoments(when=["init"])}, clip=1.0)

    def values(all_of_them: tuple[float, ...]) -> Tensor:
        return executor.stack([torch.tensor(all_of_them[r], dtype=torch.float64) for r in replicas])

    hyper = Hyper(values(LRS), values(MOMENTA), values((0.01, 0.01, 0.01)))
    losses, moments = [], []
    executor.train(True)
    for n in range(STEPS):
        pairs = [batches(SEEDS[r], n) for r in replicas]
        batch = (executor.stack([x for x, _ in pairs]), executor.stack([y for _, y in pairs]))
        due = [METRICS, "moments"] if n % 50 == 0 else []
        noise = Noise([SEEDS[r] for r in replicas], n, torch.device("cpu"))
        output = step(state, [batch], hyper, due, noise)
        losses.append(output.loss_R)
        if due:
            moments.append(torch.cat([*output.observed["moments"].values(), output.grad_norm_R[:, None]], 1))
    tensors = {name: executor.unstack(t.detach()) for name, t in (state.params | state.buffers).items()}
    return SimpleNamespace(losses_NR=torch.stack(losses), moments=torch.stack(moments, 1), tensors=tensors)


@pytest.fixture(scope="module")
def serial() -> list[SimpleNamespace]:
    return [train(Serial(build(SEEDS[r])), [r]) for r in range(3)]


def test_fused_equals_serial(serial: list[SimpleNamespace]) -> None:
    fused = train(Fused([build(seed) for seed in SEEDS]), [0, 1, 2])
    for r, alone in enumerate(serial):
        torch.testing.assert_close(fused.losses_NR[:, r], alone.losses_NR[:, 0], rtol=0, atol=1e-8)
        torch.testing.assert_close(fused.moments[r], alone.moments[0], rtol=0, atol=1e-8)
        for name, tensor in alone.tensors.items():
            torch.testing.assert_close(fused.tensors[name][r], tensor[0], rtol=0, atol=1e-8)


def test_replicas_differ_and_learn(serial: list[SimpleNamespace]) -> None:
    ends = [run.losses_NR[-7:].mean().item() for run in serial]
    assert len(set(ends)) == 3
    assert min(ends) < 0.7 * serial[0].losses_NR[0].item()


@pytest.mark.parametrize("r", range(3))
def test_serial_equals_a_plain_loop(serial: list[SimpleNamespace], r: int) -> None:
    """torch's own module, loss, clipping and optimizer with the same net; the dropout masks are bnlab's keyed ones."""
    from bnlab.noise import source

    net = build(SEEDS[r])
    optimizer = torch.optim.SGD(net.parameters(), lr=LRS[r], momentum=MOMENTA[r], weight_decay=0.01)
    losses = []
    for n in range(STEPS):
        x, y = batches(SEEDS[r], n)
        with source(Noise([SEEDS[r]], n, x.device)):
            loss = F.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]).norm()
        for p in net.parameters():
            p.grad *= min(1.0, 1.0 / norm)  # torch's clip_grad_norm_ divides by norm + 1e-6, so results differ by 1e-6
        optimizer.step()
        losses.append(loss.detach())
    torch.testing.assert_close(serial[r].losses_NR[:, 0], torch.stack(losses), rtol=0, atol=1e-8)


def test_a_diverging_replica_leaves_its_siblings_untouched(
    serial: list[SimpleNamespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{__name__}.LRS", (LRS[0], float("inf"), LRS[2]))
    fused = train(Fused([build(seed) for seed in SEEDS]), [0, 1, 2])
    assert fused.losses_NR[-1, 1].isnan()
    for r in (0, 2):
        torch.testing.assert_close(fused.losses_NR[:, r], serial[r].losses_NR[:, 0], rtol=0, atol=1e-8)
