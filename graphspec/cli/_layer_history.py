"""The output of `graphspec layers --since`: in which version of Keras what came or left."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import click

from graphspec.catalog import REQUIRED, Kind, full_name
from graphspec.catalog.generated import known_versions
from graphspec.catalog.history import History, Versions, changes, history_of


def echo_changes(kinds: list[Kind]) -> None:
    """Print what is new, gone or different in each version, the newest first."""
    for older, newer in reversed(list(pairwise(known_versions()))):
        lines = [f"  {each}" for each in changes(older, newer, kinds)] or ["  nothing that a spec can name"]
        click.echo("\n".join([f"Keras {newer}", *lines, ""]))


def echo_history(name: str, kinds: list[Kind], *, as_json: bool) -> bool:
    """Print the history of what has a name; return whether a version of Keras has it.

    Args:
        name: The class, identifier or operation.
        kinds: The kinds of objects that it may be of.
        as_json: Print JSON.
    """
    found = [history for kind in kinds if (history := history_of(kind, name)) is not None]
    if as_json and found:
        content = {"version": 1, "keras": list(known_versions()), "objects": list(map(_data, found))}
        click.echo(json.dumps(content, ensure_ascii=False, indent=1))
    elif found:
        click.echo("\n\n".join(map(_text, found)))
    return bool(found)


def _data(history: History) -> dict[str, Any]:
    return {
        "kind": history.kind,
        "name": history.name,
        "keras": history.versions,
        "arguments": [
            {"name": name, "keras": versions} | _default_data(history.defaults.get(name, {}))
            for name, versions in history.arguments.items()
        ],
    }


def _default_data(defaults: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults that an argument has had, each with the version that began with it."""
    known = [{"since": minor} | ({} if value is REQUIRED else {"value": value}) for minor, value in defaults.items()]
    return {"defaults": known} if known else {}


def _text(history: History) -> str:
    width = max(map(len, history.arguments), default=0)
    rows = {
        name: said
        for name, versions in history.arguments.items()
        if (said := "; ".join([*_lifetime(versions, history.versions), *_defaults(history.defaults.get(name, {}))]))
    }
    oldest, newest = history.versions[0], history.versions[-1]
    span = f"from Keras {oldest} to {newest}" if oldest != newest else f"Keras {newest}"
    rest = f"{'All other' if rows else 'All'} arguments are in every version {span}."
    lifetime = _lifetime(history.versions, known_versions())
    title = f"{full_name(history.kind, history.name)}: {'; '.join(lifetime) or f'in every version {span}'}"
    lines = [f"  {name:<{width}}  {said}" for name, said in rows.items()]
    return "\n".join([title, *([""] if lines else []), *lines, *(["", f"  {rest}"] if history.arguments else [])])


def _lifetime(versions: Versions, known: Versions) -> list[str]:
    """Return in words when something came and left, among the versions in which it could be."""
    known = list(known)
    words = []
    for before, minor in pairwise([None, *known]):
        if minor in versions and before is not None and before not in versions:
            words.append(f"since Keras {minor}")
        elif minor not in versions and before in versions:
            words.append(f"gone in Keras {minor}")
    return words


def _defaults(defaults: dict[str, Any]) -> list[str]:
    """Return in words which defaults an argument has had."""
    words = []
    for number, (minor, value) in enumerate(defaults.items()):
        default = "required" if value is REQUIRED else f"{json.dumps(value, ensure_ascii=False)} by default"
        words.append(f"{default} since Keras {minor}" if number else f"{default} at first")
    return words
