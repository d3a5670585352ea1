"""The language server keeps the promises of `validate` for any text that is typed and any folder that is opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from .cases import CASES
from .cases.case import BASE, CODE, Case, each
from .cases.contents import link, pipe, sparse
from .editor_session import ANSWERED, message, session_text
from .sandbox import Sandbox

_WORKSPACES = [
    Case("a text of 8 MiB", BASE + "#" + "x" * 2**23),
    Case("deep nesting", BASE + "graph: " + "[" * 100_000),
    Case(
        "anchors that multiply",
        "graphspec: 1\na: &a [1, 1, 1]\n" + "".join(f"a{n}: &a [*a, *a, *a]\n" for n in range(20)),
    ),
    Case("an include that is a pipe", "include: [part.yaml]\n" + BASE, {"part.yaml": pipe}),
    Case("an include that is a device", "include: [part.yaml]\n" + BASE, {"part.yaml": link("/dev/zero")}),
    Case(
        "an include of a secret",
        "include: [../outside/secret.env]\n" + BASE,
        hides=("hunter2",),
        reads=("../outside/secret.env",),
    ),
    Case(
        "a workspace of odd files",
        files={
            **{f"a{n}.yaml": odd for n, odd in enumerate((pipe, link("/dev/zero"), link("a1.yaml"), sparse(2**34)))},
            "up": link(".."),
            "conftest.py": CODE,
        },
    ),
    Case("code beside", "plugins: [evil]\n" + BASE, {"evil.py": CODE, "keras.py": CODE, "yaml.py": CODE}),
    Case("settings of a pipe", files={"pyproject.toml": pipe}),
    Case(
        "hostile settings",
        files={"pyproject.toml": '[tool.graphspec]\nkeras = "../../evil"\nexclude = ["' + "*" * 9_999},
    ),
]
_SAMPLE = [replace(case, slow=number % 5 != 0) for number, case in enumerate(CASES[::12])]
"""Each twelfth case of the table; `validate`, which reads them alike, is put to all."""


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A process for servers alone, which keep what they load."""
    with Sandbox(tmp_path_factory.mktemp("home")) as made:
        yield made


@each([*_WORKSPACES, *_SAMPLE])
def test_hostile_workspace_is_served_and_nothing_else_happens(case: Case, place: Path, serving: Sandbox) -> None:
    """Whatever is opened, all features answer; nothing is executed, connected to, written, or read beside it."""
    case.lay_out(place)
    text = case.spec.decode("utf-8", "replace") if isinstance(case.spec, bytes) else case.spec
    session = session_text(str(place / "project"), "spec.yaml", text)
    result = serving.run(place, ["server"], case.limits(place), session, seconds=2 * case.seconds)
    assert (result.wrong(), result.status) == ([], 0)
    assert ANSWERED in result.output
    assert not [each for each in case.hides if each in result.output]


_FRAMES = {
    "a negative length": "Content-Length: -1\r\n\r\n",
    "a length of words": "Content-Length: many\r\n\r\n",
    "no length": "hello\r\n\r\n",
    "no JSON": "Content-Length: 5\r\n\r\n{{{{{",
    "no object": "Content-Length: 2\r\n\r\n[]",
    "deep JSON": "Content-Length: 200000\r\n\r\n" + "[" * 200_000,
    "no method": message("", id="x"),
    "parameters of another kind": message("textDocument/didOpen", {"textDocument": {"uri": 5}}),
    "a command": message("workspace/executeCommand", {"command": "touch pwned", "arguments": []}, "x"),
    "a URI of another scheme": message(
        "textDocument/didOpen",
        {"textDocument": {"uri": "http://127.0.0.1:9/spec.yaml", "languageId": "yaml", "version": 1, "text": BASE}},
    ),
}


def test_malformed_messages_are_passed_over(place: Path, serving: Sandbox) -> None:
    """After messages that are none, the next one is answered."""
    case = Case("plain")
    case.lay_out(place)
    session = "".join(_FRAMES.values()) + session_text(str(place / "project"), "spec.yaml", BASE)
    result = serving.run(place, ["server"], case.limits(place), session)
    assert (result.wrong(), result.status) == ([], 0)
    assert ANSWERED in result.output


def test_message_without_an_end_is_a_finding(place: Path, serving: Sandbox) -> None:
    """A length that no memory holds ends the server, and is no failure of graphspec."""
    case = Case("plain")
    case.lay_out(place)
    result = serving.run(place, ["server"], case.limits(place), f"Content-Length: {10**30}\r\n\r\n{{}}")
    assert (result.wrong(), result.status) == ([], 1)
