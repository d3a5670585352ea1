"""Files on disk: opened where they are regular ones, read up to a bound, and written whole or not at all.

A spec names files, and a spec may come from a stranger: a name can lead to a pipe that never ends to be waited for, to
a device that gives zeros for ever, or to what the kernel knows of this process. `open_file` is the one way to read a
file that a spec or a command line names. A library that opens files itself is given what `open_file` gives; one that
takes nothing but a path is given the path right after `check_file`. Between the two somebody could put another file in
its place: who can do that while graphspec runs can write where the user does, and gains nothing by it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE

if TYPE_CHECKING:
    from zipfile import ZipFile

_FLAGS = (
    getattr(os, "O_NONBLOCK", 0)  # a pipe that takes the place of a file that was checked is not waited for
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}

_MOUNTS = "/proc/self/mountinfo"
_OF_KERNEL = (
    *("bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "efivarfs", "fusectl", "mqueue", "nsfs", "proc"),
    *("pstore", "securityfs", "selinuxfs", "smackfs", "sysfs", "tracefs"),
)
"""Kinds of file systems whose files look regular, and are made up as they are read: endless, or full of secrets."""


class NotRegularError(OSError):
    """A path leads to something else than a regular file or a folder: a pipe, a device, a file of the kernel."""


class LargeFileError(OSError):
    """A file holds more than is read of one of its kind."""


def open_file(path: Path | str) -> BinaryIO:
    """Open the regular file at `path` for reading, without waiting for anything.

    Links are followed. Raises OSError where there is none: NotRegularError for pipes, sockets, devices and files of the
    kernel, IsADirectoryError for folders.
    """
    try:
        return open(path, "rb", opener=_opened)
    except ValueError:  # it holds a NUL, or what the file system cannot write
        raise _no_name(path) from None


def check_file(path: Path | str) -> None:
    """Raise OSError, as `open_file` does, unless there is a regular file at `path`."""
    try:
        _check(Path(path).stat(), path)
    except ValueError:
        raise _no_name(path) from None


@contextmanager
def zip_in(file: BinaryIO) -> Iterator[ZipFile]:
    """Read the zip archive in an open file. Raises BadZipFile where it is none, or has far too many members."""
    from zipfile import ZipFile  # takes its time, and few commands need it

    bounded = _Bounded(file)
    with ZipFile(cast(BinaryIO, bounded)) as archive:
        bounded.most = None  # the list of members was read
        yield archive


_MOST_UNPACKED = 20
"""Times its size that an archive is unpacked to."""


def is_whole_zip(path: Path | str) -> bool:
    """Return whether there is a zip archive at `path` whose members all have the checksums that it states.

    One that unpacks to far more than its size is not read.
    """
    import zlib
    from zipfile import BadZipFile

    try:
        with open_file(path) as file, zip_in(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            return unpacked <= _MOST_UNPACKED * os.fstat(file.fileno()).st_size and archive.testzip() is None
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, BadZipFile, zlib.error):
        return False


class _Bounded:
    """A file of which no more than `most` bytes are read together: of so long a list of members, memory takes many."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.most: int | None = 2**22

    def read(self, count: int = -1) -> bytes:
        if self.most is None:
            return self.file.read(count)
        data = self.file.read(count if 0 <= count <= self.most else self.most + 1)
        if len(data) > self.most:
            from zipfile import BadZipFile

            raise BadZipFile("it has too many members")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def read_bytes(path: Path | str, limit: int) -> bytes:
    """Return what the regular file at `path` holds. Raises LargeFileError for more than `limit` bytes, or OSError."""
    with open_file(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise LargeFileError(errno.EFBIG, f"it is larger than {limit // 2**20:,} MiB", str(path))
    return data


def read_text(path: Path | str, limit: int = 2**28, errors: str = "strict") -> str:
    """Return the UTF-8 text in the file at `path`, as `read_bytes` does; line ends become `\\n`.

    Raises UnicodeDecodeError where it is none, unless `errors` says how to read it.
    """
    return read_bytes(path, limit).decode("utf-8", errors).replace("\r\n", "\n").replace("\r", "\n")


def is_file(path: Path | str) -> bool:
    """Return whether there is a file that `open_file` would open; False where nobody may look."""
    try:
        check_file(path)
    except OSError:
        return False
    return True


def is_folder(path: Path | str) -> bool:
    """Return whether there is a folder at `path`; False where nobody may look, or no file system has such a name."""
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def is_there(path: Path | str) -> bool:
    """Return whether anything bears the name `path`, a link that leads nowhere too."""
    try:
        os.lstat(path)
    except (OSError, ValueError):
        return False
    return True


def names_in(folder: Path | str) -> list[str]:
    """Return names of what lies in `folder`, for hints; none where nobody may look, and not all where they are many."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, 10_000)]
    except (OSError, ValueError):
        return []


def is_of_kernel(path: Path | str) -> bool:
    """Return whether `path` lies on a file system that the kernel makes up, such as /proc. Raises OSError."""
    return Path(path).stat().st_dev in _kernel_devices()


def reason_of(error: OSError) -> str:
    """Return why a file cannot be read or written, in the words of the system."""
    return (error.strerror or str(error)).lower()


def rewrite(path: Path | str, data: bytes) -> None:
    """Put `data` in the place of what the file at `path` holds; its permissions stay, and a link goes on leading to it.

    Raises SpecError where it cannot be written; the old content is then still there.
    """
    try:
        if not os.access(path, os.W_OK):
            raise PermissionError(0, "permission denied")
        write_whole(path, data)
    except OSError as error:
        raise SpecError.of(
            CANNOT_WRITE,
            f"cannot write {path}: {reason_of(error)}",
            help="check its permissions, those of its folder, and the disk",
        ) from None


def write_whole(path: Path | str, data: bytes) -> None:
    """Write `data` to the file at `path`, whole or not at all, and to the disk. A link goes on leading to it.

    A pipe or a device, such as /dev/stdout, holds no file that could be replaced, and is written to. Raises OSError.
    """
    try:
        before = Path(path).stat()
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        with open(path, "wb") as file:
            file.write(data)
        return
    target = Path(os.path.realpath(path))
    part = target.with_name(f".writing-{secrets.token_hex(8)}{target.suffix[-16:]}")
    try:
        with open(part, "xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if before is not None:
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _opened(path: str, flags: int) -> int:
    """Open a regular file. It is checked before, for to open a device can set it off, and once it is open."""
    _check(Path(path).stat(), path)
    descriptor = os.open(path, flags | _FLAGS)
    try:
        _check(os.fstat(descriptor), path)
        if hasattr(os, "O_NONBLOCK"):
            os.set_blocking(descriptor, True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check(status: os.stat_result, path: Path | str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "something else")
        raise NotRegularError(errno.EINVAL, f"it is {kind}, not a regular file", str(path))
    if status.st_dev in _kernel_devices():
        kind = _kernel_devices()[status.st_dev]
        raise NotRegularError(errno.EINVAL, f"it is made up by the kernel ({kind}), not a regular file", str(path))


def _no_name(path: Path | str) -> OSError:
    return FileNotFoundError(errno.ENOENT, "no file can have such a name", str(path))


@lru_cache(maxsize=1)
def _kernel_devices() -> dict[int, str]:
    """The kind of each mounted file system of the kernel by its device; none where the system does not tell."""
    found: dict[int, str] = {}
    with suppress(OSError, ValueError), open(_MOUNTS, encoding="utf-8", errors="replace") as file:
        for line in file:
            head, _, tail = line.partition(" - ")
            kind = tail.partition(" ")[0]
            if kind in _OF_KERNEL:
                major, minor = head.split()[2].split(":")
                found[os.makedev(int(major), int(minor))] = kind
    return found
