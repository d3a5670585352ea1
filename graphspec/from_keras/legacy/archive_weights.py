"""Weights in a `.keras` archive of Keras 2.12 or later → weights of the layers of Keras 3."""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from graphspec.diagnostics.rules import LEGACY_WEIGHTS
from graphspec.files import open_file, zip_in
from graphspec.from_keras.findings import Findings
from graphspec.from_keras.legacy.hdf5 import READ_ERRORS, DamagedError, short_reason
from graphspec.from_keras.legacy.upgrade import era_of
from graphspec.from_keras.legacy.weights import Arrays, Converter, WeightsError
from graphspec.hdf5_file import open_checked, owned_child

_WEIGHTS = "model.weights.h5"
_MAX_SIZE = 2**34
_MAX_RATIO = 20
"""Bytes that the weights may have, by the size of the archive."""


@dataclass(frozen=True)
class _Group:
    """A group of the file; None where there is none."""

    group: h5py.Group | None

    def at(self, name: str) -> _Group:
        if self.group is None or name not in self.group:
            return _Group(None)
        found = owned_child(self.group, name)
        return _Group(found if isinstance(found, h5py.Group) else None)

    def arrays(self) -> Arrays:
        variables = self.at("vars").group
        found: Arrays = []
        while variables is not None and str(len(found)) in variables:
            dataset = owned_child(variables, str(len(found)))
            if not isinstance(dataset, h5py.Dataset):
                raise DamagedError(f"`{dataset.name}` in it is no array")
            found.append(np.asarray(dataset[()]))
        return found


def read_archive_weights(path: Path, document: dict[str, Any], findings: Findings) -> dict[str, Arrays] | None:
    """Return the weights in a `.keras` archive of Keras 2 as Keras 3 has them, as `read_weights` does.

    Args:
        path: The archive.
        document: The configuration in it.
        findings: Receives a diagnostic if weights do not fit their layers.
    """
    try:
        with open_file(path) as opened, zip_in(opened) as archive:
            limit = min(_MAX_SIZE, max(2**28, _MAX_RATIO * path.stat().st_size))
            if archive.getinfo(_WEIGHTS).file_size > limit:
                raise DamagedError(f"its weights would unpack to more than {limit // 2**20:,} MiB")
            data = io.BytesIO(archive.read(_WEIGHTS))
        with open_checked(data, limit) as file:
            found = Converter(era_of(document), "tensorflow").in_groups(document, _Group(file), "")
    except (*READ_ERRORS, WeightsError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        findings.add(
            LEGACY_WEIGHTS,
            f"the weights in {findings.name} cannot be converted: {short_reason(error)}",
            help='write the model with its weights by `model.save("model.h5")`',
        )
        return None
    return {layer: arrays for layer, arrays in found.items() if arrays}
