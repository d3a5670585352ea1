"""`Worker`: this process, as other workers of a study know it, and whether another worker of this machine is alive.

Each worker locks a file of its own in the folder of the study. The lock ends with the process, however that ends, so
workers of the same folder and machine see at once that one has died.
"""

from __future__ import annotations

import os
import platform
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from graphspec import files
from graphspec.files import cannot_write, lock_file
from graphspec.run_directory import make_folder
from graphspec.run_directory.files import open_own
from graphspec.tuning.folder import WORKERS

_BOOT = "/proc/sys/kernel/random/boot_id"


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A process that works on a study.

    Attributes:
        id: A name that no other worker has.
        machine: The machine, since it was started.
        host: Its name, for people.
        process: The number of the process.
        study: The ID of the folder of the study that it works in, which may be one of several.
        folder: The path of that folder.
    """

    id: str
    machine: str
    host: str
    process: int
    study: str
    folder: str

    @classmethod
    def here(cls, folder: Path, study: str) -> Worker:
        """Return this process as a worker in `folder`, whose ID is `study`."""
        host = platform.node() or "localhost"
        machine = host
        with suppress(OSError), open(_BOOT, encoding="ascii") as file:
            machine = file.read(64).strip()  # the same in all containers of a machine, where locks hold too
        return cls(
            id=secrets.token_hex(8),
            machine=machine,
            host=host,
            process=os.getpid(),
            study=study,
            folder=str(folder.resolve()),
        )

    def __str__(self) -> str:
        return f"process {self.process} of {self.host}"

    @contextmanager
    def registered(self) -> Iterator[None]:
        """Lock the file of this worker inside the block. Raises SpecError if it cannot be made."""
        folder = Path(self.folder) / WORKERS
        make_folder(folder)
        self.remove_dead()
        path = folder / self.id
        try:
            handle = open_own(path, os.O_WRONLY | os.O_CREAT)
        except OSError as error:
            raise cannot_write(path, error) from None
        with open(handle, "wb", buffering=0) as file:
            try:
                lock_file(file, shared=False, wait=True)  # others look at it
                file.write(f"{self}\n".encode())
            except OSError as error:
                raise cannot_write(path, error) from None
            try:
                yield
            finally:
                with suppress(OSError):
                    if os.path.samestat(os.fstat(file.fileno()), os.lstat(path)):  # the folder may be another one now
                        path.unlink()

    def is_alive(self, other: Worker) -> bool | None:
        """Return whether another worker runs; None where its file does not tell, as that of another machine."""
        if other.id == self.id:
            return True
        if not files.LOCKS or other.machine != self.machine or other.study != self.study:
            return None
        path = Path(self.folder) / WORKERS / other.id
        if not files.is_there(path) and other.folder != self.folder:  # this folder may be a copy of the other
            return None
        return _is_locked(path)

    def has_company(self) -> bool:
        """Return whether other workers of this folder run."""
        folder = Path(self.folder) / WORKERS
        names = files.names_in(folder)
        return any(_is_locked(folder / name) for name in names if name != self.id) if files.LOCKS else len(names) > 1

    def remove_dead(self) -> None:
        """Remove the files of workers that were killed. One that was just made, and not locked yet, is empty."""
        folder = Path(self.folder) / WORKERS
        for name in files.names_in(folder):
            path = folder / name
            with suppress(OSError):
                if files.LOCKS and name != self.id and path.stat().st_size and not _is_locked(path):
                    path.unlink()


def _is_locked(path: Path) -> bool:
    try:
        with files.open_file(path) as file:
            return not lock_file(file, shared=True)
    except OSError:
        return False
