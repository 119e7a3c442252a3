"""Decoded data sets kept on disk under $XDG_CACHE_HOME/bnlab (by default ~/.cache/bnlab).

An entry is an uncompressed .npz, whose own checksums reveal a damaged one: that is decoded anew and replaced. Entries
are written to a temporary name and renamed, so that runs side by side never see half of one. The cache only saves
time: where it cannot be written, work goes on without it.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from bnlab.data.base import Arrays

FORMAT = 1  # raise it when decoding changes what an entry holds

log = logging.getLogger(__name__)


def folder() -> Path:
    """The folder of the cache (which may not exist yet)."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "bnlab"


def decoded(key: Mapping[str, object], decode: Callable[[], Arrays]) -> Arrays:
    """The cached arrays of `key`; else those that `decode` gives, which are then kept.

    Args:
        key: all that the decoded arrays depend on: the fingerprint of the content and the options of decoding.
    """
    text = json.dumps({**key, "format": FORMAT}, sort_keys=True)
    path = folder() / "arrays" / f"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()}.npz"
    try:
        return _read(path)
    except FileNotFoundError:
        pass  # the usual first time
    except Exception as error:  # damaged bytes surface as any of a dozen types
        log.warning("cached data %s is damaged (%s): decoding again", path, error)
    arrays = decode()
    keep(path, lambda temporary: _write(temporary, arrays))
    return arrays


def keep(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a temporary file and rename it to `path`; where that fails, say so and go on."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        os.close(handle)
        temporary = Path(name)
        write(temporary)
        temporary.replace(path)
    except OSError as error:
        log.warning("cannot keep decoded data in %s (%s): it is decoded again each time", path.parent, error.strerror)
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _write(path: Path, arrays: Arrays) -> None:
    meta = {
        "task": arrays.task,
        "classes": arrays.classes,
        "outputs": arrays.outputs,
        "class_names": list(arrays.class_names),
    }
    members = {"train_x": arrays.train_x, "train_y": arrays.train_y, "test_x": arrays.test_x, "test_y": arrays.test_y}
    if arrays.val_x is not None and arrays.val_y is not None:
        members |= {"val_x": arrays.val_x, "val_y": arrays.val_y}
    np.savez(path, allow_pickle=False, meta=np.array(json.dumps(meta)), **members)


def _read(path: Path) -> Arrays:
    with np.load(path, allow_pickle=False) as entry:
        members = {name: entry[name] for name in entry.files}
    meta = json.loads(str(members.pop("meta")))
    return Arrays(**members, **{**meta, "class_names": tuple(meta["class_names"])})
