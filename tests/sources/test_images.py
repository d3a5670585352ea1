"""Images as a source: what Pillow and TensorFlow decode is what is read, and a bad file is named."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from graphspec import diagnostics
from graphspec.sources import DataError, DataSource, Header, blocks_of, header, load, skipped
from graphspec.sources.formats import images

SPAN = diagnostics.Span(diagnostics.SourceText("--input", ""), 1, 1, 1, 1)


def source(path: Path, **keys: Any) -> DataSource:
    return DataSource(path, path.name, SPAN, decode="image", **keys)


def picture(seed: int = 0, size: tuple[int, int] = (8, 6), channels: int = 3) -> np.ndarray[Any, Any]:
    """Random pixels of (height, width, channels)."""
    return np.random.default_rng(seed).integers(0, 256, (*size, channels), dtype=np.uint8)


def write(path: Path, pixels: np.ndarray[Any, Any], **how: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(path, **how)


def fault(read: DataSource) -> DataError:
    """The error that reading all of `read` ends in."""
    with pytest.raises(DataError) as caught:
        list(blocks_of(load(read)))
    return caught.value


def test_a_glob_is_read_in_sorted_order(tmp_path: Path) -> None:
    """Samples are the files by name, their pixels as they were written."""
    for number in (2, 0, 1):
        write(tmp_path / f"{number}.png", picture(number))
    read = source(tmp_path / "*.png")
    assert header(read) == Header(3, (8, 6, 3), "uint8")
    column = load(read)
    np.testing.assert_array_equal(column[np.arange(3)], [picture(0), picture(1), picture(2)])
    np.testing.assert_array_equal(column[np.array([2, 0, 2])], [picture(2), picture(0), picture(2)])


@settings(max_examples=25, deadline=None)
@given(at=st.lists(st.integers(0, 4), max_size=8), remembered=st.booleans(), in_threads=st.booleans())
def test_random_access_gives_what_was_asked_for(at: list[int], remembered: bool, in_threads: bool) -> None:
    """Any indices, repeated or none, remembered or not, decoded in threads or not, give those images."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if not remembered:
            patch.setattr(images, "MAX_CACHED", 0)
        if in_threads:
            patch.setattr(images, "_SMALL_FILE", 0)
            patch.setattr(images, "_THREADS", 3)
        for number in range(5):
            write(Path(folder) / f"{number}.png", picture(number, (2, 3)))
        column = load(source(Path(folder) / "*.png"))
        for _ in range(2):
            found = column[np.array(at, np.int64)]
            assert found.shape == (len(at), 2, 3, 3)
            for number, image in zip(at, found, strict=True):
                np.testing.assert_array_equal(image, picture(number, (2, 3)))


def test_a_list_names_the_files(tmp_path: Path) -> None:
    """A column of a table gives the paths, relative to the table, in its order."""
    for number in range(3):
        write(tmp_path / "img" / f"{number}.png", picture(number))
    (tmp_path / "list.csv").write_text("path,label\nimg/2.png,0\nimg/0.png,1\n")
    read = source(tmp_path / "list.csv", column="path")
    assert header(read).shape == (8, 6, 3)
    np.testing.assert_array_equal(load(read)[np.arange(2)], [picture(2), picture(0)])


def test_sizes_and_channels_are_brought_to_what_is_asked(tmp_path: Path) -> None:
    """`size` resizes as Pillow does, bilinearly; `channels` converts."""
    write(tmp_path / "a.png", picture(0, (20, 30)))
    write(tmp_path / "b.png", picture(1, (9, 7), 4))
    read = source(tmp_path / "*.png", size=(5, 4), channels=1)
    assert header(read) == Header(2, (5, 4, 1), "uint8")
    want = [
        np.asarray(Image.open(tmp_path / name).convert("L").resize((4, 5), Image.Resampling.BILINEAR))
        for name in ("a.png", "b.png")
    ]
    np.testing.assert_array_equal(load(read)[np.arange(2)][..., 0], want)


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("P", 3), ("RGB", 3), ("LA", 4), ("RGBA", 4)])
def test_the_first_image_tells_the_channels(tmp_path: Path, mode: str, channels: int) -> None:
    """Without `channels`, those of the first image are taken, and its pixels are as Pillow converts them."""
    image = Image.fromarray(picture()).convert(mode)
    image.save(tmp_path / "a.png")
    read = source(tmp_path / "a.png")
    assert header(read).shape == (8, 6, channels)
    want = np.asarray(image.convert({1: "L", 3: "RGB", 4: "RGBA"}[channels])).reshape(8, 6, channels)
    np.testing.assert_array_equal(load(read)[np.arange(1)][0], want)


