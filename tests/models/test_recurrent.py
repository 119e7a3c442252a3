"""Recurrent nets: torch's own without norm, the paper's with batch norm, and all norms at all sites."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bnlab import registry
from bnlab.diagnostics.activation_moments import ActivationMoments
from bnlab.diagnostics.look import Look
from bnlab.errors import Refused
from bnlab.models.base import Model, dry_run, weights
from bnlab.models.describe import layers, site_rows
from bnlab.noise import Noise
from bnlab.norms.site import sites, tape
from bnlab.optim.hyper import Hyper
from bnlab.optim.optimizers.sgd import SGD
from bnlab.training.executors.fused import Fused
from bnlab.training.executors.serial import Serial
from bnlab.training.state import TrainState
from bnlab.training.step import make_step

NORMS = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "norm").glob("[!_]*.yaml"))
SITES = {
    "lstm": ("input_to_hidden", "hidden_to_hidden", "cell", "hidden"),
    "rnn": ("input_to_hidden", "hidden_to_hidden", "hidden"),
}
PAPER = ("input_to_hidden", "hidden_to_hidden", "cell")  # site of the BN-LSTM
CPU = torch.device("cpu")
every_model = pytest.mark.parametrize("model", sorted(SITES))


def images(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def jitter(model: Model) -> None:
    """Move parameters from their initial values, biases from 0 and gains from one another."""
    draw = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn(p.shape, generator=draw, dtype=p.dtype)


# Without norm: torch's own nets.


class ByTorch(nn.Module):
    """torch's recurrent net on rows, with the parameters of one of ours."""

    def __init__(self, ours: Model, inner: nn.RNNBase) -> None:
        super().__init__()
        self.inner, self.head = inner.double(), ours.head
        blocks = [1, 0, 3, 2] if isinstance(inner, nn.LSTM) else [0]  # torch's i, f, g, o in our f, i, o, g
        self.pairs = []
        for n, unit in enumerate(ours.units):  # type: ignore[arg-type]
            for name, mine in (
                (f"weight_ih_l{n}", unit.from_input.weight),
                (f"weight_hh_l{n}", unit.from_hidden.weight),
                (f"bias_ih_l{n}", unit.bias.value),
            ):
                self.pairs.append((mine, inner.get_parameter(name), blocks))
            nn.init.zeros_(inner.get_parameter(f"bias_hh_l{n}"))
        with torch.no_grad():
            for mine, theirs, _ in self.pairs:
                theirs.copy_(self.in_their_order(mine, blocks))

    @staticmethod
    def in_their_order(ours: Tensor, blocks: Sequence[int]) -> Tensor:
        parts = ours.chunk(len(blocks))
        return torch.cat([parts[b] for b in blocks])

    def forward(self, x_BCHW: Tensor) -> Tensor:
        return self.head(self.inner(x_BCHW.transpose(1, 2).flatten(2))[0][:, -1])


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize(("model", "activation"), [("lstm", None), ("rnn", "tanh"), ("rnn", "relu")])
def test_without_norm_it_is_torchs_over_50_steps(build_model: Any, model: str, activation: str, depth: int) -> None:
    options = {} if activation is None else {"activation": activation}
    ours = build_model(model, (2, 50, 3), 4, depth=depth, width=7, **options)
    jitter(ours)
    inner = (
        nn.LSTM(6, 7, depth, batch_first=True)
        if model == "lstm"
        else nn.RNN(6, 7, depth, batch_first=True, nonlinearity=activation)
    )
    theirs = ByTorch(ours, inner)
    results = []
    for net in (ours, theirs):
        x = images(5, 2, 50, 3).requires_grad_()
        leaves = [p[0 if net is ours else 1] for p in theirs.pairs]
        y = net(x)
        gradients = list(torch.autograd.grad((y * images(5, 4, seed=1)).sum(), [x, *leaves]))
        if net is ours:
            gradients[1:] = [
                theirs.in_their_order(g, blocks) for g, (*_, blocks) in zip(gradients[1:], theirs.pairs, strict=True)
            ]
        results.append([y, *gradients])
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)


