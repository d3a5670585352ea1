"""What the tests of the language server share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.editor.server.editor import Editor


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    return Editor(tmp_path)
