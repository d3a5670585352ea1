"""Write the table of extras in docs/install.md, with what each takes on the disk.

    python scripts/make_extras_table.py    installs each extra by itself, in the releases of locks/dev.txt, and measures

A size is that of all that an extra brings to an empty environment, the core of graphspec with it, without compiled
bytecode. A test holds that every extra has its line.
"""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path

from graphspec.console.byte_size import byte_size
from graphspec.extras import PURPOSES

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "install.md"
BEGIN, END = "<!-- extras -->", "<!-- end of extras -->"
UV = Path(sys.executable).with_name("uv")

OTHER_PURPOSES = {
    "tensorflow-cpu": "the same as `tensorflow`, without CUDA; smaller on x86",
    "tensorflow-gpu": "the same as `tensorflow`, with NVIDIA's libraries",
    "test": "the tests of graphspec",
    "dev": "the development of graphspec",
    "docs": "the documentation site",
    "mutation": "scripts/mutate.py, which changes the code to see whether tests notice",
}
"""The purposes of the extras that `graphspec doctor` does not try."""

LOCKS = {"docs": "docs"}
"""The lock of each extra that `locks/dev.txt` does not hold."""


def extras() -> dict[str, list[str]]:
    """Return the extras of pyproject.toml with what they require."""
    found: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    return found


def size_of(extra: str, folder: Path) -> int:
    """Install graphspec with `extra` into `folder`, and return the bytes that this takes."""
    lock = ROOT / "locks" / f"{LOCKS.get(extra, 'dev')}.txt"
    command = [UV, "pip", "install", "--quiet", "--target", folder, "--constraint", lock, f"{ROOT}[{extra}]"]
    subprocess.run([str(each) for each in command], check=True)
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")


def table(sizes: dict[str, int]) -> str:
    """Return the table, and the line that says where it was measured."""
    purposes = {**PURPOSES, **OTHER_PURPOSES}
    rows = [f"| `{name}` | {purposes[name]} | {packages(name)} | {byte_size(sizes[name])} |" for name in extras()]
    core = f"| none | validate, format, plot, compare and decompile | | {byte_size(sizes[''])} |"
    machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    releases = ", ".join(f"{name} {version(name)}" for name in ("tensorflow-cpu", "keras"))
    measured = (
        f"Measured on {datetime.date.today().isoformat()}: {machine}, {releases}, the releases of `locks/dev.txt`."
    )
    return "\n".join(
        [BEGIN, "", "| extra | for | brings | installed |", "|---|---|---|---|", core, *rows, "", measured, "", END]
    )


def packages(extra: str) -> str:
    """Return the packages that pyproject.toml names for an extra, without their versions."""
    names = (requirement.split(";")[0] for requirement in extras()[extra])
    short = dict.fromkeys(name.split(">")[0].split("<")[0].split("~")[0].split("=")[0].strip() for name in names)
    return ", ".join(short)


def main() -> None:
    """Measure each extra, and write the page."""
    sizes = {}
    for name in ("", *extras()):
        with tempfile.TemporaryDirectory(dir=Path.home()) as folder:  # on one disk with the cache of uv
            sizes[name] = size_of(name, Path(folder))
        print(f"{name:<16}{byte_size(sizes[name])}", flush=True)
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    PAGE.write_text(f"{before}{table(sizes)}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
