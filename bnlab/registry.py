"""Entries of each group (norms, models, data sets …), read from the source files without importing them.

An entry is a class with a literal `name` in a file of the group's package. Its keyword-only constructor arguments are
the options; its other literal class attributes are facts that must be known before torch is loaded (`default_sites`,
`ignores_placement`). Because only the syntax tree is read, `--help`, `list` and refusals of bad input do not import
torch, and no config can name an import path.
"""

import ast
import importlib.util
import re
import stat
import sys
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any

from bnlab import options
from bnlab.errors import BadInput
from bnlab.imports import own_sources

ROOMS = {
    "model": "bnlab.models",
    "norm": "bnlab.norms",
    "data": "bnlab.data",
    "optim": "bnlab.optim.optimizers",
    "schedule": "bnlab.optim.schedules",
    "diagnostics": "bnlab.diagnostics",
    "law": "bnlab.laws",
}


LARGEST = 1 << 20  # bytes of a plugin's file
_BASES = {"Model", "Norm", "Reparametrization"}


@dataclass(frozen=True)
class Entry:
    """Entry of a group: location of its class, annotations of its options, and its literal class attributes.

    Attributes:
        plugin: the user's file; None for built-in entries.
        defaults: the options' defaults in the constructor; those of built-in entries but laws are in a yaml.
    """

    name: str
    module: str
    attribute: str
    options: dict[str, Any]
    facts: dict[str, Any]
    plugin: Path | None = None
    defaults: dict[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Return the class, importing its module and with it torch.

        Raises:
            BadInput: a plugin's class extends neither `Model` nor `Norm`.
        """
        if self.plugin is not None and self.module not in sys.modules:
            spec = importlib.util.spec_from_file_location(self.module, self.plugin)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            sys.modules[self.module] = module
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[self.module]  # a partly executed module must not be reused
                raise
        found = getattr(importlib.import_module(self.module), self.attribute)
        if self.plugin is not None and not _BASES & {base.__name__ for base in found.__mro__[1:]}:
            raise BadInput(
                f"plugins: {self.plugin}: {self.attribute} extends neither bnlab.norms.base.Norm nor "
                "bnlab.models.base.Model; README shows how"
            )
        return found


_plugins: dict[str, dict[str, Entry]] = {}


def entries(group: str) -> dict[str, Entry]:
    """Return every entry of a group by name, including plugins."""
    return _ours(group) | _plugins.get(group, {})


def add_plugin(path: Path) -> dict[str, list[Entry]]:
    """Register the models and norms of a user's file: classes with a literal `name` that extend `Model` or a norm.

    The options' defaults are those of the constructor. A file that was registered before is read again.

    Returns:
        The entries of the file, by group.

    Raises:
        BadInput: the file cannot be read, has no entry, or uses a built-in name.
    """
    text, tree = _parsed(path)
    code = "\0".join([text, *own_sources(tree)])
    module = f"bnlab_plugin_{blake2b(code.encode(), digest_size=8).hexdigest()}"
    found: dict[str, list[Entry]] = {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and "name" in (facts := _literals(node)):
            group = "model" if any("Model" in ast.unparse(base) for base in node.bases) else "norm"
            if not isinstance(facts["name"], str) or not re.fullmatch(r"[A-Za-z_][\w.-]*", facts["name"]):
                raise BadInput(
                    f"plugins: {path}: {facts['name']!r} is not a valid name for {node.name}: use letters and _"
                )
            if facts["name"] in _ours(group):
                raise BadInput(f"plugins: {path}: {group} {facts['name']} is built in; choose another name")
            if group == "model" and "default_sites" not in facts:
                raise BadInput(f'plugins: {path}: {node.name} needs default_sites, as in ("before_act",)')
            try:
                own = _options(node, {})
                defaults = _defaults(node)
            except (NameError, AttributeError, TypeError) as error:
                raise BadInput(f"plugins: {path}: {error}; annotate options with builtins or bnlab.options") from None
            except ValueError:
                raise BadInput(
                    f"plugins: {path}: a default of {node.name} is computed; write its value, as in rate: Real = 0.1"
                ) from None
            entry = Entry(facts["name"], module, node.name, own, facts, path.resolve(), defaults)
            if missing := entry.options.keys() - entry.defaults.keys():
                raise BadInput(f"plugins: {path}: option {sorted(missing)[0]} of {node.name} needs a default")
            found.setdefault(group, []).append(entry)
    if not found:
        raise BadInput(f"plugins: {path} has no class with a `name` that extends Model or Norm; README shows one")
    for group, new in found.items():
        _plugins.setdefault(group, {}).update({entry.name: entry for entry in new})
    return found


def _parsed(path: Path) -> tuple[str, ast.Module]:
    """Return the text of a plugin's file and its syntax tree.

    Raises:
        BadInput: it does not exist, is not a regular file, is too large, or is not Python.
    """
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode):
            kind = "a folder" if stat.S_ISDIR(about.st_mode) else "not a regular file"
            raise BadInput(f"plugins: {path} is {kind}: name a file of yours")
        if about.st_size > LARGEST:
            raise BadInput(f"plugins: {path} has {about.st_size} bytes, more than {LARGEST}: name a file of yours")
        text = path.read_text(encoding="utf-8")
        return text, ast.parse(text)
    except FileNotFoundError:
        raise BadInput(f"plugins: {path} does not exist: name a file of yours") from None
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError) as error:
        reason = str(error)
        if isinstance(error, OSError):
            reason = error.strerror or reason
        elif isinstance(error, SyntaxError) and error.lineno is not None:
            reason = f"line {error.lineno}: {error.msg}"
        elif isinstance(error, RecursionError | MemoryError):  # the parser raises either
            reason = "it is nested too deeply"
        raise BadInput(f"plugins: {path} cannot be read as Python ({reason}): name a file of yours") from None


@cache
def _ours(group: str) -> dict[str, Entry]:
    room = ROOMS[group]
    folder = Path(__file__).parent.joinpath(*room.split(".")[1:])
    found: dict[str, Entry] = {}
    for path in sorted(folder.glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        for node in classes.values():
            facts = _literals(node)
            if "name" not in facts:
                continue
            name = facts["name"]
            if name in found:
                raise RuntimeError(f"{group} {name!r} is defined in {found[name].module} and in {room}.{path.stem}")
            own, defaults = _options(node, classes), _defaults(node)
            found[name] = Entry(name, f"{room}.{path.stem}", node.name, own, facts, defaults=defaults)
    return found


def find(group: str, name: str) -> Entry:
    """Return the entry of that name, or raise `BadInput` with the known names."""
    known = entries(group)
    if name not in known:
        raise BadInput(f"{group}.name={name} is not known; available: {', '.join(sorted(known))}")
    return known[name]


def _literals(node: ast.ClassDef) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name):
            try:
                facts[target.id] = ast.literal_eval(value)
            except ValueError:
                continue  # a computed attribute is not known without importing
    return facts


def _options(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    """Return the options of the class's constructor, or of the constructor inherited from a class of the same file."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            names = vars(options)
            return {
                argument.arg: eval(ast.unparse(argument.annotation), dict(names))  # this code is imported later anyway
                for argument in statement.args.kwonlyargs
                if argument.annotation is not None
            }
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            return _options(classes[base.id], classes)
    return {}


def _defaults(node: ast.ClassDef) -> dict[str, Any]:
    """Return the literal defaults of the options of the class's constructor."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            pairs = zip(statement.args.kwonlyargs, statement.args.kw_defaults, strict=True)
            return {argument.arg: ast.literal_eval(value) for argument, value in pairs if value is not None}
    return {}
