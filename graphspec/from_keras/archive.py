"""Members of a `.keras` archive, and the state of layers among them. What is damaged is an error, never left out."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from graphspec.checks.files import LOOKUPS
from graphspec.diagnostics import SpecError
from graphspec.extras import require
from graphspec.files import MAX_RATIO, open_file, zip_in
from graphspec.from_keras.layer_state import words_of
from graphspec.language.lower.naming import snake_case

WEIGHTS = "model.weights.h5"
_MAX_VOCABULARY = 64 * 2**20
_READ_ERRORS = (OSError, ValueError, NotImplementedError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_PART = 2**22
_MIN_LIMIT = 2**20
"""Bytes that a member may have however small the archive is."""


class Archive:
    """The members of a `.keras` archive.

    Attributes:
        path: The archive.
        refusal: Returns the error for a file of which something is true, as "holds no config.json".
        names: The names of its members.
    """

    def __init__(self, path: Path, refusal: Callable[[str], SpecError]) -> None:
        self.path = path
        self.refusal = refusal
        with self._opened() as archive:
            self.names = set(archive.namelist())

    def read(self, name: str, max_bytes: int | None = None) -> bytes:
        """Return a member. Raises SpecError if it is missing, damaged or too large."""
        return b"".join(self.parts(name, max_bytes))

    def parts(self, name: str, max_bytes: int | None = None) -> Iterator[bytes]:
        """Yield a member in parts. Raises SpecError if it is missing, damaged or too large."""
        limit = max(_MIN_LIMIT, MAX_RATIO * self.path.stat().st_size)
        with self._opened() as archive:
            if name not in self.names:
                raise self.refusal(f"holds no {name}")
            info = archive.getinfo(name)
            if info.file_size > (limit if max_bytes is None else min(limit, max_bytes)):
                raise self.refusal(f"holds {info.file_size:,} bytes as {name}, which is too much for such an archive")
            if info.compress_type not in _COMPRESSIONS:
                raise self.damaged(f"{name} is compressed in a way that Keras does not use")
            with archive.open(info) as member:
                while part := member.read(_PART):
                    yield part

    def damaged(self, reason: str) -> SpecError:
        """Return the error for an archive whose members are not what Keras writes."""
        return self.refusal(f"is a damaged archive: {reason}")

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        try:
            with open_file(self.path) as file, zip_in(file) as archive:
                yield archive
        except _READ_ERRORS as error:
            raise self.damaged(str(error)) from None


class ArchiveState:
    """The state of the layers in a `.keras` archive.

    Keras names what it saves by the classes of layers, numbered in the order of the model (saving_lib.py):
    `layers/functional/layers/string_lookup_1`.
    """

    def __init__(self, archive: Archive, config: dict[str, Any]) -> None:
        self.archive = archive
        self.places = dict(_places(config, "", ()))

    def vocabulary(self, path: tuple[str, ...]) -> Sequence[str | int] | None:
        """Return the lines of the asset of a layer; None if it has none. Raises SpecError if it is damaged.

        Keras writes the vocabulary of a `TextVectorization` twice, and that of the layer in it counts.
        """
        place, class_name = self.places.get(path, ("", ""))
        if class_name not in LOOKUPS:
            return None
        member = f"assets/{place}/vocabulary.txt"
        data = self.archive.read(member, _MAX_VOCABULARY)
        if class_name == "TextVectorization":
            member = f"assets/{place}/_lookup_layer/vocabulary.txt"
            data = self.archive.read(member, _MAX_VOCABULARY)
        try:
            return words_of(data.decode("utf-8"), are_numbers=class_name == "IntegerLookup")
        except ValueError:
            raise self.archive.damaged(f"{member} holds no vocabulary") from None

    def array(self, path: tuple[str, ...], name: str) -> Any:
        """Return a weight of a layer as nested lists; None if there is none. Raises SpecError if it is damaged."""
        place, _ = self.places.get(path, ("", ""))
        if not place or WEIGHTS not in self.archive.names:
            return None
        require("h5py", "graphspec decompile", "read what preprocessing layers learned")
        from graphspec.from_keras.weight_file import UnreadableWeightsError, read_weight

        try:
            return read_weight(self.archive.read(WEIGHTS), place, name)
        except UnreadableWeightsError as error:
            raise self.archive.damaged(f"{WEIGHTS} cannot be read: {error}") from None


_Place = tuple[tuple[str, ...], tuple[str, str]]


def _places(written: dict[str, Any], place: str, path: tuple[str, ...]) -> list[_Place]:
    """Return the place in the archive, and the class, of every layer by the names of the models that hold it."""
    found: list[_Place] = []
    counts: dict[str, int] = {}
    config = written.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    for each in layers if isinstance(layers, list) else []:
        if not isinstance(each, dict) or not isinstance(each.get("class_name"), str):
            continue
        inner = each.get("config")
        if str(each.get("module")).startswith("keras.src.ops"):
            continue
        stem = snake_case(each["class_name"])
        number = counts.get(stem, 0)
        counts[stem] = number + 1
        name = each.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
        at = f"{place}layers/{stem}_{number}" if number else f"{place}layers/{stem}"
        here = (*path, str(name))
        found.append((here, (at, each["class_name"])))
        found += _places(each, f"{at}/", here)
    return found