def test_sixteen_bits_are_brought_to_eight(tmp_path: Path) -> None:
    """A grey PNG of 16 bits keeps the upper 8 of each pixel, as TensorFlow reads it."""
    tf = pytest.importorskip("tensorflow")
    deep = np.random.default_rng(0).integers(0, 1 << 16, (8, 6), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "a.png")
    read = load(source(tmp_path / "a.png"))[np.arange(1)][0]
    np.testing.assert_array_equal(read, tf.io.decode_png((tmp_path / "a.png").read_bytes(), channels=1).numpy())


@pytest.mark.parametrize("ending", ["png", "bmp", "gif", "jpg"])
def test_pixels_are_those_that_tensorflow_reads(tmp_path: Path, ending: str) -> None:
    """All formats give the pixels of tf.io.decode_image; a JPEG's differ by rounding at most."""
    tf = pytest.importorskip("tensorflow")
    smooth = np.asarray(Image.fromarray(picture(0, (3, 3))).resize((16, 16), Image.Resampling.BICUBIC))
    path = tmp_path / f"a.{ending}"
    write(path, smooth)
    want = tf.io.decode_image(path.read_bytes(), channels=3, expand_animations=False).numpy().astype(int)
    found = load(source(path, channels=3))[np.arange(1)][0].astype(int)
    assert np.abs(found - want).max() <= (3 if ending == "jpg" else 0)


def test_cmyk_is_read_as_colours(tmp_path: Path) -> None:
    """A JPEG of four inks is three channels."""
    Image.fromarray(picture()).convert("CMYK").save(tmp_path / "a.jpg")
    assert load(source(tmp_path / "a.jpg"))[np.arange(1)].shape == (1, 8, 6, 3)


