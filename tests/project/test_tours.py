"""The pages for newcomers, followed to the letter: their files, commands and code, in order, in a fresh checkout."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from graphspec.cli import main

from .test_docs import ROOT

TUTORIALS = ROOT / "docs" / "tutorials"
PAGES = [
    ROOT / "README.md",
    ROOT / "docs" / "index.md",
    *(TUTORIALS / name for name in re.findall(r"\((\w+\.md)\)", (TUTORIALS / "index.md").read_text(encoding="utf-8"))),
    ROOT / "docs" / "python.md",
    ROOT / "docs" / "elsewhere" / "keras.md",
]
STEP = re.compile(
    r"(?:(?P<how>Write|Add to)\s`(?P<file>[\w./]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
OTHERS = ("make", "pip", ".")
"""The first words of lines that are not run: those that install."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the files that git tracks, with two commits."""
    if not (ROOT / ".git").exists():
        pytest.skip("no repository of git, so that nobody knows which files a fresh checkout has")
    folder = tmp_path_factory.mktemp("checkout")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@b.example")
    for words in ("init -q", "add specs", "commit -q -m one", "commit -q -m two --allow-empty"):
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run([*git, *words.split()], cwd=folder, env=environment, check=True)
    return folder


def steps(page: Path) -> Iterator[tuple[str, str, str]]:
    """Yield what a page says to do: `Write` or `Add to`, with a file and its text; `sh` or `python`, with a text."""
    for found in STEP.finditer(page.read_text(encoding="utf-8")):
        if found["file"]:
            yield found["how"], found["file"], found["text"]
        elif found["kind"] == "sh":
            yield from (("sh", "", line) for line in found["text"].replace("\\\n", "").splitlines())
        elif found["kind"] == "python":
            yield "python", "", found["text"]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_can_be_followed(page: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is written, each command succeeds, and the code runs."""
    monkeypatch.chdir(checkout)
    names: dict[str, object] = {}
    for kind, file, text in steps(page):
        if file:
            with Path(file).open("a" if kind == "Add to" else "w", encoding="utf-8") as stream:
                stream.write(text)
        elif kind == "python":
            exec(text, names)
        else:
            words = shlex.split(text, comments=True)
            if words[0] != "graphspec":
                assert words[0] in OTHERS, text
                continue
            done = CliRunner().invoke(main, words[1:])
            assert done.exit_code == 0, f"{text}\n{done.output}"


def test_pages_have_steps() -> None:
    """The test above has something to test: the README trains, and each page for newcomers has commands."""
    commands = [text for kind, _, text in steps(PAGES[0]) if kind == "sh"]
    assert len([line for line in commands if line.startswith("graphspec train")]) >= 2
    assert {path for path in TUTORIALS.glob("*.md") if path.stem != "index"} <= set(PAGES)
