"""Compose configs from overrides, calling Hydra once for each distinct choice of groups."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType, ValueType
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException

from bnlab.config.mistakes import COMPLAINTS, is_complaint, no_option, translate
from bnlab.config.paths import all_expanded
from bnlab.errors import BadInput

_WHOLE_NUMBER = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)=(0|[1-9][0-9]{0,18})")


@dataclass(frozen=True)
class Composed:
    """A run's config as composed, not yet validated, and the choice of each group that has one yaml, not several.

    Attributes:
        claims: the claims of its experiment (see `bnlab.studies.claim`); not part of the run.
    """

    values: dict[str, Any]
    choices: dict[str, str]
    claims: Any = ()


def plain(config: DictConfig, choices: Mapping[str, Any]) -> Composed:
    """Return the values of a config with resolved interpolations, without the `hydra` node.

    Raises:
        BadInput: an interpolation or a value is missing, or a choice ends in .yaml.
    """
    try:
        values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except OmegaConfBaseException as error:
        raise translate(error) from None
    assert isinstance(values, dict)
    for group, choice in choices.items():
        if isinstance(choice, str) and choice.endswith((".yaml", ".yml")):
            raise BadInput(f"{group}={choice}: leave out the suffix, {group}={choice.rpartition('.')[0]}")
    claims = values.pop("claims", ())
    return Composed(
        all_expanded({str(key): value for key, value in values.items()}),
        {group: choice for group, choice in choices.items() if isinstance(choice, str)},
        claims,
    )


class Composer:
    """Composer of the configs of many jobs.

    Hydra takes 0.3 s per config, so it composes each distinct choice of groups once; plain values are set on a copy.
    """

    def __init__(self, loader: ConfigLoader) -> None:
        self._loader = loader
        self._parser = OverridesParser.create(config_loader=loader)
        self._parsed: dict[str, Override] = {}
        self._groups: dict[str, bool] = {}
        self._bases: dict[tuple[str, ...], tuple[DictConfig, Composed | None]] = {}

    def compose(self, overrides: Sequence[str]) -> Composed:
        """Return the config of one job. Configs share their common parts and must not be modified.

        Raises:
            BadInput: an override names an unknown option or choice, or cannot be read.
        """
        try:
            parsed = [self._parse(word) for word in overrides]
            values = [o for o in parsed if self._is_value(o)]
            groups = tuple(o.input_line or "" for o in parsed if not self._is_value(o))
            if groups not in self._bases:
                config = self._loader.load_configuration("config", list(groups), RunMode.RUN)
                self._bases[groups] = (config, _literal(config))
            config, literal = self._bases[groups]
            changed = None if literal is None else _replaced(literal.values, values)
            if literal is not None and changed is not None:
                return replace(literal, values=all_expanded(changed))
            config = config.copy()
            OmegaConf.set_struct(config, True)
            for override in values:
                _set(config, override)
        except (*COMPLAINTS, ValueError) as error:
            if not is_complaint(error):
                raise
            raise translate(error) from None
        return _bare(config)

    def _parse(self, word: str) -> Override:
        if word not in self._parsed:
            if found := _WHOLE_NUMBER.fullmatch(word):  # faster: a sweep may have 10,000 seeds, 0.3 ms each
                self._parsed[word] = Override(
                    OverrideType.CHANGE, found[1], ValueType.ELEMENT, int(found[2]), input_line=word
                )
            else:
                (self._parsed[word],) = self._parser.parse_overrides([word])
        return self._parsed[word]

    def _is_value(self, override: Override) -> bool:
        """Return whether an override sets a plain value, not a choice of a group or a setting of Hydra."""
        key = override.key_or_group
        if key not in self._groups:
            # The loader's own get_group_options would load the whole config again.
            self._groups[key] = "." not in key and any(
                source.is_group(key) and source.list(key, None) for source in self._loader.get_sources()
            )
        return (
            override.is_add() is False
            and override.is_delete() is False
            and override.is_force_add() is False
            and not key.startswith("hydra")
            and override.package is None
            and not self._groups[key]
        )


def _bare(config: DictConfig) -> Composed:
    """Return a config that Hydra composed, without the `hydra` node."""
    choices = dict(config.hydra.runtime.choices)
    return plain(OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"]), choices)


def _literal(config: DictConfig) -> Composed | None:
    """Return the config if all values are literals; None if one refers to another or is missing."""
    bare = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    text = OmegaConf.to_yaml(bare)
    return None if "${" in text or "???" in text else _bare(config)


def _replaced(values: dict[str, Any], overrides: Sequence[Override]) -> dict[str, Any] | None:
    """Return the values with overrides applied, sharing unchanged parts; None if that needs OmegaConf.

    It does for a missing key, a dict, a value that replaces a list, and a reference.
    """
    for override in overrides:
        value = override.value()
        if isinstance(value, dict) or any(sign in str(value) for sign in ("{", "???")):
            return None
        *path, last = override.key_or_group.split(".")
        values = inner = dict(values)
        for key in path:
            if not isinstance(inner.get(key), dict):
                return None
            inner[key] = dict(inner[key])
            inner = inner[key]
        before = inner.get(last, {})
        if isinstance(before, dict) or (isinstance(before, list) and not isinstance(value, list)):
            return None
        inner[last] = value
    return values


def _set(config: DictConfig, override: Override) -> None:
    key = override.key_or_group
    try:
        OmegaConf.select(config, key, throw_on_missing=False)
        OmegaConf.update(config, key, override.value(), merge=True)
    except (ConfigAttributeError, ConfigKeyError):
        raise no_option(key, config.hydra.runtime.choices) from None
