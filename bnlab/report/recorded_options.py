"""The diagnostics of the runs and their times, from config.yaml, because the axes in run.json lack them."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from bnlab.report.escaping import clipped
from bnlab.runs.files import Unreadable, read_text
from bnlab.text import printable

_PARTS = re.compile(r"^(?:diagnostics|when):.*\n(?:[ -].*\n)*", re.MULTILINE)
_SETTING = re.compile(r"^\w+:(?:\s|$)", re.MULTILINE)
LARGEST = 1 << 20  # bytes of a config.yaml that are read
_LONGEST = 200  # characters shown of a list of moments


class RecordedOptions(NamedTuple):
    """Settings of diagnostics in the configs.

    Attributes:
        settings: (setting, value) of `diagnostics` and of `when`, which overrides the times of all diagnostics; values
            that differ have their numbers of runs.
        damaged: config.yaml files that could not be used, each with the reason.
    """

    settings: list[tuple[str, str]]
    damaged: dict[Path, str]


def _known(value: Any) -> Any:
    """Return None for the words that denote null in YAML."""
    return None if value in ("null", "~", "") else value


_Moments = Annotated[str | list[str] | None, BeforeValidator(_known)]


class _Options(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    when: _Moments = None


_OptionsOrNone = Annotated[_Options | None, BeforeValidator(_known)]


class _Config(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")

    diagnostics: Annotated[dict[str, _OptionsOrNone] | None, BeforeValidator(_known)] = None
    when: _Moments = None


def recorded_options(folders: Iterable[Path]) -> RecordedOptions:
    """Read the configs of runs; a run without a config.yaml counts as one without diagnostics.

    Diagnostics that are taken at the same times are grouped: "init, last: stable_rank, site_drift".
    """
    texts: dict[str, list[Path]] = {}
    damaged: dict[Path, str] = {}
    for folder in folders:
        path = folder / "config.yaml"
        try:
            text = read_text(path, LARGEST) or "\n"
        except FileNotFoundError:
            text = ""
        except Unreadable as error:
            damaged[path] = str(error)
            continue
        if text and not _SETTING.search(text):
            damaged[path] = f"{printable(str(path))} cannot be read (it contains no settings)"
            continue
        texts.setdefault("".join(_PARTS.findall(text)), []).append(path)
    found: dict[str, Counter[str]] = {"diagnostics": Counter(), "when": Counter()}
    for text, paths in texts.items():  # hundreds of runs may share one
        try:
            config = _parsed(text)
        except ValueError as error:
            damaged |= {path: f"{printable(str(path))} cannot be read ({error})" for path in paths}
            continue
        found["diagnostics"][_diagnostics(config)] += len(paths)
        found["when"][_times(config.when) or "each diagnostic's own"] += len(paths)
    return RecordedOptions([(name, _tally(values)) for name, values in found.items() if set(values) - {""}], damaged)


def as_text(text: str) -> Any:
    """Return the content of YAML with all scalars as text and without merge keys, so that nothing is computed.

    Raises:
        ValueError: the text is not YAML.
    """
    try:
        return yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        reason = " ".join(str(getattr(error, "problem", None) or error).split())
        raise ValueError(f"not YAML: {printable(reason)[:120]}") from None
    except RecursionError:
        raise ValueError("its YAML is nested too deeply") from None


def _parsed(text: str) -> _Config:
    """Return the settings in a part of a config.yaml.

    Raises:
        ValueError: the text is not YAML, or has invalid settings.
    """
    content = as_text(text)
    try:
        return _Config.model_validate(content or {})
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = printable(".".join(str(part) for part in problem["loc"]))[:80]
        raise ValueError(f"{where}: {problem['msg']}") from None


def _diagnostics(config: _Config) -> str:
    by_times: dict[str, list[str]] = {}
    for name, options in (config.diagnostics or {}).items():
        by_times.setdefault(_times(options.when if options else None), []).append(clipped(printable(name)))
    return "; ".join(f"{times}: {', '.join(names)}" if times else ", ".join(names) for times, names in by_times.items())


def _times(when: str | list[str] | None) -> str:
    return clipped(printable(", ".join(when) if isinstance(when, list) else when or ""), _LONGEST)


def _tally(values: Counter[str]) -> str:
    if len(values) == 1:
        return next(iter(values))
    return " | ".join(f"{value or 'none'} ({runs} runs)" for value, runs in values.most_common())
