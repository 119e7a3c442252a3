"""The flags of the verbs that take overrides. All other words are overrides, in any order."""

import os
import re
from argparse import SUPPRESS, Action, ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from bnlab.config.excerpt import excerpt
from bnlab.config.mistakes import option_keys
from bnlab.config.overrides import check_text, key_of
from bnlab.config.paths import expanded
from bnlab.config.values import CHOICES
from bnlab.errors import BadInput

_COMPLETION = re.compile("(query|install|uninstall)=(bash|zsh|fish)")
_INFO = ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath")


@dataclass(frozen=True)
class Flags:
    """The parsed words of a command.

    Attributes:
        config_dir: the folder of the user's own configs, with `~` expanded.
        hydra: the flags in the form that Hydra takes.
        prints: whether the flags only request printed information.
    """

    overrides: list[str]
    config_dir: str | None
    package: str | None
    hydra: list[str]
    prints: bool


class _Once(Action):
    """Store the value of a flag, and reject a flag that is given twice."""

    def __call__(self, parser: ArgumentParser, given: Namespace, values: Any, option: str | None = None) -> None:
        if getattr(given, self.dest, None) is not None:
            parser.error(f"{option} is given twice: leave one out")
        setattr(given, self.dest, True if self.nargs == 0 else values)


def parse(words: Sequence[str]) -> Flags:
    """Parse the words of a command.

    Raises:
        BadInput: a flag is unknown, has no value, or excludes another.
    """
    for word in words:
        check_text(word)
    given, unknown = _parser().parse_known_intermixed_args(list(words))
    for word in unknown:
        if word != "--":
            raise BadInput(_unknown(word))
    if given.multirun:
        raise BadInput("--multirun is not a flag of bnlab: use `bnlab sweep`")
    if given.shell_completion is not None and not (
        len(given.overrides) == 1 and _COMPLETION.fullmatch(given.overrides[0])
    ):
        raise BadInput("--shell-completion takes install=bash (or zsh, fish), as in the last line of bnlab --help")
    printing = [name for name in ("cfg", "info", "hydra_help", "shell_completion") if getattr(given, name) is not None]
    if len(printing) > 1:
        raise BadInput(f"--{printing[0]} and --{printing[1]} print different things: leave one out".replace("_", "-"))
    for name in ("resolve", "package"):
        if getattr(given, name) is not None and given.cfg is None:
            raise BadInput(f"--{name} requires --cfg job")
    folder = None if given.config_dir is None else existing(given.config_dir)
    flags = [] if folder is None else ["--config-dir", folder]
    for name in ("cfg", "info", "package"):
        if (value := getattr(given, name)) is not None:
            flags += [f"--{name}", value]
    for name in ("resolve", "hydra_help", "shell_completion"):
        if getattr(given, name) is not None:
            flags.append(f"--{name.replace('_', '-')}")
    return Flags(given.overrides, folder, given.package, flags, bool(printing))


def existing(given: str) -> str:
    """Return the folder of --config-dir, with `~` expanded.

    Raises:
        BadInput: it is not a folder, or cannot be read.
    """
    folder = expanded(given, "--config-dir")
    shown = f"--config-dir {excerpt(given)}"
    if not os.path.isdir(folder):  # noqa: PTH112 - returns False where pathlib raises for a missing permission
        what = "is a file" if os.path.exists(folder) else "is not a folder"  # noqa: PTH110
        raise BadInput(f"{shown} {what}; name a folder that contains files such as norm/mine.yaml")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise BadInput(f"{shown} cannot be read: set its permissions (chmod u+rx)")
    return folder


def _unknown(word: str) -> str:
    bare = word.lstrip("-")
    if not bare:
        return f"{word} is not an option: write key=value, as in norm=batch"
    if "=" in bare and key_of(bare) in option_keys() | set(CHOICES):
        return f"{excerpt(word)}: options are written without dashes, {excerpt(bare)}"
    flag = excerpt(word.partition("=")[0])
    return f"{flag} is not a flag (options are written without dashes: optim.lr=0.1); --help lists the flags"


def _parser() -> ArgumentParser:
    def refuse(message: str) -> NoReturn:
        said = excerpt(message.removeprefix("argument "), 200)
        raise BadInput(f"{said} (options are written without dashes: optim.lr=0.1)")

    parser = ArgumentParser(add_help=False, allow_abbrev=False)
    parser.error = refuse  # type: ignore[method-assign]
    parser.add_argument("overrides", nargs="*", help=SUPPRESS)
    parser.add_argument("--cfg", "-c", choices=("job", "hydra", "all"), action=_Once)
    parser.add_argument("--package", "-p", action=_Once)
    parser.add_argument("--config-dir", "-cd", action=_Once)
    parser.add_argument("--info", "-i", nargs="?", const="all", choices=_INFO, action=_Once)
    for names in (("--resolve",), ("--hydra-help",), ("--shell-completion", "-sc"), ("--multirun", "-m")):
        parser.add_argument(*names, nargs=0, action=_Once)
    return parser