def test_the_first_frame_of_an_animation_is_read(tmp_path: Path) -> None:
    """A GIF of several frames is one sample."""
    frames = [Image.new("RGB", (6, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    found = load(source(tmp_path / "a.gif", channels=3))[np.arange(1)]
    np.testing.assert_array_equal(found, np.broadcast_to(np.array([255, 0, 0], np.uint8), (1, 8, 6, 3)))


def bomb() -> bytes:
    """A PNG of a few bytes that promises 60,000 x 60,000 pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return start + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


BAD: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda whole: whole[: len(whole) // 2],
    "empty": lambda whole: b"",
    "text": lambda whole: b"not an image at all, but text\n" * 4,
    "wrong magic": lambda whole: b"\0\0\0\0" + whole[4:],
    "bomb": lambda whole: bomb(),
}


@pytest.mark.parametrize("how", BAD)
def test_a_bad_image_is_named(tmp_path: Path, how: str) -> None:
    """Whatever is wrong with a file, the error names it, whether or not it is the first."""
    write(tmp_path / "a.png", picture())
    (tmp_path / "b.png").write_bytes(BAD[how]((tmp_path / "a.png").read_bytes()))
    error = fault(source(tmp_path / "*.png"))
    assert error.message.startswith("b.png ")
    assert error.part == "file"
    assert fault(source(tmp_path / "b.png")).message.startswith("b.png ")


def test_bad_images_are_skipped_when_that_is_asked_for(tmp_path: Path) -> None:
    """With `on_error: skip` the count stays, and the indices and names of the bad ones are told."""
    for number in range(6):
        write(tmp_path / f"{number}.png", picture(number))
    whole = (tmp_path / "0.png").read_bytes()
    for number, how in ((0, "empty"), (3, "truncated")):
        (tmp_path / f"{number}.png").write_bytes(BAD[how](whole))
    (tmp_path / "list.csv").write_text("path\n" + "".join(f"{number}.png\n" for number in (0, 1, 2, 3, 4, 5, 9)))
    read = source(tmp_path / "list.csv", column="path", on_error="skip")
    assert header(read).shape == (8, 6, 3)
    column = load(read)
    assert isinstance(column, images.Images)
    assert len(column) == 7
    assert skipped(column).tolist() == [0, 3, 6]
    assert column.skipped_files == ["0.png", "3.png", "9.png"]
    np.testing.assert_array_equal(column[np.array([5, 1])], [picture(5), picture(1)])


@pytest.mark.parametrize(
    "path", ["../../none.png", "x" * 300 + ".png", "x" * 5000, "a\0b.png", "img", "pipe", "/dev/null"]
)
def test_a_path_that_is_no_image_is_refused(tmp_path: Path, path: str) -> None:
    """Of a list: too long a name, a NUL, a folder, a pipe that nobody writes to, a device."""
    os.mkfifo(tmp_path / "pipe")
    write(tmp_path / "img" / "a.png", picture())
    (tmp_path / "list.csv").write_text(f"path\nimg/a.png\n{path}\n")
    fault(source(tmp_path / "list.csv", column="path"))
    if "\0" not in path and len(path) < 4096:
        assert skipped(load(source(tmp_path / "list.csv", column="path", on_error="skip"))).tolist() == [1]


def test_all_images_bad_is_an_error(tmp_path: Path) -> None:
    """There is nothing to train on where every image is skipped."""
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(b"")
    for keys in ({}, {"size": (4, 4), "channels": 3}):
        assert "none of the 3 images" in fault(source(tmp_path / "*.png", on_error="skip", **keys)).message


def test_images_of_two_sizes_need_a_size(tmp_path: Path) -> None:
    """Without `size`, the first image that differs is named, and the help says what to write."""
    write(tmp_path / "a.png", picture(0, (8, 6)))
    write(tmp_path / "b.png", picture(0, (6, 8)))
    error = fault(source(tmp_path / "*.png"))
    assert error.message == "b.png is 6 x 8 pixels, where the first image is 8 x 6"
    assert "`size: [8, 6]`" in error.help


def test_a_missing_file_of_a_list_is_told_with_the_nearest_name(tmp_path: Path) -> None:
    """The row is named, and did-you-mean looks among the files of the folder."""
    write(tmp_path / "img" / "cat-001.png", picture())
    (tmp_path / "list.csv").write_text("path\nimg/cat-001.png\nimg/cat-0O1.png\n")
    error = fault(source(tmp_path / "list.csv", column="path"))
    assert "row 2" in error.message
    assert "cat-0O1.png" in error.message
    assert error.help == "did you mean `cat-001.png`?"
    (tmp_path / "list.csv").write_text("path\nimages/cat-001.png\n")
    assert "no folder" in fault(source(tmp_path / "list.csv", column="path")).help


def test_what_is_no_image_at_all_is_told(tmp_path: Path) -> None:
    """A folder, a table without its column, an image with one, a wrong column, and an empty list."""
    write(tmp_path / "img" / "a.png", picture())
    (tmp_path / "list.csv").write_text("path\n")
    assert fault(source(tmp_path / "img")).help == 'write `files: "img/*.png"`'
    assert "column:" in fault(source(tmp_path / "list.csv")).help
    assert "no table" in fault(source(tmp_path / "img" / "a.png", column="path")).message
    assert fault(source(tmp_path / "list.csv", column="pth")).help == "did you mean `path`?"
    assert "lists no images" in fault(source(tmp_path / "list.csv", column="path")).message
    assert "no file matches" in fault(source(tmp_path / "*.webp")).message
    with pytest.raises(FileNotFoundError):
        header(source(tmp_path / "none.png"))


def test_without_pillow_a_header_needs_size_and_channels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the spec says in full needs no Pillow to be checked; else the line to run is given."""
    write(tmp_path / "a.png", picture())
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert header(source(tmp_path / "*.png", size=(4, 4), channels=3)) == Header(1, (4, 4, 3), "uint8")
    for keys in ({}, {"size": (4, 4)}):
        with pytest.raises(DataError) as caught:
            header(source(tmp_path / "*.png", **keys))
        assert caught.value.help == "run: pip install 'graphspec[images]'"
