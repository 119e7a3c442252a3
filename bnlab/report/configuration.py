"""What all runs of a report share."""

from collections.abc import Mapping, Sequence

from bnlab.report.condition import LR, SEED, Axes, exact, has, owner, short, text
from bnlab.report.escaping import clipped

# Constant axes that a caption names, in its order; the page lists the others.
_CAPTION = (
    "model", "model.depth", "model.width", "model.activation", "placement", "data", "data.train_size",
    "data.batch_size", "optim", "optim.momentum", "optim.weight_decay", "schedule", "epochs", "steps", "clip",
)  # fmt: skip


def constants(runs: Sequence[Axes], varying: Sequence[str]) -> dict[str, str]:
    """Each axis that does not tell conditions apart, with its value; where it follows a choice, of which."""
    found = {}
    for name in sorted({name for axes in runs for name in axes} - {LR, SEED, *varying}):
        pairs = {}
        for axes in runs:
            if has(axes, name):
                whose = axes.get(owner(name, axes))
                pairs[exact(axes[name]), exact(whose)] = (axes[name], whose)
        owners: dict[str, list[str]] = {}
        for value, whose in pairs.values():
            owners.setdefault(text(value), []).append(text(whose))
        if len(owners) == 1:
            found[name] = next(iter(owners))
        elif owners:
            found[name] = ", ".join(f"{value} ({', '.join(sorted(set(of)))})" for value, of in owners.items())
    return found


def in_words(found: Mapping[str, str], varying: Sequence[str]) -> str:
    """A line for captions: model mlp, depth 4 …"""
    names = set(found) | set(varying) | {LR}
    shown = [name for name in _CAPTION if found.get(name) not in (None, "null")]
    return ", ".join(f"{short(name, names) if '.' in name else name} {clipped(found[name])}" for name in shown)
