"""Fine-tuning: start from another run's weights, and train only some parameters."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import torch

from bnlab.errors import BadInput, Refused
from bnlab.norms.site import NORM
from bnlab.runs.schema import CHECKPOINT
from bnlab.text import nearest
from bnlab.training import checkpoint
from bnlab.training.state import TrainState

HEAD = "head."  # prefix of a model's last layer


@torch.no_grad()
def begin_with(state: TrainState, folder: Path, weights: str = "") -> list[str]:
    """Copy the weights and running statistics of a finished run into a freshly built state of a single run.

    Args:
        weights: the expected `checkpoint.digest`; "" or "file-…" if it is not known.

    A head for another number of classes, and norms that the other net lacks, keep their initial values.

    Returns:
        The names that keep their initial values.

    Raises:
        BadInput: the folder holds no checkpoint of a finished run, or one with other weights than expected.
        Refused: the nets do not match.
    """
    payload = checkpoint.load(folder / CHECKPOINT)
    if payload is None or not checkpoint.is_whole(payload):
        raise BadInput(f"init_from={folder}: its {CHECKPOINT} cannot be read; name another run, or train it again")
    if not payload["finished"]:
        raise BadInput(f"init_from={folder}: that run is not finished; finish it first, or name another")
    if weights and not weights.startswith("file-") and checkpoint.digest(payload) != weights:
        raise BadInput(
            f"init_from={folder}: {CHECKPOINT} differs from the weights in its run.json (the run was trained again "
            "since, or the file is damaged): run the command again, or name another run"
        )
    given = payload["params"] | payload["buffers"]
    fresh = []
    mine = state.params | state.buffers
    if unused := [name for name in given if name not in mine and not name.startswith(HEAD) and NORM not in name]:
        raise Refused(f"init_from={folder}: this net has no {unused[0]}; give both nets the same model")
    for name, tensor in mine.items():
        if name in given and given[name].shape == tensor.shape:
            tensor.copy_(given[name])
        elif name.startswith(HEAD) or (NORM in name and name not in given):
            fresh.append(name)
        elif name in given:
            ours, theirs = ("x".join(map(str, t.shape)) for t in (tensor, given[name]))
            raise Refused(f"init_from={folder}: {name} is {theirs} there and {ours} here; give both nets equal shapes")
        else:
            raise Refused(f"init_from={folder}: it has no {name}; give both nets the same model")
    return fresh


def matching(state: TrainState, patterns: Sequence[str]) -> list[str]:
    """Return the parameters that match the patterns (`*` matches anything).

    Raises:
        Refused: a pattern matches none, or nothing would be left to train.
    """
    chosen: dict[str, None] = {}
    for pattern in patterns:
        found = [name for name in state.params if fnmatchcase(name, pattern)]
        if not found:
            raise Refused(f"freeze: {pattern} matches no parameter; {nearest(pattern, state.params)}")
        chosen |= dict.fromkeys(found)
    if len(chosen) == len(state.params):
        raise Refused("freeze: nothing is left to train; leave the head out, as in freeze=[units.*]")
    return list(chosen)
