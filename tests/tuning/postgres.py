"""A PostgreSQL server of its own for a test, where Debian or another system has installed one."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "se:cr/et@?x"
QUOTED = "se%3Acr%2Fet%40%3Fx"
_PROGRAMS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")


def program(name: str) -> str:
    """The path of a program of PostgreSQL; the test is skipped where there is none."""
    found = [shutil.which(name), *(str(each / name) for glob in _PROGRAMS for each in Path("/").glob(glob[1:]))]
    path = next((each for each in found if each is not None and os.access(each, os.X_OK)), None)
    return path or pytest.skip(f"{name} of PostgreSQL is not installed")


class Server:
    """A server on a port of its own, with a user `me` who has a password."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._user = _plain_user()
        self._process: subprocess.Popen[bytes] | None = None
        password = folder / "password"
        password.write_text(PASSWORD)
        if self._user is not None:
            for path in (folder, password):
                shutil.chown(path, self._user)
        words = [program("initdb"), "-D", folder / "data", "-A", "scram-sha-256", "-U", "me", "--no-sync", "-E", "UTF8"]
        self._call([*words, "--pwfile", password])

    @property
    def url(self) -> str:
        """The URL of its database with the password."""
        return f"postgresql://me:{QUOTED}@127.0.0.1:{self.port}/postgres"

    @property
    def open_url(self) -> str:
        """The URL without the password."""
        return f"postgresql://me@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        words = [program("postgres"), "-D", self.folder / "data", "-h", "127.0.0.1", "-p", self.port, "-k", self.folder]
        with open(self.folder / "log", "ab") as log:
            self._process = subprocess.Popen([*map(str, words), "-F"], stdout=log, stderr=log, user=self._user, cwd="/")
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                assert self._process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(2)  # a fast shutdown, which ends all connections
            self._process.wait(60)
            self._process = None

    def _call(self, words: list[object]) -> None:
        done = subprocess.run(
            list(map(str, words)), capture_output=True, text=True, user=self._user, cwd="/", check=False
        )
        assert done.returncode == 0, done.stderr


def _plain_user() -> str | None:
    """A user other than root, as whom alone the server runs."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    return next((name for name in ("postgres", "nobody") if name in names), None) or pytest.skip("there is only root")


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """A server that runs inside the block."""
    program("initdb")
    folder.chmod(0o755)
    for parent in folder.parents:
        if parent.stat().st_uid == os.getuid() and parent != Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    made = Server(folder)
    made.start()
    try:
        yield made
    finally:
        made.stop()
