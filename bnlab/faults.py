"""Errors in a user's own norm or model, as one line."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb

from bnlab.errors import BadInput, Retriable, one_line
from bnlab.registry import Entry


@contextmanager
def telling(chosen: Sequence[Entry]) -> Iterator[None]:
    """Raise `Retriable` with the file and line of an error that the code of a plugin among these entries may have.

    Errors pass unchanged without a plugin, and so do those of the machine (memory, a file, a package): such a run
    fails and is not refused, because the machine may have it next time.
    """
    try:
        yield
    except Exception as error:
        plugins = {f"{entry.attribute} of {entry.plugin}": entry.plugin for entry in chosen if entry.plugin is not None}
        if isinstance(error, BadInput | MemoryError | OSError | ImportError) or not plugins:
            raise
        frames = [one for one in extract_tb(error.__traceback__) if Path(one.filename) in plugins.values()]
        place = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else " or ".join(plugins)
        raise Retriable(f"{place}: {one_line(error)}") from error
