"""A command of graphspec as a line that a shell takes as it is printed."""

from __future__ import annotations

import shlex


def command_line(*words: object) -> str:
    """Return `graphspec` with `words`, each quoted where a shell would read it as something else."""
    return " ".join(["graphspec", *(_quoted(str(word)) for word in words)])


def path_word(path: object) -> str:
    """Return a path as a word of a command line: one that begins with a dash would be read as an option."""
    text = str(path)
    return f"./{text}" if text.startswith("-") else text


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
