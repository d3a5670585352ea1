"""Every path that a callback of Keras writes is known, and none leads out of the run."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graphspec
from graphspec import catalog
from graphspec.catalog.arguments import CALLBACK_WRITES, FILE_NAMES
from graphspec.catalog.refused import CODE_CARRYING, NOT_APPLIED
from graphspec.run_paths import KEPT, UnsafePathError, run_path

from .callback_specs import codes

_LOOKS_LIKE_A_PATH = re.compile(r"path|file|dir|folder|location|root|metadata|url|uri|host|port$|address|socket|server")

PLAIN = {
    ("TensorBoard", "profile_batch"): "numbers of batches",
}
"""Arguments that look like a path by name or by what Keras says of them, and are none."""


def looks_like_a_path(name: str, argument: str) -> bool:
    said = catalog.argument_docs("callbacks", name).get(argument, "")
    return bool(_LOOKS_LIKE_A_PATH.search(argument) or re.search(r"\b(path|filename|directory|url)\b", said, re.I))


def test_every_path_of_every_callback_of_keras_is_known() -> None:
    """An argument of a callback that looks like a path is in the table, is refused, or is known to be none."""
    for name in set(catalog.names("callbacks")) - set(CODE_CARRYING) - set(NOT_APPLIED):
        entry = catalog.find("callbacks", name)
        assert entry is not None
        known = {CALLBACK_WRITES[name].argument, *FILE_NAMES} if name in CALLBACK_WRITES else set()
        for argument in entry.arguments:
            is_flag = isinstance(entry.arguments[argument], bool)
            if looks_like_a_path(name, argument) and not is_flag and (name, argument) not in PLAIN:
                assert argument in known, f"{name}: {argument} may be a path that nobody checks"
    for name, each in CALLBACK_WRITES.items():
        entry = catalog.find("callbacks", name)
        assert entry is not None
        assert each.argument in entry.arguments


def test_no_callback_of_keras_opens_a_file_that_is_not_in_the_table() -> None:
    """Every module of Keras' callbacks that writes is of a callback that the table or the list of refused ones has."""
    import keras
    from keras.src import callbacks

    writing = re.compile(
        r"\bopen\(|file_utils\.(File|makedirs|copy|rmtree|remove)|\.save\w*\(|create_file_writer|requests\."
    )
    for path in Path(callbacks.__file__).parent.glob("*.py"):
        if path.stem.endswith("_test") or not writing.search(path.read_text(encoding="utf-8")):
            continue
        classes = re.findall(r'keras_export\("keras\.callbacks\.(\w+)"\)', path.read_text(encoding="utf-8"))
        assert classes, path
        for name in classes:
            assert name in {**CALLBACK_WRITES, **NOT_APPLIED, **CODE_CARRYING}, f"keras {keras.__version__}: {name}"


@given(st.text(max_size=60) | st.text(alphabet="./\\~{}:e pochspec.yaml\0", max_size=40))
def test_whatever_is_taken_stays_in_the_run(text: str) -> None:
    """A path that is taken, filled in and joined to a run, lies in it, and is none of its own files."""
    try:
        path = run_path(text, takes_placeholders=True)
    except UnsafePathError:
        return
    values: dict[str, Any] = {each.name: 1 for each in path.placeholders}
    try:
        filled = text.format(**values)
    except ValueError:  # a whole number in a format for others
        filled = text.format(**dict.fromkeys(values, 0.5))
    run = Path("/runs/one")
    resolved = Path("/runs/one", filled)
    assert ".." not in resolved.parts
    assert resolved != run
    assert resolved.is_relative_to(run)
    assert len(filled) < 5_000
    assert resolved.relative_to(run).parts[0].casefold() not in KEPT


def test_a_spec_of_many_callbacks_is_read_in_time(tmp_path: Path) -> None:
    """Thousands of callbacks with deep paths and placeholders take no time worth mentioning."""
    deep = "/".join("ab" for _ in range(15))
    many = ", ".join(f'{{ModelCheckpoint: "{deep}/{number}-{{epoch}}.keras"}}' for number in range(1_000))
    began = time.monotonic()
    codes(tmp_path, many)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("callback", ["RemoteMonitor", "{RemoteMonitor: {root: 'http://localhost:9'}}"])
def test_no_spec_opens_a_connection(tmp_path: Path, callback: str) -> None:
    """`RemoteMonitor`, and a vocabulary on another machine, are findings of their own rule."""
    assert codes(tmp_path, callback) == ["GS515"]
    for url in ("gs://b/w.txt", "https://h/w.txt", "s3://b/w", "hdfs://h/w"):
        for layer in ("StringLookup", "TextVectorization"):
            (tmp_path / "words.yaml").write_text(
                "graphspec: 1\ninputs: {w: {shape: [1], dtype: string}}\n"
                f"outputs: {{y: {{from: w, apply: [{{{layer}: {{vocabulary: '{url}'}}}}]}}}}\n",
                encoding="utf-8",
            )
            assert [each.rule.code for each in graphspec.validate(tmp_path / "words.yaml")] == ["GS515"]
