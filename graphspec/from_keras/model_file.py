"""Readers of model files: `.keras` archives, HDF5 files and JSON configurations. Nothing in them is deserialised."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from graphspec.diagnostics import SpecError
from graphspec.diagnostics.rules import NOT_A_MODEL, UNREADABLE_FILE
from graphspec.extras import require
from graphspec.files import LargeFileError, open_file, read_bytes, reason_of
from graphspec.from_keras.archive import WEIGHTS, Archive, ArchiveState
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.layer_state import NoState, StateSource
from graphspec.from_keras.legacy.hdf5 import SIGNATURE, read_document
from graphspec.from_keras.legacy.upgrade import is_legacy, upgrade

CONFIG = "config.json"
_MAX_CONFIG = 64 * 2**20
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
        weights: Returns the parts of its weights as a `.weights.h5` file; None if it holds none.
    """

    path: Path
    config: dict[str, Any]
    findings: Findings
    state: StateSource = field(default_factory=NoState)
    weights: Callable[[], Iterable[bytes]] | None = None


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
    return ModelFile(path=path, config=config, findings=findings, state=stored, weights=lambda: [stored.weights_file()])


def not_a_model(findings: Findings, reason: str) -> SpecError:
    """Return the error for a file that holds no model. reason: follows the name of the file."""
    findings.add(NOT_A_MODEL, f"{findings.name} {reason}", expected="a model that Keras wrote", help=f"name {_HELP}")
    return SpecError(findings.report)


def _archive(path: Path, findings: Findings) -> ModelFile:
    archive = Archive(path, lambda reason: not_a_model(findings, reason))
    try:
        text = archive.read(CONFIG, _MAX_CONFIG).decode("utf-8")
    except UnicodeDecodeError:
        raise not_a_model(findings, f"has a {CONFIG} that is no text") from None
    config = _parsed(text, findings)
    if is_legacy(config):
        return _of_older_keras(path, config, findings, has_weights=WEIGHTS in archive.names)
    return ModelFile(
        path=path,
        config=config,
        findings=findings,
        state=ArchiveState(archive, config),
        weights=(lambda: archive.parts(WEIGHTS)) if WEIGHTS in archive.names else None,
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
