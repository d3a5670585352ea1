"""A small spec with a search."""

from __future__ import annotations

from pathlib import Path

import pytest

from .searches import write_spec


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write_spec(tmp_path)
