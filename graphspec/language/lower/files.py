"""Lower the paths of weights and models, relative to their spec file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graphspec.diagnostics import Report, Span
from graphspec.diagnostics.rules import BAD_VALUE, MISSING_KEY, UNKNOWN_FORMAT, UNKNOWN_KEY, WRONG_TYPE
from graphspec.diagnostics.suggest import did_you_mean, kind_of, one_of
from graphspec.language.document.tree import Located, Mapping
from graphspec.language.objects import Object, Weights
from graphspec.sources import DataSource

_KEYS = ("file", "partial")
WEIGHTS_FILES = (".weights.h5", ".keras")


def folder_of(span: Span, folder: Path) -> Path:
    """Return the folder of the file at `span`, by default `folder`, as for standard input."""
    name = span.source.name
    return folder if name.startswith(("-", "<")) else Path(name).parent


def read_path(written: Located, expected: str, folder: Path, report: Report) -> Path | None:
    """Return the path that `written` holds; None, after a diagnostic, where it holds none."""
    if isinstance(written.value, str) and written.value.strip():
        return folder_of(written.span, folder) / written.value
    report.add(WRONG_TYPE, f"{kind_of(written.value)} is not the path of a file", written.span, expected=expected)
    return None


def read_weights(written: Located, folder: Path, report: Report) -> Weights | None:
    """Return the file of weights in `written`, None after a diagnostic."""
    expected = f"the path of a file that ends in {one_of(WEIGHTS_FILES)}, or `{{file: ..., partial: true}}`"
    file, partial = written, Located(None, written.span)
    if isinstance(written.value, Mapping):
        unknown = [key for key, _ in written.value.entries() if key.value not in _KEYS]
        for key in unknown:
            report.add(
                UNKNOWN_KEY, f"there is no key `{key.value}` for a weights file", key.span,
                expected=f"one of {one_of(_KEYS)}", help=did_you_mean(key.value, _KEYS, "remove it"),
            )  # fmt: skip
        if "file" not in written.value:
            if not unknown:
                report.add(
                    MISSING_KEY, "the weights have no `file`", written.span,
                    expected="a key `file` in here", help="write `{file: start.weights.h5, partial: true}`",
                )  # fmt: skip
            return None
        file, partial = written.value.located("file"), written.value.located("partial")
    path = read_path(file, expected, folder, report)
    if path is None or not _is_truth(partial, report):
        return None
    if not path.name.endswith(WEIGHTS_FILES):
        report.add(
            BAD_VALUE, f"`{file.value}` is not a weights file", file.span,
            expected=f"a file that ends in {one_of(WEIGHTS_FILES)}",
            help="write it with Keras: `model.save_weights('start.weights.h5')`, or `model.save('start.keras')`",
        )  # fmt: skip
        return None
    return Weights(path, file.value, file.span, bool(partial.value))


def _is_truth(written: Located, report: Report) -> bool:
    value: Any = written.value
    if value is None or isinstance(value, bool):
        return True
    report.add(WRONG_TYPE, f"`partial` is {kind_of(value)}, not true or false", written.span, expected="true or false")
    return False


FILE = "file"
_ARRAY_KEYS = (FILE, "key")
_SUFFIXES = (".npy", ".npz")


def is_weight_file(written: Located) -> bool:
    """Return whether an initializer is written as a file: a mapping with the key `file`."""
    return isinstance(written.value, Mapping) and FILE in written.value


def read_weight_file(written: Located, report: Report) -> Object | None:
    """Return the initializer that reads a weight from a file, None after a diagnostic.

    The shape of the array is checked when the model is built.
    """
    for key, _ in written.value.entries():
        if key.value not in _ARRAY_KEYS:
            report.add(
                UNKNOWN_KEY,
                f"there is no key `{key.value}` for a weight from a file",
                key.span,
                expected=f"one of {one_of(_ARRAY_KEYS)}",
                help=did_you_mean(key.value, _ARRAY_KEYS, "weights are read without transforms"),
            )
            return None
    file, part = written.value.located(FILE), written.value.located("key")
    if not isinstance(file.value, str) or Path(file.value).suffix.lower() not in _SUFFIXES:
        found = f"`{file.value}`" if isinstance(file.value, str) else kind_of(file.value)
        report.add(
            UNKNOWN_FORMAT,
            f"{found} is not a file that weights can be read from",
            file.span,
            expected=f"a file that ends in {one_of(_SUFFIXES)}",
        )
        return None
    path = folder_of(file.span, Path()) / file.value
    key = part.value if isinstance(part.value, str) else None
    source = DataSource(path=path, text=file.value, span=file.span, key=key, spans={FILE: file.span, "key": part.span})
    return Object("initializers", FILE, {FILE: source}, written.span)
