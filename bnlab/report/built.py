"""What goes into a report beside its runs, and what comes out."""

from pathlib import Path
from typing import NamedTuple


class Verdict(NamedTuple):
    """What became of a claim, in words for the page.

    Attributes:
        claim: the claim, a sentence.
        verdict: "confirmed", "refuted", "undecided" …
        effect: what was measured, with its unit.
        interval: its 95 % interval over seeds, or one rate of the grid to the next; "" where it has none.
        n: seeds (or pairs of seeds) behind it.
        command: what repeats it.
        published: the value of the source, and whether it was verified; "" where there is none.
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
    """What `build` made.

    Attributes:
        page: the self-contained HTML page.
        table_text: the first table as Markdown, for a terminal; "" where no table has anything to show.
        notes: one line each on what the report could not use or draw, and why.
    """

    page: Path
    table_text: str
    notes: list[str]
