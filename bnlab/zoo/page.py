"""The tables of the zoo as Markdown, in four parts that fit on a page, with their explanations."""

from collections.abc import Mapping, Sequence

from bnlab.zoo.folder import TABLE, TITLE
from bnlab.zoo.measure import Measured
from bnlab.zoo.refusals import SITUATIONS
from bnlab.zoo.table import shown

_AXES = """\
Measured: one element of the input is moved, and the axes along which other outputs change are those that share
statistics with it. x has axes N (examples), C (channels), H, W (positions), a weight O (outputs), I (inputs), K
(kernel). `C/4`: a quarter of the channels; `N/2`: half of the batch, with norm.chunk set to that; `–`: the element
itself alone. A variant that takes its statistics elsewhere has a row of its own."""
_MODES = """\
Largest absolute difference of an output (batch norm's have standard deviation 1) on 8 channels of 4×4 images that
differ in mean and spread, after 50 training batches of 32 with the parameters at their start. *Alone*: one example
evaluated by itself against the same in a batch. *Forgotten*: one example by itself in training mode against
evaluation, the error of not switching to evaluation. Norms of weights: of the weight."""
_TIME = """\
Forward and backward in training relative to batch norm in turn, processor time of one thread: median of the paired
ratios with its 95 % interval, on x (128, 256) and (64, 32, 16, 16), images with their channels last in memory, as a
run has them, and first. A norm of weights is timed on the weight in front of such an x, (256, 256) and (32, 32, 3,
3), and adds to whatever stands behind it."""


_COLUMNS = {
    "axes": {
        "norm": "norm", "acts_on": "acts on", "axes": "training", "axes_mlp": "training, MLP",
        "axes_eval": "evaluation", "parameters": "parameters", "state": "state", "source": "source",
    },
    "modes": {"norm": "norm", "train_eval": "training against evaluation", "alone": "alone", "forgotten": "forgotten"},
    "time": {
        "norm": "norm", "time_mlp": "MLP", "time_images": "images",
        "time_images_channels_first": "images, channels first",
    },
}  # fmt: skip


def page(rows: Sequence[Measured], how: str) -> str:
    """Return the tables with their explanations.

    Args:
        how: what wrote them: the command, and the version of torch.
    """
    parts = [TITLE, f"Written by {how}; do not edit. The same numbers in [{TABLE}]({TABLE})."]
    parts += ["## What it takes statistics over", _AXES, _table(rows, _COLUMNS["axes"])]
    parts += ["## Training against evaluation", _MODES, _table(rows, _COLUMNS["modes"])]
    if rows[0].times:
        parts += ["## Time", _TIME, _table(rows, _COLUMNS["time"])]
    return "\n\n".join([*parts, "## When it is refused", *_refusals(rows)]) + "\n"


def _table(rows: Sequence[Measured], columns: Mapping[str, str]) -> str:
    """Return a Markdown table of these columns under these headings."""
    lines = ["| " + " | ".join(columns.values()) + " |", "|---" * len(columns) + "|"]
    lines += ["| " + " | ".join(_escaped(shown(row, column)) for column in columns) + " |" for row in rows]
    return "\n".join(lines)


def _escaped(text: str) -> str:
    """Return the text of a cell, in which a bar would begin another one."""
    return text.replace("|", "\\|")


def _refusals(rows: Sequence[Measured]) -> list[str]:
    """Return the situations with the norms that are refused there, and the reasons as the user reads them."""
    lines = ["| situation | refused |", "|---|---|"]
    for situation in SITUATIONS:
        if names := [row.norm for row in rows if situation in row.refused]:
            lines.append(f"| {situation} | {', '.join(names)} |")
    if not any(row.refused for row in rows):
        return [f"In none of these situations: {', '.join(SITUATIONS)}."]
    said: dict[str, list[str]] = {}
    for row in rows:
        for reason in dict.fromkeys(row.refused.values()):
            name = row.norm.partition(" ")[0]
            said.setdefault(reason.replace(f"norm={name} ", "norm=… ", 1), []).append(row.norm)
    reasons = [f"- {', '.join(names)}: “{reason}”" for reason, names in said.items()]
    return ["Everything else in this list works.", "\n".join(lines), "Their reasons:", "\n".join(reasons)]
