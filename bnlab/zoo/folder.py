"""The files of the zoo, and its folder (no torch)."""

from pathlib import Path

from bnlab.report.measurement import choose_folder as choose_measurement_folder
from bnlab.report.output_folder import OutputFolder

TITLE = "# What each norm does"
TEXT, TABLE = "zoo.md", "zoo.csv"
SMALL, LARGE, WEIGHTS = "shared_small.png", "shared_large.png", "shared_weights.png"
HISTOGRAMS = "histograms.png"
PICTURES = (SMALL, LARGE, WEIGHTS, HISTOGRAMS)


def choose_folder(folder: Path) -> OutputFolder:
    """Return the folder, created if necessary.

    Raises:
        BadInput: it cannot be written, or holds something else: a study, a report, files of the user's.
    """
    return choose_measurement_folder(folder, (TEXT, TABLE, *PICTURES), what="the zoo", title=TITLE)
