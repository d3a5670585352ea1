"""The scripts that write the catalogue: where each version is kept, and what an upgrade says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from graphspec.catalog.generated import FOLDER, known_versions, newest, number, read_version
from graphspec.catalog.patches import Json, apply
from tests.scripts import SCRIPTS, load_script

NAME = "comparisons.json"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module that scripts write by, with a folder of its own."""
    module = load_script(SCRIPTS / "catalog_files.py")
    monkeypatch.setattr(module, "PACKAGE", tmp_path)
    return module


def text_of(content: Json) -> str:
    return json.dumps(content)


def kept(folder: Path) -> dict[str, Json]:
    """Return what each version is, by the files in a folder alone, the newest first."""
    content: Json = json.loads((folder / NAME).read_text(encoding="utf-8"))
    found = {"newest": content}
    for minor in sorted((each.name for each in (folder / FOLDER).iterdir()), key=number, reverse=True):
        path = folder / FOLDER / minor / NAME
        content = apply(json.loads(path.read_text(encoding="utf-8")), content) if path.exists() else content
        found[minor] = content
    return found


def test_a_new_minor_version_turns_the_newest_into_differences(
    files: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was known of all others is kept."""
    monkeypatch.setattr(files, "INSTALLED", "3.99")
    content = {"keras": "3.99.0", "kinds": {"losses": {"New": {"0": "="}}}}
    files.write(NAME, content, text_of)
    known = kept(tmp_path)
    assert list(known)[:2] == ["newest", newest()]
    assert known["newest"] == content
    assert known[newest()] == read_version(NAME, newest())
    for minor in known_versions()[:-1]:
        assert json.dumps(known.get(minor, known[newest()])) == json.dumps(read_version(NAME, minor))


def test_an_older_version_is_kept_as_differences(files: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The newer and the older ones stay as they are; tuples are lists."""
    monkeypatch.setattr(files, "INSTALLED", "3.12")
    content = {"keras": "3.12.9", "kinds": {"losses": {"Other": ("=", None)}}}
    files.write(NAME, content, text_of)
    known = kept(tmp_path)
    assert known["newest"] == read_version(NAME, newest())
    assert known["3.12"] == {"keras": "3.12.9", "kinds": {"losses": {"Other": ["=", None]}}}
    assert known["3.11"] == read_version(NAME, "3.11")


def test_a_new_version_is_described_in_words() -> None:
    """What `make upgrade-keras` says at its end."""
    command = [sys.executable, str(SCRIPTS / "upgrade_keras.py"), "--changes"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "100"})
    assert done.returncode == 0, done.stderr
    assert f"to {read_version('keras.json', newest())['keras']}\n" in done.stdout
    assert "documented in other words" in done.stdout


def test_the_next_newer_version_is_read(files: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what is known of the installed one: classes with the same code take what they take in the newer one."""
    for minor, newer in pairwise(known_versions()):
        monkeypatch.setattr(files, "INSTALLED", minor)
        assert files.read_newer("values.json") == read_version("values.json", newer)
