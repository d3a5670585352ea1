"""Readers of model files: `.keras` archives, HDF5 files and JSON configurations. Nothing in them is deserialised."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphspec.checks.files import LOOKUPS
from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import NOT_A_MODEL, UNREADABLE_FILE
from graphspec.extras import require
from graphspec.files import LargeFileError, open_file, read_bytes, reason_of, zip_in
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.learned import NoState, StateSource, words_of
from graphspec.from_keras.legacy.hdf5 import SIGNATURE, read_document
from graphspec.from_keras.legacy.upgrade import is_legacy, upgrade
from graphspec.language.lower.naming import snake_case

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
_MAX_CONFIG = 64 * 2**20
_MAX_VOCABULARY = 64 * 2**20
_HELP = (
    "a `.keras` or `.h5` file as `model.save` writes it, its `config.json`, or the text of `model.to_json()`; for a "
    "model in memory, call `graphspec.decompile(model)`"
)


@dataclass(kw_only=True)
class ModelFile:
    """A model as a file holds it.

    Attributes:
        config: The model as Keras 3 serialises it.
        state: The state of its preprocessing layers.
        weights: Returns its weights as a `.weights.h5` file; None if it holds none.
    """

    path: Path
    config: dict[str, Any]
    findings: Findings
    state: StateSource = field(default_factory=NoState)
    weights: Callable[[], bytes] | None = None


def read_model_file(path: Path) -> ModelFile:
    """Return the model in a file; one of Keras 1 or 2 in the form of Keras 3.

    Raises:
        SpecError: The file cannot be read, or holds no model.
    """
    findings = Findings(str(path))
    try:
        with open_file(path) as file:
            start = file.read(len(SIGNATURE))
        if start.startswith(b"PK\x03\x04"):
            return _archive(path, findings)
        if start == SIGNATURE:
            return _hdf5(path, findings)
        text = read_bytes(path, _MAX_CONFIG).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_a_model(findings, "is neither an archive nor an HDF5 file that Keras wrote, nor JSON") from None
    except LargeFileError:
        raise not_a_model(findings, f"is larger than {_MAX_CONFIG // 2**20} MiB") from None
    except OSError as error:
        raise SpecError.of(
            UNREADABLE_FILE,
            f"{path} cannot be read: {reason_of(error)}",
            expected="a model file",
            help=f"name {_HELP}",
        ) from None
    config = _parsed(text, findings)
    findings.text = text  # shown only now: what is no model may be a secret
    return ModelFile(path=path, config=_upgraded(config, findings), findings=findings)


def _upgraded(document: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """Return a model in the form of Keras 3. Raises SpecError if one of Keras 1 or 2 has no equivalent."""
    if not is_legacy(document):
        return document
    config = upgrade(document, findings)
    if config is None:
        raise SpecError(findings.report)
    return config


def _hdf5(path: Path, findings: Findings) -> ModelFile:
    document = read_document(path, findings)
    if document is None:
        raise SpecError(findings.report)
    return _of_older_keras(path, document, findings, has_weights=True)


def _of_older_keras(path: Path, document: dict[str, Any], findings: Findings, *, has_weights: bool) -> ModelFile:
    """Return the model of Keras 1 or 2 in a file."""
    config = _upgraded(document, findings)
    if not has_weights:
        return ModelFile(path=path, config=config, findings=findings)
    require("h5py", "graphspec decompile", "read the weights of a model")
    from graphspec.from_keras.legacy.hdf5_weights import StoredWeights

    stored = StoredWeights(path, document, config, findings)
    return ModelFile(path=path, config=config, findings=findings, state=stored, weights=stored.weights_file)


def not_a_model(findings: Findings, reason: str) -> SpecError:
    """Return the error for a file that holds no model. reason: follows the name of the file."""
    findings.add(NOT_A_MODEL, f"{findings.name} {reason}", expected="a model that Keras wrote", help=f"name {_HELP}")
    return SpecError(findings.report)


def _archive(path: Path, findings: Findings) -> ModelFile:
    try:
        with open_file(path) as file, zip_in(file) as archive:
            members = {each.filename: each.file_size for each in archive.infolist()}
            if members.get(CONFIG, 0) > _MAX_CONFIG:
                raise not_a_model(findings, f"has a {CONFIG} of more than {_MAX_CONFIG // 2**20} MiB")
            text = archive.read(CONFIG).decode("utf-8")
    except (KeyError, ValueError, NotImplementedError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = f"holds no {CONFIG}" if isinstance(error, KeyError) else f"is a damaged archive: {error}"
        raise not_a_model(findings, reason) from None
    config = _parsed(text, findings)
    if is_legacy(config):
        return _of_older_keras(path, config, findings, has_weights=WEIGHTS in members)

    def weights() -> bytes:
        with open_file(path) as file, zip_in(file) as archive:
            return archive.read(WEIGHTS)

    return ModelFile(
        path=path,
        config=config,
        findings=findings,
        state=ArchiveState(path, config, members),
        weights=weights if WEIGHTS in members else None,
    )


def _parsed(text: str, findings: Findings) -> dict[str, Any]:
    try:
        config = json.loads(text)
    except RecursionError:
        raise not_a_model(findings, "is nested too deeply") from None
    except ValueError as error:
        raise not_a_model(findings, f"is no JSON: {error}") from None
    if not isinstance(config, dict) or not isinstance(config.get("config"), dict | list):
        raise not_a_model(findings, "holds no model: it has no `class_name` and `config`")
    return config


class ArchiveState:
    """The state of the layers in a `.keras` archive.

    Keras names what it saves by the classes of layers, numbered in the order of the model (saving_lib.py):
    `layers/functional/layers/string_lookup_1`.
    """

    def __init__(self, path: Path, config: dict[str, Any], members: dict[str, int]) -> None:
        self.path = path
        self.members = members
        self.places = dict(_places(config, "", ()))

    def vocabulary(self, path: tuple[str, ...]) -> Sequence[str | int] | None:
        """Return the lines of the asset of a layer; None if there is none, or it is too large."""
        place, class_name = self.places.get(path, ("", ""))
        member = f"assets/{place}/vocabulary.txt"
        if class_name not in LOOKUPS or not 0 < self.members.get(member, 0) <= _MAX_VOCABULARY:
            return None
        with suppress(ValueError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error):
            with open_file(self.path) as file, zip_in(file) as archive:
                text = archive.read(member).decode("utf-8")
            return words_of(text, are_numbers=class_name == "IntegerLookup")
        return None

    def array(self, path: tuple[str, ...], name: str) -> Any:
        """Return a weight of a layer as nested lists; None if the archive has none."""
        place, _ = self.places.get(path, ("", ""))
        if not place or WEIGHTS not in self.members:
            return None
        require("h5py", "graphspec decompile", "read what preprocessing layers learned")
        from graphspec.from_keras.weight_file import read_weight

        return read_weight(self.path, place, name)


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
