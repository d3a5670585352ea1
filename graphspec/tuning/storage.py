"""`Storage`: where optuna keeps a study, which is what several workers share.

SQLite in the folder of the study serves the processes of one machine. A journal on a shared folder, or a database
server, serves several machines. A password is held in memory alone; all that is recorded and reported goes without it.
"""

from __future__ import annotations

import os
import re
import stat
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import BAD_RUN, BAD_STORAGE, MISSING_EXTRA
from graphspec.diagnostics.suggest import cut, first_line
from graphspec.files import reason_of
from graphspec.run_directory import damaged
from graphspec.run_directory.lock import without_passwords
from graphspec.tuning.folder import DATABASE, JOURNAL
from graphspec.tuning.journal import DamagedJournalError, open_journal, prepare

Direction = Literal["minimize", "maximize"]
_Result = TypeVar("_Result")

_EXPECTED = "`journal`, `journal:PATH`, or a URL as `postgresql://user@host/database`"
_DRIVERS = {"postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg", "mysql": "mysql+pymysql"}
"""The driver of a database that names none."""

_PACKAGES = {"psycopg": "graphspec[postgresql]", "psycopg2": "psycopg2-binary", "MySQLdb": "mysqlclient"}
"""What to install for drivers, where that has another name."""

_SECRET = re.compile("passw|secret|token", re.IGNORECASE)
"""Names in the query of a URL whose values are not recorded."""

_PATIENCE = 60.0
"""Seconds to wait for other writers of an SQLite database."""

_CONNECT_SECONDS = 10
RETRY_SECONDS = 60.0
"""Seconds for which a server may be away while a study runs."""

_OPENINGS = 8
_IS_CREATED = re.compile(r"already exists|duplicate|unique constraint", re.IGNORECASE)
"""Words of databases about a table or a row that another worker creates at the same moment: it is opened again."""


@dataclass(frozen=True, kw_only=True)
class Storage:
    """The place of a study.

    Attributes:
        folder: The folder of the study.
        path: The file of an SQLite database or a journal; None for a server.
        url: The URL of a database server.
        is_journal: Whether `path` is a journal.
    """

    folder: Path
    path: Path | None = None
    url: URL | None = field(default=None, repr=False)
    is_journal: bool = False

    @classmethod
    def of(cls, folder: Path, text: str = "") -> Storage:
        """Return the storage that `--storage` names; by default SQLite in the folder of the study.

        Raises:
            SpecError: `text` names none.
        """
        if not text:
            return cls(folder=folder, path=folder / DATABASE)
        if text == "journal":
            return cls(folder=folder, path=folder / JOURNAL, is_journal=True)
        if text.startswith("journal:") and not text.startswith("journal://"):
            if not (path := text.removeprefix("journal:")):
                raise _unknown(text, "it names no file")
            return cls(folder=folder, path=Path.cwd() / path, is_journal=True)
        return cls(folder=folder, url=_url(text))

    @property
    def is_sqlite(self) -> bool:
        """Return whether the study is kept in SQLite, which serves one machine."""
        return self.path is not None and not self.is_journal

    @property
    def recorded(self) -> str:
        """Return the text for `study.json`, from which `of` makes this storage, but for its password."""
        if self.url is not None:
            url = self.url
            query = {name: value for name, value in url.query.items() if not _SECRET.search(name)}
            return URL.create(
                url.drivername, url.username, None, url.host, url.port, url.database, query
            ).render_as_string()
        if not self.is_journal:
            return ""
        return "journal" if self.path == self.folder / JOURNAL else f"journal:{self.path}"

    def __str__(self) -> str:
        return str(self.path) if self.url is None else self.recorded

    def failed(self, error: Exception | str) -> SpecError:
        """Return the diagnostic for an error of the storage."""
        reason = error if isinstance(error, str) else self._reason(error)
        if self.is_sqlite:
            return SpecError.of(
                BAD_RUN,
                f"{self} cannot be read or written: {reason}",
                help="check its permissions and the disk; if it is damaged, begin a new study",
            )
        if self.is_journal:
            help = "check its permissions and the disk; a damaged line can be removed, with what it recorded"
        else:
            help = "check that the server runs, and the URL; give the password by --storage, PGPASSWORD or ~/.pgpass"
        return SpecError.of(BAD_STORAGE, f"{self} cannot be read or written: {reason}", help=help)

    def _reason(self, error: Exception) -> str:
        cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
        text = reason_of(cause) if isinstance(cause, OSError) else first_line(cause)
        password = self.url.password if self.url is not None else None
        return without_passwords(text.replace(str(password), "***") if password else text)


