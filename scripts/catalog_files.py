"""The generated files of the catalogue, as the scripts that write them for the installed Keras keep them.

Of the newest Keras a file is kept as it is, of each older minor version its differences from the next newer one. So a
script that runs with an older Keras writes to `older/`, and one that runs with a new one turns what was the newest
until then into differences.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import keras

from graphspec.catalog.generated import FOLDER, known_versions, minor_of, number, read_version
from graphspec.catalog.patches import Json, difference

PACKAGE = Path(__file__).resolve().parent.parent / "graphspec" / "catalog"
INSTALLED = minor_of(keras.__version__) or ""


def read(name: str) -> Json:
    """Return what a file says of the installed Keras; of a new minor version, what it says of the newest before."""
    return read_version(name, INSTALLED if INSTALLED in known_versions() else known_versions()[-1])


def read_newer(name: str) -> Json:
    """Return what a file says of the version after the installed one, which is not the newest."""
    return read_version(name, known_versions()[known_versions().index(INSTALLED) + 1])


def write(name: str, content: Json, text_of: Callable[[Json], str]) -> None:
    """Keep `content` as what a file says of the installed Keras.

    Args:
        name: The file, such as `keras.json`.
        content: Its content.
        text_of: Writes the content of the file of the newest version.
    """
    contents = {minor: read_version(name, minor) for minor in known_versions()}
    contents[INSTALLED] = json.loads(text_of(content))  # in the order of the file, and with lists for tuples
    minors = sorted(contents, key=number)
    for minor, newer in pairwise(minors):
        patch = difference(contents[newer], contents[minor])
        _put(PACKAGE / FOLDER / minor / name, f"{json.dumps(patch, indent=1, ensure_ascii=False)}\n" if patch else None)
    _put(PACKAGE / name, text_of(contents[minors[-1]]))


def _put(path: Path, text: str | None) -> None:
    """Write a file whole where it says something else; None deletes it."""
    if text is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_text(encoding="utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        Path(part).replace(path)
        print(f"wrote {path.relative_to(PACKAGE)}", file=sys.stderr)
