"""The table as CSV, one row a norm, and as Markdown, in four parts that fit on a page."""

import csv
from collections.abc import Sequence
from pathlib import Path

from facts import SITUATIONS, WEIGHTS

Row = dict[str, str | float | None]


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """Empty where there is no such thing; numbers of six digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()})


def write_markdown(rows: Sequence[Row], path: Path, how: str) -> None:
    parts = [
        "# What each norm does",
        f"Written by `make.py` ({how}); do not edit. The same numbers in [zoo.csv](zoo.csv).",
        "## What it takes statistics over",
        "Measured: one element of the input is moved, and the axes along which other outputs change are those that "
        "share statistics with it. x has axes N (examples), C (channels), H, W (positions), a weight O (outputs), I "
        "(inputs), K (kernel). `C/4`: a quarter of the channels; `N/2`: half of the batch, with norm.chunk set to "
        "that; `–`: the element itself alone. A reading that takes its statistics elsewhere has a row of its own.",
        table(rows, {"norm": "norm", "acts_on": "acts on", "axes": "training", "axes_mlp": "training, MLP",
                     "axes_eval": "evaluation", "parameters": "parameters", "state": "state", "source": "source"}),
        "## Training against evaluation",
        "Largest absolute difference of an output (batch norm's have standard deviation 1) on 8 channels of 4×4 images "
        "that differ in mean and spread, after 50 training batches of 32 with the parameters at their start. *Alone*: "
        "one example evaluated by itself against the same in a batch. *Forgotten*: one example by itself in training "
        "mode against evaluation, which is what one gets who forgets to switch. Norms of weights: of the weight.",
        table(rows, {"norm": "norm", "train_eval": "training against evaluation", "alone": "alone",
                     "forgotten": "forgotten"}),
        "## Time",
        "Forward and backward in training relative to batch norm in turn, processor time of one thread: median of the "
        "paired ratios with its 95 % interval, on x (128, 256) and (64, 32, 16, 16), images with their channels last "
        "in memory, as a run has them, and first. A norm of weights is timed on the weight in front of such an x, "
        "(256, 256) and (32, 32, 3, 3), and adds to whatever stands behind it.",
        table(rows, {"norm": "norm", "time_mlp": "MLP", "time_images": "images",
                     "time_images_channels_first": "images, channels first"}, interval=True),
        "## When it is refused",
        refusals(rows),
    ]  # fmt: skip
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def table(rows: Sequence[Row], columns: dict[str, str], interval: bool = False) -> str:
    """A Markdown table of these columns under these heads; with `interval`, KEY_low and KEY_high follow in brackets."""
    lines = ["| " + " | ".join(columns.values()) + " |", "|---" * len(columns) + "|"]
    for row in rows:
        cells = [cell(row[key]) + (bounds(row, key) if interval else "") for key in columns]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def bounds(row: Row, key: str) -> str:
    low, high = row.get(f"{key}_low"), row.get(f"{key}_high")
    return f" [{cell(low)}, {cell(high)}]" if isinstance(low, float) else ""


def refusals(rows: Sequence[Row]) -> str:
    """Situations down, with the norms that are refused there; then the reasons as the user reads them."""
    lines = ["At the defaults; everything else in this list works.", "", "| situation | refused |", "|---|---|"]
    for situation in [*SITUATIONS, *WEIGHTS]:
        names = [str(row["norm"]) for row in rows if situation in str(row["refused"]).split("; ")]
        if names:
            lines.append(f"| {situation} | {', '.join(names)} |")
    said: dict[str, list[str]] = {}
    for row in rows:
        for reason in filter(None, str(row["reasons"]).split(" | ")):
            name = str(row["norm"]).split(" ")[0]
            said.setdefault(reason.replace(f"norm={name} ", "norm=… ", 1), []).append(str(row["norm"]))
    lines += ["", "Their reasons:", ""]
    return "\n".join([*lines, *(f"- {', '.join(names)}: “{reason}”" for reason, names in said.items())])