def test_in_float32_too(build_model: Any) -> None:
    ours = build_model("lstm", (1, 50, 6), 4, width=7).float()
    x = images(5, 1, 50, 6).float()
    theirs = ByTorch(ours, nn.LSTM(6, 7, batch_first=True)).float()
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-6)


# With batch norm: Cooijmans et al. 2016, implemented from the equations.


class PaperCell:
    """BN-LSTM from the paper's equations in float64, called with one image batch (B, T, I) at a time.

    (f, i, o, g) = BN(W_h h; γ_h) + BN(W_x x; γ_x) + b,  c = σ(f) c + σ(i) tanh(g),  h = σ(o) tanh(BN(c; γ_c, β_c)).
    """

    MOMENTUM, EPS = 0.1, 1e-5

    def __init__(self, net: Model, steps: int, per_step: bool) -> None:
        unit = net.units[0]  # type: ignore[index]
        self.W_x, self.W_h, self.b = unit.from_input.weight, unit.from_hidden.weight, unit.bias.value
        self.gamma = {kind: getattr(unit, kind).norm.weight for kind in PAPER}
        self.beta_c = unit.cell.norm.bias
        self.head = net.head
        self.leaves = list(net.parameters())
        n = steps if per_step else 1
        sizes = {"input_to_hidden": len(self.b), "hidden_to_hidden": len(self.b), "cell": len(self.beta_c)}
        self.mean = {k: [torch.zeros(c, dtype=torch.float64) for _ in range(n)] for k, c in sizes.items()}
        self.var = {k: [torch.ones(c, dtype=torch.float64) for _ in range(n)] for k, c in sizes.items()}

    def normalized(self, kind: str, x: Tensor, t: int, training: bool) -> Tensor:
        t = min(t, len(self.mean[kind]) - 1)
        if training:
            mean, var = x.mean(0), ((x - x.mean(0)) ** 2).mean(0)
            unbiased = var.detach() * len(x) / (len(x) - 1)
            self.mean[kind][t] = 0.9 * self.mean[kind][t] + self.MOMENTUM * mean.detach()
            self.var[kind][t] = 0.9 * self.var[kind][t] + self.MOMENTUM * unbiased
        else:
            mean, var = self.mean[kind][t], self.var[kind][t]
        return self.gamma[kind] * (x - mean) / (var + self.EPS) ** 0.5

    def __call__(self, x_BTI: Tensor, training: bool) -> Tensor:
        h = c = torch.zeros(len(x_BTI), len(self.beta_c), dtype=torch.float64)
        for t in range(x_BTI.shape[1]):
            z = (
                self.normalized("hidden_to_hidden", h @ self.W_h.T, t, training)
                + self.normalized("input_to_hidden", x_BTI[:, t] @ self.W_x.T, t, training)
                + self.b
            )
            f, i, o, g = z.chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(self.normalized("cell", c, t, training) + self.beta_c)
        return self.head(h)


@pytest.mark.parametrize("per_step", [True, False])
@pytest.mark.parametrize("norm", ["batch", "batch_reference"])
def test_with_batch_norm_it_is_the_papers(build_model: Any, norm: str, per_step: bool) -> None:
    net = build_model("lstm", (1, 6, 3), 4, norm=norm, at=PAPER, width=5, statistics_per_step=per_step)
    jitter(net)
    paper = PaperCell(net, 6, per_step)
    for n in range(3):
        x = images(8, 1, 6, 3, seed=n)
        weight = images(8, 4, seed=9)
        results = []
        for y in (net(x), paper(x[:, 0], training=True)):
            results.append([y, *torch.autograd.grad((y * weight).sum(), paper.leaves)])
        # ε = 1e-5 of the first step, where W_h h_0 = 0, divides by 0.003, which magnifies rounding.
        torch.testing.assert_close(*results, rtol=1e-9, atol=1e-9)
    for kind in PAPER:
        running = getattr(net.units[0], kind).norm
        stacked = (torch.stack(paper.mean[kind]), torch.stack(paper.var[kind]))
        found = (running.running_mean, running.running_var)
        torch.testing.assert_close(found, stacked if per_step else tuple(s[0] for s in stacked), rtol=0, atol=1e-12)
        assert running.num_batches_tracked.flatten().tolist() == ([3] * 6 if per_step else [18])
    net.eval()
    with torch.no_grad():
        for steps in (6, 11, 2):  # as in training, longer, shorter
            x = images(7, 1, steps, 3, seed=steps)
            torch.testing.assert_close(net(x), paper(x[:, 0], training=False), rtol=0, atol=1e-11)


