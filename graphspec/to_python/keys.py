"""The keys of `ops.get_item`: text in a spec, `np.s_[...]` in Python."""

from __future__ import annotations

import re

from graphspec.language.slices import key_text, read_key
from graphspec.to_python.frame import DifferentError
from graphspec.to_python.source import Expression, Text, flat

_QUOTED = re.compile(r'(f?)"([^"\\]*)"')


def python_key(written: Expression, values: list[object]) -> Expression:
    """Return the key that Python takes, for one that a spec has as text.

    Args:
        written: The expression for the value of the spec.
        values: The value in each use of the code.

    Raises:
        DifferentError: A parameter holds text, another for each use, which then needs code of its own.
    """
    if not any(isinstance(each, str) for each in values):
        return written
    quoted = _QUOTED.fullmatch(flat(written))
    if quoted is None and any(each != values[0] for each in values):
        raise DifferentError
    is_formatted, text = quoted.groups() if quoted is not None else ("", str(values[0]))
    if is_formatted:
        inner = text.strip().removeprefix("[").removesuffix("]").replace("{", "").replace("}", "")
        parts = inner.replace("null", "None")
    else:
        parts = key_text(read_key(text))
    return Text(f"np.s_[{parts}]" if "," in parts else f"np.s_[{parts},]")