def _url(text: str) -> URL:
    """Return the URL of a database server. Raises SpecError if it is none that optuna uses."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError, TypeError):
        raise _unknown(text, "it is no URL") from None
    kind = url.get_backend_name()
    if kind == "sqlite":
        raise SpecError.of(
            BAD_STORAGE,
            f"{without_passwords(cut(text))}: a study in SQLite is always kept in its own folder",
            expected=_EXPECTED,
            help="leave --storage out, and choose the folder by --study-dir",
        )
    if kind not in _DRIVERS:
        raise _unknown(text, f"a study cannot be kept in `{kind}`")
    if not url.database:
        raise _unknown(text, "it names no database")
    return url.set(drivername=_DRIVERS[kind]) if "+" not in url.drivername else url


def _unknown(text: str, reason: str) -> SpecError:
    return SpecError.of(
        BAD_STORAGE,
        f"`{without_passwords(cut(text, 80))}` is no storage of a study: {reason}",
        expected=_EXPECTED,
        help="leave --storage out to keep the study in its own folder, for the processes of this machine",
    )


@contextmanager
def opened(storage: Storage, *, to_write: bool) -> Iterator[optuna.storages.BaseStorage]:
    """Open the storage, and close it afterwards.

    Args:
        storage: The storage.
        to_write: Make it if it does not exist, and refuse it if it cannot be written.

    Raises:
        SpecError: It cannot be opened.
    """
    if storage.path is not None:
        _check_regular(storage, to_write=to_write)
    if storage.is_journal and storage.path is not None:
        with storage_errors(storage):
            if to_write:
                prepare(storage.path)
            journal = open_journal(storage.path)
        yield journal
        return
    database = _open_database(storage)
    try:
        yield database
    finally:
        database.remove_session()
        database.engine.dispose()


def _check_regular(storage: Storage, *, to_write: bool) -> None:
    """Raise SpecError if the file of the storage is not a regular one, or cannot be made."""
    assert storage.path is not None
    try:
        is_regular = stat.S_ISREG(os.lstat(storage.path).st_mode)
    except FileNotFoundError:
        if storage.is_sqlite or (to_write and storage.path.parent.is_dir()):
            return
        is_file_missing = storage.path.parent.is_dir()
        reason = "it is missing" if is_file_missing else f"there is no folder {storage.path.parent}"
        raise storage.failed(reason) from None
    except (OSError, ValueError) as error:
        raise storage.failed(reason_of(error) if isinstance(error, OSError) else "no file can have this name") from None
    if not is_regular:
        raise (
            damaged(storage.path, "it is not a regular file")
            if storage.is_sqlite
            else storage.failed("it is not a regular file")
        )


def _open_database(storage: Storage) -> optuna.storages.RDBStorage:
    for attempt in range(1, _OPENINGS + 1):
        try:
            with storage_errors(storage):
                return _database(storage)
        except SpecError as error:
            if attempt == _OPENINGS or not _IS_CREATED.search(str(error)):
                raise
            time.sleep(0.2 * attempt)
    raise AssertionError


def _database(storage: Storage) -> optuna.storages.RDBStorage:
    if storage.url is None:
        path = quote(str(Path(str(storage.path)).resolve()))  # as a URI, in which a path may hold any character
        return optuna.storages.RDBStorage(
            f"sqlite:///file:{path}?uri=true", engine_kwargs={"connect_args": {"timeout": _PATIENCE}}
        )
    driver = storage.url.get_driver_name()
    arguments: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS} if driver in ("psycopg", "pymysql") else {}
    if driver == "psycopg":  # a machine that has lost its network is noticed
        arguments |= {"application_name": "graphspec", "keepalives_idle": 30, "keepalives_interval": 10}
    try:
        return optuna.storages.RDBStorage(
            storage.url.render_as_string(hide_password=False),
            engine_kwargs={"connect_args": arguments, "pool_pre_ping": True},
        )
    except (ImportError, NoSuchModuleError):
        package = _PACKAGES.get(driver, driver)
        raise SpecError.of(
            MISSING_EXTRA,
            f"{storage} needs the driver `{driver}`, which is not installed",
            help=f"run: pip install '{package}', or name another driver, as `postgresql+psycopg2://`",
        ) from None


@contextmanager
def storage_errors(storage: Storage) -> Iterator[None]:
    """Silence optuna's log, and raise errors of its storage as SpecError."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="optuna")
        warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
        try:
            yield
        except (
            *(StorageInternalError, SQLAlchemyError, DamagedJournalError),
            *(KeyError, RuntimeError, OSError, AssertionError),
        ) as error:
            raise storage.failed(error) from error
        finally:
            optuna.logging.set_verbosity(verbosity)


def patiently(storage: Storage, action: Callable[[], _Result], warn: Callable[[str], None]) -> _Result:
    """Return the result of `action`, which is repeated while a server does not answer, as when it restarts.

    Args:
        storage: The storage that `action` uses.
        action: May be called again after it has failed half-way.
        warn: Receives a warning when waiting begins.

    Raises:
        SpecError: The server did not answer for a minute, or another kind of storage failed.
    """
    deadline: float | None = None
    while True:
        try:
            with storage_errors(storage):
                return action()
        except SpecError as error:
            if storage.url is None or next(iter(error.report)).rule is not BAD_STORAGE:
                raise
            if deadline is None:
                deadline = time.monotonic() + RETRY_SECONDS
                warn(f"{next(iter(error.report)).message}; trying again for {RETRY_SECONDS:.0f} s")
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


@contextmanager
def open_study(
    storage: Storage, name: str, direction: Direction | None = None, pruner: optuna.pruners.BasePruner | None = None
) -> Iterator[optuna.Study]:
    """Yield the optuna study in a storage, and close it afterwards.

    Args:
        storage: The storage of the study.
        name: Its name.
        direction: If not None, the study is created if it does not exist.
        pruner: Its pruner.

    Raises:
        SpecError: The study cannot be read or written.
    """
    with opened(storage, to_write=direction is not None) as backend:
        yield study_in(backend, storage, name, direction, pruner=pruner)


def study_in(
    backend: optuna.storages.BaseStorage,
    storage: Storage,
    name: str,
    direction: Direction | None = None,
    *,
    pruner: optuna.pruners.BasePruner | None = None,
) -> optuna.Study:
    """Return a study of an open storage. See `open_study`."""
    with storage_errors(storage):
        try:
            return optuna.load_study(storage=backend, study_name=name, pruner=pruner)
        except KeyError:
            if direction is None:
                raise
        return optuna.create_study(
            storage=backend, study_name=name, direction=direction, pruner=pruner, load_if_exists=True
        )