def test_statistics_of_steps_differ_and_later_steps_take_the_last(build_model: Any) -> None:
    net = build_model("lstm", (1, 4, 3), 4, norm="batch", at=PAPER, width=5)
    x = images(16, 1, 4, 3) + torch.arange(4.0)[:, None]  # each row with a different mean
    net(x)
    norm = net.units[0].input_to_hidden.norm
    assert norm.running_mean.shape == (4, 20)
    assert norm.weight.shape == (20,)
    assert len({row.sum().item() for row in norm.running_mean}) == 4
    net.eval()
    with tape() as seen, torch.no_grad():
        net(torch.cat([x, x[:, :, 3:], x[:, :, 3:]], 2))
    last = seen.after["units.0.input_to_hidden"][3:]
    assert len(last) == 3
    assert all(torch.equal(step, last[0]) for step in last)


# Gains, shifts, biases, sizes.


@every_model
def test_gains_start_from_gamma_in_the_units_alone(build_model: Any, model: str) -> None:
    for gamma in (0.1, 0.7, None):
        net = build_model(model, (1, 4, 3), 4, norm="batch", at=(*SITES[model], "output"), width=5, gamma=gamma)
        for site in sites(net).values():
            expected = 1.0 if gamma is None or site.kind == "output" else gamma
            assert site.norm.weight.tolist() == pytest.approx([expected] * len(site.norm.weight))


def test_the_bias_stands_in_for_the_shifts_in_front_of_it(build_model: Any) -> None:
    net = build_model("lstm", (1, 4, 3), 4, norm="layer", at=SITES["lstm"], width=5)
    shifts = {kind: getattr(net.units[0], kind).norm.bias is not None for kind in SITES["lstm"]}
    assert shifts == {"input_to_hidden": False, "hidden_to_hidden": False, "cell": True, "hidden": True}


@pytest.mark.parametrize("forget_bias", [0.0, 1.0, 3.0])
def test_forget_bias_is_that_of_the_forget_gates(build_model: Any, forget_bias: float) -> None:
    net = build_model("lstm", (1, 4, 3), 4, width=5, forget_bias=forget_bias)
    assert net.units[0].bias.value.tolist() == [forget_bias] * 5 + [0.0] * 15
    with torch.no_grad(), tape() as seen:
        net.units[0].from_hidden.weight.zero_()
        net.units[0].from_input.weight.zero_()[15:].fill_(1.0)  # only g is driven, and only at the first step
        net(torch.eye(4, 1, dtype=torch.float64).expand(4, 3)[None, None])
    first, second, *_ = seen.after["units.0.cell"]
    torch.testing.assert_close(second / first, torch.full_like(first, forget_bias).sigmoid())


@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize(("model", "gates"), [("lstm", 4), ("rnn", 1)])
def test_number_of_parameters(assemble_model: Any, model: str, gates: int, depth: int) -> None:
    def count(**options: Any) -> int:
        return sum(
            p.numel() for p in assemble_model(model, (3, 6, 2), 10, width=8, depth=depth, **options).parameters()
        )

    plain = sum(gates * 8 * (inputs + 8 + 1) for inputs in (6, 8)[:depth]) + 8 * 10 + 10
    assert count() == plain
    assert count(sequence="pixels", permute=True) == plain - gates * 8 * 3
    assert count(norm="batch", at=SITES[model][:2]) == plain + depth * 2 * gates * 8  # γ, no β
    every = depth * (2 * gates * 8 + 2 * 8 * (2 if model == "lstm" else 1))
    assert count(norm="batch", at=SITES[model]) == plain + every
    assert count(norm="batch", at=SITES[model], statistics_per_step=False) == plain + every


# Sites and steps of training.


