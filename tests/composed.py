"""Hydra composes each choice of groups once per process of tests; the next time it gets a copy.

A composition takes 0.2 s, and most commands in the tests choose the same groups. The key contains all that the result
depends on: the choices, the sources of configs, and the files in them by size and time. Values are set on the copy.
"""

import copy
import os
import pickle
from collections.abc import Hashable, Sequence
from typing import Any

from hydra._internal import config_loader_impl
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.defaults_list import DefaultsList
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

_MOST = 500  # files of a source; a larger folder is composed each time

_list = config_loader_impl.create_defaults_list
_merge = ConfigLoaderImpl._compose_config_from_defaults_list
_lists: dict[Hashable, DefaultsList] = {}
_merged: dict[Hashable, bytes] = {}


def sources(repo: Any) -> tuple[Hashable, ...] | None:
    """Return the sources of configs with the state of all their files; None if that is not known."""
    found: list[Hashable] = []
    for source in repo.get_sources():
        files = state(source.path) if source.scheme() == "file" else ()
        if files is None:
            return None
        found.append((source.scheme(), source.provider, source.path, files))
    return tuple(found)


def state(folder: str) -> tuple[Hashable, ...] | None:
    """Return name, size and time of everything in a folder; None if there are links, or too many files."""
    found: list[Hashable] = []
    waiting = [folder]
    while waiting:
        try:
            entries = sorted(os.scandir(waiting.pop()), key=lambda entry: entry.name)
        except OSError:
            return None
        for entry in entries:
            if entry.is_symlink() or len(found) > _MOST:
                return None
            if entry.is_dir():
                waiting.append(entry.path)
            about = entry.stat()
            found.append((entry.path, about.st_mode, about.st_size, about.st_ino, about.st_mtime_ns, about.st_ctime_ns))
    return tuple(found)


def create_defaults_list(
    repo: Any, config_name: str | None, overrides_list: list[Override], prepend_hydra: bool, skip_missing: bool
) -> DefaultsList:
    """Return Hydra's list of defaults; overrides of values are not part of the key, but of the result."""
    swept = [one for one in overrides_list if not one.is_sweep_override()]
    values = [one for one in swept if isinstance(one.value(), dict) or not repo.group_exists(one.key_or_group)]
    choices = [one.input_line for one in swept if one not in values]
    where = sources(repo)
    key = (where, config_name, tuple(choices), prepend_hydra, skip_missing)
    if where is None or key not in _lists:
        found = _list(repo, config_name, overrides_list, prepend_hydra=prepend_hydra, skip_missing=skip_missing)
        if where is not None:
            _lists[key] = copy.copy(found)
        return found
    found = copy.copy(_lists[key])
    found.config_overrides = values
    return found


def merged(self: ConfigLoaderImpl, defaults: Sequence[Any], repo: Any) -> DictConfig:
    """Return the configs of a list of defaults, merged."""
    where = sources(repo)
    key = (where, tuple((one.config_path, one.package, one.parent, one.is_self, one.primary) for one in defaults))
    if where is None or key not in _merged:
        found = _merge(self, defaults, repo)
        if where is not None:
            _merged[key] = pickle.dumps(found)
        return found
    return pickle.loads(_merged[key])


def remember() -> None:
    """Have Hydra use what is above, in this process."""
    config_loader_impl.create_defaults_list = create_defaults_list
    ConfigLoaderImpl._compose_config_from_defaults_list = merged  # type: ignore[method-assign]
