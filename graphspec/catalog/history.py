"""The history of objects and arguments: the versions of Keras, among those in the catalogue, that have each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from graphspec import catalog
from graphspec.catalog import KINDS, REQUIRED, SINGULAR, Entry, Kind
from graphspec.catalog.generated import known_versions
from graphspec.catalog.versions import use_version

Versions = Sequence[str]
"""Minor versions of Keras, the oldest first."""


@dataclass(frozen=True, slots=True)
class History:
    """The history of a class, an operation or a function.

    Attributes:
        versions: The versions that have it.
        arguments: The versions of each argument; those of the newest version first.
        defaults: The defaults of each argument that has had several, as JSON or `REQUIRED`, by the version that began
            with it.
    """

    kind: Kind
    name: str
    versions: Versions
    arguments: dict[str, Versions]
    defaults: dict[str, dict[str, Any]]


def history_of(kind: Kind, name: str) -> History | None:
    """Return the history of a class, an operation or a function; None if no version has it."""
    found = {minor: entry for minor in known_versions() if (entry := _find(kind, name, minor)) is not None}
    if not found:
        versions = versions_with(kind, name)
        return History(kind, name, versions, {}, {}) if versions else None
    newest = [argument for minor in reversed(found) for argument in found[minor].arguments]
    arguments: dict[str, Versions] = {
        each: [minor for minor in found if each in found[minor].arguments] for each in dict.fromkeys(newest)
    }
    defaults = {
        argument: {
            minor: found[minor].arguments[argument]
            for number, minor in enumerate(minors)
            if not number or _default(found[minor], argument) != _default(found[minors[number - 1]], argument)
        }
        for argument, minors in arguments.items()
    }
    several = {argument: each for argument, each in defaults.items() if len(each) > 1}
    return History(kind, list(found.values())[-1].name, list(found), arguments, several)


def _find(kind: Kind, name: str, minor: str) -> Entry | None:
    with use_version(minor):
        return catalog.find(kind, name)


def _default(entry: Entry, argument: str) -> str:
    default = entry.arguments[argument]
    return "" if default is REQUIRED else json.dumps(default)


def changes(older: str, newer: str, kinds: Sequence[Kind] = KINDS) -> Iterator[str]:
    """Yield what is new in a version, what is gone, and what has another default, in words.

    Args:
        older: The version before.
        newer: The version.
        kinds: The kinds of objects to compare.
    """
    for kind in kinds:
        before, after = _all(kind, older), _all(kind, newer)
        yield from (f"new {SINGULAR[kind]} `{name}`" for name in after if name not in before)
        yield from (f"no {SINGULAR[kind]} `{name}` any more" for name in before if name not in after)
        for name in _classes(kind, newer):
            old, new = _find(kind, name, older), _find(kind, name, newer)
            if old is not None and new is not None:
                yield from _changed_arguments(old, new)


def _changed_arguments(old: Entry, new: Entry) -> Iterator[str]:
    added = [each for each in new.arguments if each not in old.arguments]
    gone = [each for each in old.arguments if each not in new.arguments]
    if added:
        yield f"`{new.name}` takes {_listed(added)}"
    if gone:
        yield f"`{new.name}` no longer takes {_listed(gone)}"
    for each in new.arguments:
        if each in old.arguments and _default(old, each) != _default(new, each):
            was, is_now = (_default(entry, each) or "none" for entry in (old, new))
            yield f"the default of `{each}` of `{new.name}` is {is_now}, and was {was}"


def _listed(arguments: Sequence[str]) -> str:
    return ", ".join(f"`{each}`" for each in arguments)


def _classes(kind: Kind, minor: str) -> list[str]:
    """Return the names of the classes or operations of a kind in a version."""
    with use_version(minor):
        return [*catalog.names(kind), *([*catalog.makers(), *catalog.random_operations()] if kind == "ops" else ())]


def _all(kind: Kind, minor: str) -> dict[str, None]:
    """Return the names of a kind in a version, with string identifiers."""
    with use_version(minor):
        return dict.fromkeys([*_classes(kind, minor), *catalog.identifiers(kind)])


def versions_where(holds: Callable[[], bool]) -> Versions:
    """Return the versions for which `holds`, a function that asks the catalogue, returns true."""
    found = []
    for minor in known_versions():
        with use_version(minor):
            if holds():
                found.append(minor)
    return found


def versions_with(kind: Kind, name: str) -> Versions:
    """Return the versions that have the class, the string identifier or the operation `name`."""
    return versions_where(lambda: catalog.find(kind, name) is not None or catalog.is_identifier(kind, name))


def versions_with_argument(kind: Kind, name: str, argument: str) -> Versions:
    """Return the versions in which the class or operation `name` takes `argument`."""

    def takes() -> bool:
        entry = catalog.find(kind, name)
        return entry is not None and argument in entry.arguments

    return versions_where(takes)


def in_words(versions: Versions) -> str:
    """Return versions in words: `Keras ≥ 3.10`, `Keras ≤ 3.11`, `Keras 3.9 to 3.11`."""
    known = known_versions()
    first, last = versions[0], versions[-1]
    if not _is_whole(versions):
        return f"Keras {', '.join(versions[:-1])} or {last}"
    if last == known[-1]:
        return f"Keras ≥ {first}"
    if first == known[0]:
        return f"Keras ≤ {last}"
    return f"Keras {first}" if first == last else f"Keras {first} to {last}"


def requirement(versions: Versions) -> str:
    """Return what pip is asked for, such as `keras>=3.10` or `keras>=3.9,<3.12`, to get the last of `versions`."""
    known = known_versions()
    versions = versions[next(number for number in range(len(versions)) if _is_whole(versions[number:])) :]
    after = known[known.index(versions[-1]) + 1 :]
    limits = [f">={versions[0]}"] if versions[0] != known[0] else []
    return "keras" + ",".join(limits + [f"<{after[0]}" for _ in after[:1]])


def _is_whole(versions: Versions) -> bool:
    """Return whether no version is missing between the first and the last."""
    known = known_versions()
    return known.index(versions[-1]) - known.index(versions[0]) == len(versions) - 1
