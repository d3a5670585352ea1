"""Commands of graphspec as lines that can be pasted into a shell."""

from __future__ import annotations

import os
import shlex

RESUME_COMMAND = "GRAPHSPEC_RESUME_COMMAND"
"""The environment variable with the command that resumes the training, set by what starts several workers."""


def command_line(*words: object) -> str:
    """Return `graphspec` with `words`, quoted for a shell."""
    return " ".join(["graphspec", *(_quoted(str(word)) for word in words)])


def path_word(path: object) -> str:
    """Return a path as an argument: `./` is put before a leading dash, which would begin an option."""
    text = str(path)
    return f"./{text}" if text.startswith("-") else text


def resume_command(run: object) -> str:
    """Return the command line that resumes the training of `run`."""
    return os.environ.get(RESUME_COMMAND) or command_line("train", "--resume", path_word(run))


def _quoted(word: str) -> str:
    if word.isprintable():
        return shlex.quote(word)
    # Line breaks and other control characters would leave the line: bash, zsh and ksh read them escaped.
    escaped = "".join(
        f"\\{each}"
        if each in "\\'"
        else each
        if each.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in _bytes(each))
        for each in word
    )
    return f"$'{escaped}'"


def _bytes(character: str) -> bytes:
    return character.encode("utf-8", "surrogateescape")
