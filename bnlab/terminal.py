"""Terminal output. Text is cleaned first, because names from files and the command line may hold control characters."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rich.console
from rich.text import Text

from bnlab.text import printable


class Console(rich.console.Console):
    """Rich console that cleans every text with `printable` before printing it.

    Markup is off, because names and lists contain brackets.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"highlight": False, "markup": False, "emoji": False} | options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as rich does, after cleaning text."""
        with _naming("standard output"):
            super().print(*(cleaned(found) if isinstance(found, Text) else found for found in objects), **options)

    def on_broken_pipe(self) -> None:
        """Raise BrokenPipeError, where rich would exit with status 1: a reader that stops early is not a failure."""
        raise BrokenPipeError

    def render_str(self, text: str, **options: Any) -> Text:
        """Return cleaned text as rich prints it in lines, table cells and titles."""
        return super().render_str(printable(text, lines=True), **options)


def say(line: str, *, error: bool = False) -> None:
    """Print a cleaned line to standard output or standard error."""
    with _naming("standard error" if error else "standard output"):
        print(printable(line, lines=True), file=sys.stderr if error else sys.stdout, flush=True)


@contextmanager
def _naming(stream: str) -> Iterator[None]:
    """Set the stream as the file name of a write error, which has none."""
    try:
        yield
    except OSError as error:
        error.filename = stream
        raise


def replace_closed_streams() -> None:
    """Open /dev/null for each closed standard stream, whose descriptor the next file would otherwise get."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free descriptor
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - open as long as the process


def tolerate_encodings() -> None:
    """Let standard output and error replace characters that their encoding lacks, such as × in ASCII."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # another object may have replaced the stream
            stream.reconfigure(errors="replace")


def cleaned(text: Text) -> Text:
    """Return a cleaned copy of a styled text."""
    clean = text.copy()
    clean.plain = printable(text.plain, lines=True)
    return clean
