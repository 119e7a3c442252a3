"""Calls Hydra for the verbs that take overrides: composition, --cfg, --config-dir, --info."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from typing import Any
from unittest.mock import patch

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from bnlab.config.compose import Composed, plain
from bnlab.config.excerpt import excerpt
from bnlab.config.folder import conf_dir
from bnlab.config.mistakes import COMPLAINTS, is_complaint, translate
from bnlab.config.overrides import check, key_of
from bnlab.config.schema import GROUPS
from bnlab.config.words import quoted
from bnlab.errors import BadInput
from bnlab.sweeps.layout.plugin import register
from bnlab.terminal import say
from bnlab.verbs.flags import parse
from bnlab.verbs.plugins import offer_plugins

OPTIONS = """\
Overrides (Hydra's): group=choice takes a whole choice, key.sub=value sets one option.
  --cfg job             print the config that the overrides give, and stop
  --config-dir DIR      add your own configs: DIR/norm/mine.yaml is then norm=mine
  --info defaults-tree  where each part of the config came from
"""


def call(task: Callable[[DictConfig], Any], words: Sequence[str], *, multirun: bool = False) -> None:
    """Compose the overrides and call the task with the config.

    Raises:
        BadInput: they cannot be composed.
    """
    register()
    flags = parse(words)
    sweeps = multirun and not flags.prints
    if "--shell-completion" not in flags.hydra:
        offer_plugins(flags)
        check(flags.overrides, sweeps=sweeps)
        _check_choices(flags.overrides)
    raised: list[BaseException] = []
    arguments = [
        "bnlab",
        *map(quoted, _without_null(flags.overrides)),
        *flags.hydra,
        *(["--multirun"] if sweeps else []),
    ]
    main = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(_kept(task, raised))
    # With full errors Hydra raises what it would else print and exit on; its flags come from the command line alone.
    with patch.dict(os.environ, {"HYDRA_FULL_ERROR": "1"}), patch.object(sys, "argv", arguments):
        try:
            with nullcontext() if flags.package is None else redirect_stderr(StringIO()):
                main()
        except (*COMPLAINTS, ValueError) as error:
            if not is_complaint(error):
                raise
            raise translate(error) from None
        except SystemExit as end:
            if flags.package is None or not end.code:
                raise
            raise BadInput(f"--package {excerpt(flags.package)} is no part of the config; --package optim is") from None
    if raised:
        raise raised[0]


def _without_null(overrides: Sequence[str]) -> list[str]:
    """The overrides without those of a group that is null anyway, which Hydra takes for no choice."""
    experiments = [word for word in overrides if key_of(word) == "experiment"]
    dropped = experiments if experiments[-1:] == ["experiment=null"] else ["experiment=null"]
    return [word for word in overrides if word not in dropped]


def _kept(task: Callable[[DictConfig], Any], raised: list[BaseException]) -> Callable[[DictConfig], Any]:
    """The task, and its `batch`, with what they raise kept: Hydra would print a line of its own before it passes that
    on, and it is no complaint about the config, whatever its type."""

    def keeping(called: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(called)
        def kept(*arguments: Any) -> Any:
            try:
                return called(*arguments)
            except Exception as error:
                raised.append(error)
                return None

        return kept

    kept = keeping(task)
    if (batch := getattr(task, "batch", None)) is not None:
        kept.batch = keeping(batch)  # type: ignore[attr-defined]
    return kept


def composed(config: DictConfig) -> Composed:
    """Return what a task was called with, as plain values."""
    return plain(config, dict(HydraConfig.get().runtime.choices))


def check_flags(words: Sequence[str]) -> None:
    """Raise `BadInput` for a flag that is not known, or that lacks its value."""
    parse(words)


def config_options(words: Sequence[str]) -> list[str]:
    """Return the flags that say where configs are, which a command that repeats a run must carry."""
    folder = parse(words).config_dir
    return ["--config-dir", folder] if folder is not None else []


def _check_choices(overrides: Sequence[str]) -> None:
    """Refuse a list of choices where Hydra would merge them, norm=[none,batch]; and say which choice stands where there
    are two: Hydra takes the last, and who meant to compare both should know. Plain values and lists for a sweep are
    often given twice, by scripts with defaults of their own.

    Raises:
        BadInput: a group that takes one choice has a list.
    """
    given: dict[str, str] = {}
    for word in overrides:
        key, _, value = word.partition("=")
        if (group := key.removesuffix(".name")) != key and group in GROUPS:
            raise BadInput(f"{excerpt(word)}: choose it with {group}={excerpt(value)}, which brings its options")
        if key not in GROUPS or key in ("diagnostics", "placement"):  # these may be several at once
            continue
        if value.startswith("["):
            several = f"{key}={excerpt(value.strip('[]'))}"
            raise BadInput(f"{excerpt(word)} is one list: `bnlab sweep {several}` takes each of several")
        both = f"{given.get(key, value)},{value}"
        if given.get(key, value) != value and both.count(",") == 1:
            said = f"{key} is given twice: {excerpt(word)} stands (`bnlab sweep {key}={excerpt(both)}` takes both)"
            say(f"bnlab: {said}", error=True)
        given[key] = value
