"""Reader of `decode: image`: a column of image files, each decoded on first access.

Decoded images are cached where all of them fit, so that every epoch but the first copies them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from graphspec.sources.format import Format
from graphspec.sources.formats.image_file import check_pillow, decode, decode_classes, has_wide_pixels, image_shape
from graphspec.sources.formats.image_paths import count_images, display_name, first_path, paths_of
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

MAX_CACHED = 1 << 30
"""Bytes of a column whose decoded images are cached."""

_SMALL_FILE = 1 << 13
"""Bytes below which files are decoded in one thread: several would mostly wait for each other."""

_THREADS = min(16, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def header(source: DataSource) -> Header:
    """Return the header: shape (height, width, channels) by `size` and `channels`, or else by the first image.

    Raises:
        DataError: there is no image, or the list or the first image cannot be read.
    """
    samples = count_images(source)
    paths: Sequence[str] = ()
    if not _is_header_known(source):
        paths = paths_of(source) if source.on_error == "skip" else [first_path(source)]
    return Header(samples, _shape(source, paths), _dtype(source, paths))


def column(source: DataSource) -> Images:
    """Return the column of the images.

    Raises:
        DataError: an image is missing, or with `on_error: skip` none can be read.
    """
    check_pillow()
    return Images(source, paths_of(source))


class Images:
    """A column of images, shape (images, height, width, channels), uint8, or uint16 for class indices of 16 bits.

    With `on_error: skip`, every image is decoded on creation, and those that cannot be read are zeros.

    Attributes:
        skipped: Indices of the images that cannot be read.
        skipped_files: Their names.
    """

    def __init__(self, source: DataSource, paths: Sequence[str]) -> None:
        import numpy as np

        self.source, self.paths = source, paths
        self._is_shown = source.is_shown  # it looks at the file system, and every image needs it
        self.dtype = np.dtype(_dtype(source, paths))
        self.skipped: Array = np.zeros(0, np.int64)
        self.skipped_files: list[str] = []
        self.shape: tuple[int, ...] = (len(paths), *_shape(source, paths))
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._cache: Array | None = None
        self._is_cached = np.zeros(len(paths), np.bool_)
        self._is_bad = np.zeros(len(paths), np.bool_)
        if int(np.prod(self.shape, dtype=np.float64)) <= MAX_CACHED:
            self._cache = np.zeros(self.shape, self.dtype)  # the pages take no memory before they are written to
        if source.on_error == "skip":
            self._find_bad()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, at: Array, /) -> Array:
        """Return the images at the indices `at`; raise DataError for one that cannot be read."""
        import numpy as np

        at = np.asarray(at)
        if self._cache is None:
            out = np.zeros((len(at), *self.shape[1:]), self.dtype)
            self._decode(at, out, np.arange(len(at)))
            return out
        missing = np.unique(at[~self._is_cached[at]])
        if len(missing):
            self._decode(missing, self._cache, missing)
            self._is_cached[missing] = True
        images: Array = self._cache[at]
        return images

    def _decode(self, numbers: Array, out: Array, rows: Array) -> None:
        """Decode the images `numbers` into the rows `rows` of `out`, except for bad ones."""
        good = ~self._is_bad[numbers]

        def decode_some(some: list[tuple[int, int]]) -> None:
            for number, row in some:
                out[row] = self._read(number)

        self._in_threads(decode_some, list(zip(numbers[good].tolist(), rows[good].tolist(), strict=True)))

    def _in_threads(self, task: Callable[[list[Any]], None], work: list[Any]) -> None:
        """Call `task` with parts of `work` in several threads."""
        if len(work) < 2 or _THREADS == 1:
            task(work)
            return
        with self._lock:
            if self._has_small_files():
                task(work)
                return
            pool = self._pool = self._pool or ThreadPoolExecutor(_THREADS, "images")
        part = max(1, len(work) // (_THREADS * 4))
        list(pool.map(task, [work[start : start + part] for start in range(0, len(work), part)]))

    def _has_small_files(self) -> bool:
        """Return whether the first file is so small that threads would not help."""
        try:
            return os.path.getsize(self.paths[0]) < _SMALL_FILE  # noqa: PTH202
        except OSError:
            return False

    def _read(self, number: int) -> Array:
        height, width, channels = self.shape[1:]
        path, source = self.paths[number], self.source
        name = display_name(source, path, is_shown=self._is_shown)
        if source.as_classes and channels == 1:
            image = decode_classes(path, name, source.size, wide=self.dtype.itemsize > 1)
        else:
            image = decode(path, name, channels, source.size, interpolation=source.interpolation)
        if image.shape[:2] != (height, width):
            raise DataError(
                f"{name} is {image.shape[0]} x {image.shape[1]} pixels, where the first image is {height} x {width}",
                help=f"`size: [{height}, {width}]` brings every image to one size",
            )
        return image

    def _find_bad(self) -> None:
        """Decode all images to find those that cannot be read."""
        import numpy as np

        def try_some(some: list[int]) -> None:
            for number in some:
                try:
                    image = self._read(number)
                except DataError:
                    self._is_bad[number] = True
                    continue
                if self._cache is not None:
                    self._cache[number] = image

        self._in_threads(try_some, list(range(len(self))))
        self.skipped = np.flatnonzero(self._is_bad)
        self.skipped_files = [display_name(self.source, self.paths[number]) for number in self.skipped.tolist()]
        if len(self.skipped) == len(self):
            raise _no_image_error(self.source, len(self))
        self._is_cached[:] = self._cache is not None


def _is_header_known(source: DataSource) -> bool:
    return source.size is not None and source.channels is not None and not source.as_classes


def _dtype(source: DataSource, paths: Sequence[str]) -> str:
    """Return the dtype of all images; for class indices, by the first of `paths` that can be read."""
    if source.as_classes and source.channels in (None, 1):
        check_pillow()
        for path in paths:
            with suppress(DataError):
                return "uint16" if has_wide_pixels(path, display_name(source, path)) else "uint8"
    return "uint8"


def _shape(source: DataSource, paths: Sequence[str]) -> tuple[int, int, int]:
    """Return the shape of all images by the source, or else by the first of `paths` that can be read."""
    known = source.channels or (1 if source.as_classes else None)
    if source.size is not None and known is not None:
        return (*source.size, known)
    check_pillow()
    for path in paths:
        try:
            height, width, channels = image_shape(path, display_name(source, path))
        except DataError:
            if source.on_error == "fail":
                raise
            continue
        return (*(source.size or (height, width)), known or channels)
    raise _no_image_error(source, len(paths))


def _no_image_error(source: DataSource, count: int) -> DataError:
    return DataError(
        f"none of the {count:,} images of {source.text} can be read",
        help="`on_error: fail` reports what is wrong with the first",
    )


FORMAT = Format("images", ("column",), header, column, whole=True)
