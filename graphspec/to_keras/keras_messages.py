"""Reasons in the messages of Keras, and diagnostics of its exceptions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from graphspec.diagnostics import SpecError

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_WRAPPED = re.compile(r"^Exception encountered when calling [^\n]*\n+", re.MULTILINE)
_ECHO = re.compile(r"\n\s*Arguments received by .*", re.DOTALL)
_GRAPH = re.compile(r"Graph execution error:\s+(Detected at node[^\n]*\n(\s+File [^\n]*\n)+\s*)+")
_NODE = re.compile(r"\n\s*\[\[\{\{node .*", re.DOTALL)
_MAX_LENGTH = 600


def reason(error: BaseException) -> str:
    """Return the message of an error on one line, without colours, arguments and graph tracebacks."""
    text = _ECHO.sub("", _WRAPPED.sub("", _ANSI.sub("", str(error))))
    text = _NODE.sub("", _GRAPH.sub("", text))
    text = " ".join(text.split()) or type(error).__name__
    return text if len(text) <= _MAX_LENGTH else text[:_MAX_LENGTH] + " ..."


@contextmanager
def keras_errors_as(finding: Callable[[str], SpecError]) -> Iterator[None]:
    """Replace an exception by the error that `finding` returns; pass SpecError on."""
    try:
        yield
    except SpecError:
        raise
    except Exception as error:
        raise finding(reason(error)) from error
