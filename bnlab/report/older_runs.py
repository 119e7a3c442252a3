"""The initial weights and the data folder of runs, from config.yaml if run.json does not record them."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

from bnlab.report.condition import Axes
from bnlab.report.recorded_options import LARGEST, as_text
from bnlab.runs.files import Unreadable, read_text
from bnlab.runs.reader import Runs
from bnlab.text import printable

_ORIGIN, _ROOT = "init_from", "data.root"
_PARTS = re.compile(r"^(?:init_from|data):.*\n(?:[ -].*\n)*", re.MULTILINE)


def complete(source: Runs) -> None:
    """Add axes that older versions of bnlab did not record, and shorten the names of data folders.

    Published data are assumed to be the same in every folder. If runs differ in nothing but the folder, the data
    differ, and the folder becomes an axis of all runs.
    """
    infos, folders = source.infos, source.folders
    for run_id, info in infos.items():
        if _ORIGIN not in info["axes"]:
            info["axes"] |= _older(_config(folders[run_id]))
    every = {run_id: info["axes"] for run_id, info in infos.items()}
    if repeated := _repeated(every.values()):
        rooted = {run_id: _root(_config(folders[run_id])) | axes for run_id, axes in every.items()}
        if _repeated(rooted.values()) < repeated:
            every = rooted
    roots = {run_id: axes[_ROOT] for run_id, axes in every.items() if isinstance(axes.get(_ROOT), str)}
    names = shortest(roots.values()) if len(set(roots.values())) > 1 else {}
    for run_id, axes in every.items():
        named = {_ROOT: names[roots[run_id]]} if names and run_id in roots else {}
        infos[run_id]["axes"] = axes | named


def shortest(paths: Iterable[str]) -> dict[str, str]:
    """Return for each path the fewest last parts that no other path ends in; all parts if another path ends in it."""
    parts = {path: PurePath(path).parts or (path,) for path in paths}
    every = set(parts.values())
    found = {}
    for path, mine in parts.items():
        lengths = range(1, len(mine) + 1)
        alone = (k for k in lengths if sum(other[-k:] == mine[-k:] for other in every) == 1)
        found[path] = str(PurePath(*mine[-next(alone, len(mine)) :]))
    return found


def _repeated(every: Collection[Axes]) -> int:
    """Return the number of runs that have every axis in common with an earlier one."""
    return len(every) - len({json.dumps(axes, sort_keys=True) for axes in every})


def _config(folder: Path) -> Mapping[str, Any]:
    try:
        return _parsed("".join(_PARTS.findall(read_text(folder / "config.yaml", LARGEST))))
    except (FileNotFoundError, Unreadable):  # a damaged file is named in the report
        return {}


@lru_cache(maxsize=1024)  # hundreds of runs may share one text
def _parsed(text: str) -> Mapping[str, Any]:
    try:
        content = as_text(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _older(config: Mapping[str, Any]) -> dict[str, Any]:
    if _ORIGIN not in config:
        return {}
    path, data = config[_ORIGIN], config.get("data")
    named = isinstance(path, str) and path not in ("null", "")
    origin = printable("/".join(PurePath(path).parts[-2:])) if named else None  # study and run_id
    published = isinstance(data, dict) and "download" in data
    return {_ORIGIN: origin} | ({} if published else _root(config))


def _root(config: Mapping[str, Any]) -> dict[str, str]:
    data = config.get("data")
    found = data.get("root") if isinstance(data, dict) else None
    return {_ROOT: printable(found)} if isinstance(found, str) else {}
