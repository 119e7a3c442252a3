"""One update of the LSTM compared with a hand-written one that calls separate modules at each time step.

    OMP_NUM_THREADS=1 python benchmarks/recurrent.py [--steps 28] [--inputs 28] [--batch 100] [--width 100]

The hand-written one has the same weights, norms and losses: W_x x_t by a linear layer at each step, a BatchNorm1d for
each step, one sigmoid or tanh per gate. Prints the shortest CPU time of forward and backward in milliseconds, measured
in alternation; elapsed time would include other processes. A ratio above 1 means that bnlab is faster.
"""

import argparse
from time import process_time

import torch
from torch import Tensor, nn

from bnlab.config.folder import conf_dir
from bnlab.models.base import Model, assemble, initialize
from bnlab.norms.placement import Placement
from bnlab.registry import find


class ByModules(nn.Module):
    """BN-LSTM or LSTM, module by module."""

    def __init__(self, steps: int, inputs: int, width: int, classes: int, batch_norm: bool) -> None:
        super().__init__()
        self.width = width
        self.from_input = nn.Linear(inputs, 4 * width)
        self.from_hidden = nn.Linear(width, 4 * width, bias=False)
        for name in ("norms_x", "norms_h"):
            norms = [nn.BatchNorm1d(4 * width) if batch_norm else nn.Identity() for _ in range(steps)]
            for norm in norms[1:] if batch_norm else ():
                norm.weight, norm.bias = norms[0].weight, norms[0].bias
            setattr(self, name, nn.ModuleList(norms))
        self.sigmoid, self.tanh = nn.Sigmoid(), nn.Tanh()
        self.head = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), self.width)
        for t in range(x.shape[2]):
            gates = self.norms_x[t](self.from_input(x[:, 0, t])) + self.norms_h[t](self.from_hidden(h))
            f, i, o, g = gates.chunk(4, 1)
            c = self.sigmoid(f) * c + self.sigmoid(i) * self.tanh(g)
            h = self.sigmoid(o) * self.tanh(c)
        return self.head(h)


def ours(steps: int, inputs: int, width: int, classes: int, norm: str) -> Model:
    """Return bnlab's LSTM with a norm at its default sites."""
    from omegaconf import OmegaConf

    options = {k: v for k, v in OmegaConf.load(conf_dir() / "norm" / f"{norm}.yaml").items() if k != "name"}
    kind = find("model", "lstm").load()
    norms = Placement.of(find("norm", norm).load(), options, () if norm == "none" else kind.default_sites)
    own = {"depth": 1, "width": width, "sequence": "rows", "permute": False, "statistics_per_step": True,
           "gamma": 0.1, "forget_bias": 1.0, "dropout": 0.0}  # fmt: skip
    net = assemble(kind, (1, steps, inputs), classes, norms, own)
    initialize(net, "torch", 0.01, 0)
    return net


def main() -> None:
    parser = argparse.ArgumentParser()
    for name, default in (("steps", 28), ("inputs", 28), ("batch", 100), ("width", 100), ("rounds", 15)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    size = (given.steps, given.inputs, given.width, 10)
    x = torch.randn(given.batch, 1, given.steps, given.inputs)
    y = torch.randint(10, (given.batch,))

    def update(net: nn.Module) -> float:
        start = process_time()
        loss = nn.functional.cross_entropy(net(x), y)
        torch.autograd.grad(loss, list(net.parameters()))
        return 1e3 * (process_time() - start)

    for norm in ("none", "batch"):
        nets = [ours(*size, norm), ByModules(*size, norm == "batch")]
        times = [[update(net) for net in nets] for _ in range(given.rounds + 2)][2:]
        mine, other = (min(column) for column in zip(*times, strict=True))
        print(f"norm={norm:5}  bnlab {mine:7.2f} ms  by modules {other:7.2f} ms  ratio {other / mine:.2f}")


if __name__ == "__main__":
    main()
