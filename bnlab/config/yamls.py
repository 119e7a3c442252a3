"""Checks of users' yaml files before anything is built from them: size, nesting, and size with aliases expanded."""

import pickle
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import StringIO
from pathlib import Path

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bnlab.config.excerpt import excerpt
from bnlab.errors import BadInput
from bnlab.text import printable

LARGEST = 1 << 20  # bytes of a file
DEEPEST = 50  # levels of nesting
MOST = 100_000  # values, with aliases expanded

_DIGITS = re.compile(r"[+-]?[0-9][0-9_]{99,}")


class Configs(FileConfigSource):
    """Source of Hydra's configs on disk that checks them before loading."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Load one file.

        Raises:
            BadInput: it is invalid.
        """
        path = Path(self.path, self._normalize_file_name(config_path))
        if not path.is_file():
            return super().load_config(config_path)  # which says that it is missing
        config = load(path)
        if (problem := _defaults_problem(config)) is not None:
            raise _refusal(path, problem)
        header = self._get_header_dict(text(path)[:512])
        return ConfigResult(provider=self.provider, path=f"{self.scheme()}://{self.path}", config=config, header=header)


def register() -> None:
    """Make Hydra load configs with `Configs`; call it after Hydra has registered its own plugins."""
    SourcesRegistry.instance().types["file"] = Configs


def load(path: Path) -> DictConfig:
    """Return the content of a yaml file.

    Raises:
        BadInput: it cannot be read as a mapping, or is too large or too deep.
    """
    with _told(path):
        content = _checked(path)
        found = pickle.loads(_parsed(content))
    assert isinstance(found, DictConfig)
    return found


def text(path: Path) -> str:
    """Return the text of a yaml file.

    Raises:
        BadInput: it cannot be read, is not text, or is too large.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            raise _refusal(path, "it is not a regular file")
        if about.st_size > LARGEST:
            raise _refusal(path, f"it has {about.st_size} bytes, and a config has at most {LARGEST}")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(path, f"byte {error.start} is not UTF-8 text") from None
    except OSError as error:
        raise _refusal(path, error.strerror or str(error)) from None


def check(path: Path) -> None:
    """Check that a file contains one mapping of plain values, or nothing.

    Raises:
        BadInput: it does not, or is too large or too deep.
    """
    with _told(path):
        _checked(path)


def _checked(path: Path) -> str:
    """Return the text of a file that contains one mapping of plain values, or nothing."""
    content = text(path)
    if (problem := _problem(content)) is not None:
        raise _refusal(path, problem)
    return content


def _defaults_problem(config: DictConfig) -> str | None:
    """Return what is wrong with the form of a defaults list, or None. (Hydra's message would not name the file.)"""
    if "defaults" not in config:
        return None
    defaults = OmegaConf.to_container(config).get("defaults")  # type: ignore[union-attr]
    example = "as in `defaults: [override /model: cnn]`"
    if not isinstance(defaults, list):
        return f"its defaults are {excerpt(defaults)}, and should be a list, {example}"
    for one in defaults:
        if not isinstance(one, str) and not (isinstance(one, dict) and len(one) == 1):
            return f"{excerpt(one)} in its defaults should be one group with its choice, {example}"
        choice = next(iter(one.values())) if isinstance(one, dict) else one
        several = choice if isinstance(choice, list) else [choice]
        if not all(isinstance(name, str) or (name is None and name is choice) for name in several):
            return f"{excerpt(choice)} in its defaults should be the name of a choice, {example}"
    return None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn errors of yaml and OmegaConf into a `BadInput` of one line that names the file."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}," if error.problem_mark is not None else ""
        said = str(error.problem or error.context).replace("character '\\t' that", "a tab, which")
        raise BadInput(f"{printable(str(path))}{line} cannot be read as yaml: {printable(said)}") from None
    except (yaml.YAMLError, OmegaConfBaseException) as error:
        raise _refusal(path, str(error).splitlines()[0]) from None


@lru_cache(maxsize=1024)
def _problem(content: str) -> str | None:
    return next(_problems(content), None)


@lru_cache(maxsize=1024)
def _parsed(content: str) -> bytes:
    """Return the pickled config: Hydra reads some files ten times, and may modify what it gets; unpickling is quick."""
    return pickle.dumps(OmegaConf.load(StringIO(content)))


def _refusal(path: Path, reason: str) -> BadInput:
    return BadInput(f"{printable(str(path))} cannot be read as yaml: {printable(reason)}")


def _problems(content: str) -> Iterator[str]:
    """Yield what is wrong with a text that is well-formed yaml."""
    anchors: dict[str, int] = {}
    open_: list[tuple[str | None, int]] = []  # each open collection: its anchor, and its number of values so far
    documents = 0
    for event in yaml.parse(content, Loader=yaml.SafeLoader):
        size = 0
        if isinstance(event, yaml.AliasEvent):
            if any(anchor == event.anchor for anchor, _ in open_):
                yield f"line {event.start_mark.line + 1}: *{event.anchor} contains itself"
            size = anchors.get(event.anchor, 1)
        elif isinstance(event, yaml.ScalarEvent):
            if event.tag not in (None, "tag:yaml.org,2002:str"):
                yield f"line {event.start_mark.line + 1}: it has the tag {_tag(event.tag)}; write the value without it"
            if event.style is None and _DIGITS.fullmatch(event.value):
                yield f"line {event.start_mark.line + 1}: {excerpt(event.value)} has too many digits"
            if not open_ and event.value:
                yield f"it contains {excerpt(event.value)}, and should contain key: value"
            size = 1
            if event.anchor is not None:
                anchors[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            if event.tag is not None:
                yield f"line {event.start_mark.line + 1}: it has the tag {_tag(event.tag)}; write the value without it"
            if not open_ and isinstance(event, yaml.SequenceStartEvent):
                yield "it contains a list, and should contain key: value"
            open_.append((event.anchor, 1))
            if len(open_) > DEEPEST:
                yield f"line {event.start_mark.line + 1}: it is nested more than {DEEPEST} levels deep"
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_.pop()
            if anchor is not None:
                anchors[anchor] = size
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                yield f"line {event.start_mark.line + 1}: it contains several documents, and should contain one"
        if size and open_:
            anchor, held = open_.pop()
            open_.append((anchor, held + size))
            if held + size > MOST:
                yield f"line {event.start_mark.line + 1}: with aliases expanded it contains more than {MOST} values"


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