@every_model
@pytest.mark.parametrize("norm", ["none", "batch"])
def test_each_site_fires_once_a_time_step(build_model: Any, model: str, norm: str) -> None:
    at = () if norm == "none" else SITES[model]
    net = build_model(model, (1, 6, 3), 4, norm=norm, at=at, width=5, depth=2)
    with tape() as seen:
        net(images(7, 1, 6, 3))
    assert seen.after.keys() == sites(net).keys()
    for site, values in seen.after.items():
        assert len(values) == (1 if site == "head.output" else 6)
        assert {len(v) for v in values} == {7}
    with_R = {site: tuple(v.detach()[None] for v in values) for site, values in seen.after.items()}
    observed = ActivationMoments(when=["init"]).observe(Look(with_R))
    joined = torch.cat([v.flatten() for v in seen.after["units.1.hidden"]])
    torch.testing.assert_close(observed["units.1.hidden"][0, 0], joined.mean().detach())


@every_model
@pytest.mark.parametrize("norm", ["batch", "weight"])
def test_is_described_with_each_layer_once(assemble_model: Any, model: str, norm: str) -> None:
    net = assemble_model(model, (1, 6, 3), 4, norm=norm, at=SITES[model] if norm == "batch" else (), width=5, depth=2)
    rows = layers(net, 4)
    assert len({row.path for row in rows}) == len(rows)
    assert sum(row.n_params for row in rows) == sum(p.numel() for p in net.parameters())
    assert {row.path for row in rows} > {*sites(net), *weights(net)}
    shapes = dry_run(net, [4], [4])
    gates = {"lstm": "20", "rnn": "5"}[model]
    found = {row["site"]: row["shape"] for row in site_rows(net, shapes)}
    assert found["units.0.input_to_hidden"] == found["units.1.hidden_to_hidden"] == gates
    assert found["units.0.from_input"] == f"{gates}x3"


def test_an_example_alone_is_refused_to_batch_norm_in_training(assemble_model: Any) -> None:
    net = assemble_model("lstm", (1, 6, 3), 4, norm="batch", at=PAPER, width=5)
    with pytest.raises(Refused, match="norm=batch has 1 value for each channel"):
        dry_run(net, [8, 1], [8])
    dry_run(net, [8], [8, 1])


def train(executor: Serial | Fused, seeds: Sequence[int], steps: int, shape: tuple[int, ...] = (1, 4, 3)) -> TrainState:
    """Run a few updates with bnlab's own step; each replica has its own batches."""
    optimizer = SGD(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=False)
    params, buffers = executor.tensors()
    state = TrainState(0, params, buffers, optimizer.slots(list(params.values())))
    step = make_step(executor, optimizer, {}, clip=1.0)
    hyper = Hyper(*(executor.stack([torch.tensor(v, dtype=torch.float64) for _ in seeds]) for v in (0.05, 0.9, 0.01)))
    executor.train(True)
    for n in range(steps):
        x = executor.stack([images(8, *shape, seed=100 * seed + n) for seed in seeds])
        y = executor.stack([torch.arange(8) % 4 for _ in seeds])
        output = step(state, [(x, y)], hyper, [], Noise(list(seeds), n, CPU))
        assert output.loss_R.isfinite().all()
    return state


def scored(executor: Serial | Fused, state: TrainState) -> Tensor:
    """Return the loss of each replica in evaluation."""
    executor.train(False)
    with torch.no_grad():
        x, y = images(6, 1, 4, 3, seed=7), torch.arange(6) % 4
        return executor.unstack(executor.forward(state.tensors, state.buffers, x, y, shared=True).loss)


