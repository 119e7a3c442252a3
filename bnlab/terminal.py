"""What is printed for people. Names come from files and from the command line: none of them acts on the terminal."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rich.console
from rich.text import Text

from bnlab.text import printable


class Console(rich.console.Console):
    """rich's console, with every text cleaned by `printable` before it is printed.

    Nothing is read as markup: brackets belong to names and lists here.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False} | options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does; text is cleaned first."""
        with _naming("standard output"):
            super().print(*(cleaned(found) if isinstance(found, Text) else found for found in objects), **options)

    def on_broken_pipe(self) -> None:
        """Raise, where rich would end the process with status 1: whoever has read enough is no failure."""
        raise BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the text as rich prints it, in lines, cells of tables and titles, cleaned."""
        return super().render_str(printable(text, lines=True), **options)


def say(line: str, *, error: bool = False) -> None:
    """Print a line to standard output or standard error, cleaned."""
    with _naming("standard error" if error else "standard output"):
        print(printable(line, lines=True), file=sys.stderr if error else sys.stdout, flush=True)


@contextmanager
def _naming(stream: str) -> Iterator[None]:
    """Add the stream to an error of writing, which has no name of a file."""
    try:
        yield
    except OSError as error:
        error.filename = stream
        raise


def replace_closed_streams() -> None:
    """Open /dev/null in the place of each standard stream that is closed: the next file would get its descriptor."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # which takes the lowest descriptor that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - open as long as the process


def tolerate_encodings() -> None:
    """Let standard output and error replace signs that their encoding lacks, as × in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where somebody has put another object in its place
            stream.reconfigure(errors="replace")


def cleaned(text: Text) -> Text:
    """Return a copy of a styled text, cleaned."""
    clean = text.copy()
    clean.plain = printable(text.plain, lines=True)
    return clean
