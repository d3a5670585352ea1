"""The commands of the pages in a fresh checkout; pages for newcomers are followed to the letter, files and code too."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import keras
import pytest
from click.testing import CliRunner

from graphspec import Study, train
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

REFERENCE = (
    *("ci", "data", "decompile", "diff", "editors", "export", "language", "new", "plot"),
    *("predict", "render", "rules", "runs", "scale", "training", "validate"),
)
"""Pages of docs/ that show single commands, in no order."""
NOT_RUN = re.compile(
    r"^graphspec (train (?!.*epochs=1$)|verify-resume |launch (?!.*--emit))"  # long
    r"|--watch|--to (onnx|litert)|[<>]"  # without an end, or for a shell
    r"|\b(houses|people|new|x|digits)\.\w+\b"  # files of the reader
)
"""What lines of the reference are not run for."""


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
    for words in ("init -q -b main", "add specs", "commit -q -m one", "commit -q -m two --allow-empty"):
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


def write(how: str, file: str, text: str) -> None:
    """Write a file, or add to it, as a step of a page says."""
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    with Path(file).open("a" if how == "Add to" else "w", encoding="utf-8") as stream:
        stream.write(text)


def run(line: str) -> None:
    """Run a line that begins with `graphspec`, and see it succeed."""
    program, *words = shlex.split(line, comments=True)
    assert program == "graphspec", line
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, f"{line}\n{done.output}"


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page_can_be_followed(page: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each file is written, each command succeeds, and the code runs."""
    monkeypatch.chdir(checkout)
    names: dict[str, object] = {}
    for kind, file, text in steps(page):
        if file:
            write(kind, file, text)
        elif kind == "python":
            exec(text, names)
        elif not text.startswith(OTHERS):
            run(text)


@pytest.fixture(scope="module")
def trained(checkout: Path) -> Path:
    """The checkout with two short runs of the wines, and a small model of Keras in each kind of file."""
    for name in ("first", "second"):
        train(
            checkout / "specs" / "wine.yaml", overrides=["training.epochs=1"], run_dir=checkout / "runs" / "wine" / name
        )
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    for name in ("model.keras", "model.h5"):
        model.save(checkout / name)
    for name in ("config.json", "model.json"):
        (checkout / name).write_text(model.to_json(), encoding="utf-8")
    (checkout / "my_layers.py").touch()
    return checkout


@pytest.mark.slow
@pytest.mark.parametrize("name", REFERENCE)
def test_commands_of_the_reference_run(name: str, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command succeeds that neither takes long nor names a file of the reader."""
    monkeypatch.chdir(trained)
    lines = [text for kind, _, text in steps(ROOT / "docs" / f"{name}.md") if kind == "sh"]
    lines = [line for line in lines if line.startswith("graphspec ") and not NOT_RUN.search(line.partition(" #")[0])]
    assert lines
    for line in lines:
        run(line)


@pytest.mark.slow
def test_commands_of_the_search_run(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command of docs/tune.md succeeds, with few trials of an epoch in the place of many."""
    monkeypatch.chdir(checkout)
    trials = 0
    lines = [text for kind, _, text in steps(ROOT / "docs" / "tune.md") if kind == "sh"]
    for line in lines:
        if line.startswith("graphspec tune"):
            trials += 1
            run(f"{line} --trials {trials}" + ("" if "--resume" in line else " --set training.epochs=1"))
            study = max(Path("studies/wine").iterdir())
            assert len(Study.at(study).trials) == trials
        else:
            run(re.sub(r"studies/wine/[^/]+", str(study), line))
    assert trials >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_specs_of_pages_are_formatted(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`graphspec fmt` leaves a spec of a newcomer as it is, after each addition."""
    monkeypatch.chdir(tmp_path)
    for kind, file, text in steps(page):
        if file.endswith((".yaml", ".json")):
            write(kind, file, text)
            run(f"graphspec fmt --check {file}")


def test_pages_have_steps() -> None:
    """The test above has something to test: the README trains, and each page for newcomers has commands."""
    commands = [text for kind, _, text in steps(PAGES[0]) if kind == "sh"]
    assert len([line for line in commands if line.startswith("graphspec train")]) >= 2
    assert {path for path in TUTORIALS.glob("*.md") if path.stem != "index"} <= set(PAGES)
