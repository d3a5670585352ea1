"""Reading of the generated files of the catalogue, each once."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def read_generated(name: str) -> dict[str, Any]:
    """Return the content of a JSON file of the catalogue; it must not be changed.

    Args:
        name: The file, such as `keras.json`.
    """
    loaded: dict[str, Any] = json.loads(files("graphspec.catalog").joinpath(name).read_text(encoding="utf-8"))
    return loaded
