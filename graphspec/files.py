"""Files on disk: only regular files are opened, reads are bounded, and writes are atomic.

A spec may come from a stranger, and a path in it may lead to a pipe without a writer, an endless device, or a file of
the kernel with secrets of this process. Every file that a spec or a command line names is opened by `open_file`. A
library that opens files itself gets the open file; one that takes only a path gets it right after `check_file`. Who
can replace the file in between can write where the user can, and gains nothing.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import CANNOT_WRITE
from graphspec.run_paths import UNFINISHED

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

if TYPE_CHECKING:
    from zipfile import ZipFile

LOCKS = fcntl is not None
"""True where files can be locked: everywhere but on Windows."""

_FLAGS = (
    getattr(os, "O_NONBLOCK", 0)  # do not wait for a pipe that replaced a checked file
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
"""File systems of the kernel, whose files look regular but are generated as they are read."""


class NotRegularError(OSError):
    """A path that is neither a regular file nor a folder: a pipe, a device, a file of the kernel."""


class LargeFileError(OSError):
    """A file that is larger than the limit for its kind."""


def open_file(path: Path | str) -> BinaryIO:
    """Open a regular file for reading, without blocking. Links are followed.

    Raises:
        NotRegularError: The path is a pipe, a socket, a device or a file of the kernel.
        OSError: There is no file, or it cannot be opened.
    """
    try:
        return open(path, "rb", opener=_opened)
    except ValueError:  # a NUL, or a character that file names cannot have
        raise _no_name(path) from None


def check_file(path: Path | str) -> None:
    """Raise OSError as `open_file` does if `path` is not a regular file."""
    try:
        _check(Path(path).stat(), path)
    except ValueError:
        raise _no_name(path) from None


@contextmanager
def zip_in(file: BinaryIO) -> Iterator[ZipFile]:
    """Open the zip archive in an open file. Raises BadZipFile if it is none or has too many members."""
    from zipfile import ZipFile  # slow to import, and few commands need it

    bounded = _BoundedFile(file)
    with ZipFile(cast(BinaryIO, bounded)) as archive:
        bounded.limit = None  # the list of members was read
        yield archive


def json_in(archive: ZipFile, member: str, max_bytes: int) -> dict[str, Any]:
    """Return the JSON object in a member of an archive.

    Raises ValueError if the member is missing, larger than `max_bytes`, cannot be unpacked, or holds no JSON object.
    """
    import json
    import zlib
    from zipfile import BadZipFile

    try:
        if archive.getinfo(member).file_size > max_bytes:
            raise ValueError(f"its {member} is larger than {max_bytes / 2**20:g} MiB")
        value = json.loads(archive.read(member))
    except KeyError:
        raise ValueError(f"it has no {member}") from None
    except RecursionError:
        raise ValueError(f"its {member} is nested too deeply") from None
    except (EOFError, NotImplementedError, RuntimeError, BadZipFile, zlib.error) as error:
        raise ValueError(f"its {member} cannot be unpacked: {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"its {member} holds no JSON object")
    return value


MAX_RATIO = 20
"""The maximum ratio of the unpacked size of an archive to its size."""


def is_whole_zip(path: Path | str) -> bool:
    """Return whether `path` is a zip archive whose members all have their checksums.

    An archive that unpacks to far more than its size is not read.
    """
    import zlib
    from zipfile import BadZipFile

    try:
        with open_file(path) as file, zip_in(file) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            return unpacked <= MAX_RATIO * os.fstat(file.fileno()).st_size and archive.testzip() is None
    except (OSError, EOFError, ValueError, NotImplementedError, RuntimeError, BadZipFile, zlib.error):
        return False


class _BoundedFile:
    """A file from which one read returns at most `limit` bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.limit: int | None = 2**22

    def read(self, count: int = -1) -> bytes:
        if self.limit is None:
            return self.file.read(count)
        data = self.file.read(count if 0 <= count <= self.limit else self.limit + 1)
        if len(data) > self.limit:
            from zipfile import BadZipFile

            raise BadZipFile("it has too many members")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def read_bytes(path: Path | str, limit: int) -> bytes:
    """Return the content of a regular file. Raises LargeFileError for more than `limit` bytes, or OSError."""
    with open_file(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise LargeFileError(errno.EFBIG, f"it is larger than {limit // 2**20:,} MiB", str(path))
    return data


def read_text(path: Path | str, limit: int = 2**28, errors: str = "strict") -> str:
    """Return the UTF-8 text of a regular file, with line ends as `\\n`.

    Args:
        path: The file.
        limit: The maximum size in bytes.
        errors: The error handler of `bytes.decode`.

    Raises:
        UnicodeDecodeError: The file is not UTF-8.
        OSError: As for `read_bytes`.
    """
    return read_bytes(path, limit).decode("utf-8", errors).replace("\r\n", "\n").replace("\r", "\n")


def is_file(path: Path | str) -> bool:
    """Return whether `open_file` would open the file; False if it cannot be checked."""
    try:
        check_file(path)
    except OSError:
        return False
    return True


def is_folder(path: Path | str) -> bool:
    """Return whether `path` is a folder; False if it cannot be checked, or the name is impossible."""
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False


def is_there(path: Path | str) -> bool:
    """Return whether `path` exists, even as a broken link."""
    try:
        os.lstat(path)
    except (OSError, ValueError):
        return False
    return True


def names_in(folder: Path | str) -> list[str]:
    """Return names in `folder` for hints: at most 10,000, none if it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in islice(entries, 10_000)]
    except (OSError, ValueError):
        return []


def is_of_kernel(path: Path | str) -> bool:
    """Return whether `path` is on a file system of the kernel, such as /proc. Raises OSError."""
    return Path(path).stat().st_dev in _kernel_devices()


def reason_of(error: OSError) -> str:
    """Return the reason of an error in the words of the operating system."""
    return (error.strerror or str(error)).lower()


def cannot_write(
    path: Path | str, reason: OSError | str, help: str = "check the path, its permissions and the disk"
) -> SpecError:
    """Return the error that `path` cannot be written, with the reason."""
    reason = reason_of(reason) if isinstance(reason, OSError) else reason
    return SpecError.of(CANNOT_WRITE, f"cannot write {path}: {reason}", help=help)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; afterwards sync it to the disk, and move it to `path` atomically.

    A link at `path` is replaced, not followed. If the body raises, `path` is unchanged. Raises OSError.
    """
    part = path.parent / f"{UNFINISHED}{secrets.token_hex(4)}{path.suffix[-16:]}"
    try:
        with open(part, "xb"):  # refused at once where nothing can be written
            pass
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def rewrite(path: Path | str, data: bytes) -> None:
    """Replace the content of the file at `path` atomically, keeping its permissions and links to it.

    Raises SpecError if it cannot be written; the old content is then kept.
    """
    try:
        if not os.access(path, os.W_OK):
            raise PermissionError(0, "permission denied")
        write_whole(path, data)
    except OSError as error:
        raise cannot_write(path, error) from None


def write_whole(path: Path | str, data: bytes | Iterable[bytes]) -> None:
    """Write `data`, whole or in parts, to the file at `path` atomically, and sync it to the disk. Links to it are kept.

    A pipe or a device, such as /dev/stdout, cannot be replaced and is written to. Raises OSError.
    """
    parts = [data] if isinstance(data, bytes) else data
    try:
        before = Path(path).stat()
    except FileNotFoundError:
        before = None
    if before is not None and not stat.S_ISREG(before.st_mode):
        with open(path, "wb") as file:
            file.writelines(parts)
        return
    target = Path(os.path.realpath(path))
    with replacing(target) as part:
        with open(part, "wb") as file:
            file.writelines(parts)
        if before is not None:
            shutil.copymode(target, part)


def lock_file(file: IO[bytes], *, shared: bool, wait: bool = False) -> bool:
    """Lock an open file until it is closed, also by the end of the process. Raises OSError if that is impossible.

    Args:
        file: The file.
        shared: Let other processes lock it too, if they do so with `shared`.
        wait: Wait until other processes have released it.

    Returns:
        False if another process has locked it; always True on Windows, which has no such locks.
    """
    if fcntl is None:
        return True
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(file.fileno(), kind | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def _opened(path: str, flags: int) -> int:
    """Open a regular file, checked before (opening a device can trigger it) and again once it is open."""
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
        raise NotRegularError(errno.EINVAL, f"it is a file of the kernel ({kind}), not a regular file", str(path))


def _no_name(path: Path | str) -> OSError:
    return FileNotFoundError(errno.ENOENT, "no file can have this name", str(path))


@lru_cache(maxsize=1)
def _kernel_devices() -> dict[int, str]:
    """Return the kind of each mounted file system of the kernel by device, if the system lists them."""
    found: dict[int, str] = {}
    with suppress(OSError, ValueError), open(_MOUNTS, encoding="utf-8", errors="replace") as file:
        for line in file:
            head, _, tail = line.partition(" - ")
            kind = tail.partition(" ")[0]
            if kind in _OF_KERNEL:
                major, minor = head.split()[2].split(":")
                found[os.makedev(int(major), int(minor))] = kind
    return found
