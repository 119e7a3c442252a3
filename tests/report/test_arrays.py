"""Archives of images: they contain numbers of the right shape, or the file is named in the report."""

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bnlab.report.arrays import images, looks
from bnlab.report.figures import feature_maps
from bnlab.report.interface import Drawn, Missing
from bnlab.report.reading import read
from bnlab.runs.files import Unreadable

NAME = "units.0.before_act.after"
SOUND = np.arange(18.0).reshape(1, 2, 3, 3)


def saved(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def zipped(content: bytes, name: str = f"{NAME}.npy", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.writestr(name, content)
    return buffer.getvalue()


def header(shape: str, kind: str = "<f8", data: bytes = b"") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}}}".encode()
    return zipped(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + data)


class Bomb:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, ("executed",)


GOOD = saved(**{NAME: SOUND})
DAMAGED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "not a zip file"),
    "text": (b"no archive", "not a zip file"),
    "truncated": (GOOD[:-30], "not a zip file"),
    "torn in the middle": (GOOD[:60] + GOOD[90:], ""),
    "a bit flipped": (GOOD[:150] + bytes([GOOD[150] ^ 255]) + GOOD[151:], ""),
    "a bare array": (header("(1, 2, 3, 3)")[50:], ""),
    "pickled objects": (saved(**{NAME: np.array([Bomb()], dtype=object)}), "contains object"),
    "a pickle": (zipped(pickle.dumps(Bomb())), "magic string"),
    "text for numbers": (saved(**{NAME: np.full((1, 1, 2, 2), "x")}), "contains <U1"),
    "complex numbers": (saved(**{NAME: SOUND.astype(complex)}), "contains complex128"),
    "dates": (saved(**{NAME: SOUND.astype("datetime64[s]")}), "contains datetime64"),
    "a structure": (saved(**{NAME: np.zeros((1, 1, 1, 1), [("a", "f8")])}), ", not numbers"),
    "a number": (saved(**{NAME: np.float64(1)}), r"has the shape \(\)"),
    "three axes": (saved(**{NAME: SOUND[0]}), r"has the shape \(2, 3, 3\)"),
    "five axes": (saved(**{NAME: SOUND[None]}), "has the shape"),
    "a row of a million": (saved(**{NAME: np.zeros((1, 1, 1, 10**6), np.int8)}), "has the shape"),
    "a negative length": (header("(1, 1, -1, 1)"), "has the shape|shape"),
    "a shape of terabytes": (header("(1000000, 1000000, 3, 3)"), "does not match its shape"),
    "a shape of 40 digits": (header(f"({10**40}, 1, 3, 3)"), "does not match its shape"),
    "a shape of words": (header("('a', 1, 2, 3)"), "shape"),
    "code for a header": (header("__import__('os').mkdir('executed')"), ""),
    "too little data": (header("(1, 1, 2, 2)", data=b"1234"), "does not match its shape"),
    "too much data": (header("(1, 1, 1, 1)", data=bytes(16)), "does not match its shape"),
    "a zip bomb": (zipped(bytes(65 << 20)), "bytes unpacked, or more than"),
    "a name of nothing": (zipped(b"", ".npy"), "is not site"),
    "a name without a side": (saved(weights=SOUND), "weights.npy is not site"),
    "a name without an end": (zipped(b"x", NAME), "is not site"),
    "another compression": (zipped(b"x" * 99, method=zipfile.ZIP_BZIP2), "encrypted, or compressed"),
    "ten thousand arrays": (saved(**{f"a{n}.after": np.int8(0) for n in range(5000)}), "bytes unpacked, or more than"),
}


