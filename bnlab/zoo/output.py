"""Writing of the zoo's files."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from bnlab.report.output_folder import OutputFolder
from bnlab.zoo.folder import PICTURES, TABLE, TEXT
from bnlab.zoo.measure import Measured
from bnlab.zoo.page import page
from bnlab.zoo.table import table
from bnlab.zoo.timing import ROUNDS


def write(place: OutputFolder, rows: Sequence[Measured], pictures: Mapping[str, bytes], command: str) -> list[Path]:
    """Write the files, remove the pictures of an earlier measurement that this one does not have, and return the paths.

    Args:
        pictures: PNGs by file name.
        command: what was called.
    """
    version = str(torch.__version__).partition("+")[0]
    pairs = f", {ROUNDS} pairs of timings per norm" if rows[0].times else ""
    text = page(rows, f"`{command}` (torch {version}{pairs})")
    paths = [place.write(TEXT, text), place.write(TABLE, table(rows))]
    paths += [place.write(name, content) for name, content in pictures.items()]
    place.remove(name for name in PICTURES if name not in pictures)
    return paths
