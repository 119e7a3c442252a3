"""The settings that all runs of a report share."""

from collections.abc import Sequence

from bnlab.report.condition import LR, SEED, Axes, exact, has, owner, short, text
from bnlab.report.escaping import clipped

# Constant axes that captions name, in this order; the page lists the others.
_CAPTION = (
    "model", "model.depth", "model.width", "model.activation", "placement", "data", "data.train_size",
    "data.batch_size", "optim", "optim.momentum", "optim.weight_decay", "schedule", "epochs", "steps", "clip",
)  # fmt: skip


def constants(runs: Sequence[Axes], varying: Sequence[str]) -> dict[str, str]:
    """Return the value of each axis that does not distinguish conditions, or its values by the choice of its group."""
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


def in_words(runs: Sequence[Axes], varying: Sequence[str]) -> str:
    """Return the settings that all runs share as a line for captions: model mlp, depth 4 …"""
    names = {name for axes in runs for name in axes}
    shown = []
    for name in _CAPTION:
        # A norm that ignores placement is the baseline of every placement: its runs have none.
        concerned = runs if name != "placement" else [axes for axes in runs if has(axes, name)]
        values = {exact(axes.get(name)): axes.get(name) for axes in concerned}
        if name not in varying and len(values) == 1 and (value := next(iter(values.values()))) is not None:
            shown.append(f"{short(name, names) if '.' in name else name} {clipped(text(value))}")
    return ", ".join(shown)
