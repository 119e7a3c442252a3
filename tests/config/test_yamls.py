"""Users' yaml files: invalid ones are rejected before anything is built, in one line that names the file."""

import os
from pathlib import Path

import pytest

from bnlab.config import yamls
from bnlab.errors import BadInput

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
FLOW_BOMB = "{" + ", ".join(
    f"a{n}: &a{n} {{" + ", ".join(f"k{k}: *a{n - 1}" for k in range(9)) + "}" for n in range(1, 9)
)

REFUSED: dict[str, tuple[bytes, str]] = {
    "binary": (bytes(range(256)), "byte 128 is not UTF-8 text"),
    "utf-16": ("a: 1".encode("utf-16"), "byte 0 is not UTF-8 text"),
    "a number": (b"42", "it contains 42, and should contain key: value"),
    "text": (b"just text", "it contains just text"),
    "a list": (b"- a\n- b\n", "it contains a list"),
    "brackets 2,000 deep": (b"a: " + b"[" * 2000 + b"]" * 2000, "nested more than 50 levels"),
    "keys 300 deep": ("\n".join(" " * n + "a:" for n in range(300)).encode(), "nested more than 50 levels"),
    "billion laughs": (BOMB.encode(), "with aliases expanded it contains more than 100000 values"),
    "laughing mappings": (f"a0: &a0 {{x: 1}}\nb: {FLOW_BOMB}}}".encode(), "it contains more than 100000 values"),
    "an alias of itself": (b"a: &a [*a]", "*a contains itself"),
    "an alias of nothing": (b"a: *nope", "undefined alias 'nope'"),
    "keys twice": (b"name: a\nname: b\n", "line 2, cannot be read as yaml: found duplicate key name"),
    "a tab": (b"a:\n\tb: 1\n", "line 2, cannot be read as yaml: found a tab"),
    "an object": (b"a: !!python/object/apply:os.system ['true']", "tag !!python/object/apply:os.system"),
    "an object at the top": (b"!!python/object:x.y {a: 1}", "tag !!python/object:x.y"),
    "a tag of one's own": (b"a: !mine 1", "tag !mine"),
    "a number by tag": (b"a: !!int abc", "tag !!int"),
    "a set": (b"a: !!set {x}", "tag !!set"),
    "5,000 digits": (b"a: " + b"9" * 5000, "has too many digits"),
    "NUL": (b"a: \0", "unacceptable character #x0000"),
    "escape": (b"a: \x1b[31m", "unacceptable character #x001b"),
    "several documents": (b"a: 1\n---\nb: 2\n", "line 2: it contains several documents"),
    "a null key": (b"~: 1", "Incompatible key type"),
    "a list as key": (b"? [a]\n: 1", "unhashable key"),
    "a merge of nothing": (b"<<: 5", "expected a mapping"),
    "unclosed": (b"a: [1,", "line 1, cannot be read as yaml"),
    "another version": (b"%YAML 9.9\n---\na: 1", "incompatible YAML"),
    "half a reference": (b"a: ${", "no viable alternative"),
    "too large": (b"#" * (yamls.LARGEST + 1), "1048577 bytes"),
}
READ: dict[str, tuple[bytes, dict[str, object]]] = {
    "empty": (b"", {}),
    "a comment": (b"# nothing\n", {}),
    "byte order mark": (b"\xef\xbb\xbfa: 1", {"a": 1}),
    "aliases": (b"a: &a {b: 1}\nc: *a\nd: {<<: *a, e: 2}", {"a": {"b": 1}, "c": {"b": 1}, "d": {"b": 1, "e": 2}}),
    "text by tag": (b"a: !!str 1", {"a": "1"}),
    "other scripts": ("a: études 日本語".encode(), {"a": "études 日本語"}),
    "no date": (b"a: 2024-13-45", {"a": "2024-13-45"}),
    "exponent": (b"a: 1e-3", {"a": 0.001}),
}


@pytest.mark.parametrize("row", REFUSED)
def test_one_line_names_file_and_reason(tmp_path: Path, row: str) -> None:
    content, reason = REFUSED[row]
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(BadInput) as refusal:
        yamls.load(path)
    said = str(refusal.value)
    assert said.startswith(str(path))
    assert "cannot be read as yaml" in said
    assert reason in said
    assert said.isprintable()
    assert len(said) < len(str(path)) + 200


@pytest.mark.parametrize("row", READ)
def test_what_is_read(tmp_path: Path, row: str) -> None:
    content, expected = READ[row]
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    assert yamls.load(path) == expected


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for name in ("pipe", "folder", "zero"):
        with pytest.raises(BadInput, match="not a regular file"):
            yamls.load(tmp_path / f"{name}.yaml")
    with pytest.raises(BadInput, match="No such file"):
        yamls.load(tmp_path / "none.yaml")
