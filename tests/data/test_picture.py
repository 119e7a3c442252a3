"""Decoding of one picture, compared with Pillow's own functions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps, features

from bnlab.data import picture as module
from bnlab.data.base import Undecodable
from bnlab.data.picture import SUFFIXES, Fault, check, is_readable


def images(paths: list[str], size: int, channels: int) -> np.ndarray:
    """Return the pictures, checking that all can be used."""
    x, faults = module.images(paths, size, channels)
    check(faults, len(paths))
    return x


DRAWN = np.random.default_rng(0).integers(0, 256, (10, 14, 4), dtype=np.uint8)


def drawn(mode: str = "RGB") -> Image.Image:
    picture = Image.fromarray(DRAWN)
    return (
        picture if mode == "RGBA" else picture.convert(mode) if mode == "LA" else picture.convert("RGB").convert(mode)
    )


def expected(path: Path, size: int, channels: int) -> np.ndarray:
    """Return C×size×size computed with Pillow: upright, on white, converted, fitted."""
    picture = ImageOps.exif_transpose(Image.open(path))
    assert picture is not None
    if picture.has_transparency_data:
        on = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        on.alpha_composite(picture.convert("RGBA"))
        picture = on
    picture = picture.convert("RGB" if channels == 3 else "L")
    fitted = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
    return np.asarray(fitted).reshape(size, size, channels).transpose(2, 0, 1)


UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: np.copy,
    2: np.fliplr,
    3: lambda x: x[::-1, ::-1],
    4: np.flipud,
    5: lambda x: x.transpose(1, 0, 2),
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(x.transpose(1, 0, 2), 2),
    8: np.rot90,
}
FORMATS = {"jpg": {"quality": 95}, "png": {}, "webp": {"lossless": True}, "tiff": {}, "avif": {}}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(suffix: str, orientation: int, tmp_path: Path) -> None:
    if not is_readable(f".{suffix}"):
        pytest.skip("not in this Pillow")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    path = tmp_path / f"x.{suffix}"
    drawn().save(path, exif=exif, **FORMATS[suffix])
    assert np.array_equal(images([str(path)], 8, 3)[0], expected(path, 8, 3))
    if suffix == "png":  # and against the pixels themselves
        turned = Image.fromarray(np.ascontiguousarray(UPRIGHT[orientation](DRAWN[..., :3])))
        fitted = np.asarray(ImageOps.fit(turned, (8, 8), Image.Resampling.BILINEAR))
        assert np.array_equal(images([str(path)], 8, 3)[0], fitted.transpose(2, 0, 1))


EXIF = {"no EXIF at all": b"Exif\0\0rubbish", "cut": b"Exif\0\0II*\0\x08\0\0\0\x01", "orientation 9":
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0\0\0\0\0", "a word":
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x02\0\0\0a\0\0\0\0\0\0\0", "empty": b"Exif\0\0"}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("name", EXIF)
def test_orientation_that_says_nothing(name: str, tmp_path: Path) -> None:
    path = tmp_path / "x.jpg"
    drawn().save(path, exif=EXIF[name])
    plain = tmp_path / "plain.jpg"
    drawn().save(plain)
    assert np.array_equal(images([str(path)], 8, 3), images([str(plain)], 8, 3))


def palette(picture: Image.Image, **options: Any) -> Callable[[Path], None]:
    return lambda path: picture.convert("P").save(path, **options)


TRANSPARENT: dict[str, tuple[str, Callable[[Path], None]]] = {
    "RGBA": ("png", lambda path: drawn("RGBA").save(path)),
    "RGBA, WebP": ("webp", lambda path: drawn("RGBA").save(path, lossless=True)),
    "RGBA, TIFF": ("tiff", lambda path: drawn("RGBA").save(path)),
    "LA": ("png", lambda path: drawn("LA").save(path)),
    "a palette with one colour left out": ("png", palette(drawn(), transparency=7)),
    "a palette with alpha": ("png", palette(drawn(), transparency=bytes(range(256)))),
    "GIF": ("gif", palette(drawn(), transparency=7)),
    "a colour left out": ("png", lambda path: drawn().save(path, transparency=tuple(map(int, DRAWN[0, 0, :3])))),
    "a grey left out": ("png", lambda path: drawn("L").save(path, transparency=drawn("L").getpixel((0, 0)))),
    "black and white with a colour left out": ("png", lambda path: drawn("1").save(path, transparency=0)),
    "fully transparent": ("png", lambda path: Image.new("RGBA", (14, 10), (9, 9, 9, 0)).save(path)),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", TRANSPARENT)
def test_transparency_is_laid_on_white(name: str, channels: int, tmp_path: Path) -> None:
    suffix, write = TRANSPARENT[name]
    path = tmp_path / f"x.{suffix}"
    write(path)
    x = images([str(path)], 8, channels)
    assert np.array_equal(x[0], expected(path, 8, channels))
    if name == "fully transparent":
        assert (x == 255).all()


def test_alpha_and_orientation_together(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    drawn("RGBA").save(tmp_path / "x.png", exif=exif)
    assert np.array_equal(images([str(tmp_path / "x.png")], 8, 3)[0], expected(tmp_path / "x.png", 8, 3))


MODES = {"1": "png", "L": "png", "P": "png", "RGB": "bmp", "CMYK": "jpg", "YCbCr": "jpg", "L ": "pgm", "RGB ": "jfif",
         "RGB  ": "jpe", "RGB   ": "qoi", "RGB    ": "tga"}  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", MODES)
def test_modes_and_formats(mode: str, channels: int, tmp_path: Path) -> None:
    path = tmp_path / f"x.{MODES[mode]}"
    drawn(mode.strip()).save(path)
    assert np.array_equal(images([str(path)], 8, channels)[0], expected(path, 8, channels))


SIZES = {
    "as it is": (8, 8),
    "wide": (40, 8),
    "high": (8, 40),
    "a line": (100, 1),
    "a pixel": (1, 1),
    "large": (300, 200),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str, tmp_path: Path) -> None:
    width, height = SIZES[name]
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    x = images([str(tmp_path / "x.png")], 8, 3)
    assert np.array_equal(x[0], expected(tmp_path / "x.png", 8, 3))
    if name == "as it is":
        assert np.array_equal(x[0], pixels.transpose(2, 0, 1))


def test_the_first_frame_of_an_animation(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), (level, 0, 0)) for level in (10, 200)]
    frames[0].save(tmp_path / "x.webp", save_all=True, append_images=frames[1:], lossless=True)
    assert images([str(tmp_path / "x.webp")], 8, 3)[0, 0].max() == 10


def deep(path: Path) -> None:
    Image.new("I;16", (8, 8), 40000).save(path)


def bomb(path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(path)


def folder(path: Path) -> None:
    path.mkdir()


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.touch(), "cannot read .*x.png .*cannot identify"),
    "a page": (lambda path: path.write_text("<!DOCTYPE html>"), "cannot read .*x.png .*: replace or remove that file"),
    "missing": (lambda path: None, r"cannot read .*x.png \(.*No such file"),
    "a folder": (folder, r"cannot read .*x.png \(.*Is a directory"),
    "a head alone": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n"), "cannot read"),
    "16 bits": (deep, "x.png has more than 8 bits per channel: convert it to an 8-bit picture"),
    "a bomb": (bomb, r"cannot read .*x.png \(Image size \(400000000 pixels\) exceeds limit"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_pictures_are_one_line(name: str, tmp_path: Path) -> None:
    write, message = BROKEN[name]
    write(tmp_path / "x.png")
    with pytest.raises(Undecodable, match=message) as caught:
        images([str(tmp_path / "x.png")], 8, 3)
    assert str(caught.value).isprintable()
    assert str(caught.value).count("x.png") == 1


# the reason of each fault (None: more than 8 bits per channel): the line
FAULTS: dict[str, tuple[list[str | None], str]] = {
    "one": (["empty"], "cannot read 0.png (empty): replace or remove that file"),
    "two": (["empty", "cut"], "cannot read 2 of 1,000 pictures: 0.png (empty), 1.png (cut): replace or remove them"),
    "four": (["cut"] * 4, "cannot read 4 of 1,000 pictures: 0.png (cut), 1.png (cut), 2.png (cut), …: replace or remove"
                          " them"),
    "one deep": ([None], "0.png has more than 8 bits per channel: convert it to an 8-bit picture"),
    "two deep": ([None, None], "2 of 1,000 pictures have more than 8 bits per channel: convert them to 8-bit pictures:"
                               " 0.png, 1.png"),
    "both": (["cut", None], "cannot read 0.png (cut): replace or remove that file; 1.png has more than 8 bits"
                            " per channel: convert it to an 8-bit picture"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_counted_and_the_first_named(name: str) -> None:
    reasons, line = FAULTS[name]
    with pytest.raises(Undecodable) as caught:
        check([Fault(f"{n}.png", reason) for n, reason in reversed(list(enumerate(reasons)))], 1000)
    assert str(caught.value) == f"image_folder: {line}"


def test_the_others_of_a_broken_picture_are_read(tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{name}.png") for name in "abc"]
    for path in paths[::2]:
        drawn().save(path)
    Path(paths[1]).touch()
    x, faults = module.images(paths, 8, 3)
    assert faults == [Fault(paths[1], "cannot identify image file")]
    assert np.array_equal(x[::2], images(paths[::2], 8, 3))


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damage that it then ignores
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "gif", "tiff", "bmp", "jp2"])
def test_damaged_bytes_raise_nothing_else(suffix: str, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    path = tmp_path / f"x.{suffix}"
    drawn().save(path, exif=exif) if suffix in ("jpg", "png", "webp") else drawn().save(path)
    good, draws, refused = path.read_bytes(), np.random.default_rng(0), list[str]()
    for _ in range(150):
        damaged = bytearray(good)
        for at in draws.integers(0, len(good), 3):
            damaged[at] = draws.integers(256)
        path.write_bytes(damaged[: len(good) - int(draws.integers(3))])
        try:
            assert images([str(path)], 4, 3).shape == (1, 3, 4, 4)
        except Undecodable as error:
            refused.append(str(error))
    assert refused
    assert all(line.isprintable() for line in refused)


def test_readable_suffixes() -> None:
    assert {".jpg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".tiff", ".ppm"} <= set(filter(is_readable, SUFFIXES))
    assert is_readable(".webp") == features.check("webp")
    assert not is_readable(".heic")
    assert not is_readable(".txt")
