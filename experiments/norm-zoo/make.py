"""Looks at every norm of conf/norm and writes the table, the pictures and nothing else, here: `make zoo`.

python experiments/norm-zoo/make.py [rounds]

About two minutes; `rounds` (31) are the timings of each norm.
"""

import sys
from pathlib import Path

import cubes
import histograms
import torch
from facts import IMAGES, facts
from shared import axes
from specimen import Specimen, readings, specimens
from tables import Row, write_csv, write_markdown
from timing import IMAGES as TIMED_IMAGES
from timing import VECTORS as TIMED_VECTORS
from timing import relative

from bnlab.errors import Refused

HERE = Path(__file__).parent
SMALL, LARGE, WEIGHT = (4, 3, 2, 2), (6, 8, 4, 4), (8, 6, 3, 3)


def collection() -> list[Specimen]:
    """Every norm, each followed by its readings that take statistics elsewhere."""
    found = []
    for specimen in specimens():
        found.append(specimen)
        if not specimen.of_weights:
            default = axes(specimen, IMAGES)
            found += [reading for reading in readings(specimen) if axes(reading, IMAGES) != default]
    return found


def timed(specimen: Specimen, batch: Specimen, rounds: int) -> Row:
    """The columns on time."""
    row: Row = {}
    cases = {
        "time_mlp": (TIMED_VECTORS, torch.contiguous_format),
        "time_images": (TIMED_IMAGES, torch.channels_last),
        "time_images_channels_first": (TIMED_IMAGES, torch.contiguous_format),
    }
    for key, (size, layout) in cases.items():
        try:
            ratio = relative(specimen, batch, size, layout, rounds)
        except Refused:
            row |= {key: "refused", f"{key}_low": None, f"{key}_high": None}
        else:
            row |= {key: ratio.median, f"{key}_low": ratio.low, f"{key}_high": ratio.high}
    return row


def draw(found: list[Specimen]) -> None:
    """The four pictures."""
    of_x = [specimen for specimen in found if not specimen.of_weights]
    title = "Elements (blue) that share their statistics with the marked one in training, x of shape"
    for name, size in {"small": SMALL, "large": LARGE}.items():
        fitted = [specimen.fitted(size[0]) for specimen in of_x]
        cubes.draw(fitted, size, HERE / f"shared_{name}.png", f"{title} {'×'.join(map(str, size))}")
    of_weights = [specimen for specimen in found if specimen.of_weights]
    cubes.draw(of_weights, WEIGHT, HERE / "shared_weights.png", "The same for norms of weights, shape 8×6×3×3")
    histograms.draw([specimen for specimen in of_x if not specimen.reading], HERE / "histograms.png")


def main(rounds: int) -> None:
    torch.set_num_threads(1)
    found = collection()
    (batch,) = (specimen for specimen in found if specimen.label == "batch")
    rows = [facts(specimen) | timed(specimen, batch, rounds) for specimen in found]
    write_csv(rows, HERE / "zoo.csv")
    write_markdown(rows, HERE / "zoo.md", f"torch {torch.__version__.split('+')[0]}, {rounds} pairs of timings a norm")
    draw(found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 31)
