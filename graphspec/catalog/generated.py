"""The generated files of the catalogue, each read once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read_generated(name: str) -> dict[str, Any]:
    """Return what a JSON file of the catalogue holds; nobody changes it.

    Args:
        name: The file, such as `keras.json`.
    """
    loaded: dict[str, Any] = json.loads(files("graphspec.catalog").joinpath(name).read_text(encoding="utf-8"))
    return loaded