@pytest.mark.parametrize(("content", "reason"), DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_archive_is_named(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "feature_maps_3.npz"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=rf"feature_maps_3\.npz cannot be read \(.*({reason})") as caught:
        images(path)
    assert "\n" not in str(caught.value)
    assert not Path("executed").exists()


SOUND_KINDS = ("float16", "float32", "float64", ">f4", "int8", "uint16", "int64", "bool")


@pytest.mark.parametrize("kind", SOUND_KINDS)
def test_numbers_of_every_kind_are_read(kind: str, tmp_path: Path) -> None:
    array = SOUND.astype(kind)
    (tmp_path / "a.npz").write_bytes(saved(**{NAME: array, "b.before": np.asfortranarray(array)}))
    found = images(tmp_path / "a.npz")
    np.testing.assert_array_equal(found[NAME], array.astype("float64"))
    np.testing.assert_array_equal(found["b.before"], array.astype("float64"))


def test_numbers_that_no_axis_holds_are_none(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(saved(**{NAME: np.array([1.0, 1e300, -np.inf, np.nan]).reshape(1, 1, 2, 2)}))
    np.testing.assert_array_equal(images(tmp_path / "a.npz")[NAME].ravel(), [1.0, np.nan, np.nan, np.nan])


def fifo(path: Path) -> None:
    os.mkfifo(path)


ODD_FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a FIFO": (fifo, "it is a FIFO"),
    "a folder": (Path.mkdir, "it is a folder"),
    "a link to a device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "a link to nothing": (lambda path: path.symlink_to("nowhere"), "a link to a file that does not exist"),
    "a sparse file": (lambda path: (path.touch(), os.truncate(path, 1 << 40)), "bytes, more than"),
}


@pytest.mark.parametrize(("make", "reason"), ODD_FILES.values(), ids=ODD_FILES)
def test_what_is_no_file_does_not_block(make: Callable[[Path], Any], reason: str, tmp_path: Path) -> None:
    make(tmp_path / "feature_maps_3.npz")
    with pytest.raises(Unreadable, match=reason):
        images(tmp_path / "feature_maps_3.npz")


def test_looks_are_told_by_their_names(tmp_path: Path) -> None:
    assert looks(tmp_path, "feature_maps") == ({}, {})
    place = tmp_path / "arrays"
    place.mkdir()
    names = (
        "feature_maps_7.npz",
        "feature_maps_x.npz",
        f"feature_maps_{10**40}.npz",
        "other_3.npz",
        "feature_maps_3.txt",
    )
    for name in names:
        (place / name).touch()
    found, odd = looks(tmp_path, "feature_maps")
    assert found == {7: place / "feature_maps_7.npz"}
    assert sorted(path.name for path in odd) == sorted(names[1:3])
    assert odd[place / "feature_maps_x.npz"].endswith("feature_maps_x.npz is left out (its name has no step)")


def test_an_earlier_look_stands_in_for_a_damaged_one(study: Any) -> None:
    writer, other = study.run("batch"), study.run("none")
    writer.keep("feature_maps_3", {NAME: SOUND})
    writer.keep("feature_maps_9", {NAME: SOUND + 1})
    other.keep("feature_maps_3", {NAME: SOUND})
    frame = read([study.folder], 0.9, 0.05)
    whole = feature_maps.draw(frame)
    assert isinstance(whole, Drawn)
    damaged = writer.folder / "arrays" / "feature_maps_9.npz"
    damaged.write_bytes(b"no archive")
    (writer.folder / "arrays" / "feature_maps_x.npz").touch()
    drawn = feature_maps.draw(frame)
    assert isinstance(drawn, Drawn)
    steps = drawn.data.groupby("condition")["step"].first().to_dict()
    assert steps == {"batch": 3, "none": 3}
    kept = [part.data[part.data["condition"] == "none"].reset_index(drop=True) for part in (whole, drawn)]
    assert kept[0].equals(kept[1])
    assert sorted(path.name for path in frame.damaged) == ["feature_maps_9.npz", "feature_maps_x.npz"]
    for path in (
        damaged,
        writer.folder / "arrays" / "feature_maps_3.npz",
        other.folder / "arrays" / "feature_maps_3.npz",
    ):
        path.write_bytes(b"")
    assert isinstance(feature_maps.draw(frame), Missing)
