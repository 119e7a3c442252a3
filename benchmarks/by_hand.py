"""A careful user's hand-written training loop of a few lines (`by_hand_sweep.py` wraps it in Hydra).

It has the same data, batches and initial weights as bnlab, so that the losses can be compared; torch's modules,
gradients and optimizer, tensors in memory, the loss read every tenth update. Run by benchmarks/executors.py.
"""

import json
from functools import cache
from pathlib import Path

import torch
import torch.nn.functional as F

from bnlab.config import build
from bnlab.config.compose import Composed
from bnlab.config.source import source
from bnlab.config.validate import Config, validate
from bnlab.data.tensors import TensorData
from bnlab.models.base import initialize


@cache
def setting(values: str) -> tuple[Config, TensorData]:
    """Return a config from its values as JSON, and its data."""
    config = validate(Composed(json.loads(values), {}))
    return config, build.tensors(config, source(config))


def train(values: str, seed: int, lr: float, out: str) -> None:
    """Train one net and write its logged losses and its accuracies to `<out>/<seed>_<lr>.json`."""
    torch.set_num_threads(1)
    config, data = setting(values)
    model, _ = build.model(config, data)
    initialize(model, config.model["init"], config.model["init_std"], seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=config.optim["momentum"])
    size, per_epoch = data.common.batch_size, data.batches_per_epoch
    x_all, y_all = data.parts["train"]
    losses: dict[int, float] = {}
    for step in range(config.run["steps"]):
        epoch, index = divmod(step, per_epoch)
        if index == 0:
            order = data.order(seed, epoch)
        batch = order[index * size : (index + 1) * size]
        loss = F.cross_entropy(model(x_all[batch]), y_all[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 10 == 0:
            losses[step] = loss.item()
    model.eval()
    accuracy = {}
    with torch.no_grad():
        for part, (x, y) in data.parts.items():
            hits = sum(
                (model(a).argmax(1) == b).sum().item() for a, b in zip(x.split(size), y.split(size), strict=True)
            )
            accuracy[part] = hits / len(x)
    path = Path(out) / f"{seed}_{lr:g}.json"
    path.write_text(json.dumps({"losses": losses, "accuracy": accuracy}))
