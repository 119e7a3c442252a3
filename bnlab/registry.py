"""What there is in each group (norms, models, data sets …), read from the package's own files without importing them.

A file of a group's package offers a thing by a class with a literal `name`. Its keyword-only constructor arguments are
the options; its other literal class attributes are facts that must be known before torch is loaded (`default_sites`,
`ignores_placement`). Reading the syntax tree keeps `--help`, `list` and every refusal of bad input free of torch, and
no config can name an import path.
"""

import ast
import importlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bnlab import options
from bnlab.errors import BadInput

ROOMS = {
    "model": "bnlab.models",
    "norm": "bnlab.norms",
    "data": "bnlab.data",
    "optim": "bnlab.optim.optimizers",
    "schedule": "bnlab.optim.schedules",
    "diagnostics": "bnlab.diagnostics",
}


@dataclass(frozen=True)
class Entry:
    """One thing of a group: where its class is, the annotation of each option, and its literal class attributes."""

    name: str
    module: str
    attribute: str
    options: dict[str, Any]
    facts: dict[str, Any]

    def load(self) -> Any:
        """The class itself (imports its module, and with it torch)."""
        return getattr(importlib.import_module(self.module), self.attribute)


@cache
def entries(group: str) -> dict[str, Entry]:
    """Every entry of a group by name."""
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
            found[name] = Entry(name, f"{room}.{path.stem}", node.name, _options(node, classes), facts)
    return found


def find(group: str, name: str) -> Entry:
    """The entry of that name; `BadInput` names what there is."""
    known = entries(group)
    if name not in known:
        raise BadInput(f"{group}.name={name} is not known; there is {', '.join(sorted(known))}")
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
                continue  # a computed attribute is no fact to know in advance
    return facts


def _options(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> dict[str, Any]:
    """The options of its constructor, else of the one that it inherits within its file."""
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            names = vars(options)
            return {
                argument.arg: eval(ast.unparse(argument.annotation), dict(names))  # our own source, not a user's
                for argument in statement.args.kwonlyargs
                if argument.annotation is not None
            }
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id in classes:
            return _options(classes[base.id], classes)
    return {}
