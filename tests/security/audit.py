"""An audit hook that records what a command does to files, the network and processes, and which code it executes.

A hook cannot be removed, so it is installed in a process of its own (`child`). Python reports what goes through Python:
what C code opens by itself (HDF5, TensorFlow's file system, Arrow) is seen by comparing folders (`sandbox`).
"""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

STARTS = {
    *(
        "subprocess.Popen",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
    ),
    *("pty.spawn", "os.kill", "os.killpg", "webbrowser.open"),
}
CONNECTS = {
    *("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname"),
    *("socket.gethostbyaddr", "socket.getnameinfo", "urllib.Request", "http.client.connect", "ftplib.connect"),
    *("smtplib.connect", "poplib.connect", "imaplib.open", "nntplib.connect", "telnetlib.Telnet.open"),
}
CHANGES: dict[str, tuple[tuple[int, int], ...]] = {
    # event: positions of the paths that it changes, each with that of the open folder which it may be relative to
    **dict.fromkeys(("os.truncate", "os.setxattr", "os.removexattr", "os.chflags", "sqlite3.connect"), ((0, 9),)),
    **dict.fromkeys(("os.remove", "os.rmdir", "shutil.rmtree"), ((0, 1),)),
    **dict.fromkeys(("os.mkdir", "os.chmod"), ((0, 2),)),
    **dict.fromkeys(("os.chown", "os.utime"), ((0, 3),)),
    "os.rename": ((0, 2), (1, 3)),
    "shutil.move": ((0, 9), (1, 9)),
    "os.link": ((1, 3),),
    "os.symlink": ((1, 2),),
}
LISTS = {"os.listdir", "os.scandir", "os.walk", "os.fwalk"}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LOADERS = ("<frozen importlib._bootstrap_external>", "<frozen zipimport>")
_OWN_RESULTS = ("graphspec.", "concurrent.futures.", "pathlib", "collections")
"""What processes that graphspec starts may send each other."""
_PROBES = ("/platform.py", "/urllib3/util/connection.py")
_PROJECT = Path(__file__).resolve().parent.parent.parent
_FILES = str(_PROJECT / "graphspec" / "files.py")
MARKER = "hostile_payload"
"""A word that every piece of hostile code holds, by which it is known when something compiles it."""


