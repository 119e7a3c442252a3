"""Which diagnostics the runs took, and when: what their config.yaml says and run.json's axes do not."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

_PARTS = re.compile(r"^(?:diagnostics|when):.*\n(?:[ -].*\n)*", re.MULTILINE)


def taken(folders: Iterable[Path]) -> list[tuple[str, str]]:
    """(setting, value) of `diagnostics` and of `when`, which overrides all of theirs; values that differ with runs.

    Diagnostics that are taken at the same times stand together: "init, last: stable_rank, site_drift".
    """
    texts = Counter("".join(_PARTS.findall(_config(folder))) for folder in folders)
    found: dict[str, Counter[str]] = {"diagnostics": Counter(), "when": Counter()}
    for text, runs in texts.items():  # one of them for hundreds of runs
        config = _parsed(text)
        found["diagnostics"][_diagnostics(config.get("diagnostics"))] += runs
        found["when"][_times(config.get("when")) or "each diagnostic's own"] += runs
    return [(name, _tally(values)) for name, values in found.items() if set(values) != {""}]


def _config(folder: Path) -> str:
    try:
        return (folder / "config.yaml").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _parsed(text: str) -> dict[str, Any]:
    try:
        return yaml.safe_load(text) or {}
    except yaml.YAMLError:  # a damaged file: the run's numbers are as good as ever
        return {}


def _diagnostics(every: Any) -> str:
    by_times: dict[str, list[str]] = {}
    for name, options in (every or {}).items():
        by_times.setdefault(_times((options or {}).get("when")), []).append(name)
    return "; ".join(f"{times}: {', '.join(names)}" if times else ", ".join(names) for times, names in by_times.items())


def _times(when: Any) -> str:
    return ", ".join(map(str, when)) if isinstance(when, list) else "" if when is None else str(when)


def _tally(values: Counter[str]) -> str:
    if len(values) == 1:
        return next(iter(values))
    return " | ".join(f"{value or 'none'} ({runs} runs)" for value, runs in values.most_common())
