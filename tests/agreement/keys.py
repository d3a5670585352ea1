"""Keys and names as the language requires them; anything else is a LanguageError."""

from __future__ import annotations

import re
from typing import Any

from pydantic import ValidationError

from graphspec.language.document.tree import Mapping

from .keras_calls import LanguageError

NAME = r"[A-Za-z_][A-Za-z0-9_-]*"


def as_list(written: Any) -> list[Any]:
    return [] if written is None else list(written) if isinstance(written, list) else [written]


def named_parts(tree: Mapping, part: str) -> dict[str, Any]:
    written = tree[part] if part in tree else Mapping(tree.span)
    if not isinstance(written, Mapping) or not all(re.fullmatch(NAME, name) for name in written):
        raise LanguageError(f"`{part}` is no mapping of names")
    return dict(written)


def check_keys(written: Any, kind: Any) -> None:
    """No other keys than the language's, and those that it requires."""
    if not isinstance(written, Mapping):
        raise LanguageError("no mapping where there should be one")
    fields = {each.alias or name: each for name, each in kind.model_fields.items()}
    if set(written) - set(fields):
        raise LanguageError(f"there is no key {next(iter(set(written) - set(fields)))!r}")
    for name, each in fields.items():
        if each.is_required() and name not in written:
            raise LanguageError(f"there is no {name}")


def check_schema(kind: Any, written: Any) -> None:
    """Plain settings, which never reach Keras, are what the schema of the language says."""
    try:
        kind.model_validate(written)
    except ValidationError as error:
        raise LanguageError(str(error)[:200]) from None