@dataclass(frozen=True)
class Limits:
    """Where a command may read and write; files and folders, with all below them. Relative paths do not occur."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    """Never opened, although they lie where the command may read."""
    starts: bool = False
    """Whether processes may be started."""


@dataclass
class Recorder:
    """The events that break the limits of the command that runs now; none are looked for while there are no limits."""

    limits: Limits | None = None
    faults: list[str] = field(default_factory=list)

    def install(self) -> None:
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        limits, self.limits = self.limits, None  # what the hook itself does is not looked at
        if limits is not None:
            try:
                if fault := judge(event, arguments, limits):
                    self.faults.append(fault)
            finally:
                self.limits = limits


def judge(event: str, arguments: tuple[Any, ...], limits: Limits) -> str | None:
    """Return what is wrong with an event under `limits`; None where nothing is."""
    match event:
        case "open":
            return _judge_open(arguments[0], arguments[1], arguments[2], limits)
        case "marshal.loads" | "marshal.load" if sys._getframe(2).f_code.co_filename not in _LOADERS:
            return f"{event} of {arguments[0][:40] if arguments else b''!r}"
        case "pickle.find_class" if not (limits.starts and _is_own_result(*arguments)):
            return f"unpickles {arguments[0]}.{arguments[1]}"
        case "exec" if _is_foreign(code := getattr(arguments[0], "co_filename", "")):
            return f"executes {code}"
        case "compile" if MARKER in _text(arguments[0]) or _is_foreign(_text(arguments[1])):
            return f"compiles {_text(arguments[0])[:80]!r} of {arguments[1]}"
        case "ctypes.dlopen" if arguments[0] and not _is_library(_absolute(arguments[0])):
            return f"loads the library {arguments[0]}" if "/" in _text(arguments[0]) else None
        case _ if event in (*CONNECTS, *STARTS) and _is_probe():
            return None
        case _ if event in CONNECTS:
            return f"{event} {[_text(each)[:80] for each in arguments[-2:]]}"
        case _ if event in STARTS and not limits.starts:
            return f"{event} {[_text(each)[:80] for each in arguments[:2]]}"
        case _ if event in CHANGES:
            places = [(arguments[path], arguments[at] if at < len(arguments) else -1) for path, at in CHANGES[event]]
            paths = [_real(_below(path, folder)) for path, folder in places if not isinstance(path, int)]
            outside = [path for path in paths if not _within(path, limits.writes)]
            return f"{event} {outside}" if outside else None
        case _ if event in LISTS:
            return _judge_list(event, arguments[0], limits)
    return None


def _is_own_result(module: str, name: str) -> bool:
    """Return whether processes of validation send each other objects of this class.

    Until Python 3.11.4, the member of an `Enum` is pickled as a call of `getattr`.
    """
    is_enum = sys.version_info < (3, 11, 4) and (module, name) == ("builtins", "getattr")
    return is_enum or module.startswith(_OWN_RESULTS)


def _judge_open(path: Any, mode: Any, flags: Any, limits: Limits) -> str | None:
    if isinstance(path, int) or path is None:
        return None
    writes = bool(flags & _WRITING) if isinstance(flags, int) else any(sign in str(mode) for sign in "wax+")
    absolute, real = _absolute(path), _real(path)
    if writes:
        return None if real == os.devnull or _within(real, limits.writes) else f"opens {absolute} ({real}) for writing"
    if real in limits.secrets:
        return f"reads the secret {absolute}"
    if not os.path.isabs(os.fsdecode(path)) and sys._getframe(3).f_code.co_filename == shutil.__file__:
        return None  # a folder that is being removed, relative to an open one; that it is removed is looked at
    if sys._getframe(3).f_code.co_filename == _FILES and flags is not None and mode is not None:
        return None  # `open_file`: its opener opens the file, if it does, which is heard on its own
    if os.path.basename(absolute) == "pyproject.toml":  # settings, of every file's folders
        return None
    if _is_library(absolute) or _within(absolute, limits.reads) or _within(real, limits.writes):
        return None
    return f"reads {absolute}"


def _judge_list(event: str, path: Any, limits: Limits) -> str | None:
    if isinstance(path, int):
        return None
    absolute, real = _absolute(path or "."), _real(path or ".")
    if _is_library(absolute) or _within(real, limits.writes):
        return None
    if _within(absolute, limits.reads) and _within(real, limits.reads):
        return None
    return f"{event} {absolute}"


def _libraries() -> tuple[str, ...]:
    """Where Python, its packages and graphspec itself lie."""
    folders = [sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), str(_PROJECT / "graphspec")]
    folders += [str(_PROJECT / "tests"), *(each for each in sys.path if each.endswith((".zip", "-packages")))]
    system = [
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/share/zoneinfo",
        "/etc/ssl",
        "/dev/urandom",
        "/proc/self/mountinfo",
        os.devnull,
    ]
    return tuple({path for each in [*folders, *system] for path in (os.path.abspath(each), os.path.realpath(each))})


_LIBRARIES = _libraries()
_ENTRIES = {os.path.abspath(each or ".") for each in (*sys.path, str(_PROJECT))}
"""Folders that `import` itself lists."""


def _is_probe() -> bool:
    """Return whether a library asks about this machine: `platform` runs `uname`, urllib3 looks for IPv6."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.endswith(_PROBES) and _is_library(frame.f_code.co_filename):
            return True
        frame = frame.f_back
    return False


def _is_library(path: str) -> bool:
    return _within(path, _LIBRARIES) or path in _ENTRIES


def _is_foreign(filename: str) -> bool:
    """Return whether code comes from a file that belongs to no library."""
    return bool(filename) and not filename.startswith("<") and not _is_library(_absolute(filename))


def _within(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _below(path: Any, folder: Any) -> str:
    """The path of a file that is named relative to an open folder, where there is one."""
    name = os.fsdecode(path)
    return (
        os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name) if isinstance(folder, int) and folder >= 0 else name
    )


def _absolute(path: Any) -> str:
    return os.path.abspath(os.fsdecode(path))


def _real(path: Any) -> str:
    return os.path.realpath(os.fsdecode(path))


def _text(value: Any) -> str:
    return value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
