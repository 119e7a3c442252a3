"""`bnlab zoo`: what each norm does."""

import re
import shlex
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from bnlab.errors import BadInput
from bnlab.terminal import Console, say

if TYPE_CHECKING:
    from bnlab.zoo.measure import Measured
    from bnlab.zoo.selection import Choice

_USAGE = "bnlab zoo [norm=NAME,...] [norm.OPTION=VALUE,...] [plugins=[FILE.py]] [--out DIR] [--no-time]"

HELP = f"""\
usage: {_USAGE}

Measures what each norm does: which elements share statistics, its parameters and state, how far training and
evaluation are apart, where it is refused, and its time relative to batch norm. Writes zoo.md, zoo.csv and pictures.

  bnlab zoo                                        every norm (bnlab list norm); minutes
  bnlab zoo norm=group,layer norm.groups=2,4       some, with options; an option applies to the norms that have it
  bnlab zoo plugins=[my_norm.py] norm=mine,batch   a norm of your own

A norm at its defaults is followed by its variants that share other elements (layer axes=channels).

  --out DIR         the folder of the files (default: outputs/zoo); other files there are left alone
  --no-time         do not measure time, which takes longest
  --config-dir DIR  add your own configs: DIR/norm/mine.yaml is then norm=mine
"""

_COLUMNS = {
    "norm": "norm", "acts_on": "acts on", "axes": "training", "axes_eval": "evaluation", "parameters": "parameters",
    "state": "state", "time_mlp": "time, MLP", "time_images": "time, images",
}  # fmt: skip


_WIDE = 150  # columns that the table takes where no terminal limits it


class _Choices(NamedTuple):
    """The chosen norms, and the one whose time is 1."""

    chosen: "list[Choice]"
    reference: "Choice"


def run(words: Sequence[str]) -> int:
    """Measure the norms and write the files; returns the exit status."""
    if {"-h", "--help"} & set(words):
        say(HELP)
        return 0
    from bnlab.config.paths import expanded
    from bnlab.zoo.folder import choose_folder

    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.error = _refuse  # type: ignore[assignment, method-assign]
    parser.add_argument("--out", default="outputs/zoo")
    parser.add_argument("--no-time", action="store_true")
    given, overrides = parser.parse_known_args(list(words))
    choices = _choices(overrides)
    place = choose_folder(Path(expanded(given.out, "--out")))
    from bnlab.zoo.measure import collection, measure
    from bnlab.zoo.output import write
    from bnlab.zoo.pictures import draw
    from bnlab.zoo.specimen import specimen
    from bnlab.zoo.timing import one_thread

    console = Console()
    with one_thread(), console.status("which elements share statistics") as status:
        found = collection([specimen(choice) for choice in choices.chosen])
        reference = None if given.no_time else specimen(choices.reference)
        rows = []
        for n, one in enumerate(found, 1):
            status.update(f"{n} of {len(found)}: {one.label}")
            rows.append(measure(one, reference))
        status.update("pictures")
        paths = write(place, rows, draw(found), shlex.join(["bnlab", "zoo", *words]))
    _show(rows, console)
    for path in paths:
        say(str(path))
    return 0


def _refuse(message: str) -> None:
    raise BadInput(f"{message}; usage: {_USAGE}")


def _choices(words: Sequence[str]) -> _Choices:
    """Return the norms that the overrides choose, by default all.

    Raises:
        BadInput: an override is wrong, or does not concern norms.
    """
    from omegaconf import DictConfig

    from bnlab.config.compose import Composer
    from bnlab.config.excerpt import excerpt
    from bnlab.config.overrides import check, key_of
    from bnlab.verbs import hydra
    from bnlab.verbs.flags import parse
    from bnlab.zoo.selection import select

    flags = parse(words)
    if flags.prints:
        raise BadInput(f"bnlab zoo prints no config: `bnlab train --cfg job` does; usage: {_USAGE}")
    check(flags.overrides)
    for word in flags.overrides:
        if key_of(word) not in ("norm", "plugins") and not key_of(word).startswith("norm."):
            raise BadInput(f"{excerpt(word)} is not an option of a norm; usage: {_USAGE}")
    overrides = [_swept(word) if key_of(word).startswith("norm.") else word for word in flags.overrides]
    if "norm" not in map(key_of, overrides):
        overrides.append("norm=glob(*)")
    found: list[_Choices] = []

    def batch(composer: Composer, combinations: Sequence[Sequence[str]]) -> None:
        (reference,) = select(composer, [["norm=batch"]])
        found.append(_Choices(select(composer, combinations), reference))

    def task(config: DictConfig) -> None:
        """Stand for a run; the launcher calls `batch` instead."""

    task.batch = batch  # type: ignore[attr-defined]
    hydra.call(task, [*overrides, *flags.hydra], multirun=True)
    return found[0]


def _swept(word: str) -> str:
    """Return an override as a list of values: Hydra would set a single value on every norm, with the option or not."""
    from bnlab.config.grammar import is_function, split

    key, _, value = word.partition("=")
    single = value and len(split(value)) == 1 and not is_function(value)
    return f"{key}=choice({value})" if single else word


def _show(rows: "Sequence[Measured]", console: Console) -> None:
    """Print the table; times are relative to batch norm, tensors without their shapes."""
    from rich.table import Table

    from bnlab.zoo.table import shown

    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    columns = {key: heading for key, heading in _COLUMNS.items() if rows[0].times or not key.startswith("time")}
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for heading in columns.values():
        table.add_column(heading, overflow="fold", min_width=max(map(len, heading.split())))
    for row in rows:
        table.add_row(*(re.sub(r" \([^)]*\)", "", shown(row, key, intervals=False)) for key in columns))
    console.print(table)
