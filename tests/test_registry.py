"""The registry reads the package's own files."""

import importlib
import inspect
from pathlib import Path
from typing import Any, get_args

import pytest

from bnlab import options, registry
from bnlab.errors import BadInput

groups = pytest.mark.parametrize("group", list(registry.ROOMS))


@groups
def test_finds_every_named_class_of_a_room(group: str) -> None:
    room = importlib.import_module(registry.ROOMS[group])
    found: dict[str, Any] = {}
    for path in Path(room.__path__[0]).glob("[!_]*.py"):
        module = importlib.import_module(f"{room.__name__}.{path.stem}")
        for _, kind in inspect.getmembers(module, inspect.isclass):
            name = getattr(kind, "name", None)
            if kind.__module__ == module.__name__ and isinstance(name, str):
                found[name] = kind
    assert {name: entry.load() for name, entry in registry.entries(group).items()} == found
    assert found


@groups
def test_names_no_two_things_alike(group: str) -> None:
    modules = [(entry.module, entry.attribute) for entry in registry.entries(group).values()]
    assert len(set(modules)) == len(modules)


@groups
def test_an_unknown_name_is_refused_with_what_there_is(group: str) -> None:
    with pytest.raises(BadInput, match="is not known; available: ") as refusal:
        registry.find(group, "nonsense")
    assert str(refusal.value).startswith(f"{group}.name=nonsense")
    assert all(name in str(refusal.value) for name in registry.entries(group))


def test_annotations_are_types_and_not_text() -> None:
    entry = registry.find("norm", "batch")
    assert entry.options["eps"] == options.Positive
    assert get_args(entry.options["momentum"]) == (options.Fraction, type(None))
    assert entry.options["affine"] is bool


def test_facts_are_known_without_importing() -> None:
    assert registry.find("norm", "none").facts["ignores_placement"] is True
    assert registry.find("model", "mlp").facts["default_sites"] == ("before_act",)


SOURCE = '''
class Base:
    def __init__(self, *, depth: Count, rate: Real | None) -> None: ...

class One(Base):
    """One."""
    name: ClassVar[str] = "one"
    sizes = (1, 2)
    computed = len("abc")

class Two(One):
    name = "two"
    def __init__(self, positional, *, mode: Literal["a", "b"]) -> None: ...
'''


def test_reads_options_of_inherited_constructors_and_literal_facts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "things.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    monkeypatch.setitem(registry.ROOMS, "thing", "bnlab.room")
    found = registry._ours.__wrapped__("thing")
    assert list(found) == ["one", "two"]
    assert found["one"].facts == {"name": "one", "sizes": (1, 2)}
    assert found["one"].options == {"depth": options.Count, "rate": options.Real | None}
    assert get_args(found["two"].options["mode"]) == ("a", "b")
    assert (found["two"].module, found["two"].attribute) == ("bnlab.room.things", "Two")


def test_a_name_given_twice_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "room").mkdir()
    for file in ("a", "b"):
        (tmp_path / "room" / f"{file}.py").write_text('class X:\n    name = "x"\n', encoding="utf-8")
    monkeypatch.setattr(registry, "__file__", str(tmp_path / "registry.py"))
    monkeypatch.setitem(registry.ROOMS, "thing", "bnlab.room")
    with pytest.raises(RuntimeError, match=r"'x' is defined in bnlab\.room\.a and in bnlab\.room\.b"):
        registry._ours.__wrapped__("thing")
