"""Reader of the configuration in a whole-model HDF5 file of Keras 1, 2 or 3; no array of it is read.

The file is not trusted: an attribute may say any size, and be of any type.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graphspec.diagnostics.rules import LEGACY_FORM
from graphspec.extras import require
from graphspec.files import open_file
from graphspec.from_keras.findings import Findings

if TYPE_CHECKING:
    import h5py

SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""The first bytes of an HDF5 file."""

MAX_TEXT = 64 * 2**20
"""Bytes of a configuration; one of 10,000 layers has some 10 MiB."""

MAX_NAMES = 200_000
"""Names in one attribute."""

READ_ERRORS = (OSError, ValueError, LookupError, TypeError, RuntimeError, AttributeError, RecursionError, MemoryError)
"""What h5py raises on a damaged file."""

_TEXTS = ("model_config", "training_config", "keras_version", "backend")


class DamagedError(ValueError):
    """A file that is not of the form that Keras writes."""


def is_hdf5(path: Path) -> bool:
    """Return whether a file begins as HDF5 does."""
    try:
        with open_file(path) as file:
            return bool(file.read(len(SIGNATURE)) == SIGNATURE)
    except OSError:
        return False


@contextmanager
def open_hdf5(path: Path, why: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading.

    Args:
        path: The file.
        why: What needs h5py, for the diagnostic where it is missing.

    Raises:
        SpecError: h5py is not installed.
        OSError: The file is none of HDF5, or cannot be opened.
        ValueError: A heap of text in it is damaged.
    """
    require("h5py", "graphspec decompile", why)
    from graphspec.hdf5_file import open_raw

    with open_file(path) as opened, open_raw(opened) as file:
        yield file


def read_document(path: Path, findings: Findings) -> dict[str, Any] | None:
    """Return the document in a whole-model HDF5 file, as `upgrade` takes it.

    Args:
        path: The file.
        findings: Receives a diagnostic if the file is damaged, or holds no model.

    Returns:
        `class_name`, `config`, `keras_version`, `backend`, and `training_config` if there is one; None after a
        diagnostic.

    Raises:
        SpecError: h5py is not installed.
    """
    try:
        with open_hdf5(path, "read an HDF5 file") as file:
            texts = {key: read_text(file, key) for key in _TEXTS if key in file.attrs}
            is_weights = "layer_names" in file.attrs or "layer_names0" in file.attrs
        if "model_config" not in texts:
            _no_model(findings, is_weights=is_weights)
            return None
        document = json.loads(texts["model_config"])
        if not isinstance(document, dict):
            raise DamagedError("its `model_config` is no mapping")
        for key in ("keras_version", "backend"):
            document.setdefault(key, texts.get(key))
        if "training_config" in texts:
            document["training_config"] = json.loads(texts["training_config"])
    except READ_ERRORS as error:
        findings.add(
            LEGACY_FORM,
            f"{findings.name} cannot be read as a model: {short_reason(error)}",
            help="the file is damaged or of another kind; write it again by `model.save()`",
        )
        return None
    return document


def _no_model(findings: Findings, *, is_weights: bool) -> None:
    findings.add(
        LEGACY_FORM,
        f"{findings.name} holds {'weights only' if is_weights else 'no model of Keras'}: it has no `model_config`",
        help="write the model beside it, by `model.to_json()`, or both in one file, by `model.save()`",
    )


def read_text(group: h5py.Group, key: str) -> str:
    """Return an attribute that is one text, of at most `MAX_TEXT` bytes."""
    attribute = group.attrs.get_id(key)
    if attribute.shape != () or attribute.dtype.kind not in "SO" or attribute.dtype.itemsize > MAX_TEXT:
        raise DamagedError(f"its attribute `{key}` is no text")
    value = group.attrs[key]
    text = value.decode("utf-8") if isinstance(value, bytes) else value
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise DamagedError(f"its attribute `{key}` is no text, or one of more than {MAX_TEXT // 2**20} MiB")
    return text


def read_names(group: h5py.Group, key: str) -> list[str]:
    """Return the names in an attribute, which Keras splits into `key0`, `key1`, ... where they are many."""
    if key in group.attrs:
        return _names(group, key)
    found: list[str] = []
    for number in range(MAX_NAMES):
        if f"{key}{number}" not in group.attrs or len(found) > MAX_NAMES:
            break
        found += _names(group, f"{key}{number}")
    return found


def _names(group: h5py.Group, key: str) -> list[str]:
    attribute = group.attrs.get_id(key)
    if len(attribute.shape) != 1 or attribute.shape[0] > MAX_NAMES or attribute.dtype.itemsize > 2**16:
        raise DamagedError(f"its attribute `{key}` holds no names")
    if attribute.shape[0] == 0:
        return []
    if attribute.dtype.kind not in "SO":
        raise DamagedError(f"its attribute `{key}` holds no names")
    return [each.decode("utf-8") if isinstance(each, bytes) else str(each) for each in group.attrs[key]]


def short_reason(error: Exception) -> str:
    """Return what an error says, in one line of bounded length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:197]}..."
