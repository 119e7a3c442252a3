"""Verdicts, an input of a report besides its runs, and the result of building one."""

from pathlib import Path
from typing import NamedTuple


class Verdict(NamedTuple):
    """Verdict on a claim, as text for the page.

    Attributes:
        claim: the claim, a sentence.
        verdict: "confirmed", "refuted", "undecided" …
        effect: the measured effect, with its unit.
        interval: its 95 % interval over seeds, or from one rate of the grid to the next; "" if it has none.
        n: number of seeds (or pairs of seeds) behind it.
        command: the command that repeats it.
        published: the published value, and whether it was verified; "" if there is none.
        runs: run_id of each run behind it.
    """

    claim: str
    verdict: str
    effect: str
    interval: str
    n: str
    command: str
    published: str = ""
    runs: tuple[str, ...] = ()


class Built(NamedTuple):
    """Result of `build`.

    Attributes:
        page: the self-contained HTML page.
        table_text: the first table as Markdown, for a terminal; "" if no table has anything to show.
        notes: one line each on what the report could not use or draw, and why.
    """

    page: Path
    table_text: str
    notes: list[str]
