"""`graphspec diff`: what it prints, how it exits, and what it makes of every word for a spec."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graphspec.cli import main

Write = Callable[..., Path]

FIRST = """
    graphspec: 1
    inputs: {x: [8]}
    graph:
      hidden: {from: x, apply: [{Dense: {units: 4, activation: relu}}, {Dropout: 0.5}]}
    outputs: {y: {from: hidden, apply: {Dense: 1}, loss: mse}}
    training: {optimizer: sgd}
    """
SECOND = FIRST.replace("units: 4", "units: 6").replace("hidden", "deep").replace("sgd", "adam")


def call(*arguments: object, stdin: str | bytes | None = None) -> Result:
    """Run `graphspec diff` in this process."""
    return CliRunner().invoke(main, ["diff", *map(str, arguments)], input=stdin)


def git(*arguments: str) -> None:
    """Run git in the current folder, with nobody's settings."""
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    names = {f"GIT_{who}_{what}": "a@b.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    subprocess.run(["git", *arguments], check=True, capture_output=True, env={**os.environ, **settings, **names})


@pytest.fixture
def repository(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose only commit holds `spec.yaml`, which has changed since, and a folder `lib`."""
    monkeypatch.chdir(tmp_path)
    write(FIRST)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "blocks.yaml").write_text("graphspec: 1\nlayers: {head: {Dense: 3}}\n", encoding="utf-8")
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    write(SECOND)
    return tmp_path


def test_the_text_says_what_differs(write: Write) -> None:
    """A rename, an argument with both values, shapes, parameters, training and weights, each on a line of its own."""
    first, second = write(FIRST, "a.yaml"), write(SECOND, "b.yaml")
    result = call(first, second)
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{first} → {second}",
        "",
        "graph",
        "    ~ hidden → deep ((batch, 4) → (batch, 6), 36 → 54 parameters)",
        "        renamed",
        "        apply[0].Dense.units: 4 → 6",
        "",
        "training",
        "    ~ optimizer: SGD → Adam",
        "    ~ optimizer.learning_rate: 0.01 → 0.001" if "learning_rate" in result.stdout else "",
        "parameters: 41 → 61 (+20)",
        "weights that carry over: 0 of 2 layers, 0 of 61 parameters",
        "    not, of another shape: deep_dense [8, 4] → [8, 6], y [4, 1] → [6, 1]",
    ]


def test_nothing_differs(write: Write) -> None:
    """The same spec in another form is said to be the same, in every format."""
    first, second = write(FIRST, "a.yaml"), write(FIRST.replace("training", "# a comment\n    training"), "b.yaml")
    assert "no semantic difference" in call(first, second, "--exit-code").stdout
    assert call(first, second, "--exit-code").exit_code == 0
    assert "No semantic difference." in call(first, second, "--format", "markdown").stdout
    assert json.loads(call(first, second, "--format", "json").stdout)["same"] is True


def test_the_exit_status_is_a_finding_only_if_asked(write: Write) -> None:
    """As with git, a difference is no failure without `--exit-code`."""
    first, second = write(FIRST, "a.yaml"), write(SECOND, "b.yaml")
    assert call(first, second).exit_code == 0
    assert call(first, second, "--exit-code").exit_code == 1


def test_json_holds_all_of_it(write: Write) -> None:
    """Every change with its kind, its path and both values; shapes, parameters and weights."""
    found = json.loads(call(write(FIRST, "a.yaml"), write(SECOND, "b.yaml"), "--format", "json").stdout)
    assert found["first"]["parameters"] == 41
    (node,) = found["nodes"]
    assert (node["was"], node["name"], node["part"], node["change"]) == ("hidden", "deep", "graph", "changed")
    assert node["changes"] == [{"aspect": "argument", "path": "apply[0].Dense.units", "before": 4, "after": 6}]
    assert node["after"] == {"shape": [None, 6], "parameters": 54}
    assert [each["path"] for each in found["weights"]["reshaped"]] == ["deep_dense", "y"]
    assert {each["path"] for each in found["settings"]} >= {"training.optimizer"}


def test_markdown_holds_foreign_text_as_code(write: Write) -> None:
    """Nothing of a spec is read as a table, a mention, HTML or a link."""
    hostile = "`|@someone <img src=x> [a](http://b.example) #1"
    ends = json.dumps(
        {"y": {"from": "x", "apply": {"Dense": {"units": 1, "kernel_initializer": {"my>I": {"a": hostile}}}}}}
    )
    spec = '{"graphspec": 1, "plugins": ["mine"], "inputs": {"x": [8]}, "outputs": '
    first = write(f"{spec}{ends.replace('someone', 'nobody')}}}", "a.json")
    result = call(first, write(f"{spec}{ends}}}", "b.json"), "--format", "markdown")
    assert result.exit_code == 0, result.output
    (row,) = [line for line in result.stdout.splitlines() if "@someone" in line]
    assert row.count("|") - row.count("\\|") == 4
    assert "``Dense.kernel_initializer.a: " in row
    outside = "".join(part for number, part in enumerate(row.split("``")) if number % 2 == 0)
    assert "@" not in outside
    assert "<img" not in outside


def test_output_goes_to_a_file(write: Write, tmp_path: Path) -> None:
    """`--output` writes the file whole, without colours, and a folder in its place is a finding."""
    first, second = write(FIRST, "a.yaml"), write(SECOND, "b.yaml")
    assert call(first, second, "-o", tmp_path / "d.txt").exit_code == 0
    assert "hidden → deep" in (tmp_path / "d.txt").read_text(encoding="utf-8")
    failed = call(first, second, "-o", tmp_path)
    assert failed.exit_code == 1
    assert "GS904" in failed.stderr


def test_a_revision_is_compared_with_the_file(repository: Path) -> None:
    """`REVISION:path` is the file of a commit, whatever the working tree holds, or no longer holds."""
    result = call("HEAD:spec.yaml", "spec.yaml")
    assert result.exit_code == 0, result.stderr
    assert "hidden → deep" in result.stdout
    (repository / "spec.yaml").unlink()
    assert "no semantic difference" in call("main:spec.yaml", "HEAD:./spec.yaml").stdout


def test_includes_are_read_from_the_revision(repository: Path, write: Write) -> None:
    """What a spec of a revision includes is that of the revision, and only that."""
    text = FIRST.replace("graphspec: 1", "graphspec: 1\n    include: lib/blocks.yaml").replace("{Dropout: 0.5}", "head")
    write(text)
    git("add", ".")
    git("commit", "-q", "-m", "two")
    (repository / "lib" / "blocks.yaml").write_text("graphspec: 1\nlayers: {head: {Dense: 5}}\n", encoding="utf-8")
    result = call("HEAD:spec.yaml", "spec.yaml")
    assert "~ head: units: 3 → 5 (15 → 25 parameters)" in result.stdout, result.output
    git("rm", "-q", "-f", "--cached", "lib/blocks.yaml")
    git("commit", "-q", "-m", "three")
    missing = call("HEAD:spec.yaml", "spec.yaml")
    assert missing.exit_code == 1
    assert "this revision has no such file" in missing.stderr
    assert "HEAD:spec.yaml:" in missing.stderr


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("HEAD~7:spec.yaml", "git knows no revision `HEAD~7`"),
        ("HEAD:nothing.yaml", "the revision HEAD has no file nothing.yaml"),
        ("HEAD:lib", "lib is a folder in the revision HEAD"),
        ("--output=x:spec.yaml", "begins with `-`"),
        ("HEAD:../outside.yaml", "outside of the git repository"),
        ("HEAD;touch x:spec.yaml", "git knows no revision"),
        ("HEAD^{tree}:spec.yaml", "git knows no revision"),
    ],
)
def test_a_revision_that_is_not_there_is_a_finding(repository: Path, word: str, said: str) -> None:
    """A typo, a folder, an option in the place of a revision: each says what is wrong, and runs nothing."""
    result = call("spec.yaml", "--", word) if word.startswith("-") else call("spec.yaml", word)
    assert result.exit_code == 1, result.output
    assert said in result.stderr
    assert "GS910" in result.stderr
    assert sorted(path.name for path in repository.iterdir()) == [".git", "lib", "spec.yaml"]


def test_a_faulty_revision_names_its_place(repository: Path, write: Write) -> None:
    """A finding in the text of a revision names the revision, since the file now is another one."""
    write(FIRST.replace("units", "unit"))
    git("commit", "-q", "-a", "-m", "two")
    write(FIRST)
    result = call("HEAD:spec.yaml", "spec.yaml")
    assert result.exit_code == 1
    assert "HEAD:spec.yaml:5:" in result.stderr


def test_a_path_from_a_folder_below(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths start at the top of the repository, as for git, and the help says so."""
    monkeypatch.chdir(repository / "lib")
    assert call("HEAD:spec.yaml", "../spec.yaml").exit_code == 0
    result = call("HEAD:blocks.yaml", "../spec.yaml")
    assert "write `HEAD:./blocks.yaml`" in result.stderr


def test_all_specs_since_a_revision(repository: Path, write: Write) -> None:
    """Changed, added, removed and faulty specs are listed; the same ones, libraries and other files are not."""
    for name in ("same.yaml", "gone.yaml", "fixed.yaml"):
        write(FIRST, name)
    (repository / "note.yaml").write_text("a: 1\n", encoding="utf-8")
    git("add", ".")
    git("commit", "-q", "-m", "two")
    write(SECOND.replace("units: 6", "units: 7"))
    write(FIRST.replace("graphspec: 1", "graphspec: 1  # a comment"), "same.yaml")
    write(FIRST, "new.yaml")
    write(FIRST.replace("units", "unit"), "fixed.yaml")
    (repository / "gone.yaml").unlink()
    (repository / "note.yaml").unlink()
    result = call("--since", "HEAD", "--exit-code")
    assert result.exit_code == 1
    assert result.stdout.startswith("3 of 5 specs changed since HEAD, 1 removed\n")
    assert "\n+ new.yaml\n" in result.stdout
    assert "\n- gone.yaml" in result.stdout
    assert "fixed.yaml cannot be compared: 1 error, such as GS202" in result.stdout
    assert "\nspec.yaml\n" in result.stdout
    assert "same.yaml" not in result.stdout
    found = json.loads(call("--since", "HEAD", "--format", "json", "spec.yaml").stdout)
    assert [(each["path"], each["change"]) for each in found["specs"]] == [("spec.yaml", "changed")]
    markdown = call("--since", "HEAD", "--format", "markdown").stdout
    assert "### `spec.yaml`\n" in markdown
    assert "### 🟢 added `new.yaml`" in markdown
    same = call("--since", "HEAD", "same.yaml", "--exit-code")
    assert (same.exit_code, same.stdout) == (0, "no semantic difference in 1 spec since HEAD\n")
    assert call("--since", "HEAD~9").exit_code == 1
    assert call("--since", "HEAD", "nothing").exit_code == 1
    assert call("--since", "HEAD", "-").exit_code == 2


def test_an_included_file_counts_as_part_of_a_spec(repository: Path, write: Write) -> None:
    """A spec whose own text is the same differs if what it includes does."""
    write(FIRST.replace("graphspec: 1", "graphspec: 1\n    include: lib/blocks.yaml").replace("{Dropout: 0.5}", "head"))
    git("commit", "-q", "-a", "-m", "two")
    assert "no semantic difference" in call("--since", "HEAD").stdout
    (repository / "lib" / "blocks.yaml").write_text("graphspec: 1\nlayers: {head: {Dense: 5}}\n", encoding="utf-8")
    assert "~ head: units: 3 → 5" in call("--since", "HEAD").stdout


def test_the_settings_of_a_repository_start_nothing(repository: Path) -> None:
    """What a stranger's repository tells git to run or to fetch is not run and not fetched."""
    evil = f"touch {repository / 'run'}"
    for name, value in {
        "core.fsmonitor": evil,
        "core.pager": evil,
        "core.sshCommand": evil,
        "diff.external": evil,
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": str(repository),
        "remote.origin.promisor": "true",
        "remote.origin.partialCloneFilter": "blob:none",
        "remote.origin.uploadpack": f"{evil};",
        "alias.cat-file": f"!{evil}",
    }.items():
        git("config", name, value)
    blob = subprocess.run(["git", "rev-parse", "HEAD:lib/blocks.yaml"], capture_output=True, text=True, check=True)
    name = blob.stdout.strip()
    (repository / ".git" / "objects" / name[:2] / name[2:]).unlink()
    assert "hidden → deep" in call("HEAD:spec.yaml", "spec.yaml").stdout
    assert call("HEAD:lib/blocks.yaml", "spec.yaml").exit_code == 1
    assert call("--since", "HEAD").exit_code == 0
    assert not (repository / "run").exists()


def test_without_a_repository_or_git(write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both are findings."""
    monkeypatch.chdir(tmp_path)
    write(FIRST)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "this folder is in no git repository" in call("HEAD:spec.yaml", "spec.yaml").stderr
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "there is no git" in call("HEAD:spec.yaml", "spec.yaml").stderr


def test_hostile_words_are_findings(write: Write, tmp_path: Path) -> None:
    """A missing, binary, empty or huge file, a folder without runs, a pipe: no traceback."""
    spec = write(FIRST)
    (tmp_path / "binary.yaml").write_bytes(bytes(range(256)))
    (tmp_path / "empty.yaml").write_bytes(b"")
    (tmp_path / "huge.yaml").write_bytes(b"#" * (9 * 2**20))
    (tmp_path / "bad.keras").write_bytes(b"PK\x03\x04 no archive")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    for name in ("nothing.yaml", "binary.yaml", "empty.yaml", "huge.yaml", "folder", "pipe.yaml", "a\0b", "x" * 5000):
        for words in ((spec, tmp_path / name), (tmp_path / name, spec)):
            result = call(*words)
            assert result.exit_code == 1, (name, result.output)
            assert "error[GS" in result.stderr, name
            assert "Traceback" not in result.stderr


def test_standard_input_is_one_spec(write: Write) -> None:
    """`-` is a spec from standard input, once."""
    assert "hidden → deep" in call("-", write(SECOND), stdin=FIRST.replace("\n    ", "\n")).stdout
    assert call("-", "-", stdin="").exit_code == 2


def test_a_library_is_no_spec(write: Write) -> None:
    """A file that only declares parts for others has no graph to compare."""
    library = write("graphspec: 1\nlayers: {head: {Dense: 3}}", "lib.yaml")
    result = call(write(FIRST), library)
    assert result.exit_code == 1
    assert "GS008" in result.stderr


@pytest.mark.skipif(shutil.which("script") is None, reason="there is no `script` to make a terminal")
def test_a_terminal_gets_colours(write: Write) -> None:
    """What is changed stands out on a terminal."""
    words = f"{sys.executable} -m graphspec diff {write(FIRST, 'a.yaml')} {write(SECOND, 'b.yaml')}"
    done = subprocess.run(["script", "-qec", words, os.devnull], capture_output=True, check=True, timeout=60)
    assert b"\x1b[33m~ hidden" in done.stdout
