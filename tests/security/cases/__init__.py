"""The table of hostile cases. To add one is a line in the module of its kind."""

from __future__ import annotations

from pathlib import Path

from . import code, data_files, models, special_files, texts, writes
from .case import Case

CASES: list[Case] = [
    *writes.CASES,
    *special_files.CASES,
    *texts.DISCLOSURES,
    *texts.EXPRESSIONS,
    *texts.ODD,
    *texts.FOLDERS,
    *data_files.CASES,
    *models.CASES,
    *code.CASES,
]
"""Everything hostile, but for the texts that `test_output_text` puts into every format."""

_SPECS = Path(__file__).resolve().parent.parent.parent.parent / "specs"
SHIPPED = {str(path.relative_to(_SPECS)): path for path in sorted(_SPECS.rglob("*.yaml"))}
"""The shipped specs, by their paths below `specs`."""
