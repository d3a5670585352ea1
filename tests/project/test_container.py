"""The image of Containerfile, as far as its text tells: `make package` runs its steps, no engine is needed."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import yaml

from graphspec.cli.main import COMMANDS

from ..scripts import SCRIPTS, load_script

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "Containerfile").read_text(encoding="utf-8")
INSTRUCTIONS = [line.split(maxsplit=1) for line in TEXT.splitlines() if re.match(r"[A-Z]+ ", line)]


def arguments(instruction: str) -> list[str]:
    """The arguments of each instruction of one kind."""
    return [text for name, text in INSTRUCTIONS if name == instruction]


def test_the_image_is_slim_and_runs_as_nobody_special() -> None:
    """Both stages have the same slim Python of one version; the last is no root, and its command is graphspec."""
    images = {text.split()[0] for text in arguments("FROM")}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-\w+", images.pop())
    assert arguments("USER") == ["graphspec"]
    assert yaml.safe_load(arguments("ENTRYPOINT")[0]) == ["graphspec"]
    names = [name for name, _ in INSTRUCTIONS]
    assert names.index("USER") < names.index("ENTRYPOINT")


def test_the_image_installs_by_the_script_that_ci_runs() -> None:
    """The step that installs is container/install.sh, into the folder that the last stage takes and has on its path."""
    script, target = shlex.split(arguments("RUN")[0])
    source, inside = arguments("COPY")[0].split()
    assert source == "."
    assert os.access(ROOT / Path(script).relative_to(inside), os.X_OK)
    assert arguments("COPY")[1].split() == ["--from=build", target, target]
    assert f"PATH={target}/bin:$PATH" in arguments("ENV")[0]


def test_the_context_is_small(tmp_path: Path) -> None:
    """An engine sees the package and what its installation reads; no test, no run and no folder of git."""
    load_script(SCRIPTS / "check_package.py").copy_context(tmp_path / "source")
    assert sorted(each.name for each in (tmp_path / "source").iterdir()) == [
        *("LICENSE", "README.md", "container", "docs", "graphspec", "locks", "pyproject.toml"),
    ]
    assert sum(each.stat().st_size for each in (tmp_path / "source").rglob("*")) < 20e6


def test_the_command_in_its_head_exists() -> None:
    """The line that shows how to train names a command of graphspec."""
    (command,) = re.findall(r"graphspec (\w+) spec\.yaml", TEXT)
    assert command in COMMANDS
