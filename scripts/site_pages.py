"""The pages of the documentation site that are written from the code: rules, commands, layers and specs."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click

from graphspec import SpecError, catalog, load
from graphspec.catalog import KINDS, REQUIRED, SINGULAR, Entry, Kind
from graphspec.catalog.usable_names import UNUSABLE, usable_names
from graphspec.cli.main import COMMANDS, main
from graphspec.diagnostics.rules import RULES
from graphspec.drawing import Drawings, svg_file

ROOT = Path(__file__).resolve().parent.parent
RULE_PAGES = ROOT / "graphspec" / "diagnostics" / "rules"
REFERENCE: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind != "layers")
"""The kinds of objects whose names share one page."""
TALLEST = 1600
"""The height in pixels that a drawing is shrunk from to that of a window without getting illegible."""
UNLISTED = "---\nhide: [navigation]\n---\n\n"
"""The head of a page that a list leads to, and not the navigation: it leaves no column for that."""
LISTING = "---\nhide: [navigation]\nsearch: {boost: 0.2}\n---\n\n"
"""The head of a page that is all spec: it holds many words, and a search finds pages that explain them first."""


def rule_pages() -> Iterator[tuple[str, str]]:
    """Yield the page of every rule, as `graphspec explain` shows it."""
    for code, rule in RULES.items():
        title, _, body = (RULE_PAGES / f"{code}.md").read_text(encoding="utf-8").partition("\n")
        fix = " `graphspec validate --fix` fixes it where the meaning is clear." if rule.fixable else ""
        about = f"*{rule.severity.value.capitalize()}*, one of [all rules](../rules.md).{fix}"
        yield f"rules/{code}.md", f"{UNLISTED}{title}\n\n{about}\n{body}"


def command_pages() -> Iterator[tuple[str, str]]:
    """Yield the page of every command, with its help word for word, and the page that lists them."""
    rows = []
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        assert command is not None
        rows.append(f"| [`graphspec {name}`]({name}.md) | {_cell(command.get_short_help_str(200))} |")
        yield f"commands/{name}.md", UNLISTED + "\n".join(_command(command, f"graphspec {name}", level=1))
    head = "# Commands\n\nExit status: 0 clean, 1 findings or a failed run, 2 wrong usage, 3 an internal error.\n\n"
    yield "commands/index.md", head + "\n".join(["| command | what it does |", "|---|---|", *rows]) + "\n"


def _command(command: click.Command, path: str, *, level: int) -> Iterator[str]:
    context = click.Context(command, info_name=path, max_content_width=80, terminal_width=80)
    yield f"{'#' * level} {path}\n"
    if level == 1:
        yield "One of [all commands](index.md).\n"
    yield f"```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _command(each, f"{path} {name}", level=level + 1)


def catalog_pages() -> Iterator[tuple[str, str]]:
    """Yield a page for every layer, one for every other kind of object, and the page that lists the layers."""
    rows = []
    for name in usable_names("layers"):
        entry = catalog.find("layers", name)
        assert entry is not None
        rows.append(f"| [`{name}`]({name}.md) | {_cell(entry.doc)} |")
        yield f"layers/{name}.md", UNLISTED + "\n".join(_entry(entry, level=1))
    others = ", ".join(f"[{kind}](../reference/{kind}.md)" for kind in REFERENCE)
    head = (
        f"# Layers\n\nThe layers of Keras {catalog.keras_version()} that a spec can name, each with its arguments. "
        f"Other objects: {others}.\n\n`graphspec layers NAME` shows the same.\n\n"
    )
    yield "layers/index.md", head + "\n".join(["| layer | |", "|---|---|", *rows]) + "\n"
    for kind in REFERENCE:
        parts = [f"# {kind.capitalize()}\n", f"The {kind} that a spec can name.\n"]
        for name in usable_names(kind):
            entry = catalog.find(kind, name)
            if entry is None or not catalog.names(kind):
                parts.append(f"- `{name}`")
            else:
                parts += _entry(entry, level=2, title=name)
        yield f"reference/{kind}.md", "\n".join(parts) + "\n"


def _entry(entry: Entry, *, level: int, title: str = "") -> Iterator[str]:
    name = title or entry.name
    yield f"{'#' * level} {name}\n"
    yield f"{html.escape(entry.doc, quote=False)}\n"
    if entry.name in UNUSABLE:
        yield f"A spec cannot use it: {UNUSABLE[entry.name]}.\n"
    if level == 1:
        needed = ", ".join(f"{argument}: ..." for argument in entry.required)
        example = f"{name}: {{{needed}}}" if needed else name
        yield f"One of [all layers](index.md) of Keras. In a spec it is written\n\n```yaml\n{example}\n```\n"
    docs = catalog.argument_docs(entry.kind, entry.name)
    if entry.arguments:
        yield '<div class="arguments" markdown>\n\n| argument | default | |\n|---|---|---|'
    for argument, default in entry.arguments.items():
        tensors = {"one": "a tensor", "list": "a list of tensors", "each": "any number of tensors"}
        value = "*required*" if default is REQUIRED else f"`{json.dumps(default, ensure_ascii=False)}`"
        if argument in entry.tensors:
            value += f", {tensors[entry.tensors[argument]]}"
        yield f"| `{argument}` | {_escaped_bars(value)} | {_cell(docs.get(argument, ''))} |"
    if entry.arguments:
        yield "\n</div>"
    if entry.is_open:
        yield "\nIt takes any further arguments."
    if not entry.arguments and not entry.is_open:
        yield f"This {SINGULAR[entry.kind]} takes no arguments."
    yield ""


def _cell(text: str) -> str:
    """Return prose as one cell of a table: all but its code and its links is escaped."""
    text = re.sub(r"\]\(\s*(https?:[^()\s]+)\s*\)", r"](\1)", _escaped_bars(" ".join(text.split())))
    parts = re.split(r"(`[^`]+`|\[[^\[\]]+\]\(https?:[^()\s]+\))", text)
    for number in range(0, len(parts), 2):
        parts[number] = re.sub(r"([*_\[\]])", r"\\\1", html.escape(parts[number], quote=False))
    return "".join(parts)


def _escaped_bars(text: str) -> str:
    return text.replace("|", "\\|")


def spec_pages() -> Iterator[tuple[str, str]]:
    """Yield the page of every shipped spec, with its drawing."""
    for path in sorted((ROOT / "specs").rglob("*.yaml")):
        name = path.relative_to(ROOT / "specs").with_suffix("").as_posix()
        text = path.read_text(encoding="utf-8")
        if not re.search(r"^graphspec: 1$", text, re.MULTILINE):
            continue
        page, up = f"specs/{name}.md", "../" * (name.count("/") + 1)
        text = re.sub(r"\A# yaml-language-server.*\n", "", text)
        parts = [f"# {name}\n", f"`specs/{name}.yaml`, one of [all specs]({up}specs.md).\n"]
        drawing = drawing_of(path)
        if drawing:
            parts.append(f"![The graph of {name}]({Path(name).name}.svg)\n")
            yield page.replace(".md", ".svg"), drawing
        yield page, LISTING + "\n".join([*parts, f"```yaml\n{text}```\n"])


def drawing_of(path: Path) -> str:
    """Return the graph of a spec as SVG, as `graphspec plot` draws it; empty where it has findings.

    What would be taller than TALLEST has fewer groups unfolded.
    """
    try:
        spec = load(path)
    except SpecError:
        return ""
    drawings = Drawings.of(spec.graph, spec.model.precision)
    for depth in (None, 2, 1, 0):
        drawing = drawings.draw(0, drawings.unfolded(0, depth))
        if drawing.picture.height <= TALLEST:
            break
    return svg_file(drawing)
