"""`graphspec layers`."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from typing import NoReturn

import click

from graphspec import catalog
from graphspec.catalog import KINDS, REQUIRED, SINGULAR, Entry, Kind
from graphspec.catalog.history import in_words, versions_with
from graphspec.catalog.refused import RETIRED_NAMES
from graphspec.catalog.usable_names import UNUSABLE, usable_names
from graphspec.cli.candidates import catalog_names
from graphspec.cli.options import keras_option
from graphspec.console.echo import echo
from graphspec.diagnostics.suggest import a, did_you_mean


@click.command()
@click.argument("name", required=False, metavar="[NAME]", shell_complete=catalog_names)
@click.option("--kind", type=click.Choice(KINDS), help="Only names of this kind.")
@click.option("--of", "origin", metavar="MODEL", help="The layers inside a model, which `taps` can name.")
@click.option("--since", is_flag=True, help="Tell in which version of Keras NAME and its arguments came or left.")
@click.option("--json", "as_json", is_flag=True, help="With --since NAME, print JSON.")
@keras_option()
def layers(name: str | None, kind: Kind | None, origin: str | None, since: bool, as_json: bool) -> None:
    """List the layers, operations, losses, metrics, optimizers and so on that a spec can use, or describe NAME.

    The list is that of the installed Keras, or of the one that `--keras` names; TensorFlow is not loaded.

    \b
    graphspec layers                       list all names by kind
    graphspec layers --kind losses         list those of one kind
    graphspec layers LSTM                  describe it, its arguments and their defaults
    graphspec layers ops.image.resize
    graphspec layers LSTM --since          tell since which version of Keras it has each argument
    graphspec layers --since               tell what is new in each version
    graphspec layers --of application:ResNet50
    graphspec layers --of preset:./resnet_tiny
    graphspec layers --of model.keras
    """
    if origin is not None:
        if name is not None or kind is not None or since:
            raise click.UsageError("--of lists the layers of one model: leave out NAME, --kind and --since")
        _list_inner(origin)
        return
    kinds = [kind] if kind is not None else list(KINDS)
    if as_json and (name is None or not since):
        raise click.UsageError("--json needs --since and a NAME")
    if since:
        from graphspec.cli._layer_history import echo_changes, echo_history

        if name is None:
            echo_changes(kinds)
        elif not echo_history(name, kinds, as_json=as_json):
            _refuse_unknown(name, kinds)
        return
    if name is None:
        click.echo("\n\n".join(_listed(each, with_title=kind is None) for each in kinds))
        return
    descriptions = [text for each in kinds if (text := _described(each, name))]
    if not descriptions:
        _refuse_unknown(name, kinds)
    click.echo("\n\n".join(descriptions))


def _refuse_unknown(name: str, kinds: list[Kind]) -> NoReturn:
    """Say that no object has this name, and exit with 1."""
    echo(_unknown(name, kinds), err=True)
    sys.exit(1)


def _list_inner(origin: str) -> None:
    """Print name, class and output shape of the layers of a model, one a line. Exits with 1 where there is none."""
    from graphspec.to_keras.external_models import inner_layers

    rows = inner_layers(origin)
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)] if rows else []
    for each, class_name, shape in rows:
        echo(f"{each:{widths[0]}}  {class_name:{widths[1]}}  {shape}")


def _listed(kind: Kind, *, with_title: bool) -> str:
    names = usable_names(kind)
    if not with_title:
        return "\n".join(names)
    lines = textwrap.wrap(
        "  ".join(names), _width(), initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
    )
    return "\n".join([f"{kind} ({len(names)})", *lines])


def _width() -> int:
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 140))


def _described(kind: Kind, name: str) -> str:
    """Return the description of `name` as one of `kind`; empty if it is none."""
    entry = catalog.find(kind, name)
    if entry is None:
        if not catalog.is_identifier(kind, name):
            return ""
        return f"{name}: {a(SINGULAR[kind])} of Keras, a function; it takes no arguments"
    also = [each for each, target in catalog.identifiers(kind).items() if target == entry.name]
    lines = [catalog.full_name(kind, entry.name), f"  {entry.doc}"]
    if also:
        lines.append(f"  Also written {', '.join(also)}.")
    if entry.name in UNUSABLE:
        lines.append(f"  A spec cannot use it: {UNUSABLE[entry.name]}.")
    return "\n".join([*lines, "", *_arguments(entry)])


def _arguments(entry: Entry) -> list[str]:
    width = max(map(len, entry.arguments), default=0)
    docs = catalog.argument_docs(entry.kind, entry.name)
    rows: list[str] = []
    for argument, default in entry.arguments.items():
        value = "required" if default is REQUIRED else json.dumps(default, ensure_ascii=False)
        tensors = {"one": "a tensor", "list": "a list of tensors", "each": "any number of tensors"}
        if argument in entry.tensors:
            value = f"{value}; takes {tensors[entry.tensors[argument]]}"
        rows.append(f"  {argument:<{width}}  {value}")
        rows += textwrap.wrap(docs.get(argument, ""), _width(), initial_indent="      ", subsequent_indent="      ")
    if entry.is_open:
        rows.append("  ...  any further arguments")
    return rows or ["  It takes no arguments."]


def _unknown(name: str, kinds: list[Kind]) -> str:
    if name in UNUSABLE or name in RETIRED_NAMES:
        return f"A spec cannot use `{name}`: {UNUSABLE.get(name) or RETIRED_NAMES[name]}."
    versions = [each for kind in kinds for each in versions_with(kind, name)]
    if versions:
        return f"`{name}` needs {in_words(versions)}: `graphspec layers {name} --keras {versions[-1]}` describes it"
    known = [each for kind in kinds for each in (*usable_names(kind), *catalog.identifiers(kind))]
    noun = f"{SINGULAR[kinds[0]]} " if len(kinds) == 1 else ""
    help = did_you_mean(name, known) or did_you_mean(f"ops.{name}", known, "`graphspec layers` lists all names")
    return f"Keras {catalog.keras_version()} has no {noun}`{name}`: {help}"
