"""Mapped pages: those of small files stay, those of many files together are bounded."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from graphspec.diagnostics import SourceText
from graphspec.sources import load, mapped_file
from graphspec.sources.source import DataSource

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def resident(folder: Path) -> int:
    """Return the bytes of mapped files in `folder` that count as memory of this process."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        if "-" in line.split(" ")[0]:
            inside = str(folder) in line
        elif inside and line.startswith("Rss:"):
            total += int(line.split()[1]) * 1024
    return total


def shards(folder: Path, count: int) -> DataSource:
    for number in range(count):
        np.save(folder / f"{number:02}.npy", np.full((1 << 10, 256), number, np.float32))  # 1 MiB
    span = SourceText("spec", "").first_line
    return DataSource(path=folder / "*.npy", text="*.npy", span=span)


def test_pages_of_many_shards_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many shards are read, no more of them than the bound is mapped, and what is read is right."""
    monkeypatch.setattr(mapped_file, "MAX_MAPPED", 4 << 20)
    column = load(shards(tmp_path, 16))
    rows = np.arange(0, len(column), 37)
    for at in np.array_split(rows, 40):
        assert (column[at][:, 0] == at // 1024).all()
        assert resident(tmp_path) <= 5 << 20


def test_small_files_stay_mapped(tmp_path: Path) -> None:
    """Reading small samples at random again and again releases nothing."""
    column = load(shards(tmp_path, 2))
    order = np.random.default_rng(0).permutation(len(column))
    column[order]
    assert resident(tmp_path) > 2 << 20
    for at in np.array_split(np.tile(order, 20), 20):
        column[at]
        assert resident(tmp_path) > 2 << 20
