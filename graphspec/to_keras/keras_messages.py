"""What Keras said, cut down to its reason."""

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
_LONGEST = 600


def reason(error: BaseException) -> str:
    """The message of `error` on one line, without the colours and the echo of arguments that Keras puts around it.

    Nor is there the stack of calls that TensorFlow puts before the reason of a failed node, and its name after it.
    """
    text = _ECHO.sub("", _WRAPPED.sub("", _ANSI.sub("", str(error))))
    text = _NODE.sub("", _GRAPH.sub("", text))
    text = " ".join(text.split()) or type(error).__name__
    return text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."


@contextmanager
def keras_errors_as(finding: Callable[[str], SpecError]) -> Iterator[None]:
    """Raise, in the place of what is raised within, the `finding` for its reason. Findings pass as they are."""
    try:
        yield
    except SpecError:
        raise
    except Exception as error:
        raise finding(reason(error)) from error
