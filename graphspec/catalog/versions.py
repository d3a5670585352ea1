"""The version of Keras that the catalogue answers for.

It is, in this order: the one that a command or a project has chosen, the one that is installed, the newest one. Patch
releases of a minor version are the same to the catalogue. Keras is not imported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from graphspec.catalog.generated import known_versions, minor_of, newest, number, read_version
from graphspec.catalog.patches import Json

T = TypeVar("T")

_CHOSEN: ContextVar[str | None] = ContextVar("chosen", default=None)


@contextmanager
def use_version(minor: str | None) -> Iterator[None]:
    """Let the catalogue answer for a version inside the `with` block.

    Args:
        minor: One of `known_versions()`; None leaves the version as it is.
    """
    token = _CHOSEN.set(minor or _CHOSEN.get())
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def version_in_use() -> str:
    """Return the minor version that the catalogue answers for, such as `3.12`."""
    return _CHOSEN.get() or _default()


def is_chosen() -> bool:
    """Return whether a command or a project has chosen the version, and Keras of that version is not installed."""
    there = installed_version()
    return _CHOSEN.get() is not None and (there is None or minor_of(there) != _CHOSEN.get())


@cache
def _default() -> str:
    there = installed_version()
    minor = minor_of(there) if there is not None else None
    return nearest(minor) if minor is not None else newest()


@cache
def installed_version() -> str | None:
    """Return the version of Keras that is installed; None if there is none."""
    try:
        return version("keras")
    except PackageNotFoundError:
        return None


def unknown_installation() -> str:
    """Return a sentence on an installed Keras that the catalogue does not know; empty if it knows it."""
    there = installed_version()
    if there is None or minor_of(there) == newest() or minor_of(there) in known_versions():
        return ""
    return f"Keras {there} is installed, which graphspec does not know; it answers for Keras {_default()}"


def version_of(release: str) -> str:
    """Return the minor version of a release of Keras. Raises ValueError if the catalogue does not know it."""
    minor = minor_of(release)
    if minor is None or minor not in known_versions():
        raise ValueError(f"graphspec does not know Keras {release[:40]}; it knows {', '.join(known_versions())}")
    return minor


def nearest(minor: str) -> str:
    """Return `minor` if the catalogue knows it, else the nearest version that it knows."""
    if number(minor) >= number(newest()):
        return newest()
    return next(each for each in known_versions() if number(each) >= number(minor))


def read_generated(name: str) -> Json:
    """Return the content of a JSON file of the catalogue for the version in use; it must not be changed.

    Args:
        name: The file, such as `keras.json`.
    """
    return read_version(name, version_in_use())


def cached(function: Callable[..., T]) -> Callable[..., T]:
    """Let a function keep its results, which follow from the catalogue, by the version in use."""

    @cache
    def of_version(minor: str, *arguments: Any) -> T:
        return function(*arguments)

    @wraps(function)
    def of_version_in_use(*arguments: Any) -> T:
        return of_version(version_in_use(), *arguments)

    return of_version_in_use
