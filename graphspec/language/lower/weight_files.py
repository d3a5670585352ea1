"""`kernel_initializer: {file: vectors.npy}`: a weight filled from a file, where Keras expects an initializer."""

from __future__ import annotations

from pathlib import Path

from graphspec.diagnostics import Report
from graphspec.diagnostics.rules import UNKNOWN_FORMAT, UNKNOWN_KEY
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.graph import Object
from graphspec.language.lower.files import folder_of
from graphspec.sources import Source

FILE = "file"
_KEYS = (FILE, "key")
_SUFFIXES = (".npy", ".npz")


def is_weight_file(written: Located) -> bool:
    """Whether an initializer is written as a file: a mapping with the key `file`."""
    return isinstance(written.value, Mapping) and FILE in written.value


def read_weight_file(written: Located, report: Report) -> Object | None:
    """The initializer that fills a weight from the file; None, with findings, where it names none that can be read.

    The path is relative to the file that writes it. The build checks that its array has the shape of the weight.
    """
    for key, _ in written.value.entries():
        if key.value not in _KEYS:
            report.add(
                UNKNOWN_KEY,
                f"there is no key `{key.value}` for a weight from a file",
                key.span,
                expected=f"one of {one_of(_KEYS)}",
                help=did_you_mean(key.value, _KEYS, "a weight is taken as it is, without transforms"),
            )
            return None
    file, part = written.value.located(FILE), written.value.located("key")
    if not isinstance(file.value, str) or Path(file.value).suffix.lower() not in _SUFFIXES:
        found = f"`{file.value}`" if isinstance(file.value, str) else kind_of(file.value)
        report.add(
            UNKNOWN_FORMAT,
            f"{found} is no file that weights are read from",
            file.span,
            expected=f"a file that ends in {one_of(_SUFFIXES)}",
        )
        return None
    path = folder_of(file.span, Path()) / file.value
    key_name = part.value if isinstance(part.value, str) else None
    source = Source(path, file.value, file.span, key_name, spans={FILE: file.span, "key": part.span})
    return Object("initializers", FILE, {FILE: source}, written.span)
