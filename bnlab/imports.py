"""Source files of the user's modules that a plugin imports, found without importing them.

A run's id covers the code that trains it, so a change in a helper module must give another run.
"""

import ast
import site
import sys
import sysconfig
from collections.abc import Iterator
from importlib.machinery import PathFinder
from pathlib import Path

LARGEST = 1 << 20  # bytes; larger files are data


def own_sources(tree: ast.Module) -> list[str]:
    """Return the sources of the user's modules that a syntax tree imports, directly or indirectly, by path.

    Modules of Python, installed packages and bnlab are not the user's. Imports of computed names are not found.
    """
    found: dict[Path, str] = {}
    waiting = [tree]
    while waiting:
        for name in _imported(waiting.pop()):
            for path in _files(name):
                if path not in found and (text := _text(path)) is not None:
                    found[path] = text
                    waiting += _parsed(text)
    return [found[path] for path in sorted(found)]


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the dotted names of the modules that a syntax tree may import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)  # a module or an attribute


def _files(name: str) -> Iterator[Path]:
    """Yield the user's files that importing a dotted name executes."""
    parts = name.split(".")
    if parts[0] in sys.stdlib_module_names or parts[0] == __package__:
        return
    spec = PathFinder.find_spec(parts[0])
    if spec is None or spec.origin is None:
        return
    path = Path(spec.origin).resolve()
    if path.suffix != ".py" or any(path.is_relative_to(folder) for folder in _INSTALLED):
        return
    yield path
    for n in range(1, len(parts)):
        inside = path.parent.joinpath(*parts[1 : n + 1])
        yield from (one for one in (inside.with_suffix(".py"), inside / "__init__.py") if one.is_file())


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8") if path.stat().st_size <= LARGEST else None
    except (OSError, ValueError):  # the import will report the error
        return None


def _parsed(text: str) -> list[ast.Module]:
    try:
        return [ast.parse(text)]
    except (SyntaxError, ValueError, RecursionError):  # likewise
        return []


_INSTALLED = [
    Path(folder).resolve()
    for folder in {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    if folder != sys.prefix
]
