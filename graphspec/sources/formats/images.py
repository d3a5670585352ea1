"""`decode: image`: a column of image files, decoded as they are asked for.

They are remembered while all of them fit into memory, so that every epoch but the first costs a copy.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from graphspec.sources.format import Format
from graphspec.sources.formats.image_file import check_pillow, decode, decode_classes, holds_wide, shape_of
from graphspec.sources.formats.image_paths import count_of, first_path, named, paths_of
from graphspec.sources.source import DataError, DataSource, Header

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

REMEMBERED = 1 << 30
"""Images that take fewer bytes in all are decoded once."""

_SMALL = 1 << 13
"""Files of fewer bytes are decoded one after the other: threads would wait for each other most of the time."""

_THREADS = min(16, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)


def header(source: DataSource) -> Header:
    """The shape of the images, (height, width, channels), and how many there are where that is known at once.

    What `size` and `channels` do not tell, the first image does. Raises DataError where there are none, or the list
    cannot be read.
    """
    samples = count_of(source)
    paths: Sequence[str] = ()
    if not _tells_all(source):
        paths = paths_of(source) if source.on_error == "skip" else [first_path(source)]
    return Header(samples, _shape(source, paths), _dtype(source, paths))


def column(source: DataSource) -> Images:
    """The images as uint8. Raises DataError where one is missing, or, if bad ones are to be skipped, where all are."""
    check_pillow()
    return Images(source, paths_of(source))


class Images:
    """A column of image files: uint8 of shape (images, height, width, channels), uint16 of classes of 16 bits.

    Where the source has `on_error: skip`, all are tried at once; those that cannot be read are zeros. skipped holds
    their indices, skipped_files their names.
    """

    def __init__(self, source: DataSource, paths: Sequence[str]) -> None:
        import numpy as np

        self.source, self.paths = source, paths
        self._is_shown = source.is_shown  # asked of the file system, and each image asks
        self.dtype = np.dtype(_dtype(source, paths))
        self.skipped: Array = np.zeros(0, np.int64)
        self.skipped_files: list[str] = []
        self.shape: tuple[int, ...] = (len(paths), *_shape(source, paths))
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._held: Array | None = None
        self._is_held = np.zeros(len(paths), np.bool_)
        self._is_bad = np.zeros(len(paths), np.bool_)
        if int(np.prod(self.shape, dtype=np.float64)) <= REMEMBERED:
            self._held = np.zeros(self.shape, self.dtype)  # takes no memory before it is written to
        if source.on_error == "skip":
            self._try_all()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, at: Array, /) -> Array:
        """The images at the indices `at`. Raises DataError, naming the file, where one cannot be read."""
        import numpy as np

        at = np.asarray(at)
        if self._held is None:
            found = np.zeros((len(at), *self.shape[1:]), self.dtype)
            self._decode(at, found, np.arange(len(at)))
            return found
        missing = np.unique(at[~self._is_held[at]])
        if len(missing):
            self._decode(missing, self._held, missing)
            self._is_held[missing] = True
        images: Array = self._held[at]
        return images

    def _decode(self, numbers: Array, into: Array, places: Array) -> None:
        """Decode the images `numbers` into the rows `places` of `into`, but for the bad ones."""
        sound = ~self._is_bad[numbers]

        def decode_some(some: list[tuple[int, int]]) -> None:
            for number, place in some:
                into[place] = self._one(number)

        self._in_threads(decode_some, list(zip(numbers[sound].tolist(), places[sound].tolist(), strict=True)))

    def _in_threads(self, task: Callable[[list[Any]], None], work: list[Any]) -> None:
        """Call `task` with all of `work`, in parts."""
        if len(work) < 2 or _THREADS == 1:
            task(work)
            return
        with self._lock:
            if self._is_small():
                task(work)
                return
            pool = self._pool = self._pool or ThreadPoolExecutor(_THREADS, "images")
        part = max(1, len(work) // (_THREADS * 4))
        list(pool.map(task, [work[start : start + part] for start in range(0, len(work), part)]))

    def _is_small(self) -> bool:
        """Whether the files take so little work that threads would only wait for each other; the first tells."""
        try:
            return os.path.getsize(self.paths[0]) < _SMALL  # noqa: PTH202
        except OSError:
            return False

    def _one(self, number: int) -> Array:
        height, width, channels = self.shape[1:]
        path, source = self.paths[number], self.source
        name = named(source, path, is_shown=self._is_shown)
        if source.as_classes and channels == 1:
            image = decode_classes(path, name, source.size, wide=self.dtype.itemsize > 1)
        else:
            image = decode(path, name, channels, source.size, source.interpolation)
        if image.shape[:2] != (height, width):
            raise DataError(
                f"{name} is {image.shape[0]} x {image.shape[1]} pixels, where the first image is {height} x {width}",
                help=f"`size: [{height}, {width}]` brings every image to one size",
            )
        return image

    def _try_all(self) -> None:
        """Find the images that cannot be read."""
        import numpy as np

        def try_some(some: list[int]) -> None:
            for number in some:
                try:
                    image = self._one(number)
                except DataError:
                    self._is_bad[number] = True
                    continue
                if self._held is not None:
                    self._held[number] = image

        self._in_threads(try_some, list(range(len(self))))
        self.skipped = np.flatnonzero(self._is_bad)
        self.skipped_files = [named(self.source, self.paths[number]) for number in self.skipped.tolist()]
        if len(self.skipped) == len(self):
            raise _all_bad(self.source, len(self))
        self._is_held[:] = self._held is not None


def _tells_all(source: DataSource) -> bool:
    return source.size is not None and source.channels is not None and not source.as_classes


def _dtype(source: DataSource, paths: Sequence[str]) -> str:
    """The dtype of all images: that of the first of `paths` that can be read, where they hold indices of classes."""
    if source.as_classes and source.channels in (None, 1):
        check_pillow()
        for path in paths:
            with suppress(DataError):
                return "uint16" if holds_wide(path, named(source, path)) else "uint8"
    return "uint8"


def _shape(source: DataSource, paths: Sequence[str]) -> tuple[int, int, int]:
    """The shape of all images by the source, and where it does not tell, by the first of `paths` that can be read."""
    known = source.channels or (1 if source.as_classes else None)
    if source.size is not None and known is not None:
        return (*source.size, known)
    check_pillow()
    for path in paths:
        try:
            height, width, channels = shape_of(path, named(source, path))
        except DataError:
            if source.on_error == "fail":
                raise
            continue
        return (*(source.size or (height, width)), known or channels)
    raise _all_bad(source, len(paths))


def _all_bad(source: DataSource, count: int) -> DataError:
    return DataError(
        f"none of the {count:,} images of {source.text} can be read",
        help="`on_error: fail` tells what is wrong with the first",
    )


FORMAT = Format("images", ("column",), header, column, whole=True)
