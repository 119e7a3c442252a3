"""The user's modules behind a plugin are found without importing them."""

import ast
import sys
from pathlib import Path

import pytest

from bnlab.imports import own_sources

FILES = {
    "helper.py": "X = 1",
    "other.py": "import helper",
    "pack/__init__.py": "A = 1",
    "pack/inner.py": "from helper import X",
    "broken.py": "def",
    "binary.py": "\udcff",
    "cycle_a.py": "import cycle_b",
    "cycle_b.py": "import cycle_a",
}
CASES = {
    "import torch, json, bnlab.text": [],
    "import nosuchmodule": [],
    "import helper": ["helper.py"],
    "from helper import X": ["helper.py"],
    "import helper as h, sys": ["helper.py"],
    "def f():\n    import helper": ["helper.py"],
    "import other": ["helper.py", "other.py"],
    "import pack": ["pack/__init__.py"],
    "import pack.inner": ["helper.py", "pack/__init__.py", "pack/inner.py"],
    "from pack import inner": ["helper.py", "pack/__init__.py", "pack/inner.py"],
    "from pack.inner import X": ["helper.py", "pack/__init__.py", "pack/inner.py"],
    "from pack import A": ["pack/__init__.py"],
    "import broken": ["broken.py"],
    "import binary": [],
    "import cycle_a": ["cycle_a.py", "cycle_b.py"],
    "from . import helper": [],
}


@pytest.mark.parametrize("code", CASES)
def test_own_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    assert own_sources(ast.parse(code)) == [FILES[name] for name in CASES[code]]
    assert not set(sys.modules) - before
