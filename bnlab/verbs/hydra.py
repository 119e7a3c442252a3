"""Calls Hydra for the verbs that take overrides: composition, --cfg, --config-dir, --info."""

import functools
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import MarkedYAMLError

from bnlab.config.compose import Composed, common_defaults, conf_dir, plain
from bnlab.config.mistakes import translate
from bnlab.config.schema import GROUPS
from bnlab.errors import BadInput
from bnlab.registry import add_plugin
from bnlab.sweeps.plugin import register

_QUOTES = "'\""

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
    check_flags(words)
    _check_choices(words)
    offer_plugins(words)
    prints_only = {"--cfg", "-c", "--info", "-i", "--hydra-help"} & {word.partition("=")[0] for word in words}
    overrides, flags = _parsed(words).overrides, list(words)  # Hydra wants the overrides in one piece
    for word in overrides:
        flags.remove(word)
    arguments = ["bnlab", *overrides, *flags, *(["--multirun"] if multirun and not prints_only else [])]
    raised: list[BaseException] = []

    # Hydra prints a line of its own before it passes on what a task raises; so nothing passes through it.
    @functools.wraps(task)
    def kept(config: DictConfig) -> Any:
        try:
            return task(config)
        except BaseException as error:
            raised.append(error)
            return None

    main = hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="config")(kept)
    # With full errors Hydra raises what it would else print and exit on; its flags come from the command line alone.
    with patch.dict(os.environ, {"HYDRA_FULL_ERROR": "1"}), patch.object(sys, "argv", arguments):
        try:
            main()
        except (HydraException, OmegaConfBaseException, MarkedYAMLError, ValueError) as error:
            raise translate(error) from None
    if raised:
        raise raised[0]


def composed(config: DictConfig) -> Composed:
    """What a task was called with, as plain values."""
    return plain(config, dict(HydraConfig.get().runtime.choices))


def offer_plugins(words: Sequence[str]) -> None:
    """Let `model=` and `norm=` find what the files of a `plugins=` override, or of the experiment's yaml, offer.

    Raises:
        BadInput: a file offers nothing, or clashes with what there is.
    """
    store = ConfigStore.instance()
    for name in _plugins(words):
        for group, found in add_plugin(Path(name)).items():
            for entry in found:
                node = {"name": entry.name} | common_defaults(group) | entry.defaults
                store.store(group=group, name=entry.name, node=node, provider="plugins")


def _plugins(words: Sequence[str]) -> list[str]:
    parsed = _parsed(words)
    given = {key: (word, value) for word in parsed.overrides for key, _, value in [word.partition("=")]}
    found: Any = None
    if "plugins" in given:
        try:
            found = OverridesParser.create().parse_override(given["plugins"][0]).value()
        except HydraException as error:
            raise translate(error) from None
    elif "experiment" in given:
        folders = [*([Path(parsed.config_dir)] if parsed.config_dir is not None else []), conf_dir()]
        found = []
        for name in given["experiment"][1].split(","):
            paths = [folder / "experiment" / f"{name.strip(_QUOTES)}.yaml" for folder in folders]
            if path := next((path for path in paths if path.is_file()), None):
                try:
                    found += OmegaConf.select(OmegaConf.load(path), "plugins") or []
                except (OmegaConfBaseException, MarkedYAMLError) as error:
                    raise translate(error) from None
    return list(map(str, found)) if isinstance(found, list | ListConfig) else [] if found is None else [str(found)]


def check_flags(words: Sequence[str]) -> None:
    """Raise `BadInput` for a flag that Hydra does not know, or that lacks its value."""

    def refuse(message: str) -> NoReturn:
        raise BadInput(f"{message} (options are written without dashes: optim.lr=0.1)")

    parser = get_args_parser()
    parser.error = refuse  # type: ignore[method-assign]
    given = parser.parse_intermixed_args(list(words))
    if given.config_dir is not None and not os.path.isdir(given.config_dir):  # noqa: PTH112 - as Hydra reads it
        raise BadInput(f"--config-dir {given.config_dir} is no folder; it should hold norm/mine.yaml and the like")
    if given.multirun:
        raise BadInput("--multirun: `bnlab sweep` does that")


def _check_choices(words: Sequence[str]) -> None:
    """Refuse a list of choices where Hydra would merge them, norm=[none,batch]; and say which choice stands where there
    are two: Hydra takes the last, and who meant to compare both should know. Plain values and lists for a sweep are
    often given twice, by scripts with defaults of their own.

    Raises:
        BadInput: a group that takes one choice has a list.
    """
    given: dict[str, str] = {}
    for word in _parsed(words).overrides:
        key, _, value = word.partition("=")
        if (group := key.removesuffix(".name")) != key and group in GROUPS:
            raise BadInput(f"{word}: choose it with {group}={value}, which brings its options")
        if key not in GROUPS or key in ("diagnostics", "placement"):  # these may be several at once
            continue
        if value.startswith("["):
            raise BadInput(f"{word} is one list: `bnlab sweep {key}={value.strip('[]')}` takes each of several")
        both = f"{given.get(key, value)},{value}"
        if given.get(key, value) != value and both.count(",") == 1:
            said = f"{key} is given twice: {word} stands (`bnlab sweep {key}={both}` takes both)"
            print(f"bnlab: {said}", file=sys.stderr)
        given[key] = value


def config_options(words: Sequence[str]) -> list[str]:
    """Flags that say where configs are, which a command that repeats a run must carry."""
    given = _parsed(words)
    return ["--config-dir", given.config_dir] if given.config_dir is not None else []


def _parsed(words: Sequence[str]) -> Namespace:
    """Flags and overrides, in whatever order."""
    return get_args_parser().parse_intermixed_args(list(words))
