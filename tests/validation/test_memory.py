"""The memory of checks: what a check has made is freed with its result, without a collection of garbage.

A collection visits every object, and nothing else runs meanwhile. A language server would halt at it after each edit.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from graphspec.editor.server.document import Document
from graphspec.garbage import keep_what_is_there, no_collection
from graphspec.validation.check import inspect_file

ROOT = Path(__file__).parents[2]
SPECS = sorted(map(str, (*(ROOT / "specs").rglob("*.yaml"), *(ROOT / "tests" / "rules").glob("*[05]/bad.yaml"))))


def garbage_of(work: Callable[[], object]) -> int:
    """Return how many objects that nobody holds work leaves behind."""
    work()  # what is read once is kept, such as the catalogue
    with no_collection():
        keep_what_is_there()
        work()
        return gc.collect()


def test_a_check_leaves_no_garbage() -> None:
    """Of shipped specs, and of examples of findings. Headers of NumPy's files leave a little."""
    for path in SPECS:
        assert garbage_of(partial(inspect_file, path)) <= 200, path


def test_an_index_of_names_leaves_no_garbage() -> None:
    """Also where models and blocks nest."""
    for path in SPECS:
        text = Path(path).read_text(encoding="utf-8")
        assert garbage_of(partial(indexed, text)) == 0, path


def indexed(text: str) -> int:
    """Return the number of names in a text."""
    names = Document("file:///spec.yaml", "/spec.yaml", text).names
    return len(names.names) if names is not None else 0
