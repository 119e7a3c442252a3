"""The folder of a measurement without runs (`bnlab zoo`): no file is replaced but those of an earlier measurement.

The folder may hold other files. An earlier measurement is recognized by its Markdown file, which begins with a title.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from bnlab.errors import BadInput
from bnlab.report import output_folder
from bnlab.runs.files import Unreadable, check_own, read_text
from bnlab.text import printable


def choose_folder(folder: Path, names: Sequence[str], *, what: str, title: str) -> output_folder.OutputFolder:
    """Return the folder of a measurement, created if necessary; it is checked before anything is measured.

    Args:
        names: every file that the measurement may write. The first one is Markdown and begins with the title; write it
            first, so that files of an interrupted measurement are recognized too.
        what: noun of the messages: "the zoo".
        title: first line of the Markdown file.

    Raises:
        BadInput: it cannot be written, is a file, a study or part of a run, or holds a report or a file of the user's
            under one of the names.
    """
    output_folder.check_free(folder, what)
    shown = printable(str(folder))
    if os.path.lexists(folder / output_folder.NAME):
        raise BadInput(f"{what} cannot go to {shown}, which holds a report: --out DIR")
    found = [name for name in names if os.path.lexists(folder / name)]
    for name in found:
        check_own(folder / name)
    if found and not _is_earlier(folder / names[0], title):
        raise BadInput(f"{what} cannot go to {shown}, whose {found[0]} bnlab did not write: --out DIR")
    settled = output_folder.make_output_folder(folder, parents=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInput(f"{shown} cannot be written: set its permissions, or --out DIR")
    return settled


def _is_earlier(path: Path, title: str) -> bool:
    """Return whether a file is the Markdown of an earlier measurement."""
    try:
        return read_text(path).partition("\n")[0] == title
    except (FileNotFoundError, Unreadable):
        return False
