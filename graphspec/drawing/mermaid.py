"""A drawing → the text of a Mermaid flowchart, which GitHub, GitLab and many editors show in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from graphspec.diagnostics.escapes import escaped
from graphspec.drawing.drawings import Drawings
from graphspec.drawing.faces import Face
from graphspec.drawing.view import BoxView, view_of
from graphspec.version import __version__

GENERATOR = "%% graphspec plot"
"""The first line of a file, which shows that it may be replaced."""

_SPECIAL = re.compile(r"[^\w ,.:=+*/()\[\]{}×·…→-]")
"""Characters that Mermaid or HTML might read as their own in a quoted text: they are written by their numbers."""

_CLASSES = (
    "classDef input fill:#ccfbf1,stroke:#0d9488,color:#0f172a",
    "classDef output fill:#e0e7ff,stroke:#4f46e5,color:#0f172a",
    "classDef node fill:#ffffff,stroke:#94a3b8,color:#0f172a",
    "classDef block fill:#e2e8f0,stroke:#94a3b8,color:#0f172a",
    "classDef group fill:#f8fafc,stroke:#94a3b8,color:#0f172a",
)


def mermaid_text(drawings: Drawings, depth: int | None) -> str:
    """Return a flowchart, with groups unfolded to a depth, by default while it stays readable."""
    boxes, links = view_of(drawings.diagrams, drawings.unfolded(0, depth))
    every = [each for box in boxes for each in box.within()]
    numbers = {each.path: f"n{number}" for number, each in enumerate(every)}
    lines = [f"{GENERATOR} {__version__}: {escaped(drawings.graph.name)}", "flowchart TD"]
    for box in boxes:
        lines += _box(box, drawings, numbers, 1)
    titles = {each.path: drawings.faces[id(each.box)].title for each in every}
    for start, end, text in links:
        plain = not text or text == titles[start] or re.fullmatch(r"[\w-]+", text) is not None
        lines.append(
            f"  {numbers[start]} --> {numbers[end]}"
            if plain
            else f'  {numbers[start]} -- "{_text(text)}" --> {numbers[end]}'
        )
    lines += [f"  {each}" for each in _CLASSES]
    groups = [numbers[each.path] for each in every if each.boxes]
    lines += [f"  class {','.join(groups)} group"] if groups else []
    return "\n".join(lines) + "\n"


def is_mermaid_file(first: bytes) -> bool:
    """Return whether a file that begins with `first` is a flowchart of graphspec."""
    return first.startswith(GENERATOR.encode())


def _box(view: BoxView, drawings: Drawings, numbers: dict[str, str], depth: int) -> Iterator[str]:
    space, number, face = "  " * depth, numbers[view.path], drawings.faces[id(view.box)]
    if view.boxes:
        yield f'{space}subgraph {number}["{_text(face.title)}"]'
        for inner in view.boxes:
            yield from _box(inner, drawings, numbers, depth + 1)
        yield f"{space}end"
        return
    start, end = ('(["', '"])') if view.box.kind == "input" else ('["', '"]')
    kind = "block" if view.box.kind in ("block", "model") else view.box.kind
    yield f"{space}{number}{start}{'<br/>'.join(_lines(face))}{end}:::{kind}"


def _lines(face: Face) -> Iterator[str]:
    if face.title:
        yield f"<b>{_text(f'{face.mark}: {face.title}' if face.mark else face.title)}</b>"
    for number, line in enumerate(face.lines):
        if face.skipped and number == len(face.lines) // 2:
            yield f"… {face.skipped} more"
        yield _text(" ".join(filter(None, (f"{line.mark}:" if line.mark else "", line.text, line.shape))))


def _text(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"#{ord(match[0])};", escaped(text))
