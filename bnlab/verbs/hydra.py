"""Call Hydra for the verbs that take overrides: composition, --cfg, --config-dir, --info."""

import functools
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, redirect_stderr
from io import StringIO
from typing import Any
from unittest.mock import patch

import hydra
from hydra._internal.hydra import Hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from bnlab.config.choices import check_choices
from bnlab.config.compose import Composed, plain
from bnlab.config.excerpt import excerpt
from bnlab.config.folder import conf_dir
from bnlab.config.mistakes import COMPLAINTS, is_complaint, translate
from bnlab.config.overrides import check, key_of
from bnlab.config.words import quoted
from bnlab.errors import BadInput
from bnlab.sweeps.layout.plugin import register
from bnlab.sweeps.running.torchrun import is_follower
from bnlab.terminal import say
from bnlab.verbs.flags import parse
from bnlab.verbs.plugins import offer_plugins

OPTIONS = """\
Overrides (Hydra's): group=choice selects a choice with all its options, key.sub=value sets one option.
  --cfg job             print the resulting config and exit
  --config-dir DIR      add your own configs: DIR/norm/mine.yaml becomes norm=mine
  --info defaults-tree  print which file each part of the config comes from
"""


def call(task: Callable[[DictConfig], Any], words: Sequence[str], *, multirun: bool = False) -> None:
    """Compose the overrides and call the task with the config.

    Raises:
        BadInput: the overrides cannot be composed.
    """
    if is_follower():
        from bnlab.sweeps.running.team import follow  # torch

        follow()
    register()
    flags = parse(words)
    sweeps = multirun and not flags.prints
    if "--shell-completion" not in flags.hydra:
        offer_plugins(flags)
        check(flags.overrides, sweeps=sweeps)
        for line in check_choices(flags.overrides):
            say(f"bnlab: {line}", error=True)
    raised: list[BaseException] = []
    arguments = [
        "bnlab",
        *map(quoted, _without_null(flags.overrides)),
        *flags.hydra,
        *(["--multirun"] if sweeps else []),
    ]
    main = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(_kept(task, raised))
    # With full errors Hydra raises exceptions instead of printing them and exiting; it reads its flags from sys.argv.
    # It would compose the config once more to find hydra.mode, which `check` does not accept.
    with (
        patch.dict(os.environ, {"HYDRA_FULL_ERROR": "1"}),
        patch.object(sys, "argv", arguments),
        patch.object(Hydra, "get_mode", return_value=None),
    ):
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
            raise BadInput(
                f"--package {excerpt(flags.package)} is not part of the config; --package optim is"
            ) from None
    if raised:
        raise raised[0]


def _without_null(overrides: Sequence[str]) -> list[str]:
    """Return the overrides without `experiment=null`, which Hydra does not accept, and the choices it overrides."""
    experiments = [word for word in overrides if key_of(word) == "experiment"]
    dropped = experiments if experiments[-1:] == ["experiment=null"] else ["experiment=null"]
    return [word for word in overrides if word not in dropped]


def _kept(task: Callable[[DictConfig], Any], raised: list[BaseException]) -> Callable[[DictConfig], Any]:
    """Return the task, and its `batch`, such that their exceptions are appended to `raised` instead of propagating.

    Hydra would print a line before it passes them on, and they are not errors of the config, whatever their type.
    """

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
    """Return the config that a task was called with, as plain values."""
    return plain(config, dict(HydraConfig.get().runtime.choices))


def check_flags(words: Sequence[str]) -> None:
    """Raise `BadInput` for an unknown flag or a flag without its value."""
    parse(words)


def config_options(words: Sequence[str]) -> list[str]:
    """Return the flags that locate configs, which a command that repeats a run must include."""
    folder = parse(words).config_dir
    return ["--config-dir", folder] if folder is not None else []
