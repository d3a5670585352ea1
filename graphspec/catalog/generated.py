"""Reading of the generated files of the catalogue, each once, for each minor version of Keras that it knows.

The newest version is in the files themselves, such as `keras.json`. `older/` has a folder for each older one, with the
differences of its files from those of the next newer version (see `patches`); a file without differences is left out.
"""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files

from graphspec.catalog.patches import Json, apply

FOLDER = "older"
_MINOR = re.compile(r"(\d{1,4})\.(\d{1,4})(?:[.a-z+-].{0,40})?", re.ASCII)


@cache
def read_version(name: str, minor: str) -> Json:
    """Return the content of a JSON file of the catalogue; it must not be changed.

    Args:
        name: The file, such as `keras.json`.
        minor: One of `known_versions()`.
    """
    if minor == newest():
        return read_file(name)
    following = known_versions()[known_versions().index(minor) + 1]
    file = files("graphspec.catalog").joinpath(FOLDER, minor, name)
    newer = read_version(name, following)
    return apply(json.loads(file.read_text(encoding="utf-8")), newer) if file.is_file() else newer


@cache
def read_file(name: str) -> Json:
    """Return the content of a JSON file as it is, that of the newest version of Keras; it must not be changed."""
    loaded: Json = json.loads(files("graphspec.catalog").joinpath(name).read_text(encoding="utf-8"))
    return loaded


@cache
def newest() -> str:
    """Return the newest minor version of Keras that the catalogue knows."""
    return str(minor_of(read_file("keras.json")["keras"]))


@cache
def known_versions() -> tuple[str, ...]:
    """Return the minor versions of Keras that the catalogue knows, the oldest first."""
    older = [each.name for each in files("graphspec.catalog").joinpath(FOLDER).iterdir() if minor_of(each.name)]
    return (*sorted(older, key=number), newest())


def minor_of(release: str) -> str | None:
    """Return the minor version of a release, `3.12` of `3.12.4`; None if the text is no release."""
    match = _MINOR.fullmatch(release)
    return f"{int(match[1])}.{int(match[2])}" if match is not None else None


def number(minor: str) -> tuple[int, ...]:
    """Return the numbers of a minor version, by which versions are ordered."""
    return tuple(map(int, minor.split(".")))
