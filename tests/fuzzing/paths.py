"""A number → a folder of odd files, and specs that name them wherever a spec names a file.

Pipes, devices, links, folders, huge and unreadable files under odd names, in every position of the attack suite. The
folder is laid out, each spec and the whole folder are validated and formatted, and nothing beside it may have changed.
"""

from __future__ import annotations

import math
import random
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from click.testing import CliRunner

from graphspec.cli import main

from ..security.cases import contents
from ..security.cases.case import BASE, Content
from ..security.cases.special_files import KINDS, POSITIONS
from .trial import MEGABYTES
from .watched import SECONDS, Tried, watch

_STEMS = (
    *("a", "a b", "é", "caf\udce9", "a\nb", "\x1b[31m", "\u202ey", "-rf", "--fix", "[a]", "*", "?", "~", "$HOME"),
    *("a" * 200, ".hidden", "...", "con", "a\\b", "#", "{x}", "x", "spec"),
)
_LINKS = (
    *(".", "..", "/", "self", "a", "../a", "x.npy", "/dev/zero", "/dev/full", "/dev/stdin", "/proc/self/fd/0"),
    *("/proc/self/root", "/proc/self/environ", "/dev/fd/0", "/proc/self/mem", "/dev/tty", "nowhere", "spec.yaml"),
)
_GLOBS = ("*", "**/*", "*.npy", "../**/*", "/proc/*", "/dev/**/*", "[a-z]*", "**/**/**/*.png", "?" * 9, "{a,b}*")
_GLOBBED = ("'img/*.png'", "'part-*.npy'")
"""What the specs of those positions write whose files a glob finds."""
_OTHERS: tuple[Content, ...] = (b"", b"\0", b"x", b"PK\x03\x04", b"\x93NUMPY", b"\x89HDF\r\n\x1a\n", b"\xff" * 99, BASE)


def try_paths(seed: int, number: int, folder: Path) -> Tried:
    """Lay out case `number` of `seed` below `folder`, and validate and format what lies there."""
    root = folder / "paths"
    shutil.rmtree(root, ignore_errors=True)
    (root / "project").mkdir(parents=True)
    (root / "victim.yaml").write_text(BASE)
    specs = lay_out(random.Random(f"{seed}:paths:{number}"), root / "project")

    def work() -> tuple[bool, Iterator[str]]:
        found = [*_commands(specs, root / "project"), *_changed(root)]
        return False, iter(found)

    return watch(work, MEGABYTES, math.inf)


def lay_out(chosen: random.Random, project: Path) -> list[Path]:
    """Make odd files and specs in the folder `project`, and return the specs."""
    specs = []
    for number in range(chosen.randint(1, 3)):
        path, text = chosen.choice(list(POSITIONS.values()))
        ending = "".join(Path(path).suffixes)
        names = [
            _place(chosen, project, chosen.choice((ending, ending, ending, ".yaml", ".json", ""))) for _ in range(3)
        ]
        written = next(each for each in (path, *_GLOBBED) if each in text)
        spec = project / f"spec{number}.yaml"
        if not (spec.exists() or spec.is_symlink()):
            spec.write_bytes(text.replace(written, _written(chosen, names)).encode("utf-8", "surrogateescape"))
            specs.append(spec)
    return specs


def _place(chosen: random.Random, project: Path, ending: str) -> str:
    """Make one odd file, and return its path below `project`."""
    name = chosen.choice(_STEMS) + ending
    if chosen.random() < 0.3:
        name = f"{chosen.choice(_STEMS)}/{name}"
    path = project / name
    make: list[Callable[[Path], None]] = [
        lambda path: _fill(path, chosen.choice(list(KINDS.values()))),
        lambda path: contents.link(chosen.choice(_LINKS))(path),
        lambda path: _fill(path, chosen.choice(_OTHERS)),
    ]
    fill = chosen.choice(make)
    folders = [each for each in path.parents if each.is_relative_to(project)]
    if not any(each.is_symlink() for each in (path, *folders)):  # through a link it would be made elsewhere
        with suppress(OSError):  # its folder is a file
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                fill(path)
    return name


def _fill(path: Path, content: Content) -> None:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def _written(chosen: random.Random, names: list[str]) -> str:
    """A path as a spec may write it: of an odd file, of a device, or a glob; in quotes where it takes them."""
    path = chosen.choice((*names * 12, *_LINKS, *_GLOBS))
    path = chosen.choice(("", "", "", "./", "../project/", "a/../", "//", "/proc/self/cwd/")) + path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\x1b", "\\e")
    return f'"{escaped}"'


def _commands(specs: list[Path], project: Path) -> Iterator[str]:
    runner = CliRunner()
    for options in (["validate", "--data"], ["validate", "--jobs", "1"], ["fmt", "--check"], ["fmt", "--diff"]):
        for path in [*(specs if options[-1] in ("--data", "--check") else []), project]:
            began = time.process_time()
            result = runner.invoke(main, [*options, str(path)])
            passed = time.process_time() - began
            if passed > SECONDS * (1 if path != project else len(specs)):
                yield f"it took {passed:.1f} s to {options} {path.name}"
            if result.exit_code not in (0, 1, 2) or "GS902" in result.output:
                yield f"{options} {path.name}: {result.exit_code}, {result.output[-2000:]} {result.exception!r}"


def _changed(root: Path) -> Iterator[str]:
    if (root / "victim.yaml").read_text() != BASE or {each.name for each in root.iterdir()} != {
        "project",
        "victim.yaml",
    }:
        yield "a file beside the project has changed"