@pytest.mark.parametrize(
    ("model", "norm", "options"),
    [
        ("lstm", "none", {"permute": True, "dropout": 0.3}),
        ("lstm", "batch", {"dropout": 0.3}),
        ("lstm", "batch", {"statistics_per_step": False, "depth": 2}),
        ("lstm", "ghost_batch", {}),
        ("lstm", "noisy_batch", {}),
        ("lstm", "batch_renorm", {"sequence": "pixels", "permute": True}),
        ("rnn", "batch", {"depth": 2}),
        ("rnn", "layer", {"activation": "relu"}),
        ("rnn", "weight_mean_only_batch", {}),
        ("lstm", "spectral", {}),
    ],
)
def test_fused_is_serial_over_ten_steps(build_model: Any, model: str, norm: str, options: dict[str, Any]) -> None:
    at = () if registry.find("norm", norm).facts.get("ignores_placement") else SITES[model]

    def make(seed: int) -> Model:
        return build_model(model, (1, 4, 3), 4, norm=norm, at=at, width=5, seed=seed, **options)

    seeds = (0, 1, 2)
    together = Fused([make(seed) for seed in seeds])
    fused = train(together, seeds, 10)
    losses = scored(together, fused)
    for r, seed in enumerate(seeds):
        alone = Serial(make(seed))
        state = train(alone, [seed], 10)
        for name, value in (state.params | state.buffers).items():
            torch.testing.assert_close((fused.params | fused.buffers)[name][r], value, rtol=0, atol=1e-8)
        torch.testing.assert_close(losses[r : r + 1], scored(alone, state), rtol=0, atol=1e-8)


def places(norm: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return (model, sites): each site of the LSTM alone, all of them, and all of the RNN's."""
    if registry.find("norm", norm).facts.get("ignores_placement"):
        return [("lstm", ()), ("rnn", ())]
    return [*(("lstm", (kind,)) for kind in SITES["lstm"]), *SITES.items()]


@pytest.mark.parametrize("norm", NORMS)
def test_every_norm_trains_at_every_site_or_is_refused(build_model: Any, assemble_model: Any, norm: str) -> None:
    """Three steps and an evaluation; all sites together also fused."""
    for model, at in places(norm):

        def make(seed: int, model: str = model, at: Sequence[str] = at) -> Model:
            return build_model(model, (1, 4, 3), 4, norm=norm, at=at, width=8, seed=seed)

        plain = assemble_model(model, (1, 4, 3), 4, norm=norm, at=at, width=8)
        if norm == "instance":  # no positions here
            with pytest.raises(Refused, match="1 value for each channel of an example"):
                dry_run(plain, [8], [6])
            continue
        dry_run(plain, [8], [6])
        alone = Serial(make(0))
        loss = scored(alone, train(alone, [0], 3))
        assert loss.isfinite().all()
        if at in ((), SITES[model]):
            together = Fused([make(seed) for seed in (0, 1)])
            both = scored(together, train(together, (0, 1), 3))
            torch.testing.assert_close(both[:1], loss, rtol=0, atol=1e-8)


def test_a_run_goes_on_from_what_its_tensors_hold(build_model: Any) -> None:
    def make() -> Model:
        return build_model("lstm", (1, 4, 3), 4, norm="batch", at=PAPER, width=5, permute=True)

    first, second = make(), make()
    train(Serial(first), [0], 5)
    with torch.no_grad():
        for tensor in (*second.parameters(), *second.buffers()):
            tensor.fill_(7)
    second.load_state_dict(first.state_dict())
    for net in (first, second):
        train(Serial(net), [1], 3)
    torch.testing.assert_close(first.state_dict(), second.state_dict(), rtol=0, atol=0)


# γ and the flow of gradients through time.


def test_a_small_gamma_keeps_gradients_of_one_size_through_time(build_model: Any) -> None:
    """The ratio of the largest to the smallest ‖∂L/∂h_t‖ in the last 36 of 40 steps grows with γ at initialization.

    Cooijmans et al. 2016, section 4 and Fig. 1: nearly constant for γ = 0.1. Pixels are 0 from the ninth on, as most of
    a digit's are. The effect of γ = 1 differs from the paper, where the gradient vanishes: here it grows towards the
    input.
    """
    x = images(64, 1, 5, 8)
    x[:, :, 1:] = 0
    ranges = []
    for gamma in (0.1, 0.5, 1.0):
        net = build_model("lstm", (1, 5, 8), 4, norm="batch", at=PAPER, width=48, gamma=gamma, sequence="pixels")
        with tape() as seen:
            loss = nn.functional.cross_entropy(net(x), torch.arange(64) % 4)
        norms = torch.stack([g.norm() for g in torch.autograd.grad(loss, seen.after["units.0.hidden"])])[4:]
        ranges.append((norms.max() / norms.min()).item())
    assert ranges[0] < 8
    assert ranges == sorted(ranges)
    assert ranges[2] > 3 * ranges[0]
